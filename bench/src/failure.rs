//! What can go wrong in a run, and what a peer simply does not offer.

use std::{io, path::Path};

/// Why a workload gave no sample.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The server does not offer what the workload needs: no defect, the table has a dash there.
    #[error("not offered: {0}")]
    NotOffered(String),
    /// The server answered otherwise than it has to.
    #[error("{asked}: the server said: {said}")]
    Refused {
        /// What it was asked, shortened.
        asked: String,
        /// Its answer.
        said: String,
    },
    /// Something on this side of the wire: a program that is missing, a server that does not start.
    #[error("{0}")]
    Broken(String),
    /// The network or the disk.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// Saved results that can't be read or written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Failure {
    /// A refusal; what was asked is shortened to what a person wants to see.
    pub(crate) fn refused(asked: &[u8], said: &[u8]) -> Self {
        let short = |text: &[u8]| {
            let text: String = String::from_utf8_lossy(text).chars().take(200).collect();
            text.trim_end().to_owned()
        };
        Self::Refused {
            asked: short(asked),
            said: short(said),
        }
    }

    /// The same, for something that happened to a file.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |error| Self::Broken(format!("{path}: {error}"))
    }
}

/// What a workload, a client or a peer gives.
pub(crate) type Result<T> = std::result::Result<T, Failure>;
