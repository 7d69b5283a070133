//! What is imported: folders, and in them messages, by a manifest or as a format alone has them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Seek},
    path::{Path, PathBuf},
    vec,
};

use formats::{
    Letters, eml,
    lines::ToCrlf,
    maildir,
    mbox::{self, Quoting, Stored},
};
use store::{Flags, Role, SystemFlags, Timestamp};

use super::Import;
use crate::{
    export::{
        FLAGS, Format,
        manifest::{self, Line, MANIFEST, Message},
    },
    outcome::Failed,
};

const READ_BYTES: usize = 64 << 10;

/// A folder to import.
pub(super) struct Folder {
    pub(super) name: String,
    pub(super) role: Option<Role>,
    /// Whether it was subscribed to, if that is known.
    pub(super) subscribed: Option<bool>,
    pub(super) uid_validity: Option<u32>,
    pub(super) uid_next: Option<u32>,
    pub(super) letters: Box<dyn Source>,
    /// Messages that an export has lost: where, and why.
    pub(super) lost: Vec<(String, String)>,
}

/// A message to import; its content follows.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    pub(super) place: String,
    pub(super) flags: Flags,
    pub(super) date: Option<Timestamp>,
    pub(super) save_date: Option<i64>,
    pub(super) uid: Option<u32>,
    /// Octets of it that were put before it on delivery.
    pub(super) trace: u64,
    /// What it must be: octets, and their BLAKE3.
    pub(super) expected: Option<(u64, String)>,
}

/// Messages, one after the other.
pub(super) trait Source: Send {
    /// The next; an error is of that message only.
    fn next(&mut self) -> Result<Option<Item>, String>;
    /// More octets of it, with CRLF at the ends of lines; `false`: there are none.
    fn read(&mut self, into: &mut Vec<u8>) -> Result<bool, String>;
    /// Begins its content again.
    fn again(&mut self) -> Result<(), String>;
}

/// Finds what there is; and what is subscribed to without being there.
pub(super) fn find(import: &Import) -> Result<(Vec<Folder>, Vec<String>), Failed> {
    let from = &import.from;
    if !from.exists() {
        return Err(Failed::because(format!(
            "{}: there is no such file",
            from.display()
        )));
    }
    let lines = if from.is_dir() && !import.no_manifest {
        manifest::read(&from.join(MANIFEST))?
    } else {
        Vec::new()
    };
    if !lines.is_empty() {
        return by_manifest(from, lines);
    }
    let kind = import.format.unwrap_or_else(|| found(from));
    let quoting = import.format.map_or(Quoting::AsFound, Format::quoting);
    let (mut folders, mut subscribed) = (Vec::new(), Vec::new());
    match kind {
        Format::Maildir => {
            subscribed = maildir::subscriptions(from)?;
            for folder in maildir::folders(from)? {
                let letters = maildir::Reader::open(&folder.path)?;
                folders.push(Folder::foreign(folder.name, Box::new(letters), &subscribed));
            }
        }
        Format::Mbox | Format::Mboxo | Format::Mboxcl2 => {
            if from.is_file() && !mbox::is_mbox(from) && fs::metadata(from)?.len() > 0 {
                return Err(Failed::because(format!(
                    "{}: it is no mbox",
                    from.display()
                )));
            }
            for folder in mbox::folders(from)? {
                let letters = mbox::Reader::open(&folder.path, quoting)?;
                // A spool is named for its owner.
                let name = if from.is_file() {
                    "INBOX".to_owned()
                } else {
                    folder.name
                };
                folders.push(Folder::foreign(name, Box::new(letters), &subscribed));
            }
        }
        Format::Eml => {
            for folder in eml::folders(from)? {
                let letters = eml::Reader::open(&folder.path)?;
                folders.push(Folder::foreign(folder.name, Box::new(letters), &subscribed));
            }
        }
    }
    if folders.is_empty() {
        let from = from.display();
        return Err(Failed::because(format!(
            "{from}: there is no mail in it that is known as such"
        )));
    }
    Ok((folders, subscribed))
}

/// What a file or a directory looks like.
fn found(from: &Path) -> Format {
    if from.join("cur").is_dir() || from.join("new").is_dir() {
        return Format::Maildir;
    }
    let mboxes = || mbox::folders(from).unwrap_or_default();
    let empty = |path: &Path| eml::folders(path).unwrap_or_default().is_empty();
    if from.is_file() || !mboxes().is_empty() || empty(from) {
        Format::Mbox
    } else {
        Format::Eml
    }
}

