//! Walks a store and names what is wrong with it.
//!
//! Everything is read from the log and believed only if it agrees: each record with its
//! checksum, each batch with those before it, each message with its record, and its octets
//! with the hash and the digest that were made of them on arrival. Takes memory for the
//! state of all accounts and the places of all pieces; never for octets.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    ops::ControlFlow,
    path::Path,
    pin::pin,
    sync::Arc,
    task, thread,
};

use crate::{
    change::Batch,
    check,
    checkpoint::base,
    email::{Piece, Put, Record},
    engine::{Partition, Ref, Walk, WalkItem, WalkKind, partitions::reason},
    error::Error,
    fold::State,
    home::{self, Claim, Verdict},
    id::{AccountId, Uid},
    mailbox::{Message, OpenMailbox},
    name::MailboxName,
    octets::Malformed,
};

mod content;
mod watched;

pub use watched::{Walked, octets, verify_watched};

/// How much to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Every record by its checksum; that all batches fit; that all a message needs is there.
    Records,
    /// Also every message's octets, by their hash, and its digest, made again.
    Content,
}

/// Something that is wrong. What is not known, or does not apply, is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The partition's name.
    pub partition: Arc<str>,
    /// Whose.
    pub account: Option<AccountId>,
    /// In which mailbox.
    pub mailbox: Option<MailboxName>,
    /// Of which message.
    pub uid: Option<Uid>,
    /// Where: the file below the store's directory; `log` for a place in the log as a whole.
    pub file: Arc<str>,
    /// Where in it, in octets.
    pub offset: u64,
    /// What, for a person.
    pub what: Arc<str>,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Accounts.
    pub accounts: u64,
    /// Mailboxes of all.
    pub mailboxes: u64,
    /// Messages in them; a copy is one more.
    pub messages: u64,
    /// Records of the log.
    pub records: u64,
    /// Octets of these.
    pub octets: u64,
    /// What was wrong.
    pub findings: u64,
    /// Places that are damaged, and that repair has seen to: no findings.
    pub known: u64,
}

/// Verifies the store in a directory, which a server may have open. Changes nothing. Waits for the
/// disk: call it on a thread that may. Calls `found` for whatever is wrong.
///
/// # Errors
/// [`Error::Io`]; [`Error::Corrupt`] if it takes a newer program.
pub fn verify(
    directory: &Path,
    depth: Depth,
    found: &mut dyn FnMut(Finding),
) -> Result<Summary, Error> {
    verify_watched(directory, depth, &mut |_| ControlFlow::Continue(()), found)
}

/// Verifies a store that is open here, and that the states of `open` are what the log says.
pub(crate) fn verify_open(
    walks: Vec<Walk<'static>>,
    open: &[crate::Account],
    depth: Depth,
    walked: &mut Walked<'_>,
    found: &mut dyn FnMut(Finding),
) -> Result<Summary, Error> {
    let served = open.iter().map(|account| (account.id(), account.clone()));
    let served: BTreeMap<_, _> = served.collect();
    let run = |walks: &[Walk<'_>]| Verifier::run(walks, depth, served, found);
    let mut verifier = watched::watch(walks, walked, run)?;
    for account in open {
        let id = account.id();
        // One account after the other: all its messages have to be in memory for it.
        let what = match wait(account.whole()) {
            Err(error) => format!("its state can't be read: {error}"),
            Ok(whole) => {
                let home = verifier.home(id);
                let home = home.filter(|(_, account)| !account.is_broken());
                let folded = home.map(|(_, account)| &account.state);
                // The walk may have seen more, or less, of an account that is written to meanwhile.
                let same = |state: &&State| state.snapshot.mod_seq() == whole.mod_seq();
                let folded = folded.filter(same);
                match folded.and_then(|folded| check::difference(&folded.snapshot, &whole)) {
                    None => continue,
                    Some(what) => format!("its state is not what its log says: {what}"),
                }
            }
        };
        let name = verifier.home(id).and_then(|it| verifier.walked.get(&it.0));
        let name = name.map_or_else(|| Partition::first().name, Arc::clone);
        verifier.summary.findings += 1;
        found(Finding {
            account: Some(id),
            ..finding(&name, &what)
        });
    }
    Ok(verifier.summary)
}

/// Waits for what the engine's threads do, on a thread that may.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);
    impl task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut context = task::Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        thread::park();
    }
}

