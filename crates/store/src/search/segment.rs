//! One file of an index: which messages are in it, and for every key the list of those that have it.
//!
//! A segment is of all messages of an account whose EMAILIDs lie in a range; those that are not in
//! it are not known to have anything, and have to be looked at. Layout: `docs/store-format-search.md`.

use std::{io, ops::RangeInclusive, sync::Arc};

use super::{
    pages::{Fault, PageWriter, Pages, Window},
    postings::{self, List},
};
use crate::{
    checksum::{crc32c, crc32c_append},
    engine::{OpenFile, Volume},
    octets::{Octets, put_u64},
};

/// What a segment's last octets begin with.
const MAGIC: [u8; 8] = *b"ChaparX\n";
/// Octets of its end, which says where the rest is.
const END_BYTES: usize = 40;
/// Keys that are read together.
const BLOCK_KEYS: usize = 64;
/// Octets of a block's place: its first key, where it is, where its lists are.
const PLACE_BYTES: usize = 16;
/// Octets of a list that is worth reading. One of all the messages that a segment can have is shorter.
const LIST_BYTES_MAX: u64 = 16 << 20;

/// Messages of one segment.
pub(super) const MESSAGES_MAX: usize = 1 << 17;

/// A message in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Document {
    /// EMAILID.
    pub(super) email: u64,
    /// What tells it from another that has the same number, as after a log went back.
    pub(super) check: u32,
}

/// The keys of a file, and who it is of: what its checksums are seeded with.
pub(super) fn seed(partition: [u8; 16], account: u64, emails: &RangeInclusive<u64>) -> u32 {
    let mut seed = crc32c(&partition);
    for number in [account, *emails.start(), *emails.end()] {
        seed = crc32c_append(seed, &number.to_le_bytes());
    }
    seed
}

/// A segment being written.
#[derive(Debug)]
pub(super) struct SegmentWriter {
    pages: PageWriter,
    of: u32,
    dictionary: Vec<u8>,
    places: Vec<u8>,
    keys: usize,
    last: u32,
    list: Vec<u8>,
}

impl SegmentWriter {
    /// Of so many messages.
    pub(super) fn new(file: Box<dyn OpenFile>, seed: u32, of: u32) -> Self {
        Self {
            pages: PageWriter::new(file, seed),
            of,
            dictionary: Vec::new(),
            places: Vec::new(),
            keys: 0,
            last: 0,
            list: Vec::new(),
        }
    }

    /// The next key, above all before, and the messages that have it, ascending and not none.
    pub(super) fn add(&mut self, key: u32, list: &[u32]) -> io::Result<()> {
        if self.keys.is_multiple_of(BLOCK_KEYS) {
            let at = u32::try_from(self.dictionary.len()).map_err(io::Error::other)?;
            self.places.extend_from_slice(&key.to_le_bytes());
            self.places.extend_from_slice(&at.to_le_bytes());
            let lists = self.pages.position();
            self.places.extend_from_slice(&lists.to_le_bytes());
            self.last = key;
        }
        self.keys += 1;
        put_u64(&mut self.dictionary, u64::from(key - self.last));
        self.last = key;
        put_u64(&mut self.dictionary, list.len() as u64);
        if let [only] = list {
            put_u64(&mut self.dictionary, u64::from(*only));
            return Ok(());
        }
        self.list.clear();
        postings::encode(list, self.of, &mut self.list);
        put_u64(&mut self.dictionary, self.list.len() as u64);
        self.pages.write(&self.list)
    }

    /// Octets of lists written so far.
    pub(super) fn position(&self) -> u64 {
        self.pages.position()
    }

    /// Writes the rest. Gives the octets of the file.
    pub(super) fn finish(mut self, documents: &[Document]) -> io::Result<u64> {
        let mut table = Vec::with_capacity(documents.len() * 6);
        let mut last = 0;
        for Document { email, check } in documents {
            put_u64(&mut table, email - last);
            table.extend_from_slice(&check.to_le_bytes());
            last = *email;
        }
        let mut end = Vec::with_capacity(END_BYTES);
        end.extend_from_slice(&MAGIC);
        end.extend_from_slice(&self.pages.position().to_le_bytes());
        for part in [&self.dictionary, &self.places, &table] {
            end.extend_from_slice(&(part.len() as u64).to_le_bytes());
            self.pages.write(part)?;
        }
        self.pages.finish(&end)
    }
}

/// A segment being read.
#[derive(Debug)]
pub(super) struct Segment {
    pages: Pages,
    window: Window,
    /// Where the dictionary is, after the lists.
    dictionary: u64,
    dictionary_end: u64,
    places: Vec<Place>,
    documents: Vec<Document>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    key: u32,
    dictionary: u64,
    lists: u64,
}

/// What a segment has under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: u32,
    /// Messages that have it.
    pub(super) count: u32,
    at: At,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// The only one.
    Here(u32),
    /// Where the list is.
    List { start: u64, len: u64 },
}

impl Entry {
    /// Octets of its list.
    pub(super) fn octets(&self) -> u64 {
        match self.at {
            At::Here(_) => 0,
            At::List { len, .. } => len,
        }
    }
}

