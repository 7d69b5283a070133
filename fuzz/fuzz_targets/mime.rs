//! Any octets are a message: however it is cut, the digest is the same; spans
//! nest; what goes on the wire is grammatical; what is kept can be read back.

#![no_main]

extern crate alloc;

use libfuzzer_sys::fuzz_target;
use mail::{Digest, Limits, Part, PartKind, Scanner};

#[path = "../../crates/mail/src/scan/tests/grammar.rs"]
mod grammar;

fuzz_target!(|input: &[u8]| {
    // The first octets say how to cut.
    let (cuts, message) = input.split_at(input.len().min(4));
    for limits in [Limits::default(), narrow()] {
        let mut scanner = Scanner::new(limits);
        scanner.push(message);
        let whole = scanner.finish();
        grammar::check(&whole.envelope, &whole.body, &whole.body_structure);
        within(&whole.structure, 0, message.len() as u64);
        assert_eq!(in_pieces(limits, message, cuts), whole);
        let mut kept = Vec::new();
        whole.encode(&mut kept);
        assert_eq!(Digest::decode(&kept).as_ref(), Some(&whole));
    }
});

/// Limits so low that short inputs come to them.
fn narrow() -> Limits {
    Limits {
        header_bytes_max: 60,
        parts_max: 4,
        depth_max: 3,
        description_bytes_max: 40,
    }
}

fn in_pieces(limits: Limits, message: &[u8], cuts: &[u8]) -> Digest {
    let mut scanner = Scanner::new(limits);
    let mut rest = message;
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() {
        let len = usize::from(*cuts.next().unwrap_or(&0)) % 32 + 1;
        let (piece, after) = rest.split_at(len.min(rest.len()));
        scanner.push(piece);
        rest = after;
    }
    scanner.finish()
}

fn within(part: &Part, from: u64, to: u64) {
    assert!(from <= part.header.start && part.header.start <= part.header.end);
    assert!(part.header.end <= part.body.start && part.body.start <= part.body.end);
    assert!(part.body.end <= to);
    let mut at = part.body.start;
    match &part.kind {
        PartKind::Leaf => {}
        PartKind::Message(inner) => within(inner, at, part.body.end),
        PartKind::Multipart(parts) => {
            for inner in parts {
                within(inner, at, part.body.end);
                at = inner.body.end;
            }
        }
    }
}
