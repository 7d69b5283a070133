//! Where an export goes: one mailbox in one of the formats.

use std::{
    fs,
    path::{Path, PathBuf},
};

use formats::{
    Content, Letter, eml, maildir,
    mbox::{self, Quoting},
};

use super::manifest::{self, Format, Mailbox, Message};
use crate::outcome::Failed;

/// A mailbox being written.
pub(super) struct Out {
    /// The account's directory.
    root: PathBuf,
    /// The mailbox's file or directory, below it.
    path: String,
    format: Kind,
}

enum Kind {
    Maildir(maildir::Writer),
    Mbox(mbox::Writer),
    Eml,
}

/// How a message was written.
#[derive(Default)]
pub(super) struct Written {
    pub(super) file: String,
    pub(super) offset: Option<u64>,
    pub(super) length: Option<u64>,
    pub(super) exact: bool,
    pub(super) requoted: bool,
    pub(super) ambiguous: bool,
}

impl Format {
    /// How an mbox is quoted.
    pub(crate) fn quoting(self) -> Quoting {
        match self {
            Self::Mboxo => Quoting::O,
            Self::Mboxcl2 => Quoting::Cl2,
            Self::Mbox | Self::Maildir | Self::Eml => Quoting::Rd,
        }
    }

    /// The directory of all mailboxes, below the account's.
    pub(crate) fn directory(self) -> &'static str {
        match self {
            Self::Maildir => "Maildir",
            Self::Mbox | Self::Mboxo | Self::Mboxcl2 => "mbox",
            Self::Eml => "eml",
        }
    }
}

impl Out {
    /// Goes on in a mailbox, of which `known` is there already, ascending by UID.
    pub(super) fn open(
        root: &Path,
        format: Format,
        about: &Mailbox,
        known: &[Message],
    ) -> Result<Self, Failed> {
        let below = root.join(format.directory());
        let made = fs::create_dir_all(&below);
        made.map_err(|error| manifest::failed(&below, &error))?;
        let kind = match format {
            Format::Maildir => {
                let mut writer = maildir::Writer::open(
                    &below,
                    &about.mailbox,
                    about.uid_validity,
                    &about.keywords,
                )?;
                for message in known {
                    writer.there(message.uid, &message.file);
                }
                Kind::Maildir(writer)
            }
            Format::Mbox | Format::Mboxo | Format::Mboxcl2 => {
                let path = root.join(&about.path);
                if let Some(directory) = path.parent() {
                    let made = fs::create_dir_all(directory);
                    made.map_err(|error| manifest::failed(directory, &error))?;
                }
                let end = known.last().map_or(0, |last| {
                    last.offset.unwrap_or(0) + last.length.unwrap_or(0)
                });
                // Behind the last message is what is between messages.
                let end = match known.last() {
                    Some(_) => separator_end(&path, end)?,
                    None => 0,
                };
                let base = (
                    about.uid_validity,
                    about.uid_next.saturating_sub(1),
                    about.keywords.as_slice(),
                );
                Kind::Mbox(mbox::Writer::open(&path, end, format.quoting(), base)?)
            }
            Format::Eml => {
                let path = root.join(&about.path);
                let made = fs::create_dir_all(&path);
                made.map_err(|error| manifest::failed(&path, &error))?;
                Kind::Eml
            }
        };
        Ok(Self {
            root: root.to_owned(),
            path: about.path.clone(),
            format: kind,
        })
    }

    /// Writes a message.
    pub(super) fn write(
        &mut self,
        sender: &str,
        letter: &Letter,
        content: Content<'_>,
    ) -> Result<Written, formats::Error> {
        match &mut self.format {
            Kind::Maildir(writer) => {
                let placed = writer.write(letter, content)?;
                Ok(Written {
                    file: format!("{}/{}", Format::Maildir.directory(), placed.file),
                    exact: placed.exact,
                    ..Written::default()
                })
            }
            Kind::Mbox(writer) => {
                let quoting = writer.quoting();
                let placed = writer.write(sender, letter, content)?;
                Ok(Written {
                    file: self.path.clone(),
                    offset: Some(placed.offset),
                    length: Some(placed.length),
                    exact: placed.exact,
                    requoted: placed.quoting != quoting,
                    ambiguous: placed.ambiguous,
                })
            }
            Kind::Eml => Ok(Written {
                file: eml::write(&self.root, &self.path, letter, content)?,
                exact: true,
                ..Written::default()
            }),
        }
    }

    /// The mailbox is complete.
    pub(super) fn finish(self, uid_next: u32) -> Result<(), Failed> {
        match self.format {
            Kind::Maildir(writer) => writer.finish(uid_next)?,
            Kind::Mbox(writer) => writer.finish()?,
            Kind::Eml => {
                let path = self.root.join(&self.path);
                formats::sync(&path).map_err(|error| manifest::failed(&path, &error))?;
            }
        }
        Ok(())
    }
}

/// Where the empty line behind a message ends.
fn separator_end(path: &Path, end: u64) -> Result<u64, Failed> {
    use std::os::unix::fs::FileExt;
    let attempt = || {
        let file = fs::File::open(path)?;
        let mut last = [0];
        file.read_exact_at(&mut last, end.saturating_sub(1))?;
        // A message that does not end with a line's end has got one.
        Ok(if last == *b"\n" { end + 1 } else { end + 2 })
    };
    attempt().map_err(|error: std::io::Error| manifest::failed(path, &error))
}
