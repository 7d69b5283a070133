//! `HEADER.FIELDS` and `HEADER.FIELDS.NOT`: which fields of a header go out.

use std::cmp::Ordering;

use mail::{
    header::{self, Select},
    outline,
};

/// The names in a `HEADER.FIELDS` or `HEADER.FIELDS.NOT`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// Sorted, so that a thousand names and a thousand fields aren't a million steps.
    sorted: Vec<Vec<u8>>,
    select: Select,
    /// The same, if trace fields and a digest's listed ones answer it.
    listed: Option<outline::Names>,
}

impl Names {
    /// The fields with these names.
    pub(super) fn only(names: &[Vec<u8>]) -> Self {
        Self::new(names, Select::Only, outline::Names::of(names))
    }

    /// All fields but those with these names.
    pub(super) fn all_but(names: &[Vec<u8>]) -> Self {
        Self::new(names, Select::Not, None)
    }

    fn new(names: &[Vec<u8>], select: Select, listed: Option<outline::Names>) -> Self {
        let mut sorted = names.to_vec();
        sorted.sort_unstable_by(|a, b| compare(a, b));
        Self {
            sorted,
            select,
            listed,
        }
    }

    /// The names, if trace fields and a digest's listed ones are all that can be meant.
    pub(super) const fn listed(&self) -> Option<outline::Names> {
        self.listed
    }

    /// Appends the fields of `header` that are meant, as they stand. The empty line
    /// that ends every answer is the caller's.
    pub(super) fn choose(&self, header: &[u8], into: &mut Vec<u8>) {
        for field in header::fields(header) {
            if self.mean(field.name) {
                put(into, field.raw);
            }
        }
    }

    fn mean(&self, field: &[u8]) -> bool {
        let found = self.sorted.binary_search_by(|name| compare(name, field));
        found.is_ok() == (self.select == Select::Only)
    }
}

/// What a field lacks whose line does not end.
pub(super) fn line_end(field: &[u8]) -> &'static [u8] {
    if field.ends_with(b"\n") { b"" } else { b"\r\n" }
}

/// Adds fields, and the end of the last line if it lacks that.
pub(super) fn put(into: &mut Vec<u8>, fields: &[u8]) {
    into.extend_from_slice(fields);
    into.extend_from_slice(line_end(fields));
}

/// Names of different lengths, as most are, are told apart without looking at them.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| {
        let a = a.iter().map(u8::to_ascii_lowercase);
        a.cmp(b.iter().map(u8::to_ascii_lowercase))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] =
        b"Return-Path: <x@y>\r\nFrom: a\r\nX-Y: b\r\n c\r\nTo: d\r\n\r\nFrom: body";

    #[test]
    fn fields_are_chosen_in_any_case_and_in_the_order_of_the_message() {
        for (names, not, listed, expected) in [
            (&["to", "FROM"][..], false, true, "From: a\r\nTo: d\r\n"),
            (&["x-y"], false, false, "X-Y: b\r\n c\r\n"),
            (&["x-none"], false, false, ""),
            (&[], false, true, ""),
            (&["to", "x-y", "return-path"], true, false, "From: a\r\n"),
        ] {
            let given: Vec<Vec<u8>> = names.iter().map(|name| name.as_bytes().to_vec()).collect();
            let names = if not {
                Names::all_but(&given)
            } else {
                Names::only(&given)
            };
            let mut chosen = Vec::new();
            names.choose(HEADER, &mut chosen);
            assert_eq!(String::from_utf8_lossy(&chosen), expected);
            assert_eq!(names.listed().is_some(), listed);
        }
    }

    #[test]
    fn a_field_without_a_line_end_gets_one() {
        let mut chosen = Vec::new();
        Names::all_but(&[]).choose(b"From: a", &mut chosen);
        assert_eq!(chosen, b"From: a\r\n");
    }
}
