//! Exports one account.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use formats::{Date, Letter, Marks, Take, names::SafeNames};
use mail::Span;
use store::{
    Account, Email, MailboxName, Message as Stored, OpenMailbox, Role, Snapshot, SystemFlags,
};

use super::{
    Line as Told, Sum,
    manifest::{self, Format, Head, Line, MANIFEST, Mailbox, Message, PART},
    out::{Out, Written},
};
use crate::{
    outcome::Failed,
    report::{Report, Row},
    wait::wait,
};

/// Octets of a message that are read at once.
const READ_BYTES: u64 = 1 << 20;

/// What is exported, and where to.
pub(super) struct What<'a> {
    pub(super) account: &'a Account,
    pub(super) name: &'a str,
    pub(super) directory: &'a Path,
    pub(super) format: Format,
    pub(super) only: Option<&'a MailboxName>,
    pub(super) dry_run: bool,
}

/// What is there already: messages by mailbox and UID.
type Known = BTreeMap<String, BTreeMap<u32, Message>>;

impl What<'_> {
    pub(super) async fn export(
        &self,
        sum: &mut Sum,
        report: &mut dyn Report,
    ) -> Result<(), Failed> {
        let snapshot = self.account.snapshot();
        let mut known = self.known()?;
        let before = match self.only {
            Some(_) => manifest::read(&self.directory.join(MANIFEST))?,
            None => Vec::new(),
        };
        let mut lines = vec![Line::Export(Head {
            version: 1,
            account: self.name.to_owned(),
            id: self.account.id().to_string(),
            format: self.format,
        })];
        let mut part = if self.dry_run {
            None
        } else {
            Some(self.part()?)
        };
        if let Some(part) = &mut part {
            self.put(part, &lines)?;
        }
        let mut paths = SafeNames::default();
        let mut names = BTreeSet::new();
        for (name, mailbox) in snapshot.mailboxes() {
            names.insert(name.clone());
            let path = self.path(&mut paths, name);
            let there = known.remove(name.as_str()).unwrap_or_default();
            if self.only.is_some_and(|only| only != name) {
                // What an export before has of the others stays as it is.
                let of = |line: &&Line| line.mailbox() == Some(name.as_str());
                lines.extend(before.iter().filter(of).cloned());
                continue;
            }
            let open = match self.account.open_mailbox(mailbox.id()).await {
                Ok(open) => open,
                Err(error) => {
                    let (place, what) = ((Some(name.as_str()), None), error.to_string());
                    sum.trouble(report, self.name, place, &what);
                    lines.push(lost(name, 0, &what));
                    continue;
                }
            };
            let about = about(&snapshot, &open, path);
            let mut mailbox = One {
                what: self,
                open: &open,
                about,
                there,
            };
            mailbox.export(part.as_mut(), &mut lines, sum, report)?;
            sum.mailboxes += 1;
        }
        for name in snapshot.subscriptions().difference(&names) {
            let mailbox = name.to_string();
            lines.push(Line::Subscribed { mailbox });
        }
        if self.dry_run {
            return Ok(());
        }
        if self.format == Format::Maildir {
            let subscribed = snapshot.subscriptions().iter();
            let subscribed: Vec<String> = subscribed.map(ToString::to_string).collect();
            let root = self.directory.join(self.format.directory());
            fs::create_dir_all(&root).map_err(|error| manifest::failed(&root, &error))?;
            formats::maildir::write_subscriptions(&root, &subscribed)?;
        }
        manifest::write(self.directory, &lines)
    }

    /// What earlier runs of the same format have written.
    fn known(&self) -> Result<Known, Failed> {
        let mut known = Known::new();
        let mut same = false;
        for file in [MANIFEST, PART] {
            for line in manifest::read(&self.directory.join(file))? {
                match line {
                    Line::Export(head) => {
                        if head.id != self.account.id().to_string() {
                            return Err(Failed::because(format!(
                                "{}: there is an export of {} ({}) already",
                                self.directory.display(),
                                head.account,
                                head.id
                            )));
                        }
                        same = head.format == self.format;
                    }
                    Line::Message(message) if same => {
                        let mailbox = known.entry(message.mailbox.clone()).or_default();
                        mailbox.insert(message.uid, message);
                    }
                    _ => {}
                }
            }
        }
        Ok(known)
    }

    /// Where what is done is written down.
    fn part(&self) -> Result<BufWriter<File>, Failed> {
        let path = self.directory.join(PART);
        let attempt = || {
            // Mail is nobody else's business.
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(self.directory)?;
            let file = OpenOptions::new().create(true).append(true).open(&path)?;
            Ok(BufWriter::new(file))
        };
        attempt().map_err(|error: io::Error| manifest::failed(&path, &error))
    }

    fn put(&self, part: &mut BufWriter<File>, lines: &[Line]) -> Result<(), Failed> {
        lines
            .iter()
            .try_for_each(|line| manifest::put(part, line))
            .and_then(|()| part.flush())
            .map_err(|error| manifest::failed(&self.directory.join(PART), &error))
    }

    /// The mailbox's file or directory, below the account's.
    fn path(&self, paths: &mut SafeNames, name: &MailboxName) -> String {
        let directory = self.format.directory();
        match self.format {
            Format::Maildir => {
                let folder = formats::names::to_maildir(name.as_str());
                format!("{directory}/{folder}")
                    .trim_end_matches('/')
                    .to_owned()
            }
            Format::Eml => format!("{directory}/{}", paths.path(name.as_str())),
            Format::Mbox | Format::Mboxo | Format::Mboxcl2 => {
                format!("{directory}/{}.mbox", paths.path(name.as_str()))
            }
        }
    }
}

