//! An ordered map that states share: a change copies one of its shelves, and not all of it.

use std::{fmt, sync::Arc};

/// The most entries of a shelf: what one change copies.
const SHELF_MAX: usize = 128;

/// Some neighbouring entries.
type Shelf<K, V> = Arc<Vec<(K, V)>>;

/// Keys, ascending, with their values. A cheap clone.
#[derive(Clone)]
pub(crate) struct Shelves<K, V> {
    /// None is empty.
    shelves: Arc<Vec<Shelf<K, V>>>,
    len: usize,
}

impl<K, V> Default for Shelves<K, V> {
    fn default() -> Self {
        Self {
            shelves: Arc::default(),
            len: 0,
        }
    }
}

impl<K: fmt::Debug + Ord, V: fmt::Debug> fmt::Debug for Shelves<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Ord, V: PartialEq> PartialEq for Shelves<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<K: Ord, V> Shelves<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let (board, place) = self.place(key);
        let (_, value) = self.shelves.get(board)?.get(place.ok()?)?;
        Some(value)
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let shelves = self.shelves.iter();
        shelves.flat_map(|board| board.iter().map(|(key, value)| (key, value)))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// The entries whose keys are not less.
    pub(crate) fn from<'a>(&'a self, key: &'a K) -> impl Iterator<Item = (&'a K, &'a V)> {
        let shelves = self.shelves.iter().skip(self.shelf(key));
        shelves
            .flat_map(|board| board.iter())
            .skip_while(move |(other, _)| other < key)
            .map(|(key, value)| (key, value))
    }

    /// The first shelf that does not end before a key.
    fn shelf(&self, key: &K) -> usize {
        let ends_before = |board: &Shelf<K, V>| board.last().is_some_and(|(last, _)| last < key);
        self.shelves.partition_point(ends_before)
    }

    /// On which shelf a key belongs, and where it is there, or would be.
    fn place(&self, key: &K) -> (usize, Result<usize, usize>) {
        // What comes after all others goes onto the last one.
        let board = self.shelf(key).min(self.shelves.len().saturating_sub(1));
        let place = self.shelves.get(board).map_or(Err(0), |board| {
            board.binary_search_by(|(other, _)| other.cmp(key))
        });
        (board, place)
    }
}

impl<K: Ord + Clone, V: Clone> Shelves<K, V> {
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let (board, place) = self.place(key);
        let place = place.ok()?;
        let board = Arc::make_mut(&mut self.shelves).get_mut(board)?;
        let (_, value) = Arc::make_mut(board).get_mut(place)?;
        Some(value)
    }

    /// Gives what the key had before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let (at, place) = self.place(&key);
        let shelves = Arc::make_mut(&mut self.shelves);
        let Some(board) = shelves.get_mut(at).map(Arc::make_mut) else {
            shelves.push(Arc::new(vec![(key, value)]));
            self.len += 1;
            return None;
        };
        let place = match place {
            Ok(place) => {
                let (_, there) = board.get_mut(place)?;
                return Some(std::mem::replace(there, value));
            }
            Err(place) => place,
        };
        board.insert(place, (key, value));
        self.len += 1;
        if board.len() > SHELF_MAX {
            let rest = board.split_off(SHELF_MAX / 2);
            shelves.insert(at + 1, Arc::new(rest));
        }
        None
    }

    /// Gives what the key had.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let (at, place) = self.place(key);
        let place = place.ok()?;
        let shelves = Arc::make_mut(&mut self.shelves);
        let board = Arc::make_mut(shelves.get_mut(at)?);
        let (_, value) = board.remove(place);
        if board.is_empty() {
            shelves.remove(at);
        }
        self.len -= 1;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_is_a_map_and_old_states_of_it_stay() {
        let mut rng = fastrand::Rng::with_seed(3);
        let (mut shelves, mut expected) = (Shelves::default(), BTreeMap::new());
        let mut old = Vec::new();
        for n in 0..6000 {
            let key = rng.u32(..700) * if n < 3000 { 1 } else { 7 };
            match rng.u8(..5) {
                0 => assert_eq!(shelves.remove(&key), expected.remove(&key)),
                1 => {
                    let value = shelves.get_mut(&key).map(|value| {
                        *value += 1;
                        *value
                    });
                    let same = expected.get_mut(&key).map(|value| {
                        *value += 1;
                        *value
                    });
                    assert_eq!(value, same);
                }
                _ => assert_eq!(shelves.insert(key, n), expected.insert(key, n)),
            }
            assert_eq!(shelves.get(&key), expected.get(&key));
            if n % 500 == 0 {
                old.push((shelves.clone(), expected.clone()));
            }
        }
        old.push((shelves, expected));
        for (shelves, expected) in old {
            assert!(shelves.iter().eq(expected.iter()));
            assert_eq!(shelves.len(), expected.len());
            for key in [0, 1, 333, 700, 4000, 9999] {
                assert!(shelves.from(&key).eq(expected.range(key..)));
            }
        }
    }
}
