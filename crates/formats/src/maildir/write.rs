//! Writes a Maildir++.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{BufWriter, Seek, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{FileName, KEYWORDS_MAX};
use crate::{
    letter::{Content, Error, Letter},
    lines::ToLf,
    names::to_maildir,
};

/// One mailbox being written. Files have names that say date, UIDVALIDITY and UID, so that whoever writes
/// the same again finds it there.
#[derive(Debug)]
pub struct Writer {
    root: PathBuf,
    directory: PathBuf,
    validity: u32,
    keywords: Vec<String>,
    uid_list: String,
}

/// A message as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its file, below the root of the Maildir.
    pub file: String,
    /// It has all its octets as they are, because with LF they would not come back.
    pub exact: bool,
}

impl Writer {
    /// Makes the mailbox of that name below `root`, or goes on in it. `keywords`: those that the mailbox has; the first
    /// have letters.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(
        root: &Path,
        name: &str,
        validity: u32,
        keywords: &[String],
    ) -> Result<Self, Error> {
        let folder = to_maildir(name);
        let directory = if folder.is_empty() {
            root.to_owned()
        } else {
            root.join(&folder)
        };
        for below in ["cur", "new", "tmp"] {
            let path = directory.join(below);
            fs::create_dir_all(&path).map_err(Error::io(&path))?;
        }
        if !folder.is_empty() {
            write_small(&directory.join("maildirfolder"), "")?;
        }
        let mut letters: Vec<String> = keywords
            .iter()
            .filter(|keyword| !keyword.eq_ignore_ascii_case("$Forwarded"))
            .cloned()
            .collect();
        letters.truncate(KEYWORDS_MAX);
        if !letters.is_empty() {
            let mut text = String::new();
            for (at, keyword) in letters.iter().enumerate() {
                // Writing to a string does not fail.
                let _ = writeln!(text, "{at} {keyword}");
            }
            write_small(&directory.join("dovecot-keywords"), &text)?;
        }
        Ok(Self {
            root: root.to_owned(),
            directory,
            validity,
            keywords: letters,
            uid_list: String::new(),
        })
    }

    /// Writes a message: first in `tmp`, then renamed.
    ///
    /// # Errors
    /// [`Error::Io`], also with what `content` says.
    pub fn write(&mut self, letter: &Letter, content: Content<'_>) -> Result<Placed, Error> {
        let unix = letter.date.map_or(0, |date| date.unix);
        let uid = letter.uid.unwrap_or(0);
        let unique = format!("{}.V{}U{uid}.chapar", unix.max(0), self.validity);
        let new = self.directory.join("tmp").join(&unique);
        let written = write_content(&new, content).map_err(Error::io(&new))?;
        let base = format!("{unique},S={},W={}", written.size, written.size_crlf);
        let letters = FileName::letters(&letter.marks, &self.keywords);
        let file = self
            .directory
            .join("cur")
            .join(format!("{base}:2,{letters}"));
        let failed = Error::io(&file);
        set_time(&new, unix)
            .and_then(|()| fs::rename(&new, &file))
            .map_err(failed)?;
        self.note(uid, &base);
        Ok(Placed {
            file: self.relative(&file),
            exact: written.exact,
        })
    }

    /// A message that is there already, by the file that [`Writer::write`] named.
    pub fn there(&mut self, uid: u32, file: &str) {
        let name = file.rsplit('/').next().unwrap_or(file);
        self.note(uid, &FileName::parse(name).base);
    }

    fn note(&mut self, uid: u32, base: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.uid_list, "{uid} :{base}");
    }

    fn relative(&self, file: &Path) -> String {
        let below = file.strip_prefix(&self.root).unwrap_or(file);
        below.to_string_lossy().into_owned()
    }

    /// The mailbox is complete: writes its list of UIDs. All of it is durable on return.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(self, uid_next: u32) -> Result<(), Error> {
        let text = format!("3 V{} N{uid_next}\n{}", self.validity, self.uid_list);
        write_small(&self.directory.join("dovecot-uidlist"), &text)?;
        // One for all: a sync for each file would take longer than all else.
        crate::sync(&self.directory).map_err(Error::io(&self.directory))
    }
}

struct Written {
    size: u64,
    size_crlf: u64,
    exact: bool,
}

/// Writes the content with LF; exactly, if that would not come back.
fn write_content(path: &Path, content: Content<'_>) -> std::io::Result<Written> {
    let mut file = BufWriter::with_capacity(64 << 10, File::create(path)?);
    let (mut lines, mut octets) = (ToLf::default(), Vec::new());
    let mut size_crlf = 0;
    content(&mut |piece| {
        size_crlf += piece.len() as u64;
        octets.clear();
        lines.push(piece, &mut octets);
        file.write_all(&octets)
    })?;
    octets.clear();
    let exact = lines.finish(&mut octets);
    file.write_all(&octets)?;
    if exact {
        file.rewind()?;
        content(&mut |piece| file.write_all(piece))?;
    }
    let size = file.stream_position()?;
    let file = file
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)?;
    file.set_len(size)?;
    Ok(Written {
        size,
        size_crlf,
        exact,
    })
}

pub(crate) fn set_time(path: &Path, unix: i64) -> std::io::Result<()> {
    let distance = Duration::from_secs(unix.unsigned_abs());
    let time = if unix < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    };
    match time {
        // A date that the file system can't hold is in the manifest.
        Some(time) => File::options()
            .write(true)
            .open(path)?
            .set_modified(time)
            .or(Ok(())),
        None => Ok(()),
    }
}

fn write_small(path: &Path, text: &str) -> Result<(), Error> {
    let new = path.with_extension("new");
    fs::write(&new, text)
        .and_then(|()| fs::rename(&new, path))
        .map_err(Error::io(path))
}

/// Writes the names of the mailboxes that are subscribed to.
///
/// # Errors
/// [`Error::Io`].
pub fn write_subscriptions(root: &Path, names: &[String]) -> Result<(), Error> {
    let lines = names.iter().map(|name| match name.as_str() {
        "INBOX" => "INBOX\n".to_owned(),
        name => format!("{}\n", to_maildir(name).trim_start_matches('.')),
    });
    write_small(&root.join("subscriptions"), &lines.collect::<String>())
}