impl Segment {
    /// Opens a segment, and reads what there is in it.
    pub(super) fn open(volume: &Arc<dyn Volume>, path: &str, seed: u32) -> Result<Self, Fault> {
        let pages = Pages::new(volume.open(path)?, seed)?;
        let mut window = Window::default();
        let content = pages.content();
        let end = pages.read(&mut window, content - END_BYTES as u64..content)?;
        let (magic, numbers) = end.split_first_chunk().unwrap_or((&[0; 8], &[]));
        if *magic != MAGIC {
            return Err(Fault::Damaged("it is no segment"));
        }
        let number = |octets: &[u8]| octets.try_into().map_or(u64::MAX, u64::from_le_bytes);
        let mut lens = numbers.chunks_exact(8).map(number);
        let mut len = || lens.next().filter(|len| *len <= content).unwrap_or(0);
        let (dictionary, dictionary_len, places_len, table_len) = (len(), len(), len(), len());
        let dictionary_end = dictionary + dictionary_len;
        let places_end = dictionary_end + places_len;
        let places = pages.read(&mut window, dictionary_end..places_end)?;
        let places = places.chunks_exact(PLACE_BYTES).map(|octets| {
            let mut words = octets.chunks_exact(4).map(|word| {
                let word = word.try_into().map_or(0, u32::from_le_bytes);
                u64::from(word)
            });
            let mut word = || words.next().unwrap_or(0);
            Place {
                key: u32::try_from(word()).unwrap_or(0),
                dictionary: word(),
                lists: word() | word() << 32,
            }
        });
        let places = places.collect();
        let table = pages.read(&mut window, places_end..places_end + table_len)?;
        let documents = documents(table)?;
        Ok(Self {
            pages,
            window: Window::default(),
            dictionary,
            dictionary_end,
            places,
            documents,
        })
    }

    /// The messages that are in it, by number.
    pub(super) fn documents(&self) -> &[Document] {
        &self.documents
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.documents.len()).unwrap_or(u32::MAX)
    }

    /// What it has under the keys of a range, ascending.
    pub(super) fn entries(&mut self, keys: RangeInclusive<u32>) -> Result<Vec<Entry>, Fault> {
        let mut found = Vec::new();
        let after = self.places.partition_point(|it| it.key <= *keys.start());
        for block in after.saturating_sub(1)..self.places.len() {
            let first = self.places.get(block).map(|place| place.key);
            if first.is_some_and(|key| key > *keys.end()) {
                break;
            }
            let entries = self.block(block)?;
            found.extend(entries.into_iter().filter(|it| keys.contains(&it.key)));
        }
        Ok(found)
    }

    /// Blocks of keys that it has.
    pub(super) fn blocks(&self) -> usize {
        self.places.len()
    }

    /// The entries of a block.
    pub(super) fn block(&mut self, block: usize) -> Result<Vec<Entry>, Fault> {
        let Some(place) = self.places.get(block) else {
            return Ok(Vec::new());
        };
        let start = self.dictionary + place.dictionary;
        let next = self.places.get(block + 1);
        let end = next.map_or(self.dictionary_end, |it| self.dictionary + it.dictionary);
        let octets = self.pages.read(&mut self.window, start..end)?;
        let (mut key, mut list) = (place.key, place.lists);
        let mut read = Octets(octets);
        let mut entries = Vec::with_capacity(BLOCK_KEYS);
        while !read.is_empty() {
            key = key.wrapping_add(read.u32()?);
            let count = read.u32()?;
            let at = if count == 1 {
                At::Here(read.u32()?)
            } else {
                let (start, len) = (list, read.u64()?);
                list = list.saturating_add(len);
                At::List { start, len }
            };
            entries.push(Entry { key, count, at });
        }
        Ok(entries)
    }

    /// Appends the messages of an entry.
    pub(super) fn list(
        &self,
        entry: &Entry,
        window: &mut Window,
        into: &mut Vec<u32>,
    ) -> Result<(), Fault> {
        let of = self.len();
        let (start, len) = match entry.at {
            At::Here(only) if only < of => {
                into.push(only);
                return Ok(());
            }
            At::List { start, len } if len <= LIST_BYTES_MAX => (start, len),
            _ => return Err(Fault::Damaged("a list that is none")),
        };
        let octets = self.pages.read(window, start..start.saturating_add(len))?;
        for document in List::new(octets, entry.count, of) {
            into.push(document?);
        }
        Ok(())
    }

    /// It reads ahead from now on: for who goes through all of it.
    pub(super) fn sequential(&mut self) {
        self.window = Window::sequential();
    }
}

fn documents(table: &[u8]) -> Result<Vec<Document>, Fault> {
    let mut read = Octets(table);
    let mut documents = Vec::with_capacity(table.len() / 5);
    let mut email = 0_u64;
    while !read.is_empty() {
        email = email.wrapping_add(read.u64()?);
        let check = read.take(4)?.try_into().map_or(0, u32::from_le_bytes);
        documents.push(Document { email, check });
    }
    if documents.is_sorted_by(|a, b| a.email < b.email) {
        Ok(documents)
    } else {
        Err(Fault::Damaged("its messages don't ascend"))
    }
}
