//! Where the fields are by which clients list a message: looked for once, so that who lists it again reads no header.

use alloc::vec::Vec;
use core::ops::Range;

use crate::header::{self, LISTED};

/// Some of the names in [`LISTED`], one bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Names(u64);

const _: () = assert!(LISTED.len() <= u64::BITS as usize);

impl Names {
    /// These names, in any case; `None` if one of them is not in [`LISTED`].
    pub fn of<N: AsRef<[u8]>>(names: &[N]) -> Option<Self> {
        let mut all = Self::default();
        for name in names {
            all.0 |= 1 << number(name.as_ref())?;
        }
        Some(all)
    }

    const fn has(self, name: u8) -> bool {
        self.0 >> name & 1 == 1
    }
}

/// The place of a name in [`LISTED`].
fn number(name: &[u8]) -> Option<u8> {
    u8::try_from(header::listed_place(name)?).ok()
}

/// Where fields with listed names are among some octets.
#[derive(Debug, Default)]
pub struct Outline {
    places: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    name: u8,
    start: u32,
    end: u32,
}

impl Outline {
    /// Adds the fields of a header, the first octet of which has this place.
    pub fn add(&mut self, header: &[u8], start: usize) {
        let mut start = start;
        for field in header::fields(header) {
            let end = start + field.raw.len();
            let place = u32::try_from(start).ok().zip(u32::try_from(end).ok());
            if let Some((name, (start, end))) = number(field.name).zip(place) {
                self.places.push(Place { name, start, end });
            }
            start = end;
        }
        self.places.shrink_to_fit();
    }

    /// Where the fields with these names are, in their order; those that follow each other are one.
    pub fn choose(&self, names: Names) -> impl Iterator<Item = Range<usize>> + Clone {
        let chosen = self.places.iter().filter(move |it| names.has(it.name));
        let mut chosen = chosen.peekable();
        core::iter::from_fn(move || {
            let Place { start, mut end, .. } = *chosen.next()?;
            while let Some(next) = chosen.next_if(|next| next.start == end) {
                end = next.end;
            }
            Some(start as usize..end as usize)
        })
    }

    /// The most octets of memory that a header takes here: no field has less than a line.
    #[must_use]
    pub fn octets_max(header: &[u8]) -> usize {
        (memchr::memchr_iter(b'\n', header).count() + 1) * size_of::<Place>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Select;

    #[test]
    fn fields_are_chosen_where_they_stand() {
        const HEADER: &[u8] =
            b"From: a\r\nX-Other: b\r\nTO: c\r\n d\r\nSubject: e\r\nnone\r\nDate: f";
        let mut outline = Outline::default();
        outline.add(b"Date: early\r\n", 2);
        outline.add(HEADER, 20);
        assert!(outline.places.capacity() * size_of::<Place>() <= Outline::octets_max(HEADER));
        let octets = [b"..Date: early\r\n.....", HEADER].concat();
        for (names, runs) in [
            (&["from", "to", "subject", "date"][..], 4),
            (&["to", "subject", "cc"], 1),
            (&["date", "from"], 3),
            (&["cc"], 0),
            (&[], 0),
        ] {
            let chosen = outline.choose(Names::of(names).unwrap());
            assert_eq!(chosen.clone().count(), runs, "{names:?}");
            let mut all: Vec<u8> = chosen.flat_map(|it| octets[it].to_vec()).collect();
            if !all.is_empty() && !all.ends_with(b"\n") {
                all.extend(b"\r\n");
            }
            all.extend(b"\r\n");
            let mut expected = header::select(b"Date: early\r\n", names, Select::Only);
            expected.truncate(expected.len() - 2);
            expected.extend(header::select(HEADER, names, Select::Only));
            assert_eq!(all, expected, "{names:?}");
        }
        assert_eq!(Names::of(&["from", "received"]), None);
    }
}
