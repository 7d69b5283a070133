//! Keys and values of the checkpoint. Layout: `docs/store-format-batches.md`.

use std::sync::Arc;

use crate::{
    annotation::{Annotations, Setting},
    change::{
        Expiry, put_acl, put_expiry, put_name, put_owner, put_partition, put_whose, read_acl,
        read_bool, read_expiry, read_name, read_owner, read_partition, read_role, read_whose,
        role_octet,
    },
    checksum::{crc32c, crc32c_append},
    flag::Keyword,
    fold::Last,
    id::{AccountId, MailboxId, ModSeq, ThreadId, Uid, UidValidity},
    mailbox::{
        Counters, Mailbox,
        chunk::{self, Summary},
        form::next_uid,
        history::{self, CHUNK_ENTRIES_MAX, Gone},
        readers::About,
        seen::{Seen, Span},
    },
    metadata::Metadata,
    name::{MailboxName, Role},
    octets::{Malformed, Octets, put_len, put_octets, put_step, put_u64},
    quota::{kept::Quotas, put_quota, read_quota},
    rights::Acl,
    snapshot::{Arrived, Snapshot},
    threads::Buckets,
};

/// The form of value that this program writes.
const VERSION: u8 = 10;

/// The first one in which mailboxes have readers.
const WITH_READERS: u8 = 9;

/// The oldest that is read: its headers have no metadata. Any older one is folded again.
const WITHOUT_METADATA: u8 = 4;

/// Headers of before there were lists of rights.
const WITHOUT_RIGHTS: u8 = 5;

/// Headers of before there were annotations.
const WITHOUT_ANNOTATIONS: u8 = 6;
/// Headers of before there were quotas.
const WITHOUT_QUOTAS: u8 = 7;

const HEADERS: u8 = b'a';
const DATA: u8 = b'd';

/// What a value is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// Placements whose first UID was this.
    Chunk(MailboxId, u32),
    /// Expunges, the nth chunk.
    History(MailboxId, u32),
    /// Thread keys, the nth bucket.
    Threads(u32),
    /// What a reader has seen of a mailbox.
    Seen(MailboxId, AccountId),
}

pub(super) fn header_prefix() -> Vec<u8> {
    vec![HEADERS]
}

pub(super) fn header_key(account: AccountId) -> Vec<u8> {
    [&[HEADERS][..], &account.0.to_be_bytes()].concat()
}

pub(super) fn account_of(header_key: &[u8]) -> Option<AccountId> {
    let (first, id) = header_key.split_first()?;
    let id = u64::from_be_bytes(id.try_into().ok()?);
    (*first == HEADERS).then_some(AccountId(id))
}

pub(super) fn data_prefix(account: AccountId) -> Vec<u8> {
    [&[DATA][..], &account.0.to_be_bytes()].concat()
}

impl Key {
    pub(super) fn encode(self, account: AccountId) -> Vec<u8> {
        let (kind, mailbox, n) = match self {
            Self::Chunk(mailbox, base) => (1, mailbox.0, base.to_be_bytes().to_vec()),
            Self::History(mailbox, n) => (2, mailbox.0, n.to_be_bytes().to_vec()),
            Self::Threads(n) => (3, 0, n.to_be_bytes().to_vec()),
            Self::Seen(mailbox, reader) => (4, mailbox.0, reader.0.to_be_bytes().to_vec()),
        };
        let mut key = data_prefix(account);
        key.push(kind);
        key.extend_from_slice(&u64::to_be_bytes(mailbox));
        key.extend_from_slice(&n);
        key
    }

    pub(super) fn decode(key: &[u8]) -> Option<Self> {
        let (kind, rest) = key.get(9..)?.split_first()?;
        let (mailbox, n) = rest.split_first_chunk()?;
        let mailbox = MailboxId(u64::from_be_bytes(*mailbox));
        if *kind == 4 {
            let reader = AccountId(u64::from_be_bytes(n.try_into().ok()?));
            return Some(Self::Seen(mailbox, reader));
        }
        let n = u32::from_be_bytes(n.try_into().ok()?);
        match kind {
            1 => Some(Self::Chunk(mailbox, n)),
            2 => Some(Self::History(mailbox, n)),
            3 => Some(Self::Threads(n)),
            _ => None,
        }
    }
}

/// A value: version, body, and the checksum of key, version and body.
pub(crate) fn seal(key: &[u8], body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut value = vec![VERSION];
    body(&mut value);
    let sum = crc32c_append(crc32c(key), &value);
    value.extend_from_slice(&sum.to_le_bytes());
    value
}

