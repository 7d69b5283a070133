//! `manifest.jsonl`: what an export has, one JSON object a line.
//!
//! With it an import restores what the format alone can't say. It is written whole at the end; while an export runs, what
//! is done is in `manifest.part`, which the next run goes on from.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, BufWriter, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::outcome::Failed;

/// Its name.
pub(crate) const MANIFEST: &str = "manifest.jsonl";
/// What of it is done, while an export runs.
pub(crate) const PART: &str = "manifest.part";

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Line {
    /// The first: whose mail it is, and how it lies there.
    Export(Head),
    /// A mailbox; its messages follow.
    Mailbox(Mailbox),
    /// A message.
    Message(Message),
    /// A message that could not be saved.
    Lost {
        /// In which mailbox.
        mailbox: String,
        /// Its UID; 0 for the mailbox as a whole.
        uid: u32,
        /// Why.
        what: String,
    },
    /// A name that is subscribed to and is no mailbox's.
    Subscribed {
        /// The name.
        mailbox: String,
    },
}

/// Whose mail it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) version: u32,
    pub(crate) account: String,
    pub(crate) id: String,
    pub(crate) format: Format,
}

/// How mail lies in an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Maildir++: a file per message, as Dovecot and Courier have it
    #[default]
    Maildir,
    /// A file per mailbox; lines that begin with "From " are quoted so that they come back (mboxrd)
    Mbox,
    /// The same, quoted as the oldest programs do it (mboxo)
    Mboxo,
    /// The same, unquoted; Content-Length says where a message ends (mboxcl2)
    Mboxcl2,
    /// A file per message, NAME.eml, in a directory per mailbox
    Eml,
}

/// A mailbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::struct_field_names,
    reason = "every line has its mailbox under one name"
)]
pub(crate) struct Mailbox {
    pub(crate) mailbox: String,
    pub(crate) id: String,
    pub(crate) role: Option<String>,
    pub(crate) subscribed: bool,
    pub(crate) uid_validity: u32,
    pub(crate) uid_next: u32,
    pub(crate) highest_mod_seq: u64,
    pub(crate) keywords: Vec<String>,
    pub(crate) messages: u64,
    /// Its file or directory, below the manifest's.
    pub(crate) path: String,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) mailbox: String,
    pub(crate) uid_validity: u32,
    pub(crate) uid: u32,
    pub(crate) mod_seq: u64,
    /// System flags, with their backslashes.
    pub(crate) flags: Vec<String>,
    pub(crate) keywords: Vec<String>,
    /// INTERNALDATE: unix seconds.
    pub(crate) internal_date: i64,
    /// Its zone, minutes east of UTC.
    pub(crate) zone: i16,
    /// When it came into the mailbox, unix seconds.
    pub(crate) save_date: i64,
    /// Octets, with CRLF.
    pub(crate) size: u64,
    /// Octets of the header fields that were put before it on delivery.
    pub(crate) trace: u64,
    /// BLAKE3 of those octets, in hexadecimal digits.
    pub(crate) blake3: String,
    pub(crate) email: String,
    pub(crate) thread: String,
    /// Its file, below the manifest's directory.
    pub(crate) file: String,
    /// In an mbox: where it begins, and how many octets it has there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) offset: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) length: Option<u64>,
    /// Lines end as they are in the message.
    #[serde(default)]
    pub(crate) exact: bool,
    /// In an mbox: quoted as in mboxrd though the mailbox is mboxcl2.
    #[serde(default)]
    pub(crate) requoted: bool,
    /// It has a line that looks quoted: it will not come back as it was.
    #[serde(default)]
    pub(crate) ambiguous: bool,
}

/// Reads the lines of a file that are whole; none, if it is not there.
///
/// # Errors
/// It can't be read.
pub(crate) fn read(path: &Path) -> Result<Vec<Line>, Failed> {
    let file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file.map_err(|error| failed(path, &error))?,
    };
    let mut lines = Vec::new();
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(|error| failed(path, &error))?;
        match serde_json::from_slice(&line) {
            Ok(line) => lines.push(line),
            // The last one may have been broken off; what is behind it would not be believed either.
            Err(_) => break,
        }
    }
    Ok(lines)
}

/// Writes a line.
///
/// # Errors
/// The disk's.
pub(crate) fn put(into: &mut BufWriter<File>, line: &Line) -> std::io::Result<()> {
    serde_json::to_writer(&mut *into, line)?;
    into.write_all(b"\n")
}

/// Writes the manifest whole, durably, and removes what was done of it.
///
/// # Errors
/// The disk's.
pub(crate) fn write(directory: &Path, lines: &[Line]) -> Result<(), Failed> {
    let (new, path) = (directory.join("manifest.new"), directory.join(MANIFEST));
    let attempt = || {
        let mut file = BufWriter::new(File::create(&new)?);
        lines.iter().try_for_each(|line| put(&mut file, line))?;
        let file = file
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        File::open(directory)?.sync_all()?;
        match fs::remove_file(directory.join(PART)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    };
    attempt().map_err(|error| failed(&path, &error))
}

pub(crate) fn failed(path: &Path, error: &std::io::Error) -> Failed {
    Failed::because(format!("{}: {error}", path.display()))
}

impl Line {
    /// The mailbox that it is about.
    pub(crate) fn mailbox(&self) -> Option<&str> {
        match self {
            Self::Export(_) => None,
            Self::Mailbox(about) => Some(&about.mailbox),
            Self::Message(message) => Some(&message.mailbox),
            Self::Lost { mailbox, .. } | Self::Subscribed { mailbox } => Some(mailbox),
        }
    }
}
