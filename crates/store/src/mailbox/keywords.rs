//! The keywords of a mailbox, by index: RFC 9051 §2.3.2.

use std::{cmp::Ordering, sync::Arc};

use crate::flag::Keyword;

/// The most keywords that a mailbox ever knows. Other servers stop at 26 or 128,
/// the largest label collections known have 10,000; a new one costs by how many there are.
pub(crate) const KEYWORDS_MAX: usize = 10_000;

/// The most keywords of one message: what bounds the memory that a chunk takes.
pub(crate) const KEYWORDS_OF_MESSAGE_MAX: usize = 256;

/// The longest keyword, in octets.
pub(crate) const KEYWORD_OCTETS_MAX: usize = 255;

/// Every keyword that was ever used in a mailbox, as first spelled.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keywords {
    names: Arc<Vec<Keyword>>,
    /// Their indexes, in the order of the names without regard to case.
    sorted: Arc<Vec<u32>>,
}

impl Keywords {
    /// Puts together what a checkpoint kept; `None` if two are alike.
    pub(crate) fn from_names(names: Vec<Keyword>) -> Option<Self> {
        let mut sorted: Vec<u32> = (0..u32::try_from(names.len()).ok()?).collect();
        let name = |i: &u32| names.get(*i as usize).map_or("", |name| name);
        sorted.sort_by(|a, b| compare(name(a), name(b)));
        let alike = |pair: &[u32]| match pair {
            [a, b] => compare(name(a), name(b)).is_eq(),
            _ => false,
        };
        if sorted.windows(2).any(alike) {
            return None;
        }
        Some(Self {
            names: Arc::new(names),
            sorted: Arc::new(sorted),
        })
    }

    pub(crate) fn names(&self) -> &[Keyword] {
        &self.names
    }

    /// The index of a keyword, in whatever case it is written.
    pub(crate) fn find(&self, keyword: &str) -> Option<u32> {
        let place = self.place(keyword).ok()?;
        self.sorted.get(place).copied()
    }

    /// The index of a keyword, which it gets now if it had none.
    pub(crate) fn intern(&mut self, keyword: &Keyword) -> u32 {
        match self.place(keyword) {
            Ok(place) => self.sorted.get(place).copied().unwrap_or_default(),
            Err(place) => {
                let index = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
                Arc::make_mut(&mut self.names).push(Arc::clone(keyword));
                Arc::make_mut(&mut self.sorted).insert(place, index);
                index
            }
        }
    }

    fn place(&self, keyword: &str) -> Result<usize, usize> {
        self.sorted.binary_search_by(|index| {
            let name = self.names.get(*index as usize);
            compare(name.map_or("", |name| name), keyword)
        })
    }
}

/// The order of keywords: ASCII case does not count.
fn compare(a: &str, b: &str) -> Ordering {
    let lower = |octet: u8| octet.to_ascii_lowercase();
    a.bytes().map(lower).cmp(b.bytes().map(lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_spelling_wins() {
        let mut keywords = Keywords::default();
        let spelled = ["$Forwarded", "b", "$FORWARDED", "a", "B", "ab"];
        let indexes: Vec<u32> = spelled.map(|k| keywords.intern(&k.into())).into();
        assert_eq!(indexes, [0, 1, 0, 2, 1, 3]);
        assert_eq!(
            keywords.names(),
            ["$Forwarded", "b", "a", "ab"].map(Arc::from)
        );
        assert_eq!(keywords.find("AB"), Some(3));
        assert_eq!(keywords.find("abc"), None);
        let again = Keywords::from_names(keywords.names().to_vec()).unwrap();
        assert_eq!(again.find("$forwarded"), Some(0));
        assert!(Keywords::from_names(vec!["x".into(), "X".into()]).is_none());
    }
}
