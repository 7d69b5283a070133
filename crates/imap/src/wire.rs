//! Which bytes come next: finds the end of a command in a stream.
//!
//! A command is a line that may be interrupted by literals (RFC 9051 §4.3).
//! The wire buffers lines and small literals and hands them on as one piece,
//! [`Input::Command`]; the message literals of an APPEND, of any size, are
//! handed on as they arrive and never held; the literal of a URL in CATENATE is a small one.
//!
//! The contract: [`Wire::feed`] bytes, then call [`Wire::next`] until it
//! returns [`Input::NeedMore`]. Of all literals the taker sees only those where
//! it has something to do: a continuation request to write, or a message to
//! take or turn down.
//!
//! ```
//! use imap::wire::{Input, Limits, Wire};
//!
//! let mut wire = Wire::new(Limits { command_bytes_max: 65536, inline_literal_bytes_max: 4096, ..Limits::default() });
//! wire.feed(b"a LOGIN {3}\r\n".to_vec());
//! let Input::Literal(literal) = wire.next() else { panic!() };
//! // Here limits and state are checked. To say no: write the tagged response,
//! // then `wire.refuse()`. To say yes: write `+ …` if the client waits for it, then:
//! assert!(literal.synchronising && !literal.message);
//! wire.accept();
//! wire.feed(b"joe {3+}\r\nabc\r\n".to_vec());
//! assert_eq!(wire.next(), Input::Command(b"a LOGIN {3}\r\njoe {3+}\r\nabc".to_vec()));
//! assert_eq!(wire.next(), Input::NeedMore);
//! ```
//!
//! It takes time in proportion to the bytes fed, however they are cut, and
//! holds at most one command besides what was fed last; nothing while idle.

use alloc::{string::String, vec::Vec};
use core::mem;

use crate::parse;

/// What the stream holds next.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// Nothing complete: feed more.
    NeedMore,
    /// A whole command, without its final CRLF. Small literals are inline, as
    /// `{n}CRLF` and their octets; a message literal of APPEND is only its
    /// `{n}`/`~{n}` followed by CRLF, its octets having been handed on before.
    Command(Vec<u8>),
    /// A literal begins: a message, or an inline one whose client waits. Answer
    /// with [`Wire::accept`] or [`Wire::refuse`]; [`Wire::next`] says the same
    /// until then. If `synchronising`, the client waits for `+ …`, which the
    /// taker writes. Inline literals within the limits that don't
    /// wait are taken without asking; those beyond are [`Input::Broken`].
    Literal(LiteralStart),
    /// Octets of the accepted message literal, in order: [`Wire::data`] lends them until the wire is asked
    /// or fed again.
    Data {
        /// The literal ends with them.
        last: bool,
    },
    /// The message literal is complete; the rest of the command follows.
    DataEnd,
    /// In line mode ([`Wire::expect_line`]): one line without CRLF.
    Line(Vec<u8>),
    /// The client broke a limit or the framing. The command is over, an APPEND
    /// that had begun with it; the wire skips what is left of it and goes on
    /// with the next, unless [`Broken::fatal`].
    Broken(Broken),
}

/// A literal as announced. What the command held before it:
/// [`Wire::command_so_far`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiteralStart {
    /// Octets announced.
    pub size: u64,
    /// `{n}`: the client waits. `{n+}`: it does not.
    pub synchronising: bool,
    /// Sent as `~{n}` (RFC 3516).
    pub binary: bool,
    /// Octets of a message in an APPEND or REPLACE: they come as [`Input::Data`].
    pub message: bool,
    /// How many message literals this command has had before.
    pub index: usize,
}

impl LiteralStart {
    /// Appends the announcement as it stands in the command.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        if self.binary {
            out.push(b'~');
        }
        out.push(b'{');
        crate::encode::number(out, self.size);
        if !self.synchronising {
            out.push(b'+');
        }
        out.extend_from_slice(b"}\r\n");
    }
}

/// Why a command could not be framed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The tag, if one could be made out.
    pub tag: Option<String>,
    /// What was wrong, for the client.
    pub what: &'static str,
    /// The connection can't go on.
    pub fatal: bool,
}

/// Limits of the wire, in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A command, with its inline literals.
    pub command_bytes_max: usize,
    /// The largest literal held inline (names, strings): larger ones are refused.
    pub inline_literal_bytes_max: u64,
    /// The largest literal whose client need not wait: with LITERAL- it is 4096 (RFC 7888 §5).
    /// Inline ones beyond it are refused; of messages the session decides.
    pub unasked_literal_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_bytes_max: 64 * 1024,
            inline_literal_bytes_max: 64 * 1024,
            unasked_literal_bytes_max: u64::MAX,
        }
    }
}

