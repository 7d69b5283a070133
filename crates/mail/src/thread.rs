//! Keys under which messages of one conversation meet (RFC 8621 §3).
//!
//! Two messages are of one thread if they share a message-id, in any of
//! Message-ID, In-Reply-To and References, and their base subjects are the
//! same. A key is the hash of both, so threads are found by equal keys.
//!
//! The hash is kept on disk: it must never change. It is 64-bit FNV-1a
//! (offset basis 0xcbf29ce484222325, prime 0x100000001b3) of the message-id
//! without brackets, a NUL, and the base subject lower-cased without white
//! space, finished by the 64-bit mixer of `MurmurHash3`. It resists no one who
//! wants two threads to become one: whoever can send mail can do that by a
//! References field anyway.

use alloc::{string::String, vec::Vec};

use crate::{header, lex::Cursor, subject};

/// Keys of a message at most: its own, the first and the last of the others.
/// Conversations of hundreds have References that long.
pub const KEYS_MAX: usize = 64;

/// The keys of a message, from its header: its own id first.
#[must_use]
pub fn keys(header: &[u8]) -> Vec<u64> {
    let subject = header::find(header, "Subject").map(|field| field.text());
    let subject = folded(&subject::base(subject.as_deref().unwrap_or_default()));
    let mut keys: Vec<u64> = Vec::new();
    for name in ["Message-ID", "References", "In-Reply-To"] {
        for field in header::fields(header).filter(|field| field.is(name)) {
            each_id(&field.text(), |id| {
                let key = hash(id, &subject);
                // Full: the newest displaces the last but the middle ones go.
                if !keys.contains(&key) {
                    if keys.len() == KEYS_MAX {
                        keys.remove(KEYS_MAX / 2);
                    }
                    keys.push(key);
                }
            });
        }
    }
    keys
}

/// Lower-cased, without white space: RFC 8621 §3 ignores it.
fn folded(subject: &str) -> String {
    let chars = subject.chars().filter(|c| !c.is_whitespace());
    chars.flat_map(char::to_lowercase).collect()
}

/// Every `<…>` of a field; in a field with none, each word, since some mailers
/// forget the brackets.
fn each_id(value: &[u8], mut take: impl FnMut(&[u8])) {
    let mut at = Cursor::new(value);
    let mut found = false;
    while at.peek().is_some() {
        at.run(|b| b != b'<');
        at.bump();
        let id = at.run(|b| b != b'>' && b != b'<').trim_ascii();
        if at.peek() == Some(b'>') && !id.is_empty() {
            found = true;
            take(id);
        }
    }
    if !found {
        let words = value.split(u8::is_ascii_whitespace);
        words.filter(|word| word.contains(&b'@')).for_each(take);
    }
}

fn hash(id: &[u8], subject: &str) -> u64 {
    let bytes = id.iter().chain(&[0]).chain(subject.as_bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString};

    use super::*;

    #[test]
    fn replies_share_a_key_with_what_they_answer() {
        let first = keys(b"Message-ID: <1@a>\nSubject: Hello World\n");
        for (reply, shares) in [
            (
                "Message-ID: <2@a>\nIn-Reply-To: <1@a>\nSubject: Re: hello  world\n",
                true,
            ),
            (
                "Message-ID: <2@a>\nReferences: <0@a>\n <1@a>\nSubject: HelloWorld (fwd)\n",
                true,
            ),
            (
                "Message-ID: <2@a>\nIn-Reply-To: 1@a\nSubject: Hello World\n",
                true,
            ),
            (
                "Message-ID: <2@a>\nIn-Reply-To: <1@a>\nSubject: Other\n",
                false,
            ),
            ("Message-ID: <2@a>\nSubject: Hello World\n", false),
        ] {
            let reply = keys(reply.as_bytes());
            assert_eq!(reply.contains(&first[0]), shares, "{reply:?}");
            assert_ne!(reply[0], first[0]);
        }
    }

    #[test]
    fn keys_are_the_same_for_ever() {
        assert_eq!(keys(b"Message-ID: <1@a>\nSubject: s\n"), [KNOWN]);
        assert!(keys(b"Subject: s\n").is_empty());
    }

    #[test]
    fn the_first_and_last_are_kept() {
        let ids: String = (0..1000)
            .flat_map(|n| [String::from(" <"), n.to_string(), "@a>".into()])
            .collect();
        let all = keys(format!("Message-ID: <own@a>\nReferences:{ids}\n").as_bytes());
        assert_eq!(all.len(), KEYS_MAX);
        assert_eq!(all[0], hash(b"own@a", ""));
        assert_eq!(all[1], hash(b"0@a", ""));
        assert_eq!(all[KEYS_MAX - 1], hash(b"999@a", ""));
    }

    const KNOWN: u64 = 0xddf0_5eaa_e56a_c6e4;
}
