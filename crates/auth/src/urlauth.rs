//! The tokens of URLs that authorize: URLAUTH's mechanism INTERNAL, RFC 4467 §2.
//!
//! A token is the octet that names its algorithm and the HMAC-SHA-256 of the URL's rump under the mailbox's
//! access key, all in hexadecimal. Another algorithm would get another first octet (§2.4.1).

use data_encoding::HEXLOWER;
use subtle::ConstantTimeEq as _;

use crate::password::hmac;

/// Names HMAC-SHA-256.
const HMAC_SHA_256: u8 = 1;

/// Octets of an access key: RFC 4467 §2.2 wants 16 at least.
pub const KEY_OCTETS: usize = 32;

/// A new mailbox access key; `None` if the system has no random numbers.
#[must_use]
pub fn new_key() -> Option<[u8; KEY_OCTETS]> {
    let mut key = [0; KEY_OCTETS];
    getrandom::fill(&mut key).ok()?;
    Some(key)
}

/// The token that authorizes a rump URL.
#[must_use]
pub fn token(key: &[u8], rump: &[u8]) -> String {
    let mut token = vec![HMAC_SHA_256];
    token.extend_from_slice(&hmac(key, rump));
    HEXLOWER.encode(&token)
}

/// Whether a token is that of a rump URL. Takes the same time whatever is wrong. Without a key none is, which
/// takes no less time: whoever tries learns of no mailbox that way (RFC 4467 §6).
#[must_use]
pub fn is_token(given: &str, key: Option<&[u8]>, rump: &[u8]) -> bool {
    let plausible = [0; KEY_OCTETS];
    let right = token(key.unwrap_or(&plausible), rump);
    let given = given.to_ascii_lowercase();
    let same: bool = right.as_bytes().ct_eq(given.as_bytes()).into();
    same && key.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_holds_for_its_key_and_rump_alone() {
        let (one, other) = (new_key().unwrap(), new_key().unwrap());
        let token = token(&one, b"imap://joe@h/INBOX/;uid=20;urlauth=anonymous");
        assert!(token.starts_with("01") && token.len() == 66);
        let rump = b"imap://joe@h/INBOX/;uid=20;urlauth=anonymous";
        for (given, key, rump, expected) in [
            (&*token, Some(&one[..]), &rump[..], true),
            (&token.to_ascii_uppercase(), Some(&one), rump, true),
            (&token, Some(&other), rump, false),
            (&token, None, rump, false),
            (
                &token,
                Some(&one),
                b"imap://joe@h/INBOX/;uid=21;urlauth=anonymous",
                false,
            ),
            (token.get(..64).unwrap(), Some(&one), rump, false),
            ("", Some(&one), rump, false),
        ] {
            assert_eq!(is_token(given, key, rump), expected, "{given}");
        }
        let without = super::token(&[0; KEY_OCTETS], rump);
        assert!(!is_token(&without, None, rump));
    }
}
