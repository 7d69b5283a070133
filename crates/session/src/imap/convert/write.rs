//! CONVERTED and CONVERSION responses: RFC 5259 §10.

use imap::{
    command::ConvertItem,
    encode::{self, EightBit},
};

use super::{Converted, ErrorCode, Failed, table::Row};
use crate::imap::wording::{Language, Text};

/// `* CONVERSION "from" "to" ("param" …)`.
pub(super) fn conversion(row: &Row, out: &mut Vec<u8>) {
    out.extend_from_slice(b"* CONVERSION ");
    quoted(row.from, out);
    out.push(b' ');
    quoted(row.to, out);
    out.extend_from_slice(b" (");
    for (n, name) in row.kind.params().iter().enumerate() {
        if n > 0 {
            out.push(b' ');
        }
        quoted(&name.to_ascii_lowercase(), out);
    }
    out.extend_from_slice(b")\r\n");
}

/// `* n CONVERTED (TAG "tag") (`.
pub(super) fn begin(number: u32, tag: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"* ");
    encode::number(out, number.into());
    out.extend_from_slice(b" CONVERTED (TAG ");
    quoted(tag, out);
    out.extend_from_slice(b") (");
}

/// What an item is called in a response.
pub(super) fn label(item: &ConvertItem, out: &mut Vec<u8>) {
    let name: &[u8] = match item {
        ConvertItem::Uid => b"UID",
        ConvertItem::Structure(_) => b"BODYPARTSTRUCTURE",
        ConvertItem::Binary { part, partial } => {
            encode::binary(out, part, partial.map(|partial| partial.start));
            return;
        }
        ConvertItem::Size(part) => {
            encode::binary_size(out, part);
            return;
        }
        ConvertItem::Header { part, mime } => {
            out.extend_from_slice(b"BODY[");
            encode::section_part(out, part);
            if !part.is_empty() {
                out.push(b'.');
            }
            out.extend_from_slice(if *mime { b"MIME]" } else { b"HEADER]" });
            return;
        }
        ConvertItem::Available(_) => b"AVAILABLECONVERSIONS",
    };
    out.extend_from_slice(name);
    if let ConvertItem::Structure(part) | ConvertItem::Available(part) = item {
        out.push(b'[');
        encode::section_part(out, part);
        out.push(b']');
    }
}

/// `nstring / literal8`.
pub(super) fn binary(octets: &[u8], out: &mut Vec<u8>) {
    if octets.contains(&0) {
        encode::literal8(out, octets);
    } else {
        encode::string(out, octets, EightBit::Literal);
    }
}

/// `mimetype-list`: in two pairs of parentheses.
pub(super) fn types(types: &[&str], out: &mut Vec<u8>) {
    out.extend_from_slice(b"((");
    for (n, media_type) in types.iter().enumerate() {
        if n > 0 {
            out.push(b' ');
        }
        quoted(media_type, out);
    }
    out.extend_from_slice(b"))");
}

/// `body` of what a part has become: RFC 9051 §9, with extension data.
pub(super) fn structure(converted: &Converted, out: &mut Vec<u8>) {
    let (main, sub) = converted.media_type.split_once('/').unwrap_or_default();
    out.push(b'(');
    quoted(&main.to_ascii_uppercase(), out);
    out.push(b' ');
    quoted(&sub.to_ascii_uppercase(), out);
    match &converted.charset {
        Some(charset) => {
            out.extend_from_slice(b" (\"CHARSET\" ");
            quoted(charset, out);
            out.push(b')');
        }
        None => out.extend_from_slice(b" NIL"),
    }
    let encoding = if converted.charset.is_none() {
        "BINARY"
    } else if converted.octets.is_ascii() {
        "7BIT"
    } else {
        "8BIT"
    };
    out.extend_from_slice(b" NIL NIL ");
    quoted(encoding, out);
    out.push(b' ');
    encode::number(out, converted.octets.len() as u64);
    if converted.charset.is_some() {
        let lines = converted.octets.iter().filter(|octet| **octet == b'\n');
        out.push(b' ');
        encode::number(out, lines.count() as u64);
    }
    out.extend_from_slice(b" NIL NIL NIL NIL)");
}

/// `converterror-phrase`.
pub(super) fn error(failed: &Failed, language: Language, out: &mut Vec<u8>) {
    out.extend_from_slice(b"(ERROR ");
    quoted(&Text::from(failed.why).say(language), out);
    out.extend_from_slice(match failed.code {
        ErrorCode::TempFail => b" TEMPFAIL",
        ErrorCode::BadParameters => b" BADPARAMETERS",
        ErrorCode::MissingParameters => b" MISSINGPARAMETERS",
    });
    if failed.code != ErrorCode::TempFail {
        out.push(b' ');
        match &failed.from {
            Some(from) => quoted(from, out),
            None => out.extend_from_slice(b"NIL"),
        }
        out.push(b' ');
        quoted(&failed.to, out);
        if !failed.params.is_empty() {
            out.extend_from_slice(b" (");
            for (n, (name, value)) in failed.params.iter().enumerate() {
                if n > 0 {
                    out.push(b' ');
                }
                encode::astring(out, name.as_bytes(), EightBit::Literal);
                if let Some(value) = value {
                    out.push(b' ');
                    encode::string(out, value, EightBit::Literal);
                }
            }
            out.push(b')');
        }
    }
    out.push(b')');
}

fn quoted(text: &str, out: &mut Vec<u8>) {
    encode::string(out, text.as_bytes(), EightBit::Literal);
}
