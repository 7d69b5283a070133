//! Making segments: of messages that are read, and of other segments.

use std::{
    io, mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    drawer::{Covers, Drawer},
    grams::Grams,
    pages::{Fault, Window},
    segment::{Document, Entry, MESSAGES_MAX, Segment, SegmentWriter},
    sift::check,
};
use crate::{
    account::Account,
    compact::pace::Pace,
    email::{Email, Piece},
    engine::{io_error, partitions::aside},
    error::Error,
    text::{Buffers, TextReader},
};

/// Keys of messages that are gathered before they are written, 8 octets each.
const PAIRS_MAX: usize = 3 << 20;

/// Messages that are gathered before they are written.
const GATHERED_MAX: usize = 4096;

/// Segments that are merged at once: each is an open file, and some hundred KiB.
const MERGED_MAX: usize = 16;

/// So many segments of about a size are one too many.
const MERGED_MIN: usize = 4;

/// Merges after another: what can't be removed would come up for ever.
const MERGES_MAX: usize = 100;

/// A message that is in some mailbox.
#[derive(Debug, Clone, Copy)]
pub(super) struct Live {
    pub(super) email: u64,
    record: Piece,
    check: u32,
}

/// Every message of an account that has one of these EMAILIDs, once, ascending by EMAILID. One mailbox after
/// the other is opened for it.
pub(super) async fn live(account: &Account, emails: Covers) -> Result<Vec<Live>, Error> {
    let mut all = Vec::new();
    let snapshot = account.snapshot();
    for (_, mailbox) in snapshot.mailboxes().filter(|(_, it)| !it.is_empty()) {
        let open = match account.open_mailbox(mailbox.id()).await {
            Err(Error::NoSuchMailbox) => continue,
            open => open?,
        };
        let wanted = open.every();
        let wanted = wanted.filter(|message| emails.contains(&message.email.0));
        all.extend(wanted.map(|message| Live {
            email: message.email.0,
            record: Piece {
                at: message.record,
                len: message.record_len,
            },
            check: check(message.size),
        }));
    }
    all.sort_unstable_by_key(|it| it.email);
    all.dedup_by_key(|it| it.email);
    Ok(all)
}

/// What has been gathered for a segment.
#[derive(Debug, Default)]
struct Gathered {
    documents: Vec<Document>,
    /// A key, then the number of a message that has it.
    pairs: Vec<u64>,
}

/// Ends what runs on another thread when nobody waits for it any more.
#[derive(Debug, Default)]
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Indexes what of a gap is alive, and gives how many messages are in the index now that were not.
///
/// # Errors
/// [`Error::Io`], [`Error::Full`]: what has been written by then counts.
pub(super) async fn fill(
    account: &Account,
    drawer: &Drawer,
    (gap, live): (Covers, &[Live]),
    pace: &mut Pace,
) -> Result<u64, Error> {
    let from = live.partition_point(|it| it.email < *gap.start());
    let to = live.partition_point(|it| it.email <= *gap.end());
    let mut rest = live.get(from..to).unwrap_or_default();
    let (mut start, mut added) = (*gap.start(), 0);
    let mut buffers = Buffers::default();
    loop {
        let mut grams = Grams::new();
        let mut gathered = Gathered::default();
        let mut end = *gap.end();
        while let Some((message, others)) = rest.split_first() {
            if gathered.pairs.len() >= PAIRS_MAX || gathered.documents.len() >= GATHERED_MAX {
                end = message.email - 1;
                break;
            }
            rest = others;
            match read(account, *message, (&mut grams, &mut buffers), pace).await {
                Ok(()) => gathered.add(*message, grams.take()),
                // It is always looked at, and then said to be damaged.
                Err(Error::Corrupt { .. } | Error::OutOfService(_)) => drop(grams.take()),
                Err(error) => return Err(error),
            }
        }
        added += gathered.documents.len() as u64;
        let (to, stop) = (drawer.clone(), Stop::default());
        let (covers, stopped) = (start..=end, Arc::clone(&stop.0));
        aside("store-index", move || {
            gathered.write(&to, &covers, &stopped)
        })
        .await??;
        merge(account, drawer, pace.rate()).await?;
        if end == *gap.end() {
            return Ok(added);
        }
        start = end + 1;
    }
}

async fn read(
    account: &Account,
    message: Live,
    (grams, buffers): (&mut Grams, &mut Buffers),
    pace: &mut Pace,
) -> Result<(), Error> {
    let email = Email::fetch(account.shared.partitions.clone(), message.record).await?;
    grams.fields(&email);
    let structure = email.structure();
    let mut reader = TextReader::new(&email, &structure, buffers);
    while let Some(octets) = reader.step(grams).await? {
        pace.spend(octets as u64).await;
    }
    Ok(())
}

