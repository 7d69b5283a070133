//! FETCH: RFC 9051 §6.4.5, RFC 3516, RFC 5257, RFC 7162, RFC 8474, RFC 8514, RFC 8970, RFC 9394.

use alloc::{boxed::Box, vec, vec::Vec};
use core::num::NonZeroU32;

use super::{
    annotation,
    cursor::{Cursor, Result, fault_at},
    old,
    partial::modifier_partial,
    sequence::sequence_set,
};
use crate::command::{
    Command, Fetch, FetchItem, Numbering, Partial, Section, SectionText, Selected,
};

/// MIME parts nested deeper than this are in no message that is kept apart.
pub(super) const PART_DEPTH_MAX: usize = 100;

// fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att /
//         "(" fetch-att *(SP fetch-att) ")") [fetch-modifiers]
pub(super) fn fetch(c: &mut Cursor<'_>, numbering: Numbering) -> Result<Command> {
    c.sp("FETCH")?;
    let messages = sequence_set(c)?;
    c.sp("the message set")?;
    let items = fetch_atts(c)?;
    let mut fetch = Fetch {
        numbering,
        messages,
        items,
        changed_since: None,
        vanished: false,
        partial: None,
    };
    if c.more() {
        fetch_modifiers(c, &mut fetch)?;
    }
    Ok(Command::Selected(Selected::Fetch(fetch)))
}

fn fetch_atts(c: &mut Cursor<'_>) -> Result<Vec<FetchItem>> {
    if c.peek() == Some(b'(') {
        return c.list1("the FETCH items", fetch_att);
    }
    let fast = || {
        vec![
            FetchItem::Flags,
            FetchItem::InternalDate,
            FetchItem::Rfc822Size,
        ]
    };
    let mut items = fast();
    if c.eat_word("FAST") {
    } else if c.eat_word("ALL") {
        items.push(FetchItem::Envelope);
    } else if c.eat_word("FULL") {
        items.extend([FetchItem::Envelope, FetchItem::Body]);
    } else {
        items = vec![fetch_att(c)?];
    }
    Ok(items)
}

// fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")"
fn fetch_modifiers(c: &mut Cursor<'_>, fetch: &mut Fetch) -> Result<()> {
    let start = c.at();
    c.list1("the FETCH modifiers", |c| {
        if c.eat_word("CHANGEDSINCE") {
            c.sp("CHANGEDSINCE")?;
            fetch.changed_since = Some(c.number64("a modseq")?);
        } else if c.eat_word("VANISHED") {
            fetch.vanished = true;
        } else if c.eat_word("PARTIAL") {
            if fetch.partial.is_some() {
                return c.fault("PARTIAL twice");
            }
            fetch.partial = Some(modifier_partial(c)?);
        } else {
            return c.expected("CHANGEDSINCE, VANISHED or PARTIAL");
        }
        Ok(())
    })?;
    // RFC 7162 §3.2.6: only with both.
    if fetch.vanished && (fetch.numbering == Numbering::Sequence || fetch.changed_since.is_none()) {
        return fault_at(start, "VANISHED without UID FETCH and CHANGEDSINCE");
    }
    Ok(())
}

// fetch-att =/ "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]; preview-mod = "LAZY"
fn preview(c: &mut Cursor<'_>) -> Result<FetchItem> {
    let mut ahead = c.clone();
    ahead.skip_spaces();
    // In a FETCH of this item alone, what follows may be the modifiers of FETCH itself.
    let lazy = ahead.peek() == Some(b'(') && c.peek() == Some(b' ') && {
        ahead.eat(b'(');
        ahead.skip_spaces();
        ahead.eat_word("LAZY")
    };
    if lazy {
        c.skip_spaces();
        c.list1("the modifiers of PREVIEW", |c| {
            if c.eat_word("LAZY") {
                return Ok(());
            }
            c.expected("LAZY")
        })?;
    }
    Ok(FetchItem::Preview { lazy })
}