/// The body of a value.
pub(crate) fn unseal<'a>(key: &[u8], value: &'a [u8]) -> Result<Octets<'a>, Malformed> {
    let (sealed, sum) = value.split_last_chunk().ok_or(Malformed("cut short"))?;
    if crc32c_append(crc32c(key), sealed) != u32::from_le_bytes(*sum) {
        return Err(Malformed("a wrong checksum"));
    }
    match sealed.split_first() {
        Some((&(WITHOUT_METADATA..=VERSION), body)) => Ok(Octets(body)),
        _ => Err(Malformed("a value of a version that is not known")),
    }
}

/// What an account's header says.
pub(super) struct Header {
    pub(super) mod_seq: u64,
    pub(super) last: Last,
    /// How the thread keys lie there.
    pub(super) threads: Buckets,
    pub(super) held: bool,
    pub(super) expiry: Option<Expiry>,
    pub(super) moved_to: Option<u16>,
    pub(super) arrived: Option<Arrived>,
    pub(super) metadata: Metadata,
    pub(super) quotas: Quotas,
    pub(super) subscriptions: Vec<MailboxName>,
    pub(super) mailboxes: Vec<MailboxHeader>,
}

/// What an account's header says of a mailbox.
pub(super) struct MailboxHeader {
    pub(super) id: MailboxId,
    pub(super) name: MailboxName,
    pub(super) role: Option<Role>,
    pub(super) uid_validity: UidValidity,
    pub(super) uid_next: Uid,
    pub(super) highest_mod_seq: ModSeq,
    pub(super) recent_from: Uid,
    pub(super) counters: Counters,
    pub(super) held: bool,
    pub(super) expiry: Option<Expiry>,
    pub(super) partition: Option<u16>,
    pub(super) metadata: Metadata,
    pub(super) acl: Option<Acl>,
    pub(super) annotations: Annotations,
    pub(super) readers: Vec<(AccountId, About)>,
    pub(super) seen_since: ModSeq,
    /// How many messages have a UID from `recent_from` on.
    pub(super) recent: u32,
    /// What is known of its chunks of placements, and of expunges.
    pub(super) placements: Vec<chunk::Entry>,
    pub(super) history: Vec<history::Entry>,
    pub(super) keywords: Vec<Keyword>,
}

pub(super) fn put_header(into: &mut Vec<u8>, snapshot: &Snapshot, threads: Buckets) {
    put_u64(into, snapshot.mod_seq);
    put_u64(into, snapshot.last.mailbox);
    put_u64(into, snapshot.last.email);
    put_u64(into, snapshot.last.thread);
    put_u64(into, snapshot.last.uid_validity.into());
    put_u64(into, threads.count.into());
    put_u64(into, threads.keys);
    into.push(u8::from(snapshot.held));
    put_expiry(into, snapshot.expiry);
    put_partition(into, snapshot.moved_to);
    put_partition(into, snapshot.arrived.map(|it| it.from));
    if let Some(arrived) = snapshot.arrived {
        put_u64(into, arrived.at.0);
    }
    put_metadata(into, &snapshot.metadata);
    put_quotas(into, &snapshot.quotas);
    put_len(into, snapshot.subscriptions.len());
    for name in snapshot.subscriptions.iter() {
        put_name(into, name);
    }
    put_len(into, snapshot.mailboxes.len());
    for mailbox in snapshot.mailboxes.values() {
        put_mailbox(into, mailbox);
    }
}

fn put_mailbox(into: &mut Vec<u8>, mailbox: &Mailbox) {
    put_u64(into, mailbox.id.0);
    put_name(into, &mailbox.name);
    into.push(role_octet(mailbox.role));
    put_u64(into, mailbox.uid_validity.0.into());
    put_u64(into, mailbox.uid_next.0.into());
    put_u64(into, mailbox.highest_mod_seq.0);
    put_u64(into, mailbox.recent_from.0.into());
    put_u64(into, mailbox.counters.messages.into());
    put_u64(into, mailbox.counters.unseen.into());
    put_u64(into, mailbox.counters.deleted.into());
    put_u64(into, mailbox.counters.octets);
    into.push(u8::from(mailbox.held));
    put_expiry(into, mailbox.expiry);
    put_partition(into, mailbox.partition);
    put_u64(into, mailbox.recent.into());
    put_len(into, mailbox.placements.entries().count());
    let mut last = Summary::default();
    for entry in mailbox.placements.entries() {
        put_summary(into, entry, &last);
        last = entry.about;
    }
    put_len(into, mailbox.history.entries().count());
    let mut last = 0;
    for entry in mailbox.history.entries() {
        put_u64(into, entry.last.0 - last);
        put_u64(into, entry.len.into());
        last = entry.last.0;
    }
    put_len(into, mailbox.keywords().len());
    for keyword in mailbox.keywords() {
        put_octets(into, keyword.as_bytes());
    }
    put_metadata(into, &mailbox.metadata);
    put_acl(into, mailbox.acl.as_ref());
    put_annotations(into, &mailbox.annotations);
    put_readers(into, mailbox);
}

