//! The METADATA response: RFC 5464 §4.4.

use alloc::vec::Vec;

use super::{EightBit, astring, literal8, mailbox, separated, string};
use crate::name::Encoding;

/// `* METADATA name (entry value …)`: values, each `None` if the entry has none. The server's own have
/// an empty `name`.
pub fn metadata<'a>(
    out: &mut Vec<u8>,
    name: &str,
    encoding: Encoding,
    entries: impl IntoIterator<Item = (&'a str, Option<&'a [u8]>)>,
) {
    out.extend_from_slice(b"* METADATA ");
    mailbox(out, name, encoding);
    out.extend_from_slice(b" (");
    separated(out, b' ', entries, |out, (entry, value)| {
        astring(out, entry.as_bytes(), EightBit::Literal);
        out.push(b' ');
        self::value(out, value);
    });
    out.extend_from_slice(b")\r\n");
}

// value = nstring / literal8
fn value(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        None => out.extend_from_slice(b"NIL"),
        Some(value) if value.contains(&0) => literal8(out, value),
        Some(value) => string(out, value, EightBit::Literal),
    }
}

/// `* METADATA name entry …`: entries that have changed, without their values (RFC 5464 §4.4.2). The
/// server's own have no name.
pub fn metadata_changed<'a>(
    out: &mut Vec<u8>,
    name: &str,
    encoding: Encoding,
    entries: impl IntoIterator<Item = &'a str>,
) {
    out.extend_from_slice(b"* METADATA ");
    mailbox(out, name, encoding);
    for entry in entries {
        out.push(b' ');
        astring(out, entry.as_bytes(), encoding.into());
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_so_that_they_come_back() {
        let mut out = Vec::new();
        let entries: [(&str, Option<&[u8]>); 5] = [
            ("/shared/comment", Some(b"Shared \"comment\"")),
            ("/private/no", None),
            ("/private/none", Some(b"")),
            ("/private/with space", Some(b"a\r\nb")),
            ("/private/binary", Some(b"\0\xff")),
        ];
        metadata(&mut out, "", Encoding::ModifiedUtf7, entries);
        let expected = b"* METADATA \"\" (/shared/comment \"Shared \\\"comment\\\"\" /private/no NIL \
            /private/none \"\" \"/private/with space\" {4}\r\na\r\nb /private/binary ~{2}\r\n\0\xff)\r\n";
        assert_eq!(out, expected);
    }
}
