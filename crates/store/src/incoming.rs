//! A message on its way in: hashed, scanned and written as it arrives.

use std::{collections::BTreeMap, fmt, mem, sync::Arc};

use mail::digest::DigestRef;

use crate::{
    email::{self, Piece, Target},
    engine::{Engine, PIECE_BYTES_MAX, Partitions, Pin, RecordKind, Writes},
    error::Error,
    id::AccountId,
    sent::Sent,
};

/// So many octets of a body make it worth to keep the header apart: they take as long to read as a second
/// record.
const BODY_APART_MIN: usize = 4096;

/// So many octets that come at once are a piece of their own: to gather them would be one more copy, and room for it.
const PIECE_BYTES_MIN: usize = 32 << 10;

/// A message being received. Dropping it abandons the message. Takes the same
/// memory whatever the size of the message.
pub struct Incoming {
    engine: Engine,
    partitions: Partitions,
    writes: Writes,
    /// What is put is kept, though nothing refers to it yet.
    pin: Pin,
    bytes_max: u64,
    size: u64,
    /// What has come and is not put yet.
    piece: Vec<u8>,
    pieces: Vec<Piece>,
    hasher: Box<blake3::Hasher>,
    scanner: mail::Scanner,
    /// Octets were lost: a write failed, or was cancelled.
    broken: bool,
}

impl Incoming {
    pub(crate) fn new(engine: Engine, partitions: Partitions, bytes_max: u64) -> Self {
        // Then the pin: what is put in this context lies behind it.
        let writes = engine.begin();
        Self {
            writes,
            pin: engine.pin(),
            engine,
            partitions,
            bytes_max,
            size: 0,
            piece: Vec::new(),
            pieces: Vec::new(),
            hasher: Box::default(),
            scanner: mail::Scanner::new(mail::Limits::default()),
            broken: false,
        }
    }

    /// The next octets. After an error, or when cancelled, the message can't be finished.
    ///
    /// # Errors
    /// [`Error::TooBig`] past the limit, [`Error::Full`], [`Error::OutOfService`].
    pub async fn write(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.take(octets, false).await
    }

    /// The same, with octets that seem to be the last: a message that came all at once is put from where it
    /// is.
    ///
    /// # Errors
    /// As [`Incoming::write`].
    pub async fn write_last(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.take(octets, true).await
    }

    async fn take(&mut self, octets: &[u8], last: bool) -> Result<(), Error> {
        self.check()?;
        self.broken = true;
        let size = self.size.saturating_add(octets.len() as u64);
        if size > self.bytes_max {
            return Err(Error::TooBig(self.bytes_max));
        }
        self.scanner.push(octets);
        let mut rest = octets;
        while !rest.is_empty() {
            let room = PIECE_BYTES_MAX - self.piece.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            let is_last = last && later.is_empty();
            if self.piece.is_empty() && (is_last || now.len() >= PIECE_BYTES_MIN) {
                self.put_piece(now).await?;
            } else {
                self.piece.extend_from_slice(now);
                if self.piece.len() == PIECE_BYTES_MAX {
                    self.put_gathered().await?;
                }
            }
            rest = later;
        }
        self.size = size;
        self.broken = false;
        Ok(())
    }

