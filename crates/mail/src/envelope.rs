//! ENVELOPE (RFC 9051 §7.5.2), in wire form.

use alloc::vec::Vec;

use crate::{
    address, header,
    wire::{capped, nstring},
};

/// Octets of a date, subject or message-id list that are taken: beyond what
/// any client shows, below what would make a digest large.
const TEXT_BYTES_MAX: usize = 16_384;

/// The ENVELOPE of a message that has no header field.
pub(crate) const EMPTY: &[u8] = b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)";

/// The raw values of the fields that matter; the first of each name counts,
/// but address fields, which some mailers repeat, add up.
#[derive(Default)]
struct Found<'a> {
    texts: [Option<&'a [u8]>; 4],
    lists: [Vec<address::Address>; 6],
}

const TEXTS: [&str; 4] = ["Date", "Subject", "In-Reply-To", "Message-ID"];
const LISTS: [&str; 6] = ["From", "Sender", "Reply-To", "To", "Cc", "Bcc"];

/// Appends the ENVELOPE of the message with this header.
pub fn write(out: &mut Vec<u8>, header: &[u8]) {
    let found = read(header);
    let [date, subject, in_reply_to, message_id] = found.texts;
    let [from, sender, reply_to, to, cc, bcc] = &found.lists;
    let or_from = |list| if Vec::is_empty(list) { from } else { list };
    out.push(b'(');
    text(out, date);
    out.push(b' ');
    text(out, subject);
    for list in [from, or_from(sender), or_from(reply_to), to, cc, bcc] {
        out.push(b' ');
        address::write(out, list);
    }
    out.push(b' ');
    text(out, in_reply_to);
    out.push(b' ');
    text(out, message_id);
    out.push(b')');
}

fn read(header: &[u8]) -> Found<'_> {
    let mut found = Found::default();
    for field in header::fields(header) {
        for (name, text) in TEXTS.iter().zip(&mut found.texts) {
            if field.is(name) && text.is_none() {
                *text = Some(field.value);
            }
        }
        for (name, list) in LISTS.iter().zip(&mut found.lists) {
            if field.is(name) && list.len() < address::ADDRESSES_MAX {
                list.extend(address::parse(&field.text()));
                list.truncate(address::ADDRESSES_MAX);
            }
        }
    }
    found
}

fn text(out: &mut Vec<u8>, value: Option<&[u8]>) {
    let value = value.map(header::unfold);
    nstring(out, value.as_deref().map(|v| capped(v, TEXT_BYTES_MAX)));
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn members_default_as_the_rfc_says() {
        for (header, expected) in [
            ("", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"),
            (
                "From: a@b\r\nSubject:\r\nTo:\r\nSender: \r\n\r\n",
                r#"(NIL "" ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL)"#,
            ),
            (
                "Date: Mon\r\nSubject: a\r\n\tb\r\nFROM: a@b\r\nReply-To: c@d\r\nCc: e@f\r\ncc: g@h\r\nMessage-Id: <1>\r\nIn-Reply-To: <0>\r\n",
                "(\"Mon\" \"a\tb\" ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) ((NIL NIL \"c\" \"d\")) NIL \
                 ((NIL NIL \"e\" \"f\")(NIL NIL \"g\" \"h\")) NIL \"<0>\" \"<1>\")",
            ),
        ] {
            let mut out = Vec::new();
            write(&mut out, header.as_bytes());
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{header}");
        }
    }

    #[test]
    fn empty_is_what_no_header_gives() {
        let mut out = Vec::new();
        write(&mut out, b"");
        assert_eq!(out, EMPTY);
    }
}
