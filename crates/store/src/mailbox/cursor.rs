//! Messages found by their UIDs, one after the other.
//!
//! Commands name messages that are next to each other, mostly: what follows the one found before is found without
//! a search.

use crate::{
    id::Uid,
    mailbox::{Message, chunk::Chunk},
};

/// Where a message was found, among chunks that are held.
#[derive(Debug, Default)]
pub(super) struct Cursor<'a> {
    chunk: Option<&'a Chunk>,
    /// The row behind it.
    next: usize,
    /// Where the keywords of that may be.
    keywords: usize,
}

impl<'a> Cursor<'a> {
    /// The message with that UID; `chunk_of` finds the chunk that has it, if there is one.
    pub(super) fn get(
        &mut self,
        uid: Uid,
        chunk_of: impl FnOnce(Uid) -> Option<&'a Chunk>,
    ) -> Option<Message<'a>> {
        let here = self.chunk.filter(|chunk| chunk.spans(uid));
        let chunk = here.or_else(|| chunk_of(uid))?;
        self.chunk = Some(chunk);
        let row = match chunk.rows.get(self.next) {
            Some(row) if row.uid == uid => self.next,
            _ => chunk.place_of(uid).ok()?,
        };
        self.next = row + 1;
        chunk.at_near(row, &mut self.keywords)
    }
}
