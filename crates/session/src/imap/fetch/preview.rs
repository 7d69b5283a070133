//! PREVIEW: RFC 8970. What the beginning of a message says, read when it is asked for.
//!
//! Little has to be read for it, mostly one piece of the message, and never more than [`OCTETS_MAX`]; so it is
//! as quick as an ENVELOPE but for a part that has to be decoded, and is told with LAZY too.

use mail::{
    Part, Span, charset::TextDecoder, decode::TransferDecoder, header, preview, preview::Preview,
};
use store::{Email, Error};

/// Octets of a part that are read, at most, as they are in the message.
const OCTETS_MAX: u64 = 128 << 10;

/// Octets of a part's header that are looked at.
const HEADER_OCTETS_MAX: u64 = 8 << 10;

/// The preview of a message; empty if there is nothing to say.
///
/// # Errors
/// As reading it.
pub(super) async fn of(email: &Email, structure: &Part) -> Result<String, Error> {
    let mut octets = Vec::new();
    for part in preview::candidates(structure) {
        if part.header.start > 0 && is_attachment(email, part, &mut octets).await? {
            continue;
        }
        let told = of_part(email, part, &mut octets).await?;
        if !told.is_empty() {
            return Ok(told);
        }
    }
    Ok(String::new())
}

/// Whether a part says of itself that it is not to be shown: RFC 2183 §2.2.
async fn is_attachment(email: &Email, part: &Part, octets: &mut Vec<u8>) -> Result<bool, Error> {
    let span = part.header.shifted(email.trace_len());
    let end = span.end.min(span.start.saturating_add(HEADER_OCTETS_MAX));
    octets.clear();
    email.read(Span { end, ..span }, octets).await?;
    let disposition = header::find(octets, "Content-Disposition");
    Ok(disposition.is_some_and(|field| {
        let text = field.text();
        let kind = text.trim_ascii_start().get(..10);
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case(b"attachment"))
    }))
}

async fn of_part(email: &Email, part: &Part, octets: &mut Vec<u8>) -> Result<String, Error> {
    let span = part.body.shifted(email.trace_len());
    let end = span.end.min(email.size());
    let end = end.min(span.start.saturating_add(OCTETS_MAX));
    let mut transfer = TransferDecoder::new(part.encoding);
    let mut reader = TextDecoder::new(part.charset.as_deref());
    let (mut decoded, mut text) = (Vec::new(), String::new());
    let mut preview = Preview::new(part);
    let mut at = span.start;
    while at < end && preview.wants_more() {
        let next = end.min(email.read_end(at)).max(at + 1);
        octets.clear();
        email
            .read(
                Span {
                    start: at,
                    end: next,
                },
                octets,
            )
            .await?;
        decoded.clear();
        text.clear();
        transfer.push(octets, &mut decoded);
        reader.push(&decoded, &mut text);
        preview.push(&text);
        at = next;
    }
    if preview.wants_more() {
        decoded.clear();
        text.clear();
        // What can't be decoded to its end says what came out until then.
        let _ = transfer.finish(&mut decoded);
        reader.push(&decoded, &mut text);
        reader.finish(&mut text);
        preview.push(&text);
    }
    Ok(preview.finish())
}
