//! Just enough of a client to prove that the server works: LMTP in, IMAP out.

use std::{io, path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpStream, ToSocketAddrs, UnixStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A conversation in lines.
#[derive(Debug)]
pub(super) struct Client<S> {
    stream: BufReader<S>,
    /// IMAP commands so far: their tags.
    commands: u32,
}

/// A line of an answer, at most, in octets.
const LINE_OCTETS_MAX: u64 = 64 * 1024;

impl Client<UnixStream> {
    /// An LMTP conversation over a Unix socket, past its greeting.
    pub(super) async fn lmtp(socket: &Path) -> io::Result<Self> {
        let mut client = Self::new(UnixStream::connect(socket).await?);
        client.reply(b'2').await?;
        client.ask("LHLO localhost", b'2').await?;
        Ok(client)
    }
}

impl Client<TlsStream<TcpStream>> {
    /// An IMAP conversation in TLS, past its greeting, with a server that has
    /// just this certificate.
    pub(super) async fn imap(address: impl ToSocketAddrs, certificate: &Path) -> io::Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let only = Only {
            certificate: CertificateDer::from_pem_file(certificate).map_err(io::Error::other)?,
            provider: Arc::clone(&provider),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(only))
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let socket = TcpStream::connect(address).await?;
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, socket)
            .await?;
        let mut client = Self::new(stream);
        match client.line().await? {
            greeting if greeting.starts_with("* OK") => Ok(client),
            greeting => Err(unexpected(&greeting)),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    fn new(stream: S) -> Self {
        Self {
            stream: BufReader::new(stream),
            commands: 0,
        }
    }

    /// An LMTP command whose reply begins with that digit.
    pub(super) async fn ask(&mut self, command: &str, digit: u8) -> io::Result<()> {
        self.send(command).await?;
        self.reply(digit).await
    }

    /// Text for LMTP's DATA, whose lines end in LF only and don't begin with dots. With its end.
    pub(super) async fn text(&mut self, text: &str) -> io::Result<()> {
        self.send(&format!("{}.", text.replace('\n', "\r\n")))
            .await?;
        self.reply(b'2').await
    }

    /// An IMAP command that succeeds; gives the lines before the tagged one.
    pub(super) async fn command(&mut self, command: &str) -> io::Result<Vec<String>> {
        self.commands += 1;
        let tag = format!("c{}", self.commands);
        self.send(&format!("{tag} {command}")).await?;
        let mut lines = Vec::new();
        loop {
            let line = self.line().await?;
            match line.strip_prefix(&*tag) {
                Some(rest) if rest.starts_with(" OK") => return Ok(lines),
                Some(_) => return Err(unexpected(&line)),
                None => lines.push(line),
            }
        }
    }

    async fn send(&mut self, line: &str) -> io::Result<()> {
        self.stream.write_all(line.as_bytes()).await?;
        self.stream.write_all(b"\r\n").await?;
        self.stream.flush().await
    }

    /// A reply of LMTP, of one line or several.
    async fn reply(&mut self, digit: u8) -> io::Result<()> {
        loop {
            let line = self.line().await?;
            if line.as_bytes().first() != Some(&digit) {
                return Err(unexpected(&line));
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(());
            }
        }
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        let mut limited = (&mut self.stream).take(LINE_OCTETS_MAX);
        limited.read_line(&mut line).await?;
        if !line.ends_with('\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

/// Trusts one certificate, whoever it was issued to: the server's own, out of its file.
#[derive(Debug)]
struct Only {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Only {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if *certificate == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// Not what was asked for. What the server says has no secret in it.
fn unexpected(line: &str) -> io::Error {
    io::Error::other(format!("unexpected answer: {line}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    #[tokio::test]
    async fn an_imap_command_gives_its_lines_or_fails() {
        let (here, mut there) = duplex(1024);
        let mut client = Client::new(here);
        there
            .write_all(b"* SEARCH 7\r\nc1 OK done\r\nc2 NO [ALERT] no\r\n")
            .await
            .unwrap();
        assert_eq!(client.command("SEARCH ALL").await.unwrap(), ["* SEARCH 7"]);
        let why = client.command("SELECT x").await.unwrap_err().to_string();
        assert!(why.contains("c2 NO"), "{why}");
    }

    #[tokio::test]
    async fn an_lmtp_reply_may_have_several_lines() {
        let (here, mut there) = duplex(1024);
        let mut client = Client::new(here);
        there
            .write_all(b"250-mx\r\n250 SIZE 1\r\n550 5.1.1 no\r\n")
            .await
            .unwrap();
        client.ask("LHLO x", b'2').await.unwrap();
        assert!(client.ask("RCPT TO:<x>", b'2').await.is_err());
    }
}