// fetch-att = "ENVELOPE / "FLAGS" / "INTERNALDATE" / "RFC822.SIZE" / "BODY" ["STRUCTURE"] / …
pub(super) fn fetch_att(c: &mut Cursor<'_>) -> Result<FetchItem> {
    if c.is_old()
        && let Some(item) = old::fetch_att(c)?
    {
        return Ok(item);
    }
    let start = c.at();
    let word = c.take_while(|b| b.is_ascii_alphanumeric() || b == b'.');
    let sectioned = c.peek() == Some(b'[');
    let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    if sectioned {
        if is("BODY") || is("BODY.PEEK") {
            let section = section(c)?;
            let (partial, peek) = (partial(c)?, is("BODY.PEEK"));
            return Ok(FetchItem::Section {
                section,
                partial,
                peek,
            });
        }
        if is("BINARY") || is("BINARY.PEEK") {
            let part = section_binary(c)?;
            let (partial, peek) = (partial(c)?, is("BINARY.PEEK"));
            return Ok(FetchItem::Binary {
                part,
                partial,
                peek,
            });
        }
        if is("BINARY.SIZE") {
            return section_binary(c).map(FetchItem::BinarySize);
        }
    }
    if is("PREVIEW") && !sectioned {
        return preview(c);
    }
    if is("ANNOTATION") && !sectioned {
        let spec = annotation::spec(c)?;
        return Ok(FetchItem::Annotation(Box::new(spec)));
    }
    let plain = [
        ("FLAGS", FetchItem::Flags),
        ("UID", FetchItem::Uid),
        ("ENVELOPE", FetchItem::Envelope),
        ("INTERNALDATE", FetchItem::InternalDate),
        ("RFC822.SIZE", FetchItem::Rfc822Size),
        ("BODYSTRUCTURE", FetchItem::BodyStructure),
        ("BODY", FetchItem::Body),
        ("MODSEQ", FetchItem::ModSeq),
        ("EMAILID", FetchItem::EmailId),
        ("THREADID", FetchItem::ThreadId),
        ("SAVEDATE", FetchItem::SaveDate),
        ("RFC822", FetchItem::Rfc822),
        ("RFC822.HEADER", FetchItem::Rfc822Header),
        ("RFC822.TEXT", FetchItem::Rfc822Text),
    ];
    plain
        .into_iter()
        .find(|(name, _)| !sectioned && is(name))
        .map_or_else(
            || fault_at(start, "unknown FETCH item"),
            |(_, item)| Ok(item),
        )
}

/// A `section-spec` that stands alone, as in an IMAP URL; `None` if it is none.
pub(crate) fn whole_section(spec: &[u8]) -> Option<Section> {
    let bracketed = [b"[", spec, b"]"].concat();
    let c = &mut Cursor::new(&bracketed);
    let read = section(c).ok()?;
    (c.peek().is_none() && !spec.is_empty()).then_some(read)
}

// section = "[" [section-spec] "]"
fn section(c: &mut Cursor<'_>) -> Result<Section> {
    c.expect(b'[', "'['")?;
    let section = section_spec(c)?;
    c.expect(b']', "']' after the section")?;
    Ok(section)
}

// section-spec = section-msgtext / (section-part ["." section-text])
fn section_spec(c: &mut Cursor<'_>) -> Result<Section> {
    let part = section_part(c)?;
    if c.peek() == Some(b']') {
        let text = SectionText::Whole;
        return Ok(Section { part, text });
    }
    let start = c.at();
    let word = c.take_while(|b| b.is_ascii_alphabetic() || b == b'.');
    let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    // section-text = section-msgtext / "MIME"; section-msgtext = "HEADER" /
    // "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"
    let text = if is("HEADER") {
        SectionText::Header
    } else if is("TEXT") {
        SectionText::Text
    } else if is("HEADER.FIELDS") {
        SectionText::HeaderFields(header_list(c)?)
    } else if is("HEADER.FIELDS.NOT") {
        SectionText::HeaderFieldsNot(header_list(c)?)
    } else if is("MIME") && !part.is_empty() {
        SectionText::Mime
    } else {
        return fault_at(start, "unknown section");
    };
    Ok(Section { part, text })
}

// header-list = "(" header-fld-name *(SP header-fld-name) ")"
pub(super) fn header_list(c: &mut Cursor<'_>) -> Result<Vec<Vec<u8>>> {
    c.sp("HEADER.FIELDS")?;
    let names = c.list1("the field names", |c| c.astring("a field name"))?;
    c.skip_spaces();
    Ok(names)
}

/// The part's number, with the `.` before a `section-text` taken too.
// section-part = nz-number *("." nz-number)
pub(super) fn section_part(c: &mut Cursor<'_>) -> Result<Vec<NonZeroU32>> {
    let mut part = Vec::new();
    while c.peek().is_some_and(|b| b.is_ascii_digit()) {
        if part.len() == PART_DEPTH_MAX {
            return c.fault("part number too deep");
        }
        part.push(c.nz_number("a part number")?);
        if !c.eat(b'.') {
            if c.peek() != Some(b']') {
                return c.expected("'.' or ']' after a part number");
            }
            break;
        }
        if c.peek() == Some(b']') {
            return c.expected("a part number or section after '.'");
        }
    }
    Ok(part)
}

// section-binary = "[" [section-part] "]"
pub(super) fn section_binary(c: &mut Cursor<'_>) -> Result<Vec<NonZeroU32>> {
    c.expect(b'[', "'['")?;
    let part = section_part(c)?;
    c.expect(b']', "']' after the part number")?;
    Ok(part)
}

// partial = "<" number64 "." nz-number64 ">"
pub(super) fn partial(c: &mut Cursor<'_>) -> Result<Option<Partial>> {
    if !c.eat(b'<') {
        return Ok(None);
    }
    let start = c.number64("the first octet")?;
    c.expect(b'.', "'.' after the first octet")?;
    let at = c.at();
    let count = c.number64("a count of octets")?;
    if count == 0 {
        return fault_at(at, "a count of octets must not be 0");
    }
    c.expect(b'>', "'>' after the count of octets")?;
    Ok(Some(Partial { start, count }))
}
