//! A message's record: its trace fields, where its octets are, and its digest.
//!
//! A record is one put, so that a FETCH of anything but the octets is one read. One
//! that is too long for that (a digest of a hostile message) lies in several puts,
//! and one more says which. Layout: `docs/store-format-batches.md`.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use mail::{
    Part, Span,
    digest::{Digest, DigestRef, Places},
    downgrade,
    outline::{Names, Outline},
};

use crate::{
    engine::{Engine, PIECE_BYTES_MAX, Partitions, RecordKind, Ref, Writes},
    error::Error,
    id::AccountId,
    octets::{Malformed, Octets, put_len, put_octets, put_step, put_u64},
};

/// First octet of a record that is here whole.
const WHOLE: u8 = 1;
/// First octet of a record that only says where the pieces of the record are.
const IN_PIECES: u8 = 2;

/// Octets that a processor brings from memory as one.
const LINE: usize = 64;

/// So many octets of a message, in one put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Where.
    pub(crate) at: Ref,
    /// Octets.
    pub(crate) len: u32,
}

impl Piece {
    /// Whether nothing lies between `before` and it.
    pub(crate) fn is_after(self, before: Self) -> bool {
        self.at.follows(before.at, before.len as usize)
    }

    /// Appends all of it to `into`.
    pub(crate) async fn read(
        self,
        partitions: &Partitions,
        into: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let len = self.len as usize;
        if !partitions.read_now(&[(self.at, len)], 0..len, into)? {
            partitions.read(self.at, 0..len, Some(len), into).await?;
        }
        Ok(())
    }
}

/// A message's record as read. Its octets are the trace fields (`Return-Path`,
/// `Delivered-To`, …) that were put before it on delivery, then the content.
/// All offsets given and taken here are of the whole message.
#[derive(Debug)]
pub struct Email {
    partitions: Partitions,
    record: Arc<Record>,
}

/// What a record says.
#[derive(Debug)]
pub(crate) struct Record {
    octets: Vec<u8>,
    trace: Range<usize>,
    digest: Range<usize>,
    /// Where what the digest says is in it.
    places: Places,
    pub(crate) pieces: Vec<Piece>,
    /// Octets of the content.
    pub(crate) size: u64,
    pub(crate) blake3: [u8; 32],
    /// [`Email::is_international`], once somebody has asked.
    international: OnceLock<bool>,
    /// Where the fields of [`Email::listed`] are among the octets, once somebody has asked.
    outline: OnceLock<Outline>,
}

/// What one put of a record says.
pub(crate) enum Put {
    /// All of it.
    Whole(Record),
    /// Where the rest is.
    Pieces(Vec<Piece>),
}

