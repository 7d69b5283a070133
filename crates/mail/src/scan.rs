//! Reads a message once, in pieces, and derives its [`Digest`].

use crate::digest::Digest;

/// What one message may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of one part's header that are looked at; the rest is kept but not parsed.
    pub header_bytes_max: usize,
    /// Parts in all; what would be further parts stays body of the enclosing part.
    pub parts_max: usize,
    /// Nesting of multiparts and messages.
    pub depth_max: usize,
}

/// The one pass over a message: [`Scanner::push`] its octets in order, in
/// pieces of any size, then [`Scanner::finish`].
#[derive(Debug)]
pub struct Scanner {}

impl Scanner {
    /// A scanner at the first octet of a message.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let _ = limits;
        Self {}
    }
    /// The next octets.
    pub fn push(&mut self, octets: &[u8]) {
        let _ = octets;
    }
    /// The message is complete.
    #[must_use]
    pub fn finish(self) -> Digest {
        unimplemented!("the scanner is being written")
    }
}
