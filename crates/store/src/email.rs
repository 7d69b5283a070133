//! A message's record: its trace fields, where its octets are, and its digest.

use mail::{Span, digest::Digest};

use crate::error::Error;

/// A message's record as read. Its octets are the trace fields (`Return-Path`,
/// `Delivered-To`, …) that were put before it on delivery, then the content.
/// All offsets given and taken here are of the whole message.
#[derive(Debug)]
pub struct Email {}

impl Email {
    /// What was derived from the message. Its spans are of the *content*:
    /// shift by [`Email::trace_len`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        unimplemented!()
    }
    /// Octets of the trace fields.
    #[must_use]
    pub fn trace_len(&self) -> u64 {
        unimplemented!()
    }
    /// Octets in all: RFC822.SIZE.
    #[must_use]
    pub fn size(&self) -> u64 {
        unimplemented!()
    }
    /// The trace fields themselves.
    #[must_use]
    pub fn trace(&self) -> &[u8] {
        unimplemented!()
    }
    /// Appends octets `span` to `into`, verified against their checksums.
    /// Callers take large spans in pieces, so that no message is ever whole in memory.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if they are not what was written; `into` is as before.
    pub async fn read(&self, _span: Span, _into: &mut Vec<u8>) -> Result<(), Error> {
        unimplemented!()
    }
}