/// The framing of one connection's input.
#[derive(Debug)]
pub struct Wire {
    limits: Limits,
    /// What was fed and not yet consumed, from `start` on.
    input: Vec<u8>,
    start: usize,
    /// Octets of a message, from `start` on, that are lent: they are consumed before anything else is done.
    lent: usize,
    /// There is no line end in `input` before here.
    scanned: usize,
    /// The lines and inline literals of the command that are complete.
    command: Vec<u8>,
    /// Message literals that the command has had.
    messages: usize,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Reading a line of a command.
    Command,
    /// A literal was announced and not yet answered.
    Asked(LiteralStart),
    /// So many octets of an inline literal are still to come.
    Inline(u64),
    /// So many octets of a message literal are still to come.
    Message(u64),
    /// So many octets of a literal are to be thrown away, then the rest of the line.
    SkipLiteral(u64),
    /// The rest of the line is to be thrown away.
    SkipLine,
    /// One line of at most so many octets that is no command.
    Line(usize),
    /// The stream can't be understood any more.
    Dead,
}

/// Enough of a skipped line's end to see a literal announced there.
const ANNOUNCEMENT_BYTES_MAX: usize = 32;

const UNFRAMED: &str = "Literal too long to be skipped";

/// The longest tag that is recognised in a command that could not be framed.
const TAG_BYTES_MAX: usize = 128;

