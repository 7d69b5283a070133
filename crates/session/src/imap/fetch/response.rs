//! One untagged FETCH response: written piece by piece, taken back while that can be done.

use imap::{command::Partial, encode};
use mail::Span;
use store::{Email, Uid};

use super::fields::{line_end, put};
use crate::{
    FLUSH_AT, Gone, Outlet,
    imap::{refusal::Stop, reply, state::Enabled},
};

/// Why a message could not be served.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It can't be read.
    Unreadable(store::Error),
    /// RFC 3516: nobody knows how it is encoded.
    UnknownCte,
}

/// Why an item could not be written.
#[derive(Debug)]
pub(super) enum Fail {
    /// This message.
    Trouble(Trouble),
    /// The client.
    Gone,
}

impl From<store::Error> for Fail {
    fn from(error: store::Error) -> Self {
        Self::Trouble(Trouble::Unreadable(error))
    }
}

impl From<Gone> for Fail {
    fn from(Gone: Gone) -> Self {
        Self::Gone
    }
}

/// A FETCH response being written.
#[derive(Debug)]
pub(super) struct Response<'a, O> {
    out: &'a mut O,
    /// Where in the outlet's buffer it begins, while all of it is there.
    start: Option<usize>,
    /// No item has been written.
    first: bool,
}

impl<'a, O: Outlet> Response<'a, O> {
    /// Begins the response for a message.
    pub(super) fn begin(out: &'a mut O, enabled: Enabled, message: (u32, Uid)) -> Self {
        let start = Some(out.buffer().len());
        reply::fetch_start(enabled, message, out.buffer());
        Self {
            out,
            start,
            first: true,
        }
    }

    /// Values of a response that is no FETCH: what is written from here on can be taken back.
    pub(super) fn within(out: &'a mut O) -> Self {
        let start = Some(out.buffer().len());
        Self {
            out,
            start,
            first: true,
        }
    }

    /// Ends it.
    pub(super) fn end(self) {
        encode::fetch_end(self.out.buffer());
    }

    /// Takes it back, as if it had not begun.
    ///
    /// # Errors
    /// If some of it is out already. A literal that was announced must be as long
    /// as announced, so nothing but closing the connection can be done then.
    pub(super) fn take_back(self) -> Result<(), Stop> {
        let start = self.start.ok_or(Stop::Gone)?;
        self.out.buffer().truncate(start);
        Ok(())
    }

    /// Puts `NIL` in place of what has been written since [`Response::within`].
    ///
    /// # Errors
    /// As [`Response::take_back`].
    pub(super) fn nil(self) -> Result<(), Gone> {
        let start = self.start.ok_or(Gone)?;
        let buffer = self.out.buffer();
        buffer.truncate(start);
        buffer.extend_from_slice(b"NIL");
        Ok(())
    }

    /// Whether it has no item.
    pub(super) fn is_empty(&self) -> bool {
        self.first
    }

    /// The buffer, for the next item's name and value.
    pub(super) fn item(&mut self) -> &mut Vec<u8> {
        let buffer = self.out.buffer();
        if !std::mem::take(&mut self.first) {
            buffer.push(b' ');
        }
        buffer
    }

    /// The buffer, for the rest of an item.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        self.out.buffer()
    }

    /// Octets of a message as a string, in pieces: never more than a piece is held.
    pub(super) async fn span(&mut self, email: &Email, span: Span) -> Result<(), Fail> {
        string_head(self.buffer(), span.len());
        self.octets(email, span).await
    }

    /// Octets of a message, the head of whose string is written.
    pub(super) async fn octets(&mut self, email: &Email, span: Span) -> Result<(), Fail> {
        for piece in pieces(span, |at| email.run_end(at)) {
            let buffer = self.out.buffer();
            let from = buffer.len();
            email.read(piece, buffer).await?;
            if (buffer.len() - from) as u64 != piece.len() {
                return Err(Fail::Gone);
            }
            hide_nul(buffer, from);
            self.flush_if_full().await?;
        }
        Ok(())
    }

    /// Flushes what has gathered; from then on the response can't be taken back.
    pub(super) async fn flush_if_full(&mut self) -> Result<(), Gone> {
        if self.out.buffer().len() >= FLUSH_AT {
            self.start = None;
            self.out.flush().await?;
        }
        Ok(())
    }
}