    /// How many octets have come.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.size
    }

    /// Whether none has come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message is complete. Not durable yet: that comes with
    /// [`crate::Account::append`].
    ///
    /// # Errors
    /// As [`Incoming::write`].
    pub async fn finish(mut self) -> Result<Received, Error> {
        self.check()?;
        if !self.piece.is_empty() {
            self.put_gathered().await?;
        }
        let digest = self.scanner.finish();
        let mut encoded = Vec::new();
        digest.encode(&mut encoded);
        Ok(Received {
            inner: Arc::new(Inner {
                partitions: self.partitions,
                lies: Lies {
                    writes: self.writes,
                    pieces: self.pieces.into(),
                    _pin: Arc::new(self.pin),
                },
                copies: tokio::sync::Mutex::default(),
                size: self.size,
                blake3: *self.hasher.finalize().as_bytes(),
                sent: DigestRef::new(&encoded).map(Sent::of).unwrap_or_default(),
                digest: encoded,
                thread_keys: digest.thread_keys,
            }),
        })
    }

    /// Octets of the header that begins a piece of so many, if it is to be one of its own.
    fn header_apart(&self, octets: usize) -> Option<usize> {
        let header = usize::try_from(self.scanner.body_start()?).ok()?;
        let is_first = self.pieces.is_empty();
        let is_much = octets.checked_sub(header)? >= BODY_APART_MIN;
        (is_first && is_much).then_some(header)
    }

    async fn put_gathered(&mut self) -> Result<(), Error> {
        let mut piece = mem::take(&mut self.piece);
        self.put_piece(&piece).await?;
        piece.clear();
        self.piece = piece;
        Ok(())
    }

    /// Puts a piece. A header goes apart if much follows it: then who reads headers need not
    /// read bodies to check them.
    async fn put_piece(&mut self, piece: &[u8]) -> Result<(), Error> {
        // BLAKE3 is quickest with many octets at once.
        self.hasher.update(piece);
        let apart = self.header_apart(piece.len()).unwrap_or_default();
        let (header, body) = piece.split_at(apart);
        if !header.is_empty() {
            self.put(header).await?;
        }
        self.put(body).await
    }

    async fn put(&mut self, octets: &[u8]) -> Result<(), Error> {
        let len = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        let at = self
            .engine
            .put(self.writes, RecordKind::Blob, None, octets)
            .await?;
        self.pieces.push(Piece { at, len });
        Ok(())
    }

    fn check(&self) -> Result<(), Error> {
        if self.broken {
            Err(Error::NotPermitted("the message is incomplete"))
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("size", &self.size)
            .field("pieces", &self.pieces.len())
            .finish_non_exhaustive()
    }
}

/// A message received: shared by all its recipients, one copy of its octets.
#[derive(Debug, Clone)]
pub struct Received {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    partitions: Partitions,
    lies: Lies,
    /// By the number of the partition.
    copies: tokio::sync::Mutex<BTreeMap<u16, Lies>>,
    size: u64,
    blake3: [u8; 32],
    digest: Vec<u8>,
    sent: Sent,
    thread_keys: Vec<u64>,
}

/// Where the octets of a message are, in one partition.
#[derive(Debug, Clone)]
pub(crate) struct Lies {
    /// With what they were put.
    pub(crate) writes: Writes,
    pub(crate) pieces: Arc<[Piece]>,
    /// What is put is kept, though nothing refers to it yet.
    _pin: Arc<Pin>,
}

impl Received {
    /// Octets, without any trace fields.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.inner.size
    }

    /// Its MIME tree.
    #[must_use]
    pub fn structure(&self) -> Option<mail::Part> {
        mail::DigestRef::new(&self.inner.digest)?.structure()
    }

    /// Appends octets `span` to `into`; those past its end are left out.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub async fn read(&self, span: mail::Span, into: &mut Vec<u8>) -> Result<(), Error> {
        let mut start = 0;
        for piece in self.inner.lies.pieces.iter() {
            let len = piece.len as usize;
            let wanted = email::within(span, start, len);
            if !wanted.is_empty() {
                let read = self
                    .inner
                    .partitions
                    .read(piece.at, wanted, Some(len), into);
                read.await?;
            }
            start += u64::from(piece.len);
            if start >= span.end {
                break;
            }
        }
        Ok(())
    }

    /// Where it lies in that partition. It is copied there once, for all its recipients.
    ///
    /// # Errors
    /// As reading it, and as the engine's put.
    pub(crate) async fn lies_in(&self, engine: &Engine, account: AccountId) -> Result<Lies, Error> {
        let Inner {
            partitions, lies, ..
        } = &*self.inner;
        let number = engine.partition().number;
        if lies.writes.partition == number {
            return Ok(lies.clone());
        }
        let mut copies = self.inner.copies.lock().await;
        if let Some(copy) = copies.get(&number) {
            return Ok(copy.clone());
        }
        let to = Target {
            engine: engine.clone(),
            writes: engine.begin(),
            account,
        };
        let pin = engine.pin();
        let pieces = email::copy_pieces(partitions, &lies.pieces, &to).await?;
        let copy = Lies {
            writes: to.writes,
            pieces: pieces.into(),
            _pin: Arc::new(pin),
        };
        copies.insert(number, copy.clone());
        Ok(copy)
    }

    pub(crate) fn blake3(&self) -> &[u8; 32] {
        &self.inner.blake3
    }

    /// The encoded digest.
    pub(crate) fn digest(&self) -> &[u8] {
        &self.inner.digest
    }

    /// When it was sent.
    pub(crate) fn sent(&self) -> Sent {
        self.inner.sent
    }

    pub(crate) fn thread_keys(&self) -> &[u64] {
        &self.inner.thread_keys
    }
}
