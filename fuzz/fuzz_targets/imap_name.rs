//! A mailbox name has one spelling: what decodes encodes to the same octets,
//! what is encoded decodes again; patterns match in bounded time.

#![no_main]

use imap::{
    encode,
    name::{self, Encoding},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    for encoding in [Encoding::ModifiedUtf7, Encoding::Utf8] {
        if let Ok(decoded) = name::decode(input, encoding) {
            let mut spelt = Vec::new();
            name::encode(&decoded, encoding, &mut spelt);
            assert_eq!(spelt, input);
        }
    }
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let mut spelt = Vec::new();
    name::encode(text, Encoding::ModifiedUtf7, &mut spelt);
    assert!(spelt.is_ascii());
    match name::decode(&spelt, Encoding::ModifiedUtf7) {
        Ok(decoded) => assert_eq!(decoded, text),
        Err(error) => assert_eq!(error, name::NameError::Control),
    }
    quoting(text);
    if let Some((pattern, name)) = text.split_once('\n') {
        matching(pattern, name);
    }
});

/// What is written as an astring is read as the same.
fn quoting(text: &str) {
    let mut command = b"a DELETE ".to_vec();
    encode::mailbox(&mut command, text, Encoding::ModifiedUtf7);
    let read = imap::parse::command(&command).map(|tagged| tagged.command);
    let mut spelt = Vec::new();
    name::encode(text, Encoding::ModifiedUtf7, &mut spelt);
    let expected = imap::command::Authenticated::Delete(imap::command::Mailbox(spelt));
    assert_eq!(read, Ok(imap::Command::Authenticated(expected)));
}

/// Against the definition, tried out one way after another.
fn matching(pattern: &str, name: &str) {
    if pattern.len() > 12 || name.len() > 12 || name.to_ascii_uppercase().starts_with("INBOX") {
        let _ = name::list_matches(pattern, name, '/');
        return;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let letters: Vec<char> = name.chars().collect();
    let expected = slow(&pattern, &letters);
    let spelt: String = pattern.iter().collect();
    assert_eq!(name::list_matches(&spelt, name, '/'), expected);
}

fn slow(pattern: &[char], name: &[char]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((wild @ ('*' | '%'), rest)) => {
            slow(rest, name)
                || name
                    .split_first()
                    .is_some_and(|(c, after)| (*wild == '*' || *c != '/') && slow(pattern, after))
        }
        Some((c, rest)) => name
            .split_first()
            .is_some_and(|(d, after)| c == d && slow(rest, after)),
    }
}