impl Gathered {
    /// One more message, above all before.
    fn add(&mut self, message: Live, keys: Option<Vec<u32>>) {
        let Some(keys) = keys else {
            return;
        };
        let number = self.documents.len() as u64;
        let pairs = keys.iter().map(|key| u64::from(*key) << 32 | number);
        self.pairs.extend(pairs);
        self.documents.push(Document {
            email: message.email,
            check: message.check,
        });
    }

    /// Writes them as a segment.
    fn write(mut self, drawer: &Drawer, covers: &Covers, stop: &AtomicBool) -> Result<(), Error> {
        by_key(&mut self.pairs);
        let halves = |pair: &u64| ((pair >> 32) as u32, (pair & 0xffff_ffff) as u32);
        let of = u32::try_from(self.documents.len()).unwrap_or(u32::MAX);
        write(drawer, covers, of, |writer| {
            let mut list = Vec::new();
            for pairs in self.pairs.chunk_by(|a, b| a >> 32 == b >> 32) {
                list.clear();
                list.extend(pairs.iter().map(|pair| halves(pair).1));
                if let Some(first) = pairs.first() {
                    writer.add(halves(first).0, &list)?;
                }
                go_on(stop)?;
            }
            Ok(self.documents)
        })
    }
}

/// Bits of a key that are looked at together.
const DIGIT_BITS: usize = 9;

/// Sorts pairs by their keys, which have 27 bits. Those of one key stay as they are: messages were added
/// in their order.
fn by_key(pairs: &mut Vec<u64>) {
    let mut sorted = vec![0; pairs.len()];
    for digit in 0..3 {
        let shift = 32 + digit * DIGIT_BITS;
        let digit = |pair: u64| (pair >> shift & ((1 << DIGIT_BITS) - 1)) as usize;
        // How many have each digit, and then where the next of these goes.
        let mut places = [0_usize; 1 << DIGIT_BITS];
        for pair in pairs.iter() {
            if let Some(count) = places.get_mut(digit(*pair)) {
                *count += 1;
            }
        }
        let mut before = 0;
        for place in &mut places {
            before += mem::replace(place, before);
        }
        for pair in pairs.iter() {
            if let Some(place) = places.get_mut(digit(*pair)) {
                if let Some(there) = sorted.get_mut(*place) {
                    *there = *pair;
                }
                *place += 1;
            }
        }
        mem::swap(pairs, &mut sorted);
    }
}

fn go_on(stop: &AtomicBool) -> io::Result<()> {
    if stop.load(Ordering::Relaxed) {
        return Err(io::ErrorKind::Interrupted.into());
    }
    Ok(())
}

/// Writes a segment; what can't be finished is removed again.
fn write(
    drawer: &Drawer,
    covers: &Covers,
    of: u32,
    all: impl FnOnce(&mut SegmentWriter) -> Result<Vec<Document>, io::Error>,
) -> Result<(), Error> {
    let (file, seed) = drawer.make(covers)?;
    let mut writer = SegmentWriter::new(file, seed, of);
    let outcome = all(&mut writer).and_then(|documents| writer.finish(&documents));
    match outcome {
        Ok(_) => drawer.made(covers),
        Err(error) => {
            // It may be because the disk is full.
            let _ = drawer.tidy();
            Err(io_error("search", error))
        }
    }
}

/// Merges segments as long as there are too many of about a size. What is not alive is left out.
///
/// # Errors
/// [`Error::Io`], [`Error::Full`].
async fn merge(account: &Account, drawer: &Drawer, rate: Option<u64>) -> Result<(), Error> {
    for _ in 0..MERGES_MAX {
        let to = drawer.clone();
        let group = aside("store-index", move || group(&to)).await??;
        let Some(group) = group else {
            break;
        };
        let covers =
            *group.first().map_or(&0, Covers::start)..=*group.last().map_or(&0, Covers::end);
        let live = live(account, covers).await?;
        if !write_anew(drawer, group, &live, rate).await? {
            break;
        }
    }
    Ok(())
}

