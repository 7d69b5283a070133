//! NUL in messages that are appended: RFC 3516 §4.4, §6.
//!
//! IMAP sends no NUL but through BINARY, and what BODY gives must be what BODYSTRUCTURE says. So a part with NUL is
//! kept in base64, which loses nothing: BINARY gives the octets that came. Parts without NUL stay as they came, and
//! with them whatever was signed.

use mail::{Encoding, Part, PartKind, Span, header};
use store::{Error, Incoming, Received};

/// Octets of a header that are looked at; a part with a longer one stays as it is.
const HEADER_BYTES_MAX: u64 = 1 << 20;

/// Octets to a line of base64: RFC 2045 §6.8 wants 76 characters at most.
const LINE_OCTETS: usize = 57;

/// Gives the message with its parts that have NUL in base64. `into` takes it, if there are any.
///
/// # Errors
/// As reading and writing messages.
pub(super) async fn without(
    received: Received,
    into: impl AsyncFnOnce() -> Result<Incoming, Error>,
) -> Result<Received, Error> {
    let Some(structure) = received.structure() else {
        return Ok(received);
    };
    let mut parts = Vec::new();
    for part in leaves(&structure) {
        if part.header.len() <= HEADER_BYTES_MAX && has_nul(&received, part.body).await? {
            parts.push(part);
        }
    }
    if parts.is_empty() {
        return Ok(received);
    }
    let mut incoming = into().await?;
    let mut at = 0;
    for part in parts {
        let before = Span {
            start: at,
            end: part.header.start,
        };
        copy(&received, before, &mut incoming).await?;
        let mut octets = Vec::new();
        received.read(part.header, &mut octets).await?;
        let is_message = part.header.start == 0;
        incoming.write(&in_base64(&octets, is_message)).await?;
        let is_last = part.body.end >= received.size();
        encode(&received, part.body, is_last, &mut incoming).await?;
        at = part.body.end;
    }
    let end = received.size();
    copy(&received, Span { start: at, end }, &mut incoming).await?;
    incoming.finish().await
}

/// The parts that hold octets as they are, in the order of the message.
fn leaves(part: &Part) -> Vec<&Part> {
    match &part.kind {
        PartKind::Leaf => match part.encoding {
            Encoding::SevenBit | Encoding::EightBit | Encoding::Binary => vec![part],
            Encoding::QuotedPrintable | Encoding::Base64 | Encoding::Unknown => Vec::new(),
        },
        PartKind::Multipart(parts) => parts.iter().flat_map(leaves).collect(),
        PartKind::Message(inner) => leaves(inner),
    }
}

/// A header that says that its body is in base64.
fn in_base64(octets: &[u8], is_message: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() + 64);
    for field in header::fields(octets) {
        if !field.is("Content-Transfer-Encoding") {
            out.extend_from_slice(field.raw);
        }
    }
    if is_message && header::find(octets, "MIME-Version").is_none() {
        out.extend_from_slice(b"MIME-Version: 1.0\r\n");
    }
    out.extend_from_slice(b"Content-Transfer-Encoding: base64\r\n\r\n");
    out
}

async fn has_nul(received: &Received, span: Span) -> Result<bool, Error> {
    let mut octets = Vec::new();
    for piece in pieces(span) {
        octets.clear();
        received.read(piece, &mut octets).await?;
        if memchr::memchr(0, &octets).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn copy(received: &Received, span: Span, into: &mut Incoming) -> Result<(), Error> {
    let mut octets = Vec::new();
    for piece in pieces(span) {
        octets.clear();
        received.read(piece, &mut octets).await?;
        into.write(&octets).await?;
    }
    Ok(())
}

/// Lines of base64; the line end after the last belongs to a delimiter, if one follows.
async fn encode(
    received: &Received,
    span: Span,
    is_last: bool,
    into: &mut Incoming,
) -> Result<(), Error> {
    let (mut octets, mut lines) = (Vec::new(), Vec::new());
    let mut first = true;
    for piece in pieces(span) {
        octets.clear();
        received.read(piece, &mut octets).await?;
        lines.clear();
        for line in octets.chunks(LINE_OCTETS) {
            if !std::mem::take(&mut first) {
                lines.extend_from_slice(b"\r\n");
            }
            lines.extend_from_slice(data_encoding::BASE64.encode(line).as_bytes());
        }
        into.write(&lines).await?;
    }
    if is_last {
        into.write(b"\r\n").await?;
    }
    Ok(())
}

/// A span in pieces of whole lines of base64.
fn pieces(span: Span) -> impl Iterator<Item = Span> {
    const OCTETS: u64 = LINE_OCTETS as u64 * 1024;
    let mut start = span.start;
    std::iter::from_fn(move || {
        let end = start.saturating_add(OCTETS).min(span.end);
        let piece = Span { start, end };
        start = end;
        (piece.start < piece.end).then_some(piece)
    })
}