impl Wire {
    /// A wire that has been fed nothing.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            input: Vec::new(),
            start: 0,
            lent: 0,
            scanned: 0,
            command: Vec::new(),
            messages: 0,
            state: State::Command,
        }
    }

    /// Changes the limits, from the next line on: before and after login.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes bytes as they were received. They are copied only if something of what came before is left.
    pub fn feed(&mut self, bytes: Vec<u8>) {
        self.take_back();
        if self.input.is_empty() {
            self.input = bytes;
            return;
        }
        if self.start > 0 {
            self.input.drain(..self.start);
            self.scanned = self.scanned.saturating_sub(self.start);
            self.start = 0;
        }
        self.input.extend_from_slice(&bytes);
    }

    /// The octets that the last [`Input::Data`] was about.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.rest().get(..self.lent).unwrap_or_default()
    }

    /// Consumes what was lent.
    fn take_back(&mut self) {
        if self.lent > 0 {
            let lent = mem::take(&mut self.lent);
            self.consume(lent);
        }
    }

    /// What comes next.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator that has ended does not go on; a wire that needs more does"
    )]
    pub fn next(&mut self) -> Input {
        self.take_back();
        loop {
            let step = match self.state {
                State::Command => self.command_line(),
                State::Asked(literal) => Some(Input::Literal(literal)),
                State::Inline(left) => self.inline(left),
                State::Message(left) => Some(self.message(left)),
                State::SkipLiteral(left) => self.skip_literal(left),
                State::SkipLine => self.skip_line(),
                State::Line(max) => Some(self.single_line(max)),
                State::Dead => Some(self.need_more()),
            };
            if let Some(input) = step {
                return input;
            }
        }
    }

    /// Takes the literal that was announced.
    pub fn accept(&mut self) {
        if let State::Asked(literal) = self.state {
            self.state = if literal.message {
                self.messages += 1;
                State::Message(literal.size)
            } else {
                State::Inline(literal.size)
            };
            self.announce(literal);
        }
    }

    /// Turns down the literal that was announced; the command is over. The
    /// octets of one that is not synchronising come all the same, and are
    /// skipped with the rest of the command (RFC 7888 §4).
    pub fn refuse(&mut self) {
        if let State::Asked(literal) = self.state {
            self.abandon(literal);
        }
    }

    /// Reads the next line as one line of at most `max` octets, which
    /// [`Wire::next`] returns as [`Input::Line`]: for SASL responses and DONE.
    /// A longer one is [`Input::Broken`].
    pub fn expect_line(&mut self, max: usize) {
        self.state = State::Line(max);
        self.scanned = self.start;
    }

    /// The part of the command before the literal that was announced, without
    /// its `{`: tag, name, and what follows ([`parse::append_start`]).
    #[must_use]
    pub fn command_so_far(&self) -> &[u8] {
        &self.command
    }

    /// Octets fed and not yet handed on. More than none when STARTTLS takes
    /// effect means that someone put commands before the handshake.
    #[must_use]
    pub const fn buffered(&self) -> usize {
        self.input.len() - self.start - self.lent
    }

    /// Forgets everything that was fed, and is as new.
    pub fn clear(&mut self) {
        *self = Self::new(self.limits);
    }

    fn rest(&self) -> &[u8] {
        self.input.get(self.start..).unwrap_or_default()
    }

    /// Consumes so many octets.
    fn consume(&mut self, octets: usize) {
        self.start = (self.start + octets).min(self.input.len());
        self.scanned = self.start;
        if self.start == self.input.len() {
            // An idle connection holds no buffer.
            self.input = Vec::new();
            self.start = 0;
            self.scanned = 0;
        }
    }

    /// Takes so many octets out, without a copy if they are all there is.
    fn take(&mut self, octets: usize) -> Vec<u8> {
        if self.start == 0 && octets == self.input.len() {
            self.scanned = 0;
            return mem::take(&mut self.input);
        }
        let taken = self.rest().get(..octets).unwrap_or_default().to_vec();
        self.consume(octets);
        taken
    }

    fn need_more(&mut self) -> Input {
        if matches!(self.state, State::Dead) {
            self.consume(self.buffered());
        }
        Input::NeedMore
    }

    /// How long the next line is with and without its end; `None`: not there yet.
    fn line(&mut self) -> Option<Line> {
        let unseen = self.input.get(self.scanned..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'\n', unseen) else {
            self.scanned = self.input.len();
            return None;
        };
        let whole = self.scanned + end + 1 - self.start;
        let text = self.rest().get(..whole - 1).unwrap_or_default();
        // A bare LF ends a line too.
        let text = text.strip_suffix(b"\r").unwrap_or(text).len();
        Some(Line { text, whole })
    }

    fn command_line(&mut self) -> Option<Input> {
        let room = self
            .limits
            .command_bytes_max
            .saturating_sub(self.command.len());
        let Some(line) = self.line() else {
            if self.buffered() > room.saturating_add(2) {
                return Some(self.too_long());
            }
            return Some(Input::NeedMore);
        };
        if line.text > room {
            return Some(self.too_long());
        }
        let text = self.rest().get(..line.text).unwrap_or_default();
        match Announcement::at_end(text) {
            None => Some(self.complete(line)),
            Some(Err(Unframed)) => {
                self.state = State::Dead;
                Some(self.broken(UNFRAMED))
            }
            Some(Ok(found)) => {
                let before = self.start..self.start + found.at;
                self.command
                    .extend_from_slice(self.input.get(before).unwrap_or_default());
                self.consume(line.whole);
                self.announced(found)
            }
        }
    }

    fn too_long(&mut self) -> Input {
        self.state = State::SkipLine;
        self.scanned = self.start;
        self.broken("Command line too long")
    }

    /// The command ends with this line.
    fn complete(&mut self, line: Line) -> Input {
        self.messages = 0;
        if self.command.is_empty() {
            let mut command = self.take(line.whole);
            command.truncate(line.text);
            return Input::Command(command);
        }
        let mut command = mem::take(&mut self.command);
        command.extend_from_slice(self.rest().get(..line.text).unwrap_or_default());
        self.consume(line.whole);
        Input::Command(command)
    }

    /// Decides what to do about a literal; its line is already consumed.
    fn announced(&mut self, found: Announcement) -> Option<Input> {
        let literal = LiteralStart {
            size: found.size,
            synchronising: found.synchronising,
            binary: found.binary,
            message: parse::takes_message(&self.command),
            index: self.messages,
        };
        self.state = State::Asked(literal);
        if literal.message {
            return None;
        }
        let held = (self.command.len() as u64).saturating_add(found.size);
        let unasked = !found.synchronising && found.size > self.limits.unasked_literal_bytes_max;
        if unasked
            || found.size > self.limits.inline_literal_bytes_max
            || held > self.limits.command_bytes_max as u64
        {
            let broken = self.broken_literal("Literal too long");
            self.abandon(literal);
            return Some(broken);
        }
        if !found.synchronising {
            self.accept();
        }
        None
    }

    /// Writes the announcement down in the command.
    fn announce(&mut self, literal: LiteralStart) {
        literal.write(&mut self.command);
    }

    /// The command is over, with this literal.
    fn abandon(&mut self, literal: LiteralStart) {
        self.command = Vec::new();
        self.messages = 0;
        self.state = if literal.synchronising {
            State::Command
        } else {
            State::SkipLiteral(literal.size)
        };
    }

    fn inline(&mut self, left: u64) -> Option<Input> {
        let octets = self.available(left);
        let piece = self.input.get(self.start..self.start + octets);
        self.command.extend_from_slice(piece.unwrap_or_default());
        self.consume(octets);
        self.continue_or_wait(State::Inline(left - octets as u64), State::Command)
    }

    fn skip_literal(&mut self, left: u64) -> Option<Input> {
        let octets = self.available(left);
        self.consume(octets);
        self.continue_or_wait(State::SkipLiteral(left - octets as u64), State::SkipLine)
    }

    fn continue_or_wait(&mut self, going_on: State, done: State) -> Option<Input> {
        if let State::Inline(1..) | State::SkipLiteral(1..) = going_on {
            self.state = going_on;
            return Some(Input::NeedMore);
        }
        self.state = done;
        None
    }

    fn message(&mut self, left: u64) -> Input {
        if left == 0 {
            self.state = State::Command;
            return Input::DataEnd;
        }
        let octets = self.available(left);
        if octets == 0 {
            return Input::NeedMore;
        }
        let left = left - octets as u64;
        self.state = State::Message(left);
        self.lent = octets;
        Input::Data { last: left == 0 }
    }

    /// How many of the next `wanted` octets are there.
    fn available(&self, wanted: u64) -> usize {
        usize::try_from(wanted).map_or(self.buffered(), |n| n.min(self.buffered()))
    }

    fn skip_line(&mut self) -> Option<Input> {
        let Some(line) = self.line() else {
            // With room for the line's end, which is not part of the announcement.
            let useless = self.buffered().saturating_sub(ANNOUNCEMENT_BYTES_MAX + 8);
            if useless > 0 {
                self.start += useless;
            }
            return Some(Input::NeedMore);
        };
        let text = self.rest().get(..line.text).unwrap_or_default();
        let tail = text.len().saturating_sub(ANNOUNCEMENT_BYTES_MAX);
        let found = Announcement::at_end(text.get(tail..).unwrap_or_default());
        self.consume(line.whole);
        self.state = match found {
            Some(Ok(found)) if !found.synchronising => State::SkipLiteral(found.size),
            Some(Err(Unframed)) => {
                self.state = State::Dead;
                return Some(Input::Broken(Broken {
                    tag: None,
                    what: UNFRAMED,
                    fatal: true,
                }));
            }
            // A client that waits sees that its command is over.
            _ => State::Command,
        };
        None
    }

    fn single_line(&mut self, max: usize) -> Input {
        let line = self.line();
        let long = line.map_or(self.buffered() > max.saturating_add(2), |l| l.text > max);
        if long {
            self.state = State::SkipLine;
            self.scanned = self.start;
            return Input::Broken(Broken {
                tag: None,
                what: "Line too long",
                fatal: false,
            });
        }
        let Some(line) = line else {
            return Input::NeedMore;
        };
        self.state = State::Command;
        let mut text = self.take(line.whole);
        text.truncate(line.text);
        Input::Line(text)
    }

    /// Drops the command, and says whose it was.
    fn broken(&mut self, what: &'static str) -> Input {
        let begun = if self.command.is_empty() {
            self.rest()
        } else {
            &self.command
        };
        let begun = begun.get(..TAG_BYTES_MAX).unwrap_or(begun);
        self.broken_with(parse::tag_of(begun), what)
    }

    /// A literal that can't be taken. Its line is consumed: what is left of the input is not
    /// this command's, and no tag of it.
    fn broken_literal(&mut self, what: &'static str) -> Input {
        let begun = self.command.get(..TAG_BYTES_MAX).unwrap_or(&self.command);
        self.broken_with(parse::tag_of(begun), what)
    }

    fn broken_with(&mut self, tag: Option<String>, what: &'static str) -> Input {
        self.command = Vec::new();
        self.messages = 0;
        Input::Broken(Broken {
            tag,
            what,
            fatal: matches!(self.state, State::Dead),
        })
    }
}