fn finding(partition: &Arc<str>, what: &str) -> Finding {
    Finding {
        partition: Arc::clone(partition),
        account: None,
        mailbox: None,
        uid: None,
        file: "log".into(),
        offset: 0,
        what: what.into(),
    }
}

/// What the log has told so far.
#[derive(Default)]
struct Verifier {
    /// What each partition has of each account.
    accounts: BTreeMap<AccountId, BTreeMap<u16, Account>>,
    /// The names of the partitions that were walked.
    walked: BTreeMap<u16, Arc<str>>,
    /// Accounts as they are served. A checkpoint may know what the log has lost.
    served: BTreeMap<AccountId, crate::Account>,
    /// Every blob: how long it is.
    blobs: HashMap<Ref, u32>,
    /// Every message record.
    records: HashMap<Ref, Kept>,
    summary: Summary,
}

#[derive(Default)]
struct Account {
    state: State,
    /// The number of its last batch, whether or not it could be read.
    last: u64,
    /// What is wrong with its batches, as far as no base makes up for it: where, and what.
    wrong: Vec<(u64, String)>,
    /// Batches are missing, whether or not that is written down.
    broken: bool,
    /// What was put for it since then: a base, maybe.
    puts: HashMap<Ref, Vec<u8>>,
}

/// What is kept of a message record until its message is seen.
struct Kept {
    /// Octets of the record.
    len: u32,
    about: Result<About, Malformed>,
}

/// What a message record says.
enum About {
    Message {
        trace_len: u64,
        size: u64,
        content: Content,
    },
    /// Where the record itself is. What it says is not looked at.
    Pieces(Vec<Piece>),
}

/// Where a message's octets are, and what they must be.
#[derive(Debug, Clone)]
struct Content {
    pieces: Arc<[Piece]>,
    blake3: [u8; 32],
    /// Of the encoded digest.
    digest_blake3: [u8; 32],
}

