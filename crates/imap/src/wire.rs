//! Which bytes come next: finds the end of a command in a stream.
//!
//! A command is a line that may be interrupted by literals (RFC 9051 §4.3).
//! The wire buffers lines and small literals and hands them on as one piece,
//! [`Input::Command`]; the message literals of an APPEND, of any size, are
//! handed on as they arrive and never held. It asks for a synchronising
//! literal only when its taker says so ([`Wire::accept`]), so that limits and
//! login state are checked before a client sends a byte of it.
//!
//! The contract: [`Wire::feed`] bytes, then call [`Wire::next`] until it
//! returns [`Input::NeedMore`].

use alloc::{string::String, vec::Vec};

/// What the stream holds next.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// Nothing complete: feed more.
    NeedMore,
    /// A whole command, without its final CRLF. Small literals are inline, as
    /// `{n}CRLF` and their octets; a message literal of APPEND is only its
    /// `{n}`/`~{n}` followed by CRLF, its octets having been handed on before.
    Command(Vec<u8>),
    /// A literal begins. Answer with [`Wire::accept`] or [`Wire::refuse`]. If
    /// `synchronising`, the client waits for `+ …`, which the taker writes.
    Literal(LiteralStart),
    /// Octets of the accepted message literal, in order.
    Data(Vec<u8>),
    /// The message literal is complete; the rest of the command follows.
    DataEnd,
    /// In line mode ([`Wire::expect_line`]): one line without CRLF.
    Line(Vec<u8>),
    /// The client broke a limit or the framing; the wire has skipped to the
    /// next command where it could ([`Broken::fatal`] if not).
    Broken(Broken),
}

/// A literal as announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiteralStart {
    /// The part of the command before it, up to and without the `{`/`~{`.
    pub command_so_far: Vec<u8>,
    /// Octets announced.
    pub size: u64,
    /// `{n}`: the client waits. `{n+}`: it does not.
    pub synchronising: bool,
    /// Sent as `~{n}` (RFC 3516).
    pub binary: bool,
    /// A message of an APPEND: its octets come as [`Input::Data`].
    pub message: bool,
    /// How many message literals this command has had before.
    pub index: usize,
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
}

/// The framing of one connection's input.
#[derive(Debug)]
pub struct Wire {}
