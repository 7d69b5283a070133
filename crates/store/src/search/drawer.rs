//! Where the index of an account lies: a directory of segments, each named for the EMAILIDs that it
//! covers.
//!
//! The names are all there is to know: what no segment covers has still to be indexed, and a segment
//! that lies within another was merged into it. So whatever a crash leaves is right, a
//! segment that is thrown away is made anew, and nothing is written but segments.

use std::{
    ops::RangeInclusive,
    sync::{Arc, OnceLock},
};

use super::{
    pages::Fault,
    segment::{Segment, seed},
};
use crate::{
    engine::{Engine, OpenFile, Volume, io_error},
    error::Error,
    id::AccountId,
};

/// Of the layout of segments, and of what is a key. In the name of a directory.
const FORMAT: u32 = 1;

/// Ends the name of a segment.
const SEGMENT: &str = ".idx";
/// Ends the name of one in the making.
const NEW: &str = ".new";

/// The index of an account.
#[derive(Debug, Clone)]
pub(super) struct Drawer {
    volume: Arc<dyn Volume>,
    directory: String,
    partition: [u8; 16],
    account: AccountId,
}

/// A segment, by its name: the EMAILIDs that it covers.
pub(super) type Covers = RangeInclusive<u64>;

/// What the indexes of a partition depend on, beside the mail: the format, what text a message has, and
/// how text is folded. Another of these has another directory.
fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let (text, fold) = (mail::text::VERSION, mail::search::fingerprint());
        format!("{FORMAT}.{text}.{fold:016x}")
    })
}

impl Drawer {
    /// The index of an account whose home is there.
    pub(super) fn new(volume: Arc<dyn Volume>, engine: &Engine, account: AccountId) -> Self {
        let partition = engine.partition();
        Self {
            volume,
            directory: format!("{}/{}/{:016x}", partition.search(), version(), account.0),
            partition: partition.id,
            account,
        }
    }

    fn path(&self, covers: &Covers, ending: &str) -> String {
        let (first, last) = (covers.start(), covers.end());
        format!("{}/{first:016x}-{last:016x}{ending}", self.directory)
    }

    /// The segments that count, ascending.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn segments(&self) -> Result<Vec<Covers>, Error> {
        let names = self.names()?;
        Ok(outermost(names.iter().filter_map(|name| covers(name))))
    }

    /// Removes what no segment needs: those that were merged, and what a crash left unfinished. For
    /// who writes.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn tidy(&self) -> Result<(), Error> {
        let names = self.names()?;
        let kept = outermost(names.iter().filter_map(|name| covers(name)));
        for name in names {
            if covers(&name).is_none_or(|covers| !kept.contains(&covers)) {
                let path = format!("{}/{name}", self.directory);
                self.volume
                    .remove(&path)
                    .map_err(|error| io_error(&path, error))?;
            }
        }
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let names = self.volume.names(&self.directory);
        names.map_err(|error| io_error(&self.directory, error))
    }

    fn seed(&self, covers: &Covers) -> u32 {
        seed(self.partition, self.account.0, covers)
    }

    /// Opens a segment.
    pub(super) fn open(&self, covers: &Covers) -> Result<Segment, Fault> {
        let path = self.path(covers, SEGMENT);
        Segment::open(&self.volume, &path, self.seed(covers))
    }

    /// The octets of a segment's file.
    pub(super) fn octets(&self, covers: &Covers) -> Option<u64> {
        let file = self.volume.open(&self.path(covers, SEGMENT));
        file.and_then(|file| file.length()).ok()
    }

    /// Makes the file of a segment, which has its name once it is [`Drawer::made`]. Gives its seed too.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Full`].
    pub(super) fn make(&self, covers: &Covers) -> Result<(Box<dyn OpenFile>, u32), Error> {
        let path = self.path(covers, NEW);
        let file = self.volume.create(&self.directory, &path);
        let file = file.map_err(|error| io_error(&path, error))?;
        Ok((file, self.seed(covers)))
    }

    /// A segment is complete and durable: from now on it counts.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn made(&self, covers: &Covers) -> Result<(), Error> {
        let (new, path) = (self.path(covers, NEW), self.path(covers, SEGMENT));
        let renamed = self.volume.rename(&self.directory, &new, &path);
        renamed.map_err(|error| io_error(&path, error))
    }

    /// Throws a segment away, for the reason given: what it covers is indexed again.
    pub(super) fn discard(&self, covers: &Covers, why: &str) {
        let path = self.path(covers, SEGMENT);
        tracing::warn!(account = %self.account, file = path, what = why, "a search index is damaged: making it again");
        if let Err(error) = self.volume.remove(&path) {
            tracing::warn!(%error, file = path, "it can't be removed");
        }
    }

    /// Removes a segment that is of no use.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn remove(&self, covers: &Covers) -> Result<(), Error> {
        let path = self.path(covers, SEGMENT);
        let removed = self.volume.remove(&path);
        removed.map_err(|error| io_error(&path, error))
    }

    /// Removes all of it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn drop_all(&self) -> Result<(), Error> {
        let removed = self.volume.remove_tree(&self.directory);
        removed.map_err(|error| io_error(&self.directory, error))
    }
}