impl Email {
    /// What was derived from the message. Its spans are of the *content*:
    /// shift by [`Email::trace_len`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest_ref()
            .to_digest()
            .unwrap_or_else(|| mail::Scanner::new(mail::Limits::default()).finish())
    }

    /// The same, in place: nothing is allocated.
    ///
    /// # Panics
    /// Never: that it can be read was seen when the record was.
    #[must_use]
    pub fn digest_ref(&self) -> DigestRef<'_> {
        let Record { digest, places, .. } = &*self.record;
        let octets = self.record.octets.get(digest.clone());
        let digest = octets.and_then(|octets| DigestRef::at(octets, places));
        digest.expect("it was found there when the record was read")
    }

    /// Whether what is derived from the message (the listed fields, ENVELOPE, BODYSTRUCTURE) has octets above 127. They are
    /// looked through once, and whoever has the record from memory need not.
    #[must_use]
    pub fn is_international(&self) -> bool {
        *self.record.international.get_or_init(|| {
            let digest = self.digest_ref();
            let derived = [digest.listed, digest.envelope, digest.body_structure];
            derived.into_iter().any(downgrade::is_needed)
        })
    }

    /// The fields with these names, by which clients list messages, as they stand in the trace fields and in the digest;
    /// those that follow each other are one slice.
    pub fn listed(&self, names: Names) -> impl Iterator<Item = &[u8]> + Clone {
        let places = self.record.outline().choose(names);
        places.map(|place| self.record.octets.get(place).unwrap_or_default())
    }

    /// The MIME tree, as [`Email::digest`] has it.
    #[must_use]
    pub fn structure(&self) -> Part {
        let structure = self.digest_ref().structure();
        structure.unwrap_or_else(|| self.digest().structure)
    }

    /// The message's header, trace fields and all.
    #[must_use]
    pub fn header(&self) -> Span {
        // As of a tree that can't be read.
        let own = self.digest_ref().header().unwrap_or_default();
        let end = self.trace_len().saturating_add(own.end);
        Span { start: 0, end }
    }

    /// Octets of the trace fields.
    #[must_use]
    pub fn trace_len(&self) -> u64 {
        self.record.trace().len() as u64
    }

    /// Octets in all: RFC822.SIZE.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.trace_len() + self.record.size
    }

    /// The trace fields themselves.
    #[must_use]
    pub fn trace(&self) -> &[u8] {
        self.record.trace()
    }

    /// Where the octets that are kept and verified as one with octet `at` end. Who reads
    /// from there to there reads nothing twice. Some hundred KiB further at most.
    #[must_use]
    pub fn read_end(&self, at: u64) -> u64 {
        self.kept_with(at).end
    }

    /// The octets that are kept and verified as one with octet `at`; nothing at the end.
    pub(crate) fn kept_with(&self, at: u64) -> Span {
        let mut start = 0;
        let mut end = self.trace_len();
        for piece in &self.record.pieces {
            if end > at {
                break;
            }
            start = end;
            end += u64::from(piece.len);
        }
        if end <= at {
            start = end;
        }
        Span { start, end }
    }

    /// Where the octets end that are read with octet `at` at no more cost: those of its header, and what
    /// of its body is kept as one.
    #[must_use]
    pub fn run_end(&self, at: u64) -> u64 {
        let end = self.read_end(at);
        match &*self.record.pieces {
            [header, body, ..]
                if (header.len as usize) < PIECE_BYTES_MAX && body.is_after(*header) =>
            {
                let body = self.trace_len() + u64::from(header.len);
                if end <= body {
                    self.read_end(body)
                } else {
                    end
                }
            }
            _ => end,
        }
    }

    /// The digest as it is written down.
    pub(crate) fn encoded_digest(&self) -> &[u8] {
        self.record.digest()
    }

    /// Where the content is.
    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.record.pieces
    }

    /// Whether none of its octets were freed, as far as is known without reading them.
    pub(crate) fn is_there(&self) -> bool {
        let mut pieces = self.record.pieces.iter();
        !pieces.any(|piece| self.partitions.is_freed(piece.at))
    }

    /// BLAKE3 of the content, without the trace fields.
    #[must_use]
    pub fn blake3(&self) -> &[u8; 32] {
        &self.record.blake3
    }

    /// Appends octets `span` to `into`, verified against their checksums; those
    /// past the message's end are left out. Callers take large spans in pieces, so
    /// that no message is ever whole in memory.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if they are not what was written; `into` is as before.
    pub async fn read(&self, span: Span, into: &mut Vec<u8>) -> Result<(), Error> {
        let before = into.len();
        let outcome = self.read_all(span, into).await;
        if outcome.is_err() {
            into.truncate(before);
        }
        outcome
    }

    async fn read_all(&self, span: Span, into: &mut Vec<u8>) -> Result<(), Error> {
        let trace = self.trace();
        into.extend_from_slice(trace.get(within(span, 0, trace.len())).unwrap_or_default());
        let mut start = self.trace_len();
        let mut pieces = self.record.pieces.iter();
        while let Some(piece) = pieces.next() {
            let len = piece.len as usize;
            let wanted = within(span, start, len);
            if let Some(next) = pieces
                .as_slice()
                .first()
                .filter(|next| next.is_after(*piece))
                && !wanted.is_empty()
                && span.end > start + u64::from(piece.len)
            {
                let both = [(piece.at, len), (next.at, next.len as usize)];
                let wanted = within(span, start, len + next.len as usize);
                if self.partitions.read_now(&both, wanted, into)? {
                    start += u64::from(piece.len) + u64::from(next.len);
                    pieces.next();
                    continue;
                }
            }
            if !wanted.is_empty() {
                self.partitions
                    .read(piece.at, wanted, Some(len), into)
                    .await?;
            }
            start += u64::from(piece.len);
            if start >= span.end {
                break;
            }
        }
        Ok(())
    }

    /// With a record that was read before.
    pub(crate) fn new(partitions: Partitions, record: Arc<Record>) -> Self {
        Self { partitions, record }
    }

    /// What its record says.
    pub(crate) fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// Reads the record at `at`.
    pub(crate) async fn fetch(partitions: Partitions, at: Piece) -> Result<Self, Error> {
        let damaged = |why| damaged(at, why);
        let mut octets = Vec::with_capacity(at.len as usize);
        at.read(&partitions, &mut octets).await?;
        let record = match Record::decode(octets).map_err(damaged)? {
            Put::Whole(record) => record,
            Put::Pieces(pieces) => {
                let mut octets = Vec::new();
                for piece in pieces {
                    piece.read(&partitions, &mut octets).await?;
                }
                match Record::decode(octets).map_err(damaged)? {
                    Put::Whole(record) => record,
                    Put::Pieces(_) => return Err(damaged(Malformed("pieces of pieces"))),
                }
            }
        };
        Ok(Self::new(partitions, Arc::new(record)))
    }
}

