//! Responses on rights: RFC 4314 §3.6, §3.7, §3.8.

use alloc::vec::Vec;

use super::{EightBit, astring, mailbox};
use crate::name::Encoding;

/// `* ACL name identifier rights …`
pub fn acl<'a>(
    out: &mut Vec<u8>,
    name: &str,
    encoding: Encoding,
    entries: impl IntoIterator<Item = (&'a str, &'a str)>,
) {
    out.extend_from_slice(b"* ACL ");
    mailbox(out, name, encoding);
    for (identifier, rights) in entries {
        words(out, encoding, [identifier, rights]);
    }
    out.extend_from_slice(b"\r\n");
}

/// `* LISTRIGHTS name identifier required optional …`: of those that are optional each string is tied together. The
/// identifier is as the client sent it.
pub fn list_rights<'a>(
    out: &mut Vec<u8>,
    (name, encoding): (&str, Encoding),
    identifier: &[u8],
    required: &str,
    optional: impl IntoIterator<Item = &'a str>,
) {
    out.extend_from_slice(b"* LISTRIGHTS ");
    mailbox(out, name, encoding);
    out.push(b' ');
    astring(out, identifier, encoding.into());
    words(out, encoding, [required]);
    words(out, encoding, optional);
    out.extend_from_slice(b"\r\n");
}

/// `* MYRIGHTS name rights`
pub fn my_rights(out: &mut Vec<u8>, name: &str, encoding: Encoding, rights: &str) {
    out.extend_from_slice(b"* MYRIGHTS ");
    mailbox(out, name, encoding);
    words(out, encoding, [rights]);
    out.extend_from_slice(b"\r\n");
}

fn words<'a>(out: &mut Vec<u8>, encoding: Encoding, words: impl IntoIterator<Item = &'a str>) {
    for word in words {
        out.push(b' ');
        astring(out, word.as_bytes(), EightBit::from(encoding));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_told() {
        let mut out = Vec::new();
        let plain = Encoding::ModifiedUtf7;
        acl(
            &mut out,
            "INBOX",
            plain,
            [("ann", "lrs"), ("-jos\u{e9}", "w")],
        );
        acl(&mut out, "a b", plain, []);
        list_rights(&mut out, ("x", plain), b"smith", "", ["l", "te"]);
        my_rights(&mut out, "x", plain, "");
        acl(&mut out, "x", Encoding::Utf8, [("jos\u{e9}", "w")]);
        let expected = "* ACL INBOX ann lrs {6}\r\n-jos\u{e9} w\r\n* ACL \"a b\"\r\n\
                        * LISTRIGHTS x smith \"\" l te\r\n* MYRIGHTS x \"\"\r\n\
                        * ACL x \"jos\u{e9}\" w\r\n";
        assert_eq!(core::str::from_utf8(&out), Ok(expected));
    }
}
