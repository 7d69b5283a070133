//! CONVERT and CONVERSIONS: RFC 5259 §10.

use alloc::{string::String, vec::Vec};
use core::num::NonZeroU32;

use super::{
    cursor::{Cursor, Result, fault_at, upper},
    fetch::{partial, section_binary, section_part},
    sequence::sequence_set,
};
use crate::command::{Authenticated, Command, Convert, ConvertItem, Numbering, Selected};

// conversions-cmd = "CONVERSIONS" SP from-mime-type-req SP to-mime-type-req
pub(super) fn conversions(c: &mut Cursor<'_>) -> Result<Command> {
    c.sp("CONVERSIONS")?;
    let from = mime_type_req(c)?;
    c.sp("the source type")?;
    let to = mime_type_req(c)?;
    Ok(Command::Authenticated(Authenticated::Conversions {
        from,
        to,
    }))
}

// mime-type-req = "*" / (type-name "/" "*") / concrete-mime-type
fn mime_type_req(c: &mut Cursor<'_>) -> Result<String> {
    let start = c.at();
    // RFC 5259 §10: "*" has to be quoted. Where it is not, nothing else can be meant.
    let octets = c.list_mailbox()?;
    if octets == b"*" {
        return Ok("*".into());
    }
    media_type(&octets, "*").map_or_else(|| fault_at(start, "no media type"), Ok)
}

/// A `type/subtype` in lower case, whose subtype may also be `wildcard`.
fn media_type(octets: &[u8], wildcard: &str) -> Option<String> {
    let text = core::str::from_utf8(octets).ok()?;
    let (main, sub) = text.split_once('/')?;
    // RFC 4288 §4.2, `reg-name`.
    let is_name = |name: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"!#$&.+-^_".contains(&b);
        (1..=127).contains(&name.len()) && name.bytes().all(fits)
    };
    let fits = is_name(main) && (is_name(sub) || !wildcard.is_empty() && sub == wildcard);
    fits.then(|| text.to_ascii_lowercase())
}

// convert = "CONVERT" SP sequence-set SP convert-params SP
//           ( convert-att / "(" convert-att *(SP convert-att) ")" )
pub(super) fn convert(c: &mut Cursor<'_>, numbering: Numbering) -> Result<Command> {
    c.sp("CONVERT")?;
    let messages = sequence_set(c)?;
    c.sp("the message set")?;
    let (to, params) = convert_params(c)?;
    c.sp("the conversion")?;
    let start = c.at();
    let items = if c.peek() == Some(b'(') {
        c.list1("the CONVERT items", convert_att)?
    } else {
        alloc::vec![convert_att(c)?]
    };
    let of_header = |item: &ConvertItem| matches!(item, ConvertItem::Header { .. });
    if to.is_some() && items.iter().any(of_header) {
        // RFC 5259 §6.
        return fault_at(start, "a header with another type than NIL");
    }
    Ok(Command::Selected(Selected::Convert(Convert {
        numbering,
        messages,
        to,
        params,
        items,
    })))
}

/// The type, and the parameters: names in upper case, and values.
type Conversion = (Option<String>, Vec<(String, Vec<u8>)>);

// convert-params = "(" (quoted-to-mime-type / default-conversion) [SP "(" transcoding-params ")"] ")"
fn convert_params(c: &mut Cursor<'_>) -> Result<Conversion> {
    c.expect(b'(', "'(' before the conversion")?;
    c.skip_spaces();
    let start = c.at();
    let to = if c.eat_word("NIL") {
        None
    } else {
        let octets = c.astring("a media type or NIL")?;
        match media_type(&octets, "") {
            Some(to) => Some(to),
            None => return fault_at(start, "no media type"),
        }
    };
    c.skip_spaces();
    let mut params = Vec::new();
    if c.peek() == Some(b'(') {
        params = c.list("the conversion parameters", transcoding_param)?;
        c.skip_spaces();
    }
    c.expect(b')', "')' after the conversion")?;
    Ok((to, params))
}

// transcoding-param = transcoding-param-name SP transcoding-param-value
fn transcoding_param(c: &mut Cursor<'_>) -> Result<(String, Vec<u8>)> {
    let start = c.at();
    let name = c.astring("the name of a conversion parameter")?;
    let Ok(name) = core::str::from_utf8(&name) else {
        return fault_at(start, "expected the name of a conversion parameter");
    };
    let name = upper(name);
    c.sp("the name of a conversion parameter")?;
    let value = c.astring("the value of a conversion parameter")?;
    Ok((name, value))
}

// convert-att = "UID" / "BODYPARTSTRUCTURE" section-convert / "BINARY" section-convert [partial] /
//               "BINARY.SIZE" section-convert / "BODY[HEADER]" / "BODY[" section-part ".HEADER]" /
//               "BODY[" section-part ".MIME]" / "AVAILABLECONVERSIONS" section-convert
fn convert_att(c: &mut Cursor<'_>) -> Result<ConvertItem> {
    let start = c.at();
    let word = c.take_while(|b| b.is_ascii_alphanumeric() || b == b'.');
    let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    if c.peek() != Some(b'[') {
        return if is("UID") {
            Ok(ConvertItem::Uid)
        } else {
            fault_at(start, "unknown CONVERT item")
        };
    }
    if is("BODY") {
        return header(c);
    }
    if is("BINARY") {
        let part = section_binary(c)?;
        let partial = partial(c)?;
        return Ok(ConvertItem::Binary { part, partial });
    }
    if is("BINARY.SIZE") {
        return section_binary(c).map(ConvertItem::Size);
    }
    if is("BODYPARTSTRUCTURE") {
        return section_binary(c).map(ConvertItem::Structure);
    }
    if is("AVAILABLECONVERSIONS") {
        return section_binary(c).map(ConvertItem::Available);
    }
    fault_at(start, "unknown CONVERT item")
}

fn header(c: &mut Cursor<'_>) -> Result<ConvertItem> {
    c.expect(b'[', "'['")?;
    let part: Vec<NonZeroU32> = section_part(c)?;
    let word = c.take_while(|b| b.is_ascii_alphabetic());
    let mime = if word.eq_ignore_ascii_case(b"HEADER") {
        false
    } else if !part.is_empty() && word.eq_ignore_ascii_case(b"MIME") {
        true
    } else {
        return c.expected("HEADER or MIME");
    };
    c.expect(b']', "']' after the section")?;
    Ok(ConvertItem::Header { part, mime })
}
