//! The QUOTA and QUOTAROOT responses: RFC 9208 §4.2.

use alloc::vec::Vec;

use super::{mailbox, number, separated};
use crate::name::Encoding;

/// `* QUOTA root (resource usage limit …)`; without a limit the list is empty (RFC 2087 §5.1).
pub fn quota<'a>(
    out: &mut Vec<u8>,
    root: &str,
    encoding: Encoding,
    resources: impl IntoIterator<Item = (&'a str, u64, u64)>,
) {
    out.extend_from_slice(b"* QUOTA ");
    mailbox(out, root, encoding);
    out.extend_from_slice(b" (");
    separated(out, b' ', resources, |out, (name, usage, limit)| {
        out.extend_from_slice(name.as_bytes());
        out.push(b' ');
        number(out, usage);
        out.push(b' ');
        number(out, limit);
    });
    out.extend_from_slice(b")\r\n");
}

/// `* QUOTAROOT mailbox root …`.
pub fn quota_root<'a>(
    out: &mut Vec<u8>,
    name: &str,
    encoding: Encoding,
    roots: impl IntoIterator<Item = &'a str>,
) {
    out.extend_from_slice(b"* QUOTAROOT ");
    mailbox(out, name, encoding);
    for root in roots {
        out.push(b' ');
        mailbox(out, root, encoding);
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_as_the_rfc_has_them() {
        let mut out = Vec::new();
        quota(&mut out, "", Encoding::Utf8, [("STORAGE", 10, 512)]);
        let two = [("MESSAGE", 42, 1000), ("STORAGE", 0, i64::MAX as u64)];
        quota(&mut out, "#user/alice", Encoding::ModifiedUtf7, two);
        quota(&mut out, "a b", Encoding::Utf8, []);
        quota_root(
            &mut out,
            "INBOX",
            Encoding::Utf8,
            ["INBOX", "@example.test"],
        );
        quota_root(&mut out, "Entw\u{fc}rfe", Encoding::ModifiedUtf7, []);
        assert_eq!(
            core::str::from_utf8(&out),
            Ok("* QUOTA \"\" (STORAGE 10 512)\r\n\
                * QUOTA #user/alice (MESSAGE 42 1000 STORAGE 0 9223372036854775807)\r\n\
                * QUOTA \"a b\" ()\r\n\
                * QUOTAROOT INBOX INBOX @example.test\r\n\
                * QUOTAROOT Entw&APw-rfe\r\n")
        );
    }
}
