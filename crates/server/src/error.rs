//! Why a server does not start, in words for the operator.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::config::Problem;

/// A server that did not start, or did not stop cleanly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A TCP address can't be listened on.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// A Unix socket can't be listened on.
    #[error("can't listen on {}: {source}", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// systemd passed a socket in whose name says nothing.
    #[error(
        "a socket named {0:?} was passed in: FileDescriptorName= has to be imap, imaps, lmtp, socketmap, tcp-table or policy"
    )]
    PassedName(String),
    /// No socket of that name was passed in.
    #[error("no socket named {0:?} was passed in")]
    NotPassed(String),
    /// The certificate or its key can't be used.
    #[error("{}: {why}", file.display())]
    Certificate {
        /// The file at fault.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A listener wants TLS, and there is no certificate.
    #[error("a listener needs TLS, but no certificate is configured")]
    NoCertificate,
    /// The store.
    #[error("store: {0}")]
    Store(#[from] store::Error),
    /// A file that the server was about to make or read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The configuration; every problem there is.
    #[error("{}", lines(.0))]
    Config(Vec<Problem>),
    /// The accounts file.
    #[error(transparent)]
    Accounts(#[from] auth::directory::Error),
    /// A server that was to test itself has failed.
    #[error("{doing} failed: {source}")]
    SelfTest {
        /// What did not work.
        doing: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Anything else the operating system refused.
    #[error("{0}")]
    System(#[from] io::Error),
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