impl Verifier {
    fn run(
        walks: &[Walk<'_>],
        depth: Depth,
        served: BTreeMap<AccountId, crate::Account>,
        found: &mut dyn FnMut(Finding),
    ) -> Result<Self, Error> {
        let mut verifier = Self {
            served,
            ..Self::default()
        };
        let mut findings = 0;
        let mut found = |finding| {
            findings += 1;
            found(finding);
        };
        for Walk { partition, walk } in walks {
            let name = &partition.name;
            let walk = match walk {
                Ok(walk) => walk,
                Err(why) => {
                    found(finding(name, &reason(why)));
                    continue;
                }
            };
            verifier.walked.insert(partition.number, Arc::clone(name));
            walk(&mut |item| {
                verifier.visit(partition, item, &mut found);
                ControlFlow::Continue(())
            })?;
        }
        let contents = verifier.judge(&mut found);
        if depth == Depth::Content {
            content::verify(walks, contents, &mut found)?;
        }
        verifier.summary.findings = findings;
        Ok(verifier)
    }

    fn visit(&mut self, partition: &Partition, item: WalkItem<'_>, found: &mut dyn FnMut(Finding)) {
        let finding = |what: &str| finding(&partition.name, what);
        let (kind, account, at, body) = match item {
            WalkItem::Record {
                kind,
                account,
                at,
                body,
            } => (kind, account, at, body),
            WalkItem::Known => {
                self.summary.known += 1;
                return;
            }
            WalkItem::Damage(damage) => {
                return found(Finding {
                    file: damage.file,
                    offset: damage.offset,
                    ..finding(&damage.what)
                });
            }
        };
        self.summary.records += 1;
        self.summary.octets += body.len() as u64;
        let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
        match kind {
            WalkKind::Blob => {
                self.blobs.insert(at, len);
                if let Some(id) = account {
                    let account = self.account(id, partition.number);
                    account.puts.insert(at, body.to_vec());
                }
            }
            WalkKind::Message => {
                let about = Record::decode(body.to_vec()).map(About::new);
                self.records.insert(at, Kept { len, about });
            }
            WalkKind::Batch { seq } => {
                let Some(id) = account else {
                    return found(Finding {
                        offset: at.lsn(),
                        ..finding("a batch of no account")
                    });
                };
                self.account(id, partition.number).batch(at, seq, body);
            }
        }
    }

    fn account(&mut self, id: AccountId, partition: u16) -> &mut Account {
        let there = self.accounts.entry(id).or_default();
        there.entry(partition).or_default()
    }

    /// An account where it is, and the number of that partition.
    fn home(&self, id: AccountId) -> Option<(u16, &Account)> {
        let there = self.accounts.get(&id)?;
        let known = there.iter().filter(|(_, account)| account.last > 0);
        let claims = known.map(|(number, account)| (*number, Claim::of(&account.state.snapshot)));
        let number = match home::judge(&claims.collect()) {
            Verdict::In(number) | Verdict::Arrived(number) => number,
            Verdict::Nowhere | Verdict::Unknown(_) => return None,
        };
        Some((number, there.get(&number)?))
    }

    /// Looks at all accounts as the whole log left them. Gives what their messages' octets must be, and
    /// one message that has them, by the first piece.
    fn judge(&mut self, found: &mut dyn FnMut(Finding)) -> Vec<(Content, Finding)> {
        let mut contents: HashMap<Ref, (Content, Finding)> = HashMap::new();
        for (id, there) in &self.accounts {
            for (number, account) in there {
                let Some(partition) = self.walked.get(number) else {
                    continue;
                };
                for (offset, what) in &account.wrong {
                    found(Finding {
                        account: Some(*id),
                        offset: *offset,
                        ..finding(partition, what)
                    });
                }
            }
        }
        let mut summary = self.summary;
        for id in self.accounts.keys() {
            // One whose partition is not there is named with it.
            let Some((number, account)) = self.home(*id) else {
                continue;
            };
            let Some(partition) = self.walked.get(&number) else {
                continue;
            };
            let finding = |what: &str| finding(partition, what);
            let served = self.served.get(id).filter(|_| account.is_broken());
            let served = served.and_then(|served| wait(served.whole()).ok());
            let snapshot = served.as_deref().unwrap_or(&account.state.snapshot);
            for what in check::check(snapshot) {
                found(Finding {
                    account: Some(*id),
                    ..finding(&what)
                });
            }
            summary.accounts += 1;
            for (name, mailbox) in snapshot.mailboxes() {
                summary.mailboxes += 1;
                // A state that was folded is in memory: if not, the check has told.
                let open = mailbox.in_memory();
                for message in open.iter().flat_map(OpenMailbox::every) {
                    summary.messages += 1;
                    let of = |what: &str| Finding {
                        account: Some(*id),
                        mailbox: Some(name.clone()),
                        uid: Some(message.uid),
                        partition: self.name(message.record, partition),
                        offset: message.record.lsn(),
                        ..finding(what)
                    };
                    if !self.walked.contains_key(&message.record.partition()) {
                        // It is named with its partition.
                        continue;
                    }
                    match self.message(&message) {
                        Ok(Some(content)) => {
                            if let Some(first) = content.pieces.first() {
                                contents
                                    .entry(first.at)
                                    .or_insert_with(|| (content.clone(), of("")));
                            }
                        }
                        Ok(None) => {}
                        Err(what) => found(of(what)),
                    }
                }
            }
        }
        self.summary = summary;
        contents.into_values().collect()
    }

    /// The name of the partition in which a record is.
    fn name(&self, at: Ref, otherwise: &Arc<str>) -> Arc<str> {
        let name = self.walked.get(&at.partition());
        Arc::clone(name.unwrap_or(otherwise))
    }

    /// Whether all that a message needs is there; its content, if that can be looked at.
    fn message(&self, message: &Message<'_>) -> Result<Option<&Content>, &'static str> {
        let kept = self.records.get(&message.record);
        let kept = kept.ok_or("its record is missing or damaged")?;
        if kept.len != message.record_len {
            return Err("its record has another length");
        }
        let (pieces, content) = match &kept.about {
            Ok(About::Message {
                trace_len,
                size,
                content,
            }) => {
                if trace_len + size != message.size {
                    return Err("its size is not what its record says");
                }
                (&content.pieces[..], Some(content))
            }
            Ok(About::Pieces(pieces)) => (&pieces[..], None),
            Err(Malformed(what)) => return Err(what),
        };
        for piece in pieces {
            match self.blobs.get(&piece.at) {
                None => return Err("some of its octets are missing or damaged"),
                Some(len) if *len != piece.len => return Err("some of its octets are others"),
                Some(_) => {}
            }
        }
        Ok(content)
    }
}

impl Account {
    fn is_broken(&self) -> bool {
        self.broken || !self.wrong.is_empty()
    }

    fn batch(&mut self, at: Ref, seq: u64, body: &[u8]) {
        let puts = mem::take(&mut self.puts);
        let follows = seq == self.last + 1;
        let batch = Batch::decode(body);
        let mut wrong = mem::take(&mut self.wrong);
        let whole = wrong.is_empty() && !self.broken;
        let mut found = |what: &str| wrong.push((at.lsn(), what.to_owned()));
        if let Ok(batch) = &batch
            && let Some(pieces) = base::begins(batch, follows && whole)
        {
            let octets: Option<Vec<&[u8]>> = pieces
                .iter()
                .map(|piece| Some(&puts.get(&piece.at)?[..]))
                .collect();
            let state = octets.map(|octets| base::decode(&octets.concat()));
            match state {
                Some(Ok(state)) if state.snapshot.mod_seq == seq => {
                    // What came before it was freed, or does not matter any more.
                    self.last = seq;
                    self.state = state;
                    self.broken = false;
                    return;
                }
                Some(Err(Malformed(what))) => found(&format!("batch {seq}: {what}")),
                _ => found(&format!("batch {seq}: its base is missing or damaged")),
            }
        }
        self.broken |= !follows;
        let told = |batch: &Batch| batch.tells_of(self.last);
        if !follows && !batch.as_ref().is_ok_and(told) {
            found(&format!(
                "batch {} is missing or damaged",
                self.last.saturating_add(1)
            ));
        }
        self.last = seq;
        match batch {
            Ok(batch) if batch.mod_seq.0 == seq => {
                for misfit in self.state.apply(&batch) {
                    found(&format!("batch {seq}: {}", misfit.0));
                }
            }
            Ok(batch) => found(&format!("batch {seq} says it is {}", batch.mod_seq)),
            Err(Malformed(what)) => found(&format!("batch {seq}: {what}")),
        }
        self.state.snapshot.mod_seq = seq;
        self.wrong = wrong;
    }
}

impl About {
    fn new(put: Put) -> Self {
        match put {
            Put::Whole(record) => Self::Message {
                trace_len: record.trace().len() as u64,
                size: record.size,
                content: Content {
                    blake3: record.blake3,
                    digest_blake3: *blake3::hash(record.digest()).as_bytes(),
                    pieces: record.pieces.into(),
                },
            },
            Put::Pieces(pieces) => Self::Pieces(pieces),
        }
    }
}
