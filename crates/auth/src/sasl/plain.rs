//! PLAIN: RFC 4616.

use crate::authenticator::Refused;

/// `[authzid] NUL authcid NUL passwd`, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plain<'a> {
    pub(super) acts_as: Option<&'a [u8]>,
    pub(super) user: &'a [u8],
    pub(super) password: &'a [u8],
}

/// Reads the one message that there is.
pub(super) fn read(message: &[u8]) -> Result<Plain<'_>, Refused> {
    let mut fields = message.split(|&b| b == 0);
    match (fields.next(), fields.next(), fields.next(), fields.next()) {
        (Some(acts_as), Some(user), Some(password), None)
            if !user.is_empty() && !password.is_empty() =>
        {
            Ok(Plain {
                acts_as: (!acts_as.is_empty()).then_some(acts_as),
                user,
                password,
            })
        }
        _ => Err(Refused::Malformed(
            "PLAIN wants an authorization identity or nothing, NUL, user, NUL, password",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_fields_and_no_more() {
        for (message, expected) in [
            (
                &b"\0tim\0tanstaaftanstaaf"[..],
                Some((None, &b"tim"[..], &b"tanstaaftanstaaf"[..])),
            ),
            (
                b"Ursel\0Kurt\0xipj3plmq",
                Some((Some(&b"Ursel"[..]), b"Kurt", b"xipj3plmq")),
            ),
            (b"", None),
            (b"\0tim", None),
            (b"\0\0x", None),
            (b"\0tim\0", None),
            (b"\0tim\0a\0b", None),
        ] {
            let read = read(message).ok().map(|p| (p.acts_as, p.user, p.password));
            assert_eq!(read, expected, "{message:?}");
        }
    }
}
