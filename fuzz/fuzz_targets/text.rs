//! Any octets are a body, text, a header value, a date: decoding them in pieces
//! gives what decoding them whole does, and never fails.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mail::{
    Encoding, charset::TextDecoder, collation::Collation, date, decode::TransferDecoder,
    encoded_word, header, message_id, search::Matcher, subject, thread,
};

const ENCODINGS: [Encoding; 3] = [
    Encoding::Base64,
    Encoding::QuotedPrintable,
    Encoding::Unknown,
];
const CHARSETS: [&str; 6] = [
    "us-ascii",
    "utf-8",
    "utf-7",
    "iso-2022-jp",
    "utf-16",
    "gb18030",
];

fuzz_target!(|input: &[u8]| {
    let Some((first, octets)) = input.split_first() else {
        return;
    };
    let cut = usize::from(*first).min(octets.len());
    let (head, tail) = octets.split_at(cut);
    for encoding in ENCODINGS {
        assert_eq!(
            transfer(encoding, &[octets]),
            transfer(encoding, &[head, tail])
        );
    }
    for charset in CHARSETS {
        let whole = text(charset, &[octets]);
        assert_eq!(whole, text(charset, &[head, tail]));
        let mut matcher = Matcher::new(&whole);
        matcher.push(&whole);
        assert!(matcher.found());
        for collation in Collation::ALL {
            let (mut key, mut folded) = (Vec::new(), String::new());
            collation.key(&whole, &mut key);
            collation.fold(&whole, &mut folded);
        }
    }
    let base = subject::base(octets);
    assert!(!base.starts_with(' ') && !base.ends_with(' '));
    let fields: usize = header::fields(octets).map(|field| field.raw.len()).sum();
    assert!(fields <= octets.len());
    assert!(thread::keys(octets).len() <= thread::KEYS_MAX);
    let _ = encoded_word::decode(octets);
    let _ = encoded_word::decode_exactly(octets);
    let _ = subject::read(octets);
    for id in message_id::identifiers(octets) {
        assert!(id.len() >= 3 && id.contains(&b'@'));
    }
    let parsed = date::parse(octets);
    assert!(date::sent(octets).is_none_or(|sent| Some(sent) == parsed));
});

fn transfer(encoding: Encoding, pieces: &[&[u8]]) -> Vec<u8> {
    let mut decoder = TransferDecoder::new(encoding);
    let mut out = Vec::new();
    for piece in pieces {
        decoder.push(piece, &mut out);
    }
    let _ = decoder.finish(&mut out);
    out
}

fn text(charset: &str, pieces: &[&[u8]]) -> String {
    let mut decoder = TextDecoder::new(Some(charset));
    let mut out = String::new();
    for piece in pieces {
        decoder.push(piece, &mut out);
    }
    decoder.finish(&mut out);
    out
}
