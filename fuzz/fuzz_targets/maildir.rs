//! Any text is the name of a file, of a folder, a list of UIDs, of keywords, of subscriptions.

#![no_main]

use formats::{from_line, maildir, names};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _ = from_line::parse(input);
    let text = String::from_utf8_lossy(input);
    let keywords = maildir::parse_keywords(&text);
    let name = maildir::FileName::parse(&text);
    let letters = maildir::FileName::letters(&name.marks(&keywords), &keywords);
    assert!(letters.is_ascii());
    let uids = maildir::parse_uids(&text);
    assert!(uids.by_base.values().all(|uid| *uid < uids.next || *uid == u32::MAX));
    let _ = maildir::parse_subscriptions(&text);
    let _ = (names::from_maildir(&text), names::from_safe(&text));
    if let Some(level) = names::from_utf7(&text) {
        assert_eq!(names::from_utf7(&names::to_utf7(&level, &['.'])), Some(level));
    }
});
