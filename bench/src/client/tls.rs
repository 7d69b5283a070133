//! TLS and DEFLATE on the client's side.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::Arc,
};

use miniz_oxide::{
    DataFormat, MZError, MZFlush,
    deflate::{
        core::{CompressorOxide, create_comp_flags_from_zip_params},
        stream::deflate,
    },
    inflate::stream::{InflateState, inflate},
};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::Stream;
use crate::failure::Result;

/// How clients of one run connect: whoever shares it, resumes each other's sessions, as a client
/// does that comes back.
#[derive(Clone, Debug)]
pub(crate) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// One that keeps tickets and comes back with them, or one that is new every time.
    pub(crate) fn new(returning: bool) -> Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth();
        config.resumption = if returning {
            Resumption::in_memory_sessions(256)
        } else {
            Resumption::disabled()
        };
        Ok(Self(Arc::new(config)))
    }

    /// Does the handshake on a connected socket.
    pub(crate) fn open(&self, mut socket: TcpStream) -> Result<Stream> {
        let name = ServerName::try_from("mail.example.test").expect("it is a host's name");
        let mut connection = ClientConnection::new(Arc::clone(&self.0), name)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        Ok(Stream::Tls(Box::new(StreamOwned::new(connection, socket))))
    }
}

/// Takes every certificate: the servers are our own, and made theirs a moment ago. The signatures
/// are checked all the same, so that the handshake costs the client and the server what it costs.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A compressed connection (RFC 4978): raw DEFLATE, flushed at every write.
pub(crate) struct Deflated {
    below: Stream,
    inflate: Box<InflateState>,
    deflate: Box<CompressorOxide>,
    read: Box<[u8]>,
    /// Where in `read` there is something, from and to.
    waiting: (usize, usize),
}

impl Deflated {
    /// Compresses what goes over a connection from here on.
    pub(crate) fn new(below: Stream) -> Self {
        // Level 6, and no header: what zlib's default does in other clients.
        let flags = create_comp_flags_from_zip_params(6, -15, 0);
        Self {
            below,
            inflate: InflateState::new_boxed(DataFormat::Raw),
            deflate: Box::new(CompressorOxide::new(flags)),
            read: vec![0; 16384].into_boxed_slice(),
            waiting: (0, 0),
        }
    }

    pub(super) fn into_below(self) -> Stream {
        self.below
    }
}

impl Read for Deflated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let (from, to) = self.waiting;
            let input = self.read.get(from..to).unwrap_or_default();
            let step = inflate(&mut self.inflate, input, buffer, MZFlush::None);
            self.waiting.0 += step.bytes_consumed;
            if step.bytes_written > 0 {
                return Ok(step.bytes_written);
            }
            match step.status {
                Ok(_) | Err(MZError::Buf) => {}
                Err(_) => return Err(io::ErrorKind::InvalidData.into()),
            }
            if self.waiting.0 == self.waiting.1 {
                let n = self.below.read(&mut self.read)?;
                if n == 0 {
                    return Ok(0);
                }
                self.waiting = (0, n);
            }
        }
    }
}

impl Write for Deflated {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let mut output = vec![0; octets.len() + 1024];
        let mut done = 0;
        loop {
            let input = octets.get(done..).unwrap_or_default();
            let step = deflate(&mut self.deflate, input, &mut output, MZFlush::Sync);
            done += step.bytes_consumed;
            self.below
                .write_all(output.get(..step.bytes_written).unwrap_or_default())?;
            match step.status {
                Ok(_) | Err(MZError::Buf) => {}
                Err(_) => return Err(io::ErrorKind::InvalidData.into()),
            }
            if done == octets.len() && step.bytes_written < output.len() {
                return Ok(octets.len());
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.below.flush()
    }
}
