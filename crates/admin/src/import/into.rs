//! Places what is imported in a mailbox, unless it is there.

use std::collections::HashMap;

use mail::Span;
use serde::Serialize;
use store::{
    Account, Arrival, AsWas, Email, Error, MailboxId, MailboxName, OpenMailbox, Role, Store, Uid,
};

use super::{
    Import, Sum,
    source::{Folder, Item, Source},
};
use crate::{
    outcome::Failed,
    report::{Report, Row},
};

/// The most messages that come with one batch, and their octets.
const BATCH_MESSAGES: usize = 100;
const BATCH_BYTES: u64 = 32 << 20;
/// Octets of a message that are read at once.
const READ_BYTES: u64 = 1 << 20;

/// Where a folder goes.
pub(super) struct Into<'a> {
    pub(super) import: &'a Import,
    pub(super) store: &'a Store,
    /// `None` in a dry run for an account that has no mail.
    pub(super) account: Option<&'a Account>,
    pub(super) target: MailboxName,
}

/// A folder for programs.
#[derive(Debug, Default, Serialize)]
struct Line {
    from: String,
    mailbox: String,
    messages: u64,
    imported: u64,
    present: u64,
    octets: u64,
    blake3: String,
}

/// What came of one message's octets.
struct Summed {
    size: u64,
    blake3: blake3::Hash,
}

impl Into<'_> {
    /// Imports a folder.
    pub(super) async fn folder(
        self,
        mut folder: Folder,
        sum: &mut Sum,
        report: &mut dyn Report,
    ) -> Result<(), Failed> {
        let target = self.mailbox(&folder).await?;
        let (open, name) = match &target {
            (Some(open), name) => (Some(open), name.clone()),
            (None, name) => (None, name.clone()),
        };
        let mut one = One {
            id: open.map(|open| open.id()),
            there: There::new(open),
            kept_uids: self.keeps_uids(&folder, open, sum, report),
            line: Line {
                from: folder.name.clone(),
                mailbox: name.to_string(),
                ..Line::default()
            },
            hasher: blake3::Hasher::new(),
            waiting: Vec::new(),
            waiting_octets: 0,
            into: self,
            sum,
            report,
        };
        for (place, what) in &folder.lost {
            one.trouble(place, what);
        }
        loop {
            let item = match folder.letters.next() {
                Ok(None) => break,
                Ok(Some(item)) => item,
                Err(what) => {
                    one.trouble("a message", &what);
                    continue;
                }
            };
            one.message(&item, &mut *folder.letters).await?;
        }
        one.finish(&folder).await
    }

    /// The mailbox that a folder comes into, made if need be.
    async fn mailbox(&self, folder: &Folder) -> Result<(Option<OpenMailbox>, MailboxName), Failed> {
        let Some(account) = self.account else {
            return Ok((None, self.target.clone()));
        };
        let snapshot = account.snapshot();
        let by_name = snapshot.named(&self.target);
        // What is Sent elsewhere comes into what is Sent here.
        let by_role = folder
            .role
            .filter(|_| self.import.into.is_none() && folder.uid_next.is_none())
            .and_then(|role: Role| snapshot.with_role(role));
        let found = by_name.or(by_role);
        let id = match found {
            Some(found) => found.id(),
            None if self.import.dry_run => return Ok((None, self.target.clone())),
            None => {
                let role = folder.role.filter(|_| self.import.into.is_none());
                let role = role.filter(|role| snapshot.with_role(*role).is_none());
                account.create(&self.target, role).await?
            }
        };
        let wanted = folder.subscribed.unwrap_or(found.is_none());
        let open = account.open_mailbox(id).await?;
        if wanted && !self.import.dry_run {
            account.subscribe(open.name()).await?;
        }
        let name = open.name().clone();
        Ok((Some(open), name))
    }

    /// Whether the messages may have the UIDs that they had.
    fn keeps_uids(
        &self,
        folder: &Folder,
        open: Option<&OpenMailbox>,
        sum: &mut Sum,
        report: &mut dyn Report,
    ) -> bool {
        if !self.import.keep_uids {
            return false;
        }
        let (had, has) = (folder.uid_validity, open.map(|open| open.uid_validity().0));
        let same = had.is_some() && (had == has || has.is_none());
        if !same {
            let text = |n: Option<u32>| n.map_or_else(|| "unknown".to_owned(), |n| n.to_string());
            let what = format!(
                "UIDs can't be kept: UIDVALIDITY was {}, and is {} here",
                text(had),
                text(has)
            );
            sum.trouble(report, Some(self.target.as_str()), &folder.name, &what);
        }
        same
    }
}