impl Record {
    /// Octets of memory, at most, when all has been asked of it.
    pub(crate) fn octets(&self) -> usize {
        let listed = self.digest().get(self.places.listed()).unwrap_or_default();
        size_of::<Self>()
            + self.octets.capacity()
            + self.pieces.capacity() * size_of::<Piece>()
            + Outline::octets_max(self.trace())
            + Outline::octets_max(listed)
    }

    /// Looks at what says where the rest is; what it gives means nothing.
    pub(crate) fn glance(&self) -> usize {
        let known = self.international.get().is_some() || self.outline.get().is_some();
        self.octets.len() ^ self.digest.start ^ usize::from(known)
    }

    /// Looks at each line of memory that its octets are in.
    pub(crate) fn glance_at_octets(&self) -> usize {
        let lines = self.octets.iter().step_by(LINE);
        lines.fold(0, |seen, octet| seen ^ usize::from(*octet))
    }

    fn outline(&self) -> &Outline {
        self.outline.get_or_init(|| {
            let mut outline = Outline::default();
            outline.add(self.trace(), self.trace.start);
            let listed = self.places.listed();
            if let Some(fields) = self.digest().get(listed.clone()) {
                outline.add(fields, self.digest.start + listed.start);
            }
            outline
        })
    }

    /// What one put says.
    pub(crate) fn decode(octets: Vec<u8>) -> Result<Put, Malformed> {
        let mut read = Octets(&octets);
        match read.u8()? {
            WHOLE => {}
            IN_PIECES => {
                let pieces = read_pieces(&mut read)?;
                read.end()?;
                return Ok(Put::Pieces(pieces));
            }
            _ => {
                let what = "a message record of a version that is not known";
                return Err(Malformed(what));
            }
        }
        // Where what has just been read ends.
        let end = |read: &Octets<'_>| octets.len() - read.0.len();
        let trace_len = read.octets()?.len();
        let trace = end(&read) - trace_len..end(&read);
        let (blake3, rest) = read.0.split_first_chunk().ok_or(Malformed("cut short"))?;
        let blake3 = *blake3;
        read = Octets(rest);
        let pieces = read_pieces(&mut read)?;
        let size = pieces.iter().map(|piece| u64::from(piece.len)).sum();
        let digest = end(&read)..octets.len();
        let places = Places::find(read.0).ok_or(Malformed("a digest that can't be read"))?;
        Ok(Put::Whole(Self {
            octets,
            trace,
            digest,
            places,
            pieces,
            size,
            blake3,
            international: OnceLock::new(),
            outline: OnceLock::new(),
        }))
    }

    pub(crate) fn trace(&self) -> &[u8] {
        self.octets.get(self.trace.clone()).unwrap_or_default()
    }

    /// The encoded digest.
    pub(crate) fn digest(&self) -> &[u8] {
        self.octets.get(self.digest.clone()).unwrap_or_default()
    }
}

/// What of a part of `len` octets at `start` lies in `span`, counted from the part's first octet.
pub(crate) fn within(span: Span, start: u64, len: usize) -> Range<usize> {
    let place = |at: u64| usize::try_from(at.saturating_sub(start)).map_or(len, |at| at.min(len));
    let (from, to) = (place(span.start), place(span.end));
    from..to.max(from)
}