fn put_readers(into: &mut Vec<u8>, mailbox: &Mailbox) {
    put_u64(into, mailbox.seen_since.0);
    put_len(into, mailbox.readers.len());
    for (id, reader) in mailbox.readers.iter() {
        put_u64(into, id.0);
        put_u64(into, reader.about.seen.into());
        put_u64(into, reader.about.mod_seq.0);
        put_u64(into, reader.about.spans.into());
        put_u64(into, reader.about.recent_from.0.into());
        put_u64(into, reader.about.not_recent.into());
    }
}

fn read_readers(
    read: &mut Octets<'_>,
    version: u8,
) -> Result<(ModSeq, Vec<(AccountId, About)>), Malformed> {
    if version < WITH_READERS {
        return Ok((ModSeq(0), Vec::new()));
    }
    let since = ModSeq(read.u64()?);
    let mut readers = Vec::new();
    for _ in 0..read.count(6)? {
        let id = AccountId(read.u64()?);
        let about = About {
            seen: read.u32()?,
            mod_seq: ModSeq(read.u64()?),
            spans: read.u32()?,
            recent_from: Uid(read.u32()?),
            not_recent: read.u32()?,
        };
        readers.push((id, about));
    }
    Ok((since, readers))
}

fn put_quotas(into: &mut Vec<u8>, quotas: &Quotas) {
    put_quota(into, quotas.account());
    put_len(into, quotas.len());
    for (name, quota) in quotas.every() {
        put_name(into, &name);
        put_quota(into, Some(quota));
    }
}

fn read_quotas(read: &mut Octets<'_>, version: u8) -> Result<Quotas, Malformed> {
    if version <= WITHOUT_QUOTAS {
        return Ok(Quotas::default());
    }
    let account = read_quota(read)?;
    let mut roots = Vec::new();
    for _ in 0..read.count(3)? {
        let name = read_name(read)?;
        let quota = read_quota(read)?.ok_or(Malformed("a quota root without a quota"))?;
        roots.push((name, quota));
    }
    Ok(Quotas::uncounted(account, roots))
}

fn put_metadata(into: &mut Vec<u8>, metadata: &Metadata) {
    put_len(into, metadata.len());
    for (owner, name, value) in metadata.every() {
        put_owner(into, owner);
        put_octets(into, name.as_bytes());
        put_octets(into, value);
    }
}

fn read_metadata(read: &mut Octets<'_>, version: u8) -> Result<Metadata, Malformed> {
    let mut metadata = Metadata::default();
    if version <= WITHOUT_METADATA {
        return Ok(metadata);
    }
    for _ in 0..read.count(3)? {
        let owner = read_owner(read)?;
        let name = Arc::from(read.str()?);
        metadata.set(owner, &name, Some(&read.octets()?.into()));
    }
    Ok(metadata)
}

/// Of each message that has some: how far its UID is from the last one's, and them.
fn put_annotations(into: &mut Vec<u8>, annotations: &Annotations) {
    put_len(into, annotations.messages());
    let mut last = 0;
    for (uid, them) in annotations.every() {
        put_u64(into, u64::from(uid.0 - last));
        last = uid.0;
        put_len(into, them.len());
        for annotation in them {
            put_whose(into, annotation.whose);
            put_octets(into, annotation.entry.as_bytes());
            put_octets(into, &annotation.value);
        }
    }
}

fn read_annotations(read: &mut Octets<'_>, version: u8) -> Result<Annotations, Malformed> {
    let mut annotations = Annotations::default();
    if version <= WITHOUT_ANNOTATIONS {
        return Ok(annotations);
    }
    let mut uid = 0;
    for _ in 0..read.count(5)? {
        uid = next_uid(uid, read)?;
        for _ in 0..read.count(3)? {
            let setting = Setting {
                whose: read_whose(read)?,
                entry: read.str()?.into(),
                value: Some(read.octets()?.into()),
            };
            annotations.set(Uid(uid), &setting);
        }
    }
    Ok(annotations)
}

