//! Netstrings: a length in digits, `:`, so many octets, `,`.

/// Digits of a length, at most: more is never meant.
const DIGITS_MAX: usize = 6;

/// What is at the front of some octets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Front<'a> {
    /// A netstring's content, and how many octets there were with its wrapping.
    Whole(&'a [u8], usize),
    /// The beginning of one, perhaps.
    Begun,
    /// No netstring.
    Broken,
}

/// Reads the netstring at the front of some octets.
pub(super) fn front(octets: &[u8]) -> Front<'_> {
    let digits = octets.iter().take_while(|o| o.is_ascii_digit()).count();
    let (length, rest) = octets.split_at(digits);
    let leading_zero = digits > 1 && length.starts_with(b"0");
    if digits > DIGITS_MAX || leading_zero {
        return Front::Broken;
    }
    let Some(content) = rest.strip_prefix(b":") else {
        return if rest.is_empty() {
            Front::Begun
        } else {
            Front::Broken
        };
    };
    // Without digits it is no number.
    let length = str::from_utf8(length).ok().and_then(|d| d.parse().ok());
    let Some(length) = length else {
        return Front::Broken;
    };
    match content.split_at_checked(length) {
        Some((content, [b',', ..])) => Front::Whole(content, digits + length + 2),
        Some((_, [])) | None => Front::Begun,
        Some(_) => Front::Broken,
    }
}

/// Appends a netstring.
pub(super) fn write(content: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(format!("{}:", content.len()).as_bytes());
    into.extend_from_slice(content);
    into.push(b',');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netstrings_are_read_and_written() {
        for (wire, expected) in [
            ("0:,", Front::Whole(b"", 3)),
            ("5:hello,x", Front::Whole(b"hello", 8)),
            ("12:hello world!,", Front::Whole(b"hello world!", 16)),
            ("", Front::Begun),
            ("5", Front::Begun),
            ("5:hell", Front::Begun),
            ("5:hello", Front::Begun),
            ("5:hello.", Front::Broken),
            (":x,", Front::Broken),
            ("x", Front::Broken),
            ("05:hello,", Front::Broken),
            ("1234567", Front::Broken),
            ("-1:,", Front::Broken),
        ] {
            assert_eq!(front(wire.as_bytes()), expected, "{wire:?}");
        }
        let mut wire = Vec::new();
        write(b"hello", &mut wire);
        assert_eq!(wire, b"5:hello,");
    }
}