/// A string of our own octets.
pub(super) fn string(out: &mut Vec<u8>, octets: &[u8]) {
    string_head(out, octets.len() as u64);
    let from = out.len();
    out.extend_from_slice(octets);
    hide_nul(out, from);
}

/// Fields of a header, and the empty line that ends it, as a string.
pub(super) fn header<'a>(out: &mut Vec<u8>, fields: impl Iterator<Item = &'a [u8]> + Clone) {
    let size = |fields: &[u8]| (fields.len() + line_end(fields).len()) as u64;
    let size = fields.clone().map(size).sum::<u64>() + 2;
    string_head(out, size);
    let from = out.len();
    for some in fields {
        put(out, some);
    }
    out.extend_from_slice(b"\r\n");
    hide_nul(out, from);
}

/// Announces a string's octets. None at all are quoted: the shortest, and easiest to read.
pub(super) fn string_head(out: &mut Vec<u8>, size: u64) {
    if size == 0 {
        out.extend_from_slice(b"\"\"");
    } else {
        encode::literal_head(out, size);
    }
}

/// RFC 9051 §4.3.1: a literal holds no NUL; as everywhere, it goes out as DEL.
fn hide_nul(buffer: &mut [u8], from: usize) {
    let octets = buffer.get_mut(from..).unwrap_or_default();
    if memchr::memchr(0, octets).is_some() {
        for octet in octets.iter_mut().filter(|octet| **octet == 0) {
            *octet = 0x7f;
        }
    }
}

/// A span in pieces, each of which ends where its message's store reads up to.
pub(super) fn pieces(span: Span, read_end: impl Fn(u64) -> u64) -> impl Iterator<Item = Span> {
    let mut start = span.start;
    std::iter::from_fn(move || {
        // Never backwards, whatever it says.
        let end = span.end.min(read_end(start).max(start.saturating_add(1)));
        let piece = Span { start, end };
        start = end;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The octets of `span` that a `<start.count>` leaves: none beyond its end (RFC 9051
/// §6.4.5).
pub(super) fn clip(span: Span, partial: Option<Partial>) -> Span {
    let Some(partial) = partial else { return span };
    let start = span.start.saturating_add(partial.start).min(span.end);
    let end = start.saturating_add(partial.count).min(span.end);
    Span { start, end }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn span(start: u64, end: u64) -> Span {
        Span { start, end }
    }

    #[test]
    fn partials_are_clipped() {
        for (whole, start, count, expected) in [
            (span(10, 20), 0, 10, span(10, 20)),
            (span(10, 20), 0, 2048, span(10, 20)),
            (span(10, 20), 3, 4, span(13, 17)),
            (span(10, 20), 9, 5, span(19, 20)),
            (span(10, 20), 10, 5, span(20, 20)),
            (span(10, 20), 11, 5, span(20, 20)),
            (span(10, 20), u64::MAX, u64::MAX, span(20, 20)),
            (span(10, 10), 0, 1, span(10, 10)),
        ] {
            let partial = Some(Partial { start, count });
            assert_eq!(clip(whole, partial), expected, "{whole:?} {partial:?}");
        }
        assert_eq!(clip(span(1, 2), None), span(1, 2));
    }

    #[test]
    fn spans_come_in_pieces() {
        let ends = |at: u64| if at < 7 { 7 } else { (at - 7) / 10 * 10 + 17 };
        for (whole, expected) in [
            (span(5, 5), vec![]),
            (span(5, 6), vec![span(5, 6)]),
            (span(0, 17), vec![span(0, 7), span(7, 17)]),
            (
                span(6, 30),
                vec![span(6, 7), span(7, 17), span(17, 27), span(27, 30)],
            ),
        ] {
            assert_eq!(pieces(whole, ends).collect::<Vec<_>>(), expected);
        }
        assert_eq!(pieces(span(0, 3), |_| 0).count(), 3);
    }

    #[test]
    fn strings_are_empty_or_literals_without_nul() {
        for (octets, expected) in [
            (&b""[..], &b"\"\""[..]),
            (b"a", b"{1}\r\na"),
            (b"a\0b\0", b"{4}\r\na\x7fb\x7f"),
        ] {
            let mut out = b"\0".to_vec();
            string(&mut out, octets);
            assert_eq!(out.get(1..), Some(expected));
        }
    }
}