fn about(snapshot: &Snapshot, open: &OpenMailbox, path: String) -> Mailbox {
    Mailbox {
        mailbox: open.name().to_string(),
        id: open.id().to_string(),
        role: open.role().map(|role: Role| role.attribute().to_owned()),
        subscribed: snapshot.subscriptions().contains(open.name()),
        uid_validity: open.uid_validity().0,
        uid_next: open.uid_next().0,
        highest_mod_seq: open.highest_mod_seq().0,
        keywords: open.keywords().iter().map(ToString::to_string).collect(),
        messages: open.len().into(),
        path,
    }
}

fn lost(name: &MailboxName, uid: u32, what: &str) -> Line {
    Line::Lost {
        mailbox: name.to_string(),
        uid,
        what: what.to_owned(),
    }
}

/// One mailbox.
struct One<'a> {
    what: &'a What<'a>,
    open: &'a OpenMailbox,
    about: Mailbox,
    there: BTreeMap<u32, Message>,
}

impl One<'_> {
    fn export(
        &mut self,
        mut part: Option<&mut BufWriter<File>>,
        lines: &mut Vec<Line>,
        sum: &mut Sum,
        report: &mut dyn Report,
    ) -> Result<(), Failed> {
        let (name, account) = (self.open.name().clone(), self.what.name);
        let mut kept = self.kept();
        lines.push(Line::Mailbox(self.about.clone()));
        let mut out = match &part {
            Some(_) => {
                let known: Vec<Message> = kept.values().cloned().collect();
                let what = self.what;
                Some(Out::open(what.directory, what.format, &self.about, &known)?)
            }
            None => None,
        };
        let mut told = Totals::default();
        for message in self.open.every() {
            let uid = message.uid.0;
            let line = if let Some(known) = kept.remove(&uid) {
                told.present += 1;
                sum.present += 1;
                known
            } else {
                match self.message(&message, out.as_mut())? {
                    Ok(line) => {
                        if let Some(part) = &mut part {
                            self.what.put(part, &[Line::Message(line.clone())])?;
                        }
                        sum.messages += 1;
                        line
                    }
                    Err(what) => {
                        let place = (Some(name.as_str()), Some(uid));
                        sum.trouble(report, account, place, &what);
                        lines.push(lost(&name, uid, &what));
                        continue;
                    }
                }
            };
            if line.ambiguous {
                let what = "a line of it looks quoted, and will not come back as it was: use another format";
                sum.trouble(report, account, (Some(name.as_str()), Some(uid)), what);
            }
            let odd = line.exact && self.what.format != Format::Eml;
            sum.odd_lines += u64::from(odd);
            sum.octets += line.size;
            told.add(&line);
            lines.push(Line::Message(line));
            report.progress(sum.messages + sum.present, 0, "messages");
            if report.gone() {
                return Err(Failed::because("nobody waits for it any more"));
            }
        }
        if let Some(out) = out {
            out.finish(self.about.uid_next)?;
        }
        told.tell(account, &name, report);
        Ok(())
    }

    /// What is there already and is as it should be; files of what is gone are removed.
    fn kept(&self) -> BTreeMap<u32, Message> {
        let mbox = matches!(
            self.what.format,
            Format::Mbox | Format::Mboxo | Format::Mboxcl2
        );
        let mut kept = BTreeMap::new();
        for (uid, known) in &self.there {
            let now = self.open.get(store::Uid(*uid));
            let same = now.is_some_and(|now| {
                known.uid_validity == self.about.uid_validity
                    && known.mod_seq == now.mod_seq.0
                    && known.size == now.size
            });
            if same && self.is_there(known) {
                kept.insert(*uid, known.clone());
            } else if mbox {
                // In one file nothing can be taken from the middle: all of it is written anew.
                return BTreeMap::new();
            } else if !self.what.dry_run {
                // It may be gone already, or be written again under the same name.
                let _ = fs::remove_file(self.what.directory.join(&known.file));
            }
        }
        // In one file nothing can be put into the middle either: it goes on behind the last.
        let last = kept.last_key_value().map_or(0, |(uid, _)| *uid);
        let mut before = self.open.range(store::Uid(1), store::Uid(last));
        // One that could not be read then, and still can't, is not in the way.
        let missing =
            |message: Stored<'_>| !kept.contains_key(&message.uid.0) && self.can_be_read(&message);
        if mbox && before.any(missing) {
            kept.clear();
        }
        kept
    }

    fn can_be_read(&self, message: &Stored<'_>) -> bool {
        let email = wait(self.what.account.email(message));
        email.is_ok_and(|email| Reading::default().read(&email, &mut |_| Ok(())).is_ok())
    }

    fn is_there(&self, known: &Message) -> bool {
        let about = fs::metadata(self.what.directory.join(&known.file));
        let Ok(length) = about.map(|about| about.len()) else {
            return false;
        };
        if let (Some(offset), Some(octets)) = (known.offset, known.length) {
            return length > offset + octets;
        }
        let name = known.file.rsplit('/').next().unwrap_or_default();
        let said = formats::maildir::FileName::parse(name).size;
        length == said.unwrap_or(known.size)
    }

    /// One message: its line, or why it can't be read.
    fn message(
        &self,
        message: &Stored<'_>,
        out: Option<&mut Out>,
    ) -> Result<Result<Message, String>, Failed> {
        let email = match wait(self.what.account.email(message)) {
            Ok(email) => email,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let letter = letter(self.open, message);
        let mut source = Reading::default();
        let written = match out {
            Some(out) => {
                let sender = sender(&email);
                let mut content = |take: Take<'_>| source.read(&email, take);
                match out.write(&sender, &letter, &mut content) {
                    Ok(written) => written,
                    Err(error) => match source.failed {
                        Some(failed) => return Ok(Err(failed.to_string())),
                        None => return Err(error.into()),
                    },
                }
            }
            None => Written::default(),
        };
        Ok(Ok(Message {
            mailbox: self.about.mailbox.clone(),
            uid_validity: self.about.uid_validity,
            uid: message.uid.0,
            mod_seq: message.mod_seq.0,
            flags: flags(message.system),
            keywords: letter.marks.keywords,
            internal_date: message.internal_date.unix,
            zone: message.internal_date.zone_minutes,
            save_date: message.save_date,
            size: message.size,
            trace: email.trace_len(),
            blake3: source.blake3,
            email: message.email.to_string(),
            thread: message.thread.to_string(),
            file: written.file,
            offset: written.offset,
            length: written.length,
            exact: written.exact,
            requoted: written.requoted,
            ambiguous: written.ambiguous,
        }))
    }
}