/// A line that is there: octets without and with its end.
#[derive(Debug, Clone, Copy)]
struct Line {
    text: usize,
    whole: usize,
}

/// `{n}`, `{n+}`, `~{n}` or `~{n+}` at the end of a line.
#[derive(Debug, Clone, Copy)]
struct Announcement {
    at: usize,
    size: u64,
    synchronising: bool,
    binary: bool,
}

/// What follows can't be told from commands: the size is beyond counting.
#[derive(Debug)]
struct Unframed;

impl Announcement {
    /// `literal` and `literal8`, RFC 9051 §9; RFC 7888 §8.
    fn at_end(line: &[u8]) -> Option<Result<Self, Unframed>> {
        let inner = line.strip_suffix(b"}")?;
        let brace = memchr::memrchr(b'{', inner)?;
        let (before, inner) = inner.split_at(brace);
        let inner = inner.get(1..).unwrap_or_default();
        let (digits, synchronising) = match inner.strip_suffix(b"+") {
            Some(digits) => (digits, false),
            None => (inner, true),
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        // RFC 9051 §9, number64: 63 bits.
        let size = digits.iter().try_fold(0i64, |n, digit| {
            n.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
        });
        let size = match size.and_then(|n| u64::try_from(n).ok()) {
            Some(size) => size,
            // Never sent, if it is turned down.
            None if synchronising => i64::MAX.unsigned_abs(),
            None => return Some(Err(Unframed)),
        };
        let binary = before.last() == Some(&b'~');
        Some(Ok(Self {
            at: before.len() - usize::from(binary),
            size,
            synchronising,
            binary,
        }))
    }
}

#[cfg(test)]
mod tests;