/// Writes segments anew, as one, without what is not alive. Whether anything may be left to do.
///
/// # Errors
/// [`Error::Io`], [`Error::Full`].
pub(super) async fn write_anew(
    drawer: &Drawer,
    group: Vec<Covers>,
    live: &[Live],
    rate: Option<u64>,
) -> Result<bool, Error> {
    let (to, stop) = (drawer.clone(), Stop::default());
    let stopped = Arc::clone(&stop.0);
    let emails: Vec<u64> = live.iter().map(|it| it.email).collect();
    let done = aside("store-index", move || {
        let slow = Slow {
            stop: &stopped,
            rate,
        };
        Merge::of(&to, &group, &emails)?.map_or(Ok(true), |merge| merge.write(&to, &group, &slow))
    });
    done.await?
}

/// Segments that follow each other and are to become one.
fn group(drawer: &Drawer) -> Result<Option<Vec<Covers>>, Error> {
    let mut sizes = Vec::new();
    for covers in drawer.segments()? {
        match drawer.open(&covers) {
            Ok(segment) => sizes.push((covers, segment.documents().len())),
            Err(Fault::Damaged(why)) => drawer.discard(&covers, why),
            Err(Fault::Io(error)) => return Err(io_error("search", error)),
        }
    }
    Ok(choose(&sizes))
}

/// Of segments and how many messages they have: the first that follow each other and are of about a
/// size, if they are many enough.
fn choose(sizes: &[(Covers, usize)]) -> Option<Vec<Covers>> {
    let tier = |messages: usize| (messages / 64).max(1).ilog2() / 2;
    let near = |a: &(Covers, usize), b: &(Covers, usize)| {
        tier(a.1) == tier(b.1) && a.0.end().checked_add(1) == Some(*b.0.start())
    };
    for run in sizes.chunk_by(near) {
        let mut sum = 0;
        let fits = run.iter().take(MERGED_MAX).take_while(|(_, messages)| {
            sum += messages;
            sum <= MESSAGES_MAX
        });
        let group: Vec<Covers> = fits.map(|(covers, _)| covers.clone()).collect();
        if group.len() >= MERGED_MIN {
            return Some(group);
        }
    }
    None
}

/// Not to be in anybody's way.
struct Slow<'a> {
    stop: &'a AtomicBool,
    rate: Option<u64>,
}

/// Octets after which it is waited.
const SLOW_BYTES: u64 = 1 << 20;

impl Slow<'_> {
    /// So many octets were written.
    fn wait(&self, octets: u64) {
        if let Some(rate) = self.rate.filter(|rate| *rate > 0) {
            let millis = octets.saturating_mul(1000) / rate;
            std::thread::sleep(std::time::Duration::from_millis(millis));
        }
    }
}

/// Segments being merged.
struct Merge {
    inputs: Vec<Input>,
    documents: Vec<Document>,
}

struct Input {
    segment: Segment,
    window: Window,
    /// The new number of each message that stays.
    numbers: Vec<Option<u32>>,
    /// The next block of keys, and what is left of the one before, from the end.
    block: usize,
    entries: Vec<Entry>,
}

impl Input {
    /// The next key.
    fn next(&mut self) -> Result<Option<Entry>, Fault> {
        while self.entries.is_empty() && self.block < self.segment.blocks() {
            self.entries = self.segment.block(self.block)?;
            self.entries.reverse();
            self.block += 1;
        }
        Ok(self.entries.last().copied())
    }
}

impl Merge {
    /// `None` if one of them is damaged: it is thrown away then.
    fn of(drawer: &Drawer, group: &[Covers], live: &[u64]) -> Result<Option<Self>, Error> {
        let mut merge = Self {
            inputs: Vec::new(),
            documents: Vec::new(),
        };
        for covers in group {
            let mut segment = match drawer.open(covers) {
                Ok(segment) => segment,
                Err(fault) => return failed(drawer, covers, fault).map(|()| None),
            };
            segment.sequential();
            let mut numbers = Vec::with_capacity(segment.documents().len());
            for document in segment.documents() {
                let stays = live.binary_search(&document.email).is_ok();
                numbers.push(
                    stays
                        .then(|| u32::try_from(merge.documents.len()).ok())
                        .flatten(),
                );
                merge.documents.extend(stays.then_some(*document));
            }
            merge.inputs.push(Input {
                segment,
                window: Window::sequential(),
                numbers,
                block: 0,
                entries: Vec::new(),
            });
        }
        Ok(Some(merge))
    }