/// The accounts of which a partition has an index. Removes those of other versions.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn accounts(volume: &Arc<dyn Volume>, engine: &Engine) -> Result<Vec<AccountId>, Error> {
    let root = engine.partition().search();
    let names = |path: &str| volume.names(path).map_err(|error| io_error(path, error));
    for name in names(&root)? {
        if name != version() {
            let old = format!("{root}/{name}");
            volume
                .remove_tree(&old)
                .map_err(|error| io_error(&old, error))?;
        }
    }
    let names = names(&format!("{root}/{}", version()))?;
    let number = |name: &String| u64::from_str_radix(name, 16).ok();
    Ok(names.iter().filter_map(number).map(AccountId).collect())
}

/// What a segment of that name covers; `None` if it is none.
fn covers(name: &str) -> Option<Covers> {
    let (first, last) = name.strip_suffix(SEGMENT)?.split_once('-')?;
    let number = |digits: &str| {
        let whole = digits.len() == 16;
        u64::from_str_radix(digits, 16).ok().filter(|_| whole)
    };
    let covers = number(first)?..=number(last)?;
    (!covers.is_empty()).then_some(covers)
}

/// Those that lie in no other, ascending. Of two that overlap, which nothing makes, one counts.
fn outermost(all: impl Iterator<Item = Covers>) -> Vec<Covers> {
    let mut all: Vec<Covers> = all.collect();
    all.sort_by_key(|it| (*it.start(), u64::MAX - *it.end()));
    let mut kept: Vec<Covers> = Vec::new();
    for covers in all {
        if kept.last().is_none_or(|last| covers.start() > last.end()) {
            kept.push(covers);
        }
    }
    kept
}

/// What of `1..=last` nothing covers. `covered` ascends.
pub(super) fn gaps(covered: &[Covers], last: u64) -> Vec<Covers> {
    let mut gaps = Vec::new();
    let mut next = 1;
    for covers in covered {
        if *covers.start() > next {
            gaps.push(next..=*covers.start() - 1);
        }
        next = covers.end().saturating_add(1);
    }
    if next <= last {
        gaps.push(next..=last);
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_counts_and_what_is_missing() {
        let names = [
            "0000000000000001-0000000000000040.idx",
            "0000000000000001-0000000000000020.idx",
            "0000000000000021-0000000000000040.idx",
            "0000000000000060-0000000000000060.idx",
            "0000000000000061-0000000000000070.new",
            "0000000000000061-0000000000000050.idx",
            "1-2.idx",
            "x",
        ];
        let kept = outermost(names.iter().filter_map(|name| covers(name)));
        assert_eq!(kept, [1..=0x40, 0x60..=0x60]);
        assert_eq!(gaps(&kept, 0x61), [0x41..=0x5f, 0x61..=0x61]);
        assert_eq!(gaps(&kept, 0x60), [0x41..=0x5f]);
        assert_eq!(gaps(&[], 0), []);
    }
}
