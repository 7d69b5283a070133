//! Any octets are a session: however they are cut, the same comes out of the
//! wire; every command parses or says where it is wrong, within bounds.

#![no_main]

use imap::{
    parse,
    wire::{Input, Limits, LiteralStart, Wire},
};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits {
    command_bytes_max: 400,
    inline_literal_bytes_max: 60,
    unasked_literal_bytes_max: u64::MAX,
};

const LITERAL: LiteralStart = LiteralStart {
    size: 1,
    synchronising: true,
    binary: false,
    message: true,
    index: 0,
};

fuzz_target!(|input: &[u8]| {
    // The first octets say how to cut, and which literals are refused.
    let (choices, stream) = input.split_at(input.len().min(4));
    let refuse = choices.first().copied().unwrap_or(0);
    let whole = run([stream].into_iter(), refuse);
    assert_eq!(run(pieces(stream, choices), refuse), whole);
    assert_eq!(run(stream.chunks(1), refuse), whole);
    for event in &whole {
        if let Event::Command(command) = event {
            read(command);
        }
    }
    // The grammar also where the wire would not let it get.
    read(stream);
    let _ = parse::append_start(None, stream, &LITERAL);
});

fn read(command: &[u8]) {
    for read in [parse::command, parse::old_command] {
        match read(command) {
            Ok(tagged) => assert!(!tagged.tag.is_empty()),
            Err(error) => assert!(error.at <= command.len() && !error.to_string().is_empty()),
        }
    }
}

fn pieces<'a>(mut rest: &'a [u8], cuts: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut cuts = cuts.iter().cycle();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let len = usize::from(*cuts.next().unwrap_or(&0)) % 32 + 1;
        let (piece, after) = rest.split_at(len.min(rest.len()));
        rest = after;
        Some(piece)
    })
}

#[derive(Debug, PartialEq)]
enum Event {
    Command(Vec<u8>),
    Line(Vec<u8>),
    Message(Vec<u8>),
    Other(String),
}

/// What comes out; the pieces of a message are joined.
fn run<'a>(pieces: impl Iterator<Item = &'a [u8]>, refuse: u8) -> Vec<Event> {
    let mut wire = Wire::new(LIMITS);
    let (mut events, mut message, mut literals) = (Vec::new(), Vec::new(), 0u32);
    for piece in pieces {
        wire.feed(piece.to_vec());
        loop {
            match wire.next() {
                Input::NeedMore => break,
                Input::Command(command) => {
                    if command.ends_with(b"IDLE") {
                        wire.expect_line(10);
                    }
                    events.push(Event::Command(command));
                }
                Input::Line(line) => events.push(Event::Line(line)),
                Input::Data { .. } => message.extend_from_slice(wire.data()),
                Input::DataEnd => events.push(Event::Message(std::mem::take(&mut message))),
                Input::Broken(broken) => {
                    message.clear();
                    events.push(Event::Other(format!("{broken:?}")));
                }
                Input::Literal(literal) => {
                    let so_far = wire.command_so_far().to_vec();
                    events.push(Event::Other(format!("{literal:?} {so_far:?}")));
                    literals += 1;
                    if refuse & 1 << (literals % 8) == 0 {
                        wire.accept();
                    } else {
                        wire.refuse();
                    }
                }
            }
        }
        assert!(wire.buffered() <= LIMITS.command_bytes_max + 2);
    }
    events
}