    /// Writes the segment, and removes those it is made of. Whether anything may be left to do.
    fn write(mut self, drawer: &Drawer, group: &[Covers], slow: &Slow<'_>) -> Result<bool, Error> {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            return Ok(false);
        };
        let covers = *first.start()..=*last.end();
        let of = u32::try_from(self.documents.len()).unwrap_or(u32::MAX);
        let mut damaged = None;
        let written = write(drawer, &covers, of, |writer| {
            match self.lists(writer, slow) {
                Ok(()) => Ok(self.documents),
                Err((at, Fault::Damaged(why))) => {
                    damaged = group.get(at).map(|covers| (covers.clone(), why));
                    Err(io::ErrorKind::InvalidData.into())
                }
                Err((_, Fault::Io(error))) => Err(error),
            }
        });
        if let Some((covers, why)) = damaged {
            drawer.discard(&covers, why);
            return Ok(true);
        }
        written?;
        for part in group.iter().filter(|part| **part != covers) {
            drawer.remove(part)?;
        }
        Ok(true)
    }

    /// Writes every list. Says of which input it was that can't be read.
    fn lists(&mut self, writer: &mut SegmentWriter, slow: &Slow<'_>) -> Result<(), (usize, Fault)> {
        let (mut list, mut numbers) = (Vec::new(), Vec::new());
        let mut waited = 0;
        loop {
            let mut key = None;
            for (at, input) in self.inputs.iter_mut().enumerate() {
                let next = input.next().map_err(|fault| (at, fault))?;
                key = match (key, next.map(|entry| entry.key)) {
                    (Some(key), Some(next)) => Some(std::cmp::min::<u32>(key, next)),
                    (key, next) => key.or(next),
                };
            }
            let Some(key) = key else {
                return Ok(());
            };
            list.clear();
            for (at, input) in self.inputs.iter_mut().enumerate() {
                let Some(entry) = input.entries.pop_if(|entry| entry.key == key) else {
                    continue;
                };
                numbers.clear();
                let read = input.segment.list(&entry, &mut input.window, &mut numbers);
                read.map_err(|fault| (at, fault))?;
                let stays = |number: &u32| input.numbers.get(*number as usize).copied().flatten();
                list.extend(numbers.iter().filter_map(stays));
            }
            if !list.is_empty() {
                let added = writer.add(key, &list);
                added.map_err(|error| (0, Fault::Io(error)))?;
            }
            if writer.position() - waited >= SLOW_BYTES {
                slow.wait(writer.position() - waited);
                waited = writer.position();
            }
            go_on(slow.stop).map_err(|error| (0, Fault::Io(error)))?;
        }
    }
}

fn failed(drawer: &Drawer, covers: &Covers, fault: Fault) -> Result<(), Error> {
    match fault {
        Fault::Damaged(why) => {
            drawer.discard(covers, why);
            Ok(())
        }
        Fault::Io(error) => Err(io_error("search", error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_sorted_by_their_keys() {
        let mut random = fastrand::Rng::with_seed(3);
        let keys: Vec<u32> = (0..500).map(|_| random.u32(..7 << 24)).collect();
        let pairs = (0..5000).map(|message| {
            let key = keys[random.usize(..keys.len())];
            u64::from(key) << 32 | message
        });
        let mut pairs: Vec<u64> = pairs.collect();
        let mut expected = pairs.clone();
        expected.sort_unstable();
        by_key(&mut pairs);
        assert_eq!(pairs, expected);
    }

    #[test]
    fn segments_of_about_a_size_that_follow_each_other_are_merged() {
        let of = |sizes: &[usize]| -> Vec<(Covers, usize)> {
            let place = |at: usize| (at * 10 + 1) as u64..=(at * 10 + 10) as u64;
            let sizes = sizes.iter().enumerate();
            sizes.map(|(at, size)| (place(at), *size)).collect()
        };
        let chosen = |sizes: &[usize]| {
            let group = choose(&of(sizes))?;
            Some((*group[0].start(), group.len()))
        };
        for (sizes, expected) in [
            (&[][..], None),
            (&[64, 64, 64], None),
            (&[64, 64, 64, 64], Some((1, 4))),
            (&[64, 64, 0, 3, 70], Some((1, 5))),
            (&[5000, 70, 70, 70, 5000, 70], None),
            (&[5000, 70, 70, 70, 100, 5000], Some((11, 4))),
            (&[60_000, 60_000, 60_000, 60_000], None),
            (&[1; 40], Some((1, MERGED_MAX))),
        ] {
            assert_eq!(chosen(sizes), expected, "{sizes:?}");
        }
        let mut apart = of(&[64; 4]);
        apart.remove(1);
        apart.extend(of(&[64; 8]).into_iter().skip(5));
        assert_eq!(choose(&apart), None);
    }
}