fn by_manifest(root: &Path, lines: Vec<Line>) -> Result<(Vec<Folder>, Vec<String>), Failed> {
    let mut format = Format::default();
    let mut folders = Vec::new();
    let mut messages: BTreeMap<String, Vec<Message>> = BTreeMap::new();
    let mut lost: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut subscribed = Vec::new();
    for line in lines {
        match line {
            Line::Export(head) if head.version == 1 => format = head.format,
            Line::Export(head) => {
                return Err(Failed::because(format!(
                    "the manifest is of version {}, which needs a newer program",
                    head.version
                )));
            }
            Line::Mailbox(about) => folders.push(about),
            Line::Message(message) => {
                messages
                    .entry(message.mailbox.clone())
                    .or_default()
                    .push(message);
            }
            Line::Lost { mailbox, uid, what } => {
                let place = format!("UID {uid} of the exported store");
                lost.entry(mailbox).or_default().push((place, what));
            }
            Line::Subscribed { mailbox } => subscribed.push(mailbox),
        }
    }
    let folders = folders.into_iter().map(|about| {
        let messages = messages.remove(&about.mailbox).unwrap_or_default();
        let role = Role::EVERY
            .into_iter()
            .find(|role| Some(role.attribute()) == about.role.as_deref());
        Folder {
            role,
            subscribed: Some(about.subscribed),
            uid_validity: Some(about.uid_validity),
            uid_next: Some(about.uid_next),
            letters: Box::new(Listed {
                root: root.to_owned(),
                format,
                messages: messages.into_iter(),
                current: None,
                open: None,
            }),
            lost: lost.remove(&about.mailbox).unwrap_or_default(),
            name: about.mailbox,
        }
    });
    Ok((folders.collect(), subscribed))
}

impl Folder {
    fn foreign(name: String, letters: Box<dyn Letters + Send>, subscribed: &[String]) -> Self {
        let known = (!subscribed.is_empty()).then(|| subscribed.contains(&name));
        Self {
            role: usual_role(&name),
            subscribed: known,
            // An mbox says it with its first message.
            uid_validity: letters.uid_validity(),
            uid_next: None,
            letters: Box::new(Foreign(letters)),
            lost: Vec::new(),
            name,
        }
    }
}

/// The special use of a mailbox that is named as many programs name it.
fn usual_role(name: &str) -> Option<Role> {
    let name = name.to_lowercase();
    let name = name.strip_prefix("inbox/").unwrap_or(&name);
    Some(match name {
        "archive" | "archives" => Role::Archive,
        "drafts" | "draft" | "[gmail]/drafts" => Role::Drafts,
        "junk" | "spam" | "junk e-mail" | "junk email" | "bulk mail" | "[gmail]/spam" => Role::Junk,
        "sent" | "sent items" | "sent messages" | "sent mail" | "[gmail]/sent mail" => Role::Sent,
        "trash" | "deleted items" | "deleted messages" | "[gmail]/trash" | "[gmail]/bin" => {
            Role::Trash
        }
        _ => return None,
    })
}

/// A mailbox's name as near to `name` as one may be.
pub(super) fn fit(name: &str) -> String {
    let fit = |c: char| {
        if c.is_control() || matches!(c, '*' | '%') {
            '_'
        } else {
            c
        }
    };
    let name: String = name.chars().map(fit).collect();
    let levels = name.split('/').take(50).map(|level| match level {
        "" | "." => "_",
        ".." => "__",
        level => level,
    });
    let mut name = levels.collect::<Vec<_>>().join("/");
    name.truncate(name.floor_char_boundary(1000));
    name
}

/// A keyword, if it may be one: an atom.
fn keyword(keyword: &str) -> Option<store::Keyword> {
    let atom = |c: char| c.is_ascii_graphic() && !"(){%*\"\\]".contains(c);
    let fits = !keyword.is_empty() && keyword.len() <= 255 && keyword.chars().all(atom);
    fits.then(|| keyword.into())
}

/// A format's messages, with what it says of them.
struct Foreign(Box<dyn Letters + Send>);

impl Source for Foreign {
    fn next(&mut self) -> Result<Option<Item>, String> {
        let letter = self.0.next().map_err(|error| error.to_string())?;
        let Some(letter) = letter else {
            return Ok(None);
        };
        let marks = letter.marks;
        let set = [
            (marks.answered, SystemFlags::ANSWERED),
            (marks.flagged, SystemFlags::FLAGGED),
            (marks.deleted, SystemFlags::DELETED),
            (marks.seen, SystemFlags::SEEN),
            (marks.draft, SystemFlags::DRAFT),
        ];
        let set = set.into_iter().filter(|(set, _)| *set);
        Ok(Some(Item {
            place: letter.place,
            flags: Flags {
                system: set.fold(SystemFlags::NONE, |all, (_, flag)| all.with(flag)),
                keywords: marks.keywords.iter().filter_map(|it| keyword(it)).collect(),
            },
            date: letter.date.map(|date| Timestamp {
                unix: date.unix,
                zone_minutes: date.zone_minutes,
            }),
            uid: letter.uid,
            ..Item::default()
        }))
    }

