//! TLS: the certificate, and handshakes. All of rustls is behind this module.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use rustls::{
    ProtocolVersion, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use session::Tls;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{error::Error, settings::Speaks, stream::Socket};

/// The server's certificate: read again when its files change, without a restart. A
/// connection keeps the one that it began with.
#[derive(Debug)]
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    /// What the files were when they were last looked at.
    seen: Mutex<Stamp>,
    current: ArcSwap<CertifiedKey>,
    provider: Arc<CryptoProvider>,
}

/// Sizes and times of the two files: enough to see that they changed.
type Stamp = [Option<(u64, SystemTime)>; 2];

impl Certificate {
    /// Reads a certificate chain and its key, both PEM.
    ///
    /// # Errors
    /// [`Error::Certificate`]: which file, and what is wrong with it.
    pub fn read(chain: PathBuf, key: PathBuf) -> Result<Self, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let seen = stamp(&chain, &key);
        let current = certified(&chain, &key, &provider)?;
        Ok(Self {
            chain,
            key,
            seen: Mutex::new(seen),
            current: ArcSwap::from_pointee(current),
            provider,
        })
    }

    /// Reads the files again if they have changed. What can't be used is logged, and
    /// the certificate that can is kept.
    pub fn refresh(&self) {
        let now = stamp(&self.chain, &self.key);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == now {
            return;
        }
        *seen = now;
        drop(seen);
        self.reload();
    }

    /// Reads the files again.
    pub fn reload(&self) {
        match certified(&self.chain, &self.key, &self.provider) {
            Ok(new) => {
                self.current.store(Arc::new(new));
                tracing::info!(file = %self.chain.display(), "certificate reloaded");
            }
            Err(error) => tracing::error!(%error, "new certificate not used, the old one stays"),
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn stamp(chain: &Path, key: &Path) -> Stamp {
    [chain, key].map(|file| {
        let metadata = fs::metadata(file).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    })
}

fn certified(chain: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, Error> {
    let wrong = |file: &Path, why: String| Error::Certificate {
        file: file.to_owned(),
        why,
    };
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(chain, error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong(chain, "there is no certificate in it".to_owned()));
    }
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
    // Refuses a key that does not belong to the certificate.
    CertifiedKey::from_der(certificates, private, provider)
        .map_err(|error| wrong(key, error.to_string()))
}

/// Does handshakes for one protocol.
#[derive(Clone)]
pub(crate) struct Handshake {
    acceptor: TlsAcceptor,
    patience: Duration,
}

impl Handshake {
    pub(crate) fn new(
        certificate: &Arc<Certificate>,
        speaks: Speaks,
        patience: Duration,
    ) -> Result<Self, Error> {
        let unusable = |error: rustls::Error| Error::System(io::Error::other(error));
        let provider = Arc::clone(&certificate.provider);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(certificate) as Arc<dyn ResolvesServerCert>);
        // Resumption without a cache: the state is with the client.
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(unusable)?;
        // One for every connection: a client that opens several at once has had as many.
        config.send_tls13_tickets = 1;
        if speaks == Speaks::Imap {
            // RFC 7301's registry has a name for IMAP, and none for LMTP.
            config.alpn_protocols = vec![b"imap".to_vec()];
        }
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            patience,
        })
    }

    /// The handshake, and what the session has to know of it.
    ///
    /// # Errors
    /// The client's fault, or that it took too long.
    pub(crate) async fn with(&self, socket: Socket) -> io::Result<(TlsStream<Socket>, Tls)> {
        let stream = timeout(self.patience, self.acceptor.accept(socket)).await??;
        let tls = Tls {
            exporter: exporter(&stream),
        };
        Ok((stream, tls))
    }
}

/// RFC 9266 §4. Not in TLS 1.2, where it would bind to nothing without the extended master
/// secret (RFC 7627), and nobody here can tell whether that was agreed upon.
fn exporter(stream: &TlsStream<Socket>) -> Option<Vec<u8>> {
    let connection = stream.get_ref().1;
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    connection
        .export_keying_material(vec![0; 32], b"EXPORTER-Channel-Binding", Some(b""))
        .ok()
}