/// What is known of a chunk, after that of the one before.
fn put_summary(into: &mut Vec<u8>, entry: &chunk::Entry, last: &Summary) {
    let about = &entry.about;
    put_u64(into, u64::from(entry.base - last.last));
    put_u64(into, u64::from(about.first - entry.base));
    put_u64(into, u64::from(about.last - about.first));
    put_u64(into, about.len.into());
    put_u64(into, about.unseen.into());
    put_u64(into, about.deleted.into());
    put_step(into, last.mod_seq_max, about.mod_seq_max);
    put_step(into, last.octets, about.octets);
}

fn read_summary(read: &mut Octets<'_>, before: &Summary) -> Result<chunk::Entry, Malformed> {
    let wrong = Malformed("a chunk of no such place");
    let mut after = |uid: u32| uid.checked_add(read.u32()?).ok_or(wrong);
    let base = after(before.last)?;
    let first = after(base)?;
    let last = after(first)?;
    let about = Summary {
        len: read.u32()?,
        first,
        last,
        unseen: read.u32()?,
        deleted: read.u32()?,
        mod_seq_max: read.step(before.mod_seq_max)?,
        octets: read.step(before.octets)?,
    };
    chunk::Entry::kept(base, about).ok_or(wrong)
}

fn read_summaries(read: &mut Octets<'_>) -> Result<Vec<chunk::Entry>, Malformed> {
    let mut entries: Vec<chunk::Entry> = Vec::new();
    for _ in 0..read.count(8)? {
        let before = entries.last().map(|entry| entry.about).unwrap_or_default();
        entries.push(read_summary(read, &before)?);
    }
    Ok(entries)
}

fn read_history_summaries(read: &mut Octets<'_>) -> Result<Vec<history::Entry>, Malformed> {
    let mut last = 0_u64;
    let mut entries = Vec::new();
    for _ in 0..read.count(2)? {
        let next = last.checked_add(read.u64()?);
        last = next.ok_or(Malformed("expunges out of order"))?;
        entries.push(history::Entry::kept(read.u32()?, ModSeq(last)));
    }
    Ok(entries)
}

/// The header that is the value of `key`.
pub(super) fn read_header(key: &[u8], value: &[u8]) -> Result<Header, Malformed> {
    let read = &mut unseal(key, value)?;
    let version = value.first().copied().unwrap_or(VERSION);
    let header = Header {
        mod_seq: read.u64()?,
        last: Last {
            mailbox: read.u64()?,
            email: read.u64()?,
            thread: read.u64()?,
            uid_validity: read.u32()?,
        },
        threads: Buckets {
            count: read.u32()?,
            keys: read.u64()?,
        },
        held: read_bool(read)?,
        expiry: read_expiry(read)?,
        moved_to: read_partition(read)?,
        arrived: read_arrived(read)?,
        metadata: read_metadata(read, version)?,
        quotas: read_quotas(read, version)?,
        subscriptions: (0..read.count(1)?)
            .map(|_| read_name(read))
            .collect::<Result<_, _>>()?,
        mailboxes: (0..read.count(10)?)
            .map(|_| read_mailbox(read, version))
            .collect::<Result<_, _>>()?,
    };
    read.end()?;
    Ok(header)
}

fn read_arrived(read: &mut Octets<'_>) -> Result<Option<Arrived>, Malformed> {
    let Some(from) = read_partition(read)? else {
        return Ok(None);
    };
    let at = ModSeq(read.u64()?);
    Ok(Some(Arrived { from, at }))
}

fn read_mailbox(read: &mut Octets<'_>, version: u8) -> Result<MailboxHeader, Malformed> {
    let mut mailbox = MailboxHeader {
        id: MailboxId(read.u64()?),
        name: read_name(read)?,
        role: read_role(read)?,
        uid_validity: UidValidity(read.u32()?),
        uid_next: Uid(read.u32()?),
        highest_mod_seq: ModSeq(read.u64()?),
        recent_from: Uid(read.u32()?),
        counters: Counters {
            messages: read.u32()?,
            unseen: read.u32()?,
            deleted: read.u32()?,
            octets: read.u64()?,
        },
        held: read_bool(read)?,
        expiry: read_expiry(read)?,
        partition: read_partition(read)?,
        recent: read.u32()?,
        placements: read_summaries(read)?,
        history: read_history_summaries(read)?,
        keywords: (0..read.count(1)?)
            .map(|_| read.str().map(Arc::from))
            .collect::<Result<_, _>>()?,
        metadata: read_metadata(read, version)?,
        acl: None,
        annotations: Annotations::default(),
        readers: Vec::new(),
        seen_since: ModSeq(0),
    };
    if version > WITHOUT_RIGHTS {
        mailbox.acl = read_acl(read)?;
    }
    mailbox.annotations = read_annotations(read, version)?;
    (mailbox.seen_since, mailbox.readers) = read_readers(read, version)?;
    Ok(mailbox)
}

