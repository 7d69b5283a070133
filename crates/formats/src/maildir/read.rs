//! Reads a Maildir++.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Seek},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    vec,
};

use super::{
    FileName,
    tables::{Uids, parse_keywords, parse_subscriptions, parse_uids},
};
use crate::{
    letter::{Date, Error, Folder, Letter, Letters},
    lines::ToCrlf,
    names::from_maildir,
};

const READ_BYTES: usize = 64 << 10;

/// The mailboxes of a Maildir++: INBOX, which is the directory itself, and those below; ascending by name.
///
/// # Errors
/// [`Error::Io`]; [`Error::Malformed`] if it is no Maildir.
pub fn folders(root: &Path) -> Result<Vec<Folder>, Error> {
    if !is_mailbox(root) {
        return Err(Error::Malformed {
            path: root.to_owned(),
            what: "it is no Maildir: it has neither cur nor new",
        });
    }
    let mut folders = vec![Folder {
        name: "INBOX".to_owned(),
        path: root.to_owned(),
    }];
    for entry in fs::read_dir(root).map_err(Error::io(root))? {
        let entry = entry.map_err(Error::io(root))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let path = entry.path();
        let folder = name.len() > 1 && name.starts_with('.') && name != "..";
        // One that was made and never used has only the file that says so.
        if folder && (is_mailbox(&path) || path.join("maildirfolder").exists()) {
            let name = from_maildir(&name);
            folders.push(Folder { name, path });
        }
    }
    folders.sort_by(|a, b| (a.name != "INBOX", &a.name).cmp(&(b.name != "INBOX", &b.name)));
    Ok(folders)
}

fn is_mailbox(path: &Path) -> bool {
    path.join("cur").is_dir() || path.join("new").is_dir()
}

/// The mailboxes that are subscribed to, as far as a file says so.
///
/// # Errors
/// [`Error::Io`].
pub fn subscriptions(root: &Path) -> Result<Vec<String>, Error> {
    for file in ["subscriptions", "courierimapsubscribed"] {
        if let Some(text) = text(&root.join(file))? {
            return Ok(parse_subscriptions(&text));
        }
    }
    Ok(Vec::new())
}

/// A small file's text; `None` if it is not there.
fn text(path: &Path) -> Result<Option<String>, Error> {
    match fs::read(path) {
        Ok(octets) => Ok(Some(String::from_utf8_lossy(&octets).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path)(error)),
    }
}

/// The messages of one mailbox, in the order of their UIDs, then of their names.
#[derive(Debug)]
pub struct Reader {
    directory: PathBuf,
    uids: Uids,
    keywords: Vec<String>,
    files: vec::IntoIter<(Option<u32>, PathBuf)>,
    open: Option<(File, PathBuf, ToCrlf)>,
}

impl Reader {
    /// Lists a mailbox's directory.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let mut uids = Uids::default();
        for file in ["dovecot-uidlist", "courierimapuiddb"] {
            if let Some(text) = text(&directory.join(file))? {
                uids = parse_uids(&text);
                break;
            }
        }
        let keywords = text(&directory.join("dovecot-keywords"))?.unwrap_or_default();
        let mut files = Vec::new();
        for below in ["cur", "new"] {
            let path = directory.join(below);
            let entries = match fs::read_dir(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries.map_err(Error::io(&path))?,
            };
            for entry in entries {
                let entry = entry.map_err(Error::io(&path))?;
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if name.starts_with('.') {
                    continue;
                }
                let uid = uids.by_base.get(&FileName::parse(&name).base).copied();
                files.push((uid, entry.path()));
            }
        }
        files.sort_by(|(a, path), (b, other)| {
            let last = |uid: &Option<u32>| uid.unwrap_or(u32::MAX);
            (last(a), path.file_name()).cmp(&(last(b), other.file_name()))
        });
        Ok(Self {
            directory: directory.to_owned(),
            uids,
            keywords: parse_keywords(&keywords),
            files: files.into_iter(),
            open: None,
        })
    }

    /// How many messages are still to come.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Opens a file, under the name that it has by now: whoever changes its flags renames it.
    fn find(&self, path: PathBuf) -> Result<(File, PathBuf), Error> {
        let failed = match File::open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) => error,
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let base = FileName::parse(&name).base;
        for below in ["cur", "new"] {
            let entries = fs::read_dir(self.directory.join(below));
            let found =
                entries.into_iter().flatten().flatten().find(|entry| {
                    FileName::parse(&entry.file_name().to_string_lossy()).base == base
                });
            if let Some(found) = found.map(|entry| entry.path())
                && let Ok(file) = File::open(&found)
            {
                return Ok((file, found));
            }
        }
        Err(Error::io(&path)(failed))
    }
}

impl Letters for Reader {
    fn next(&mut self) -> Result<Option<Letter>, Error> {
        self.open = None;
        let Some((uid, path)) = self.files.next() else {
            return Ok(None);
        };
        let (file, path) = self.find(path)?;
        let about = file.metadata().map_err(Error::io(&path))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let letter = Letter {
            place: path.display().to_string(),
            marks: FileName::parse(&name).marks(&self.keywords),
            date: Some(Date {
                unix: about.mtime(),
                zone_minutes: 0,
            }),
            uid,
        };
        self.open = Some((file, path, ToCrlf::default()));
        Ok(Some(letter))
    }

    fn read(&mut self, into: &mut Vec<u8>) -> Result<bool, Error> {
        let Some((file, path, lines)) = &mut self.open else {
            return Ok(false);
        };
        let mut piece = vec![0; READ_BYTES];
        let length = file.read(&mut piece).map_err(Error::io(path))?;
        lines.push(piece.get(..length).unwrap_or_default(), into);
        Ok(length > 0)
    }

    fn again(&mut self) -> Result<(), Error> {
        let Some((file, path, lines)) = &mut self.open else {
            return Ok(());
        };
        *lines = ToCrlf::default();
        file.rewind().map_err(Error::io(path))
    }

    fn uid_validity(&self) -> Option<u32> {
        Some(self.uids.validity).filter(|validity| *validity > 0)
    }
}