/// A message being read; its sum when it is read to the end.
#[derive(Default)]
struct Reading {
    blake3: String,
    failed: Option<store::Error>,
}

impl Reading {
    fn read(&mut self, email: &Email, take: Take<'_>) -> io::Result<()> {
        let mut hasher = blake3::Hasher::new();
        let (mut at, mut octets) = (0, Vec::new());
        while at < email.size() {
            octets.clear();
            let end = email.read_end(at).min(at + READ_BYTES);
            if let Err(error) = wait(email.read(Span { start: at, end }, &mut octets)) {
                self.failed = Some(error);
                return Err(io::Error::other("the message can't be read"));
            }
            hasher.update(&octets);
            take(&octets)?;
            at = end;
        }
        self.blake3 = hasher.finalize().to_hex().to_string();
        Ok(())
    }
}

/// What is told of a mailbox.
#[derive(Default)]
struct Totals {
    messages: u64,
    present: u64,
    octets: u64,
    hasher: blake3::Hasher,
}

impl Totals {
    fn add(&mut self, line: &Message) {
        self.messages += 1;
        self.octets += line.size;
        self.hasher.update(line.blake3.as_bytes());
    }

    fn tell(&self, account: &str, name: &MailboxName, report: &mut dyn Report) {
        let blake3 = self.hasher.finalize().to_hex();
        let line = Told {
            account,
            mailbox: name.as_str(),
            messages: self.messages,
            present: self.present,
            octets: self.octets,
            blake3: &blake3,
        };
        let text = format!(
            "{account}\t{name}\tmessages {}\tthere already {}\toctets {}",
            line.messages, line.present, line.octets
        );
        report.row(Row::new(&line, text));
    }
}