    fn read(&mut self, into: &mut Vec<u8>) -> Result<bool, String> {
        self.0.read(into).map_err(|error| error.to_string())
    }

    fn again(&mut self) -> Result<(), String> {
        self.0.again().map_err(|error| error.to_string())
    }
}

/// The messages that a manifest lists.
struct Listed {
    root: PathBuf,
    format: Format,
    messages: vec::IntoIter<Message>,
    current: Option<Message>,
    open: Option<Open>,
}

enum Open {
    /// A file of its own; its lines as they are, or with LF.
    File(File, Option<ToCrlf>),
    /// A part of an mbox.
    Stored(Stored),
}

impl Listed {
    fn open(&self, message: &Message) -> Result<Open, String> {
        let path = self.path(&message.file)?;
        if let (Some(offset), Some(length)) = (message.offset, message.length) {
            let quoting = if message.requoted {
                Quoting::Rd
            } else {
                self.format.quoting()
            };
            let stored = Stored::open(&path, (offset, length), quoting, message.exact);
            return stored.map(Open::Stored).map_err(|error| error.to_string());
        }
        let file = File::open(&path).or_else(|error| renamed(&path).ok_or(error));
        let file = file.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Open::File(file, (!message.exact).then(ToCrlf::default)))
    }

    /// A file that a manifest names; it has to be of the export.
    fn path(&self, file: &str) -> Result<PathBuf, String> {
        let plain = |level: &str| !matches!(level, "" | "." | "..");
        if file.split('/').all(plain) {
            Ok(self.root.join(file))
        } else {
            Err(format!("{file:?} is no file of the export"))
        }
    }
}

/// A file of a Maildir whose flags somebody has changed.
fn renamed(path: &Path) -> Option<File> {
    let base = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        maildir::FileName::parse(&name).base
    };
    let wanted = base(path);
    let mut entries = fs::read_dir(path.parent()?).ok()?.flatten();
    let found = entries.find(|entry| base(&entry.path()) == wanted)?;
    File::open(found.path()).ok()
}

impl Source for Listed {
    fn next(&mut self) -> Result<Option<Item>, String> {
        self.open = None;
        self.current = self.messages.next();
        let Some(message) = &self.current else {
            return Ok(None);
        };
        self.open = Some(self.open(message)?);
        let set = FLAGS
            .iter()
            .filter(|(_, name)| message.flags.iter().any(|flag| flag == name));
        Ok(Some(Item {
            place: format!("UID {}", message.uid),
            flags: Flags {
                system: set.fold(SystemFlags::NONE, |all, (flag, _)| all.with(*flag)),
                keywords: message
                    .keywords
                    .iter()
                    .filter_map(|it| keyword(it))
                    .collect(),
            },
            date: Some(Timestamp {
                unix: message.internal_date,
                zone_minutes: message.zone,
            }),
            save_date: Some(message.save_date),
            uid: Some(message.uid),
            trace: message.trace,
            expected: Some((message.size, message.blake3.clone())),
        }))
    }

    fn read(&mut self, into: &mut Vec<u8>) -> Result<bool, String> {
        match &mut self.open {
            None => Ok(false),
            Some(Open::Stored(stored)) => stored.read(into).map_err(|error| error.to_string()),
            Some(Open::File(file, lines)) => {
                let mut piece = vec![0; READ_BYTES];
                let length = file.read(&mut piece).map_err(|error| error.to_string())?;
                let piece = piece.get(..length).unwrap_or_default();
                match lines {
                    Some(lines) => lines.push(piece, into),
                    None => into.extend_from_slice(piece),
                }
                Ok(length > 0)
            }
        }
    }

    fn again(&mut self) -> Result<(), String> {
        match (&mut self.open, &self.current) {
            (Some(Open::File(file, lines)), _) => {
                *lines = lines.is_some().then(ToCrlf::default);
                file.rewind().map_err(|error| error.to_string())
            }
            (Some(Open::Stored(_)), Some(message)) => {
                self.open = Some(self.open(message)?);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_fit() {
        for (name, fits) in [
            ("A/b", "A/b"),
            ("a*b%c\n", "a_b_c_"),
            ("/a//b/", "_/a/_/b/_"),
            ("../.", "__/_"),
        ] {
            assert_eq!(fit(name), fits);
            assert!(store::MailboxName::new(fits).is_ok());
        }
        assert!(store::MailboxName::new(&fit(&"\u{e9}/".repeat(900))).is_ok());
        assert_eq!(usual_role("Sent Items"), Some(Role::Sent));
        assert_eq!(usual_role("INBOX/Trash"), Some(Role::Trash));
        assert_eq!(usual_role("Work"), None);
        assert_eq!(keyword("$Work").as_deref(), Some("$Work"));
        assert_eq!(
            (keyword("a b"), keyword(""), keyword("\\Seen")),
            (None, None, None)
        );
    }
}