pub(super) fn put_history(into: &mut Vec<u8>, chunk: &[Gone]) {
    put_len(into, chunk.len());
    let (mut mod_seq, mut first) = (0, 0);
    for gone in chunk {
        put_u64(into, gone.mod_seq.0 - mod_seq);
        put_step(into, first, gone.first.0.into());
        put_u64(into, u64::from(gone.last.0 - gone.first.0));
        mod_seq = gone.mod_seq.0;
        first = gone.first.0.into();
    }
}

pub(super) fn read_history(mut read: Octets<'_>) -> Result<Vec<Gone>, Malformed> {
    let wrong = Malformed("expunges out of order");
    let count = read.count(3)?;
    if count > CHUNK_ENTRIES_MAX {
        return Err(Malformed("a chunk of no such size"));
    }
    let mut chunk = Vec::with_capacity(count);
    let (mut mod_seq, mut step) = (0_u64, 0);
    for _ in 0..count {
        mod_seq = mod_seq.checked_add(read.u64()?).ok_or(wrong)?;
        step = read.step(step)?;
        let first = u32::try_from(step).map_err(|_| wrong)?;
        let last = first.checked_add(read.u32()?).ok_or(wrong)?;
        chunk.push(Gone {
            mod_seq: ModSeq(mod_seq),
            first: Uid(first),
            last: Uid(last),
        });
    }
    read.end()?;
    Ok(chunk)
}

/// What a reader has seen: each span as its gap to the one before and its length.
pub(super) fn put_seen(into: &mut Vec<u8>, seen: &Seen) {
    put_len(into, seen.spans().len());
    let (mut uid, mut mod_seq) = (0, 0);
    for span in seen.spans() {
        put_u64(into, u64::from(span.first.0 - uid));
        put_u64(into, u64::from(span.last.0 - span.first.0));
        put_step(into, mod_seq, span.mod_seq.0);
        into.push(u8::from(span.seen));
        (uid, mod_seq) = (span.last.0, span.mod_seq.0);
    }
}

pub(super) fn read_seen(mut read: Octets<'_>) -> Result<Seen, Malformed> {
    let wrong = Malformed("no such messages seen");
    let mut spans = Vec::with_capacity(read.count(4)?);
    let (mut uid, mut mod_seq) = (0_u32, 0);
    for _ in 0..spans.capacity() {
        let first = uid.checked_add(read.u32()?).ok_or(wrong)?;
        uid = first.checked_add(read.u32()?).ok_or(wrong)?;
        mod_seq = read.step(mod_seq)?;
        spans.push(Span {
            first: Uid(first),
            last: Uid(uid),
            mod_seq: ModSeq(mod_seq),
            seen: read_bool(&mut read)?,
        });
    }
    read.end()?;
    Seen::from_spans(spans).ok_or(wrong)
}

/// A bucket of thread keys, which ascend.
pub(super) fn put_threads(into: &mut Vec<u8>, bucket: &[(u64, ThreadId)]) {
    put_len(into, bucket.len());
    let mut last = 0;
    for (key, thread) in bucket {
        into.extend_from_slice(&key.to_le_bytes());
        put_step(into, last, thread.0);
        last = thread.0;
    }
}

/// Hands out the keys of a bucket and where they lead.
pub(super) fn read_threads(
    mut read: Octets<'_>,
    mut each: impl FnMut(u64, ThreadId),
) -> Result<(), Malformed> {
    let mut last = 0;
    let mut before = None;
    for _ in 0..read.count(9)? {
        let (key, rest) = read.0.split_first_chunk().ok_or(Malformed("cut short"))?;
        let key = u64::from_le_bytes(*key);
        if before.is_some_and(|before| before >= key) {
            return Err(Malformed("thread keys that don't ascend"));
        }
        before = Some(key);
        read = Octets(rest);
        last = read.step(last)?;
        each(key, ThreadId(last));
    }
    read.end()
}