/// A folder on its way.
struct One<'a> {
    into: Into<'a>,
    /// `None` in a dry run that would make it.
    id: Option<MailboxId>,
    there: There,
    kept_uids: bool,
    line: Line,
    hasher: blake3::Hasher,
    waiting: Vec<(String, AsWas)>,
    waiting_octets: u64,
    sum: &'a mut Sum,
    report: &'a mut dyn Report,
}

impl One<'_> {
    fn trouble(&mut self, place: &str, what: &str) {
        let mailbox = Some(self.line.mailbox.as_str());
        self.sum.trouble(self.report, mailbox, place, what);
    }

    async fn message(&mut self, item: &Item, source: &mut dyn Source) -> Result<(), Failed> {
        self.line.messages += 1;
        let done = self.sum.imported + self.sum.present;
        self.report.progress(done, 0, "messages");
        let summed = match sum_up(source) {
            Ok(summed) => summed,
            Err(what) => {
                self.trouble(&item.place, &what);
                return Ok(());
            }
        };
        let hex = summed.blake3.to_hex();
        if let Some((size, blake3)) = &item.expected
            && (*size != summed.size || **blake3 != *hex)
        {
            self.trouble(&item.place, "it is not what the manifest says");
        }
        self.hasher.update(hex.as_bytes());
        self.line.octets += summed.size;
        self.sum.octets += summed.size;
        if let Some(account) = self.into.account.filter(|_| !self.into.import.again)
            && self.there.find(account, item, &summed).await?
        {
            self.line.present += 1;
            self.sum.present += 1;
            return Ok(());
        }
        if self.into.import.dry_run {
            self.line.imported += 1;
            self.sum.imported += 1;
            return Ok(());
        }
        let received = self.receive(item, source, &summed).await?;
        match received {
            Ok(as_was) => {
                self.waiting_octets += summed.size;
                self.waiting.push((item.place.clone(), as_was));
            }
            Err(what) => self.trouble(&item.place, &what),
        }
        if self.waiting.len() >= BATCH_MESSAGES || self.waiting_octets >= BATCH_BYTES {
            self.place().await?;
        }
        Ok(())
    }

    /// Reads a message once more, into the store.
    async fn receive(
        &self,
        item: &Item,
        source: &mut dyn Source,
        summed: &Summed,
    ) -> Result<Result<AsWas, String>, Failed> {
        let Some(account) = self.into.account else {
            return Ok(Err("there is no account".to_owned()));
        };
        if let Err(what) = source.again() {
            return Ok(Err(what));
        }
        let mut incoming = self.into.store.receive_for(account.id()).await?;
        let mut hasher = blake3::Hasher::new();
        let (mut octets, mut trace) = (Vec::new(), Vec::new());
        loop {
            octets.clear();
            match source.read(&mut octets) {
                Ok(false) => break,
                Ok(true) => {}
                Err(what) => return Ok(Err(what)),
            }
            hasher.update(&octets);
            let missing = item.trace.saturating_sub(trace.len() as u64);
            let take = usize::try_from(missing).unwrap_or(0).min(octets.len());
            let (before, content) = octets.split_at(take);
            trace.extend_from_slice(before);
            match incoming.write(content).await {
                Err(error @ Error::TooBig(_)) => return Ok(Err(error.to_string())),
                other => other?,
            }
        }
        if hasher.finalize() != summed.blake3 {
            return Ok(Err("it changed while it was read".to_owned()));
        }
        let uid = item.uid.filter(|_| self.kept_uids).map(Uid);
        Ok(Ok(AsWas {
            arrival: Arrival {
                message: incoming.finish().await?,
                trace,
                flags: item.flags.clone(),
                internal_date: item.date,
            },
            uid,
            save_date: item.save_date,
            annotations: Vec::new(),
        }))
    }

    /// Places what waits. What can't be placed with the others is tried by itself, and told.
    async fn place(&mut self) -> Result<(), Failed> {
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_octets = 0;
        let (Some(account), Some(id)) = (self.into.account, self.id) else {
            return Ok(());
        };
        if waiting.is_empty() {
            return Ok(());
        }
        let all: Vec<AsWas> = waiting.iter().map(|(_, as_was)| as_was.clone()).collect();
        let count = all.len() as u64;
        match account.append_as(id, all).await {
            Ok(_) => {
                self.line.imported += count;
                self.sum.imported += count;
                return Ok(());
            }
            Err(Error::Limit(_) | Error::NotPermitted(_)) => {}
            Err(error) => return Err(error.into()),
        }
        for (place, as_was) in waiting {
            match account.append_as(id, vec![as_was]).await {
                Ok(_) => {
                    self.line.imported += 1;
                    self.sum.imported += 1;
                }
                Err(error @ (Error::Limit(_) | Error::NotPermitted(_))) => {
                    self.trouble(&place, &error.to_string());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn finish(mut self, folder: &Folder) -> Result<(), Failed> {
        self.place().await?;
        if let (Some(account), Some(id), Some(next)) = (self.into.account, self.id, folder.uid_next)
            && self.kept_uids
            && !self.into.import.dry_run
        {
            account.skip_uids(id, Uid(next)).await?;
        }
        self.line.blake3 = self.hasher.finalize().to_hex().to_string();
        let line = self.line;
        let would = if self.into.import.dry_run {
            "would be "
        } else {
            ""
        };
        let text = format!(
            "{} → {}\tmessages {}\t{would}imported {}\tthere already {}\toctets {}",
            line.from, line.mailbox, line.messages, line.imported, line.present, line.octets
        );
        self.report.row(Row::new(&line, text));
        Ok(())
    }
}

fn sum_up(source: &mut dyn Source) -> Result<Summed, String> {
    let (mut hasher, mut octets, mut size) = (blake3::Hasher::new(), Vec::new(), 0);
    while source.read(&mut octets)? {
        hasher.update(&octets);
        size += octets.len() as u64;
        octets.clear();
    }
    let blake3 = hasher.finalize();
    Ok(Summed { size, blake3 })
}

/// One that may be the same, and its sum, when it is known.
type Alike = (Uid, Option<blake3::Hash>);

/// What a mailbox had before: messages by octets and date. Each is found once, so that two that are alike
/// stay two.
struct There {
    mailbox: Option<OpenMailbox>,
    by_size: HashMap<(u64, i64), Vec<Alike>>,
}

impl There {
    fn new(mailbox: Option<&OpenMailbox>) -> Self {
        let mut by_size: HashMap<_, Vec<_>> = HashMap::new();
        for message in mailbox.iter().flat_map(|mailbox| mailbox.every()) {
            let key = (message.size, message.internal_date.unix);
            by_size.entry(key).or_default().push((message.uid, None));
        }
        Self {
            mailbox: mailbox.cloned(),
            by_size,
        }
    }

    /// Whether a message is there; the date counts, if it has one.
    async fn find(
        &mut self,
        account: &Account,
        item: &Item,
        summed: &Summed,
    ) -> Result<bool, Failed> {
        let Some(mailbox) = &self.mailbox else {
            return Ok(false);
        };
        let unix = item.date.map_or(0, |date| date.unix);
        let Some(alike) = self.by_size.get_mut(&(summed.size, unix)) else {
            return Ok(false);
        };
        for at in 0..alike.len() {
            let Some((uid, known)) = alike.get_mut(at) else {
                break;
            };
            if known.is_none() {
                let Some(message) = mailbox.get(*uid) else {
                    continue;
                };
                *known = match hash(account.email(&message).await).await {
                    // What can't be read is not there.
                    Err(Error::Corrupt { .. }) => continue,
                    hash => Some(hash?),
                };
            }
            if *known == Some(summed.blake3) {
                alike.remove(at);
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The sum of a whole message.
async fn hash(email: Result<Email, Error>) -> Result<blake3::Hash, Error> {
    let email = email?;
    if email.trace_len() == 0 {
        return Ok(blake3::Hash::from_bytes(*email.blake3()));
    }
    let (mut hasher, mut at, mut octets) = (blake3::Hasher::new(), 0, Vec::new());
    while at < email.size() {
        octets.clear();
        let end = email.read_end(at).min(at + READ_BYTES);
        email.read(Span { start: at, end }, &mut octets).await?;
        hasher.update(&octets);
        at = end;
    }
    Ok(hasher.finalize())
}
