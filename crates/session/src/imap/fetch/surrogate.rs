//! What FETCH shows of internationalized messages to clients that don't know UTF-8: RFC 6855 §8, RFC 6858.
//!
//! Headers, ENVELOPE and the strings of structures are downgraded as they go out. RFC822.SIZE and what BINARY
//! gives are those of the message as it is (RFC 6858 §3), parts are never touched.

use imap::command::Partial;
use mail::{Span, What, downgrade, envelope};

use super::{
    fields::Names,
    message::{name, slice},
    plan::{Derived, Item, Wanted},
    record::Record,
    response::{Fail, Response, clip, string, string_head},
};
use crate::Outlet;

/// Writes an item of an internationalized message; `false` if it is shown as it is, and not written.
pub(super) async fn write<O: Outlet>(
    item: &Item,
    record: &mut Record,
    response: &mut Response<'_, O>,
) -> Result<bool, Fail> {
    match item {
        Item::Derived(derived) => write_derived(*derived, record, response).await,
        Item::Octets {
            label,
            section: Wanted::Span { part, what },
            partial,
        } if part.is_empty() && matches!(what, What::Whole | What::Header) => {
            let end = record.email.size();
            let Some((surrogate, header_end)) = record.surrogate().await? else {
                return Ok(false);
            };
            let body = match what {
                What::Whole => Span {
                    start: header_end,
                    end,
                },
                _ => Span::default(),
            };
            name(label, response.item());
            write_message(&surrogate, (body, *partial), record, response).await?;
            Ok(true)
        }
        Item::Octets {
            label,
            section: Wanted::Fields { part, names },
            partial,
        } => {
            let Some(fields) = chosen(part, names, record).await? else {
                return Ok(false);
            };
            let len = fields.len() as u64;
            let all = Span { start: 0, end: len };
            name(label, response.item());
            string(response.buffer(), slice(&fields, clip(all, *partial)));
            Ok(true)
        }
        _ => Ok(false),
    }
}

async fn write_derived<O: Outlet>(
    derived: Derived,
    record: &mut Record,
    response: &mut Response<'_, O>,
) -> Result<bool, Fail> {
    let digest = record.email.digest_ref();
    let (label, value): (&[u8], &[u8]) = match derived {
        Derived::Envelope => (b"ENVELOPE", digest.envelope),
        Derived::Body => (b"BODY", digest.body),
        Derived::BodyStructure => (b"BODYSTRUCTURE", digest.body_structure),
    };
    if !downgrade::is_needed(value) {
        return Ok(false);
    }
    let mut shown = Vec::with_capacity(value.len());
    if derived == Derived::Envelope {
        let Some((surrogate, _)) = record.surrogate().await? else {
            return Ok(false);
        };
        envelope::write(&mut shown, &surrogate);
    } else {
        downgrade::structure(value, &mut shown);
    }
    name(label, response.item());
    response.buffer().extend_from_slice(&shown);
    Ok(true)
}

/// A surrogate and what follows it of the message, as one string.
async fn write_message<O: Outlet>(
    surrogate: &[u8],
    (body, partial): (Span, Option<Partial>),
    record: &Record,
    response: &mut Response<'_, O>,
) -> Result<(), Fail> {
    let header = surrogate.len() as u64;
    let end = header.saturating_add(body.len());
    let asked = clip(Span { start: 0, end }, partial);
    string_head(response.buffer(), asked.len());
    let of_header = Span {
        start: asked.start.min(header),
        end: asked.end.min(header),
    };
    let octets = slice(surrogate, of_header);
    response.buffer().extend_from_slice(octets);
    let at = |n: u64| {
        body.start
            .saturating_add(n.saturating_sub(header))
            .min(body.end)
    };
    let of_body = Span {
        start: at(asked.start),
        end: at(asked.end),
    };
    response.octets(&record.email, of_body).await
}

/// Fields of a header, downgraded; `None` if they need not be.
async fn chosen(part: &[u32], names: &Names, record: &mut Record) -> Result<Option<Vec<u8>>, Fail> {
    let (mut header, mut chosen) = (Vec::new(), Vec::new());
    let found = record.choose(part, names, (&mut header, &mut chosen));
    if !found.await? || !downgrade::is_needed(&chosen) {
        return Ok(None);
    }
    let mut shown = Vec::with_capacity(chosen.len());
    downgrade::header(&chosen, &mut shown);
    Ok(Some(shown))
}