fn damaged(at: Piece, why: Malformed) -> Error {
    Error::Corrupt {
        file: "log".into(),
        offset: at.at.0,
        what: format!("message record: {}", why.0).into(),
    }
}

/// Where something is put: the partition, the context, and whose it is.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) engine: Engine,
    pub(crate) writes: Writes,
    pub(crate) account: AccountId,
}

/// What a record is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) trace: &'a [u8],
    pub(crate) blake3: &'a [u8; 32],
    pub(crate) pieces: &'a [Piece],
    /// Encoded.
    pub(crate) digest: &'a [u8],
}

/// Writes the record of a message; says where it is.
///
/// # Errors
/// As the engine's put.
pub(crate) async fn put_record(to: &Target, parts: Parts<'_>) -> Result<Piece, Error> {
    let record = encode(parts);
    let put = async |kind, octets: &[u8]| {
        let len = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        let put = to.engine.put(to.writes, kind, Some(to.account), octets);
        put.await.map(|at| Piece { at, len })
    };
    if record.len() <= PIECE_BYTES_MAX {
        return put(RecordKind::Message, &record).await;
    }
    let mut pieces = Vec::with_capacity(record.len() / PIECE_BYTES_MAX + 1);
    for octets in record.chunks(PIECE_BYTES_MAX) {
        pieces.push(put(RecordKind::Blob, octets).await?);
    }
    let mut head = vec![IN_PIECES];
    put_pieces(&mut head, &pieces);
    put(RecordKind::Message, &head).await
}

fn encode(parts: Parts<'_>) -> Vec<u8> {
    let Parts {
        trace,
        blake3,
        pieces,
        digest,
    } = parts;
    let mut record = Vec::with_capacity(trace.len() + 64 + pieces.len() * 12 + digest.len());
    record.push(WHOLE);
    put_octets(&mut record, trace);
    record.extend_from_slice(blake3);
    put_pieces(&mut record, pieces);
    record.extend_from_slice(digest);
    record
}

/// Copies a message, its octets and its record, to another partition. Says where the record is, and how
/// many octets were written.
///
/// # Errors
/// As reading it, and as the engine's put.
pub(crate) async fn copy(
    partitions: &Partitions,
    at: Piece,
    to: &Target,
) -> Result<(Piece, u64), Error> {
    let record = Email::fetch(partitions.clone(), at).await?.record;
    let pieces = copy_pieces(partitions, &record.pieces, to).await?;
    let parts = Parts {
        trace: record.trace(),
        blake3: &record.blake3,
        pieces: &pieces,
        digest: record.digest(),
    };
    let copied = put_record(to, parts).await?;
    Ok((copied, record.size + u64::from(copied.len)))
}

/// Copies the octets of a message to another partition, as they are checked against their checksums.
///
/// # Errors
/// As reading them, and as the engine's put.
pub(crate) async fn copy_pieces(
    partitions: &Partitions,
    pieces: &[Piece],
    to: &Target,
) -> Result<Vec<Piece>, Error> {
    let mut copied = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let mut octets = Vec::with_capacity(piece.len as usize);
        piece.read(partitions, &mut octets).await?;
        let put = to.engine.put(to.writes, RecordKind::Blob, None, &octets);
        copied.push(Piece {
            at: put.await?,
            len: piece.len,
        });
    }
    Ok(copied)
}

pub(crate) fn put_pieces(into: &mut Vec<u8>, pieces: &[Piece]) {
    put_len(into, pieces.len());
    let mut last = 0;
    for piece in pieces {
        put_step(into, last, piece.at.0);
        put_u64(into, piece.len.into());
        last = piece.at.0;
    }
}

pub(crate) fn read_pieces(read: &mut Octets<'_>) -> Result<Vec<Piece>, Malformed> {
    let mut pieces = Vec::with_capacity(read.count(2)?);
    let mut last = 0;
    for _ in 0..pieces.capacity() {
        last = read.step(last)?;
        let (at, len) = (Ref(last), read.u32()?);
        pieces.push(Piece { at, len });
    }
    Ok(pieces)
}
