//! Header fields as they stand in a message, one after the other, until somebody asks what they say.

use std::iter;

/// Fields of one name. What was put before the message on delivery is searched, and nothing else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw<'a>(pub(super) &'a [u8]);

/// Octets before the value of a field: whether it is of those that the message came with, and how long it is.
const HEAD_BYTES: usize = 5;

/// Appends a field.
pub(super) fn put(into: &mut Vec<u8>, is_listed: bool, value: &[u8]) {
    // Of four GiB nothing comes: a digest has a limit.
    let len = u32::try_from(value.len()).unwrap_or(u32::MAX);
    into.push(u8::from(is_listed));
    into.extend_from_slice(&len.to_le_bytes());
    into.extend_from_slice(value);
}

impl<'a> Raw<'a> {
    /// The values of all.
    pub(super) fn all(self) -> impl Iterator<Item = &'a [u8]> {
        self.each().map(|(_, value)| value)
    }

    /// The values of those that the message came with.
    pub(super) fn listed(self) -> impl Iterator<Item = &'a [u8]> {
        let listed = self.each().filter(|(is_listed, _)| *is_listed);
        listed.map(|(_, value)| value)
    }

    fn each(self) -> impl Iterator<Item = (bool, &'a [u8])> {
        let mut rest = self.0;
        iter::from_fn(move || {
            let (head, after) = rest.split_first_chunk::<HEAD_BYTES>()?;
            let [is_listed, len @ ..] = *head;
            let (value, after) = after.split_at_checked(u32::from_le_bytes(len) as usize)?;
            rest = after;
            Some((is_listed > 0, value))
        })
    }
}