/// The system flags by their names.
fn flags(system: SystemFlags) -> Vec<String> {
    let set = FLAGS.iter().filter(|(flag, _)| system.contains(*flag));
    set.map(|(_, name)| (*name).to_owned()).collect()
}

/// Every system flag and its name.
pub(crate) const FLAGS: [(SystemFlags, &str); 5] = [
    (SystemFlags::ANSWERED, "\\Answered"),
    (SystemFlags::FLAGGED, "\\Flagged"),
    (SystemFlags::DELETED, "\\Deleted"),
    (SystemFlags::SEEN, "\\Seen"),
    (SystemFlags::DRAFT, "\\Draft"),
];

fn letter(open: &OpenMailbox, message: &Stored<'_>) -> Letter {
    let has = |flag| message.system.contains(flag);
    let keywords = message.keywords.iter();
    Letter {
        place: String::new(),
        marks: Marks {
            answered: has(SystemFlags::ANSWERED),
            flagged: has(SystemFlags::FLAGGED),
            deleted: has(SystemFlags::DELETED),
            seen: has(SystemFlags::SEEN),
            draft: has(SystemFlags::DRAFT),
            keywords: keywords
                .filter_map(|at| Some(open.keywords().get(*at as usize)?.to_string()))
                .collect(),
        },
        date: Some(Date {
            unix: message.internal_date.unix,
            zone_minutes: message.internal_date.zone_minutes,
        }),
        uid: Some(message.uid.0),
    }
}

/// The envelope's sender, as delivery wrote it down.
fn sender(email: &Email) -> String {
    let trace = String::from_utf8_lossy(email.trace());
    let path = trace
        .lines()
        .find_map(|line| line.strip_prefix("Return-Path:"));
    let path = path.unwrap_or_default().trim();
    path.trim_matches(['<', '>']).to_owned()
}
