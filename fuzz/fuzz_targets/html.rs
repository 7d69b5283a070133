//! Any text is HTML: however it is cut, its text is the same, and not much longer; previews have an end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mail::{
    Limits, Scanner,
    html::{HtmlText, Quotes},
    preview::{self, CHARACTERS_MAX, Preview},
};

fuzz_target!(|input: &str| {
    for quotes in [Quotes::Marked, Quotes::Dropped] {
        let mut whole = String::new();
        let mut reader = HtmlText::new(quotes);
        reader.push(input, &mut whole);
        reader.finish(&mut whole);
        // A line may get its marks, and an end.
        assert!(whole.len() <= input.len() * 21 + 2);
        let mut cut = String::new();
        let mut reader = HtmlText::new(quotes);
        for c in input.chars() {
            reader.push(c.encode_utf8(&mut [0; 4]), &mut cut);
        }
        reader.finish(&mut cut);
        assert_eq!(cut, whole);
    }
    for header in ["Content-Type: text/html\r\n\r\n", "\r\n"] {
        let mut scanner = Scanner::new(Limits::default());
        scanner.push(header.as_bytes());
        scanner.push(input.as_bytes());
        let structure = scanner.finish().structure;
        for part in preview::candidates(&structure) {
            let mut preview = Preview::new(part);
            preview.push(input);
            let told = preview.finish();
            assert!(told.chars().count() <= CHARACTERS_MAX);
            assert!(!told.contains(['\r', '\n']));
        }
    }
});
