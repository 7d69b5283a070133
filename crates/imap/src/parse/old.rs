//! What clients of before IMAP4rev1 say: those of IMAP2 (RFC 1176), `IMAP2bis`, and IMAP4 (RFC 1730), as
//! RFC 2062 collects it.
//!
//! Read only of what [`super::command`] can't: so nothing that has a meaning today gets another.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::num::NonZeroU32;

use super::{
    Row,
    cursor::{Cursor, Result, fault_at},
    fetch::{self, header_list},
    mailbox::one,
    row,
};
use crate::{
    command::{
        Authenticated, Command, Fetch, FetchItem, Find, Mailbox, Numbering, Partial, Section,
        SectionText, Select, Selected,
    },
    encode,
    set::{SequenceRange, SequenceSet},
};

/// Where what once was a bulletin board is among the mailboxes of today.
pub const BBOARDS: &str = "#public/";

/// Every command that is understood in another form than that of today, or today not at all.
pub(super) const COMMANDS: &[Row] = &[
    row("FIND", "RFC 2062 §6.3.OBS.1", find),
    row("BBOARD", "RFC 1176 §BBOARD", bboard),
    row("SUBSCRIBE", "RFC 2062 §6.3.OBS.3", |c| {
        named(c)
            .map(Authenticated::Subscribe)
            .map(Command::Authenticated)
    }),
    row("UNSUBSCRIBE", "RFC 2062 §6.3.OBS.4", |c| {
        named(c)
            .map(Authenticated::Unsubscribe)
            .map(Command::Authenticated)
    }),
    row("PARTIAL", "RFC 2062 §6.4.OBS.1", partial),
];

// find = "FIND" SPACE ["ALL."] ("MAILBOXES" / "BBOARDS") SPACE list_mailbox
fn find(c: &mut Cursor<'_>) -> Result<Command> {
    c.sp("FIND")?;
    let (all, bboards) = if c.eat_word("ALL.MAILBOXES") {
        (true, false)
    } else if c.eat_word("MAILBOXES") {
        (false, false)
    } else if c.eat_word("ALL.BBOARDS") {
        (true, true)
    } else if c.eat_word("BBOARDS") {
        (false, true)
    } else {
        return c.expected("MAILBOXES, ALL.MAILBOXES, BBOARDS or ALL.BBOARDS");
    };
    c.sp("what to find")?;
    Ok(Command::Authenticated(Authenticated::Find(Find {
        all,
        bboards,
        pattern: c.list_mailbox()?,
    })))
}

/// A bulletin board, as a mailbox.
fn board(mut name: Mailbox) -> Mailbox {
    name.0.splice(..0, BBOARDS.bytes());
    name
}

// bboard = "BBOARD" SP string: as SELECT, of what nobody owns
fn bboard(c: &mut Cursor<'_>) -> Result<Command> {
    Ok(Command::Authenticated(Authenticated::Examine(Select {
        mailbox: board(one(c)?),
        annotate: false,
        condstore: false,
        qresync: None,
    })))
}

// subscribe_old = "SUBSCRIBE" SPACE ("MAILBOX" / "BBOARD") SPACE mailbox
fn named(c: &mut Cursor<'_>) -> Result<Mailbox> {
    c.sp("the name of the command")?;
    if c.eat_word("MAILBOX") {
        one(c)
    } else if c.eat_word("BBOARD") {
        one(c).map(board)
    } else {
        c.expected("MAILBOX or BBOARD")
    }
}

// partial = "PARTIAL" SPACE nz_number SPACE fetch_text_old SPACE number SPACE number
fn partial(c: &mut Cursor<'_>) -> Result<Command> {
    c.sp("PARTIAL")?;
    let number = Some(c.nz_number("a message number")?);
    c.sp("the message number")?;
    let at = c.at();
    let (label, section, peek) = match fetch::fetch_att(c)? {
        FetchItem::Rfc822 => ("RFC822".to_owned(), whole(SectionText::Whole), false),
        FetchItem::Rfc822Header => ("RFC822.HEADER".to_owned(), whole(SectionText::Header), true),
        FetchItem::Rfc822Text => ("RFC822.TEXT".to_owned(), whole(SectionText::Text), false),
        FetchItem::Section {
            section,
            partial: None,
            peek,
        } => {
            let mut label = Vec::new();
            encode::section(&mut label, &section, None);
            (String::from_utf8_lossy(&label).into_owned(), section, peek)
        }
        FetchItem::Named {
            label,
            section,
            peek,
            ..
        } => (label, section, peek),
        _ => return fault_at(at, "PARTIAL of what is no text"),
    };
    c.sp("the FETCH item")?;
    let at = c.at();
    let first = c.number64("the first octet")?;
    let Some(start) = first.checked_sub(1) else {
        return fault_at(at, "the first octet is octet 1");
    };
    c.sp("the first octet")?;
    let count = c.number64("a count of octets")?;
    let range = SequenceRange {
        from: number.map(NonZeroU32::get),
        to: number.map(NonZeroU32::get),
    };
    Ok(Command::Selected(Selected::Fetch(Fetch {
        numbering: Numbering::Sequence,
        messages: SequenceSet::Ranges(alloc::vec![range]),
        items: alloc::vec![FetchItem::Named {
            label,
            section,
            partial: Some(Partial { start, count }),
            peek,
        }],
        changed_since: None,
        vanished: false,
        partial: None,
    })))
}

const fn whole(text: SectionText) -> Section {
    let part = Vec::new();
    Section { part, text }
}

/// An item that there is no more, if one is next.
// fetch_att_old = "RFC822.HEADER.LINES" [".NOT"] SPACE header_list / fetch_text_old
pub(super) fn fetch_att(c: &mut Cursor<'_>) -> Result<Option<FetchItem>> {
    let mut ahead = c.clone();
    let word = ahead.take_while(|b| b.is_ascii_alphanumeric() || b == b'.');
    let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    let (label, text) = if is("RFC822.PEEK") {
        ("RFC822", SectionText::Whole)
    } else if is("RFC822.HEADER.PEEK") {
        ("RFC822.HEADER", SectionText::Header)
    } else if is("RFC822.TEXT.PEEK") {
        ("RFC822.TEXT", SectionText::Text)
    } else if is("RFC822.HEADER.LINES") {
        let names = header_list(&mut ahead)?;
        ("RFC822.HEADER", SectionText::HeaderFields(names))
    } else if is("RFC822.HEADER.LINES.NOT") {
        let names = header_list(&mut ahead)?;
        ("RFC822.HEADER", SectionText::HeaderFieldsNot(names))
    } else if is("BODY") || is("BODY.PEEK") {
        let Some((label, section)) = section_zero(&mut ahead) else {
            return Ok(None);
        };
        *c = ahead;
        return Ok(Some(FetchItem::Named {
            label,
            section,
            partial: None,
            peek: is("BODY.PEEK"),
        }));
    } else {
        return Ok(None);
    };
    *c = ahead;
    Ok(Some(FetchItem::Named {
        label: label.to_owned(),
        section: whole(text),
        partial: None,
        peek: true,
    }))
}

/// The header, as part 0: of the message, or of one within it.
// section_old = "[" (number ["." number]) "]"
fn section_zero(c: &mut Cursor<'_>) -> Option<(String, Section)> {
    if !c.eat(b'[') {
        return None;
    }
    let digits = c.take_while(|b| b.is_ascii_digit() || b == b'.');
    if !c.eat(b']') {
        return None;
    }
    let numbers = core::str::from_utf8(digits).ok()?.strip_suffix('0')?;
    let mut part = Vec::new();
    if let Some(numbers) = numbers.strip_suffix('.') {
        for number in numbers.split('.') {
            match number.parse::<NonZeroU32>() {
                Ok(number) if part.len() < fetch::PART_DEPTH_MAX => part.push(number),
                _ => return None,
            }
        }
    } else if !numbers.is_empty() {
        return None;
    }
    let text = SectionText::Header;
    let label = alloc::format!("BODY[{numbers}0]");
    Some((label, Section { part, text }))
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString as _};

    use super::super::{command, old_command};

    #[test]
    fn what_was_is_read_and_only_when_it_is_to_be() {
        for (line, read) in [
            ("FIND ALL.MAILBOXES *", "Find { all: true, bboards: false"),
            ("find mailboxes a?", "Find { all: false, bboards: false"),
            ("FIND BBOARDS *", "Find { all: false, bboards: true"),
            ("BBOARD x", "Examine(Select { mailbox: Mailbox("),
            ("SUBSCRIBE MAILBOX x", "Subscribe(Mailbox([120]))"),
            ("UNSUBSCRIBE BBOARD x", "Unsubscribe(Mailbox([35, "),
            (
                "PARTIAL 4 RFC822 1 1024",
                "partial: Some(Partial { start: 0, count: 1024 })",
            ),
            ("PARTIAL 4 BODY.PEEK[1.2] 5 0", "label: \"BODY[1.2]\""),
            ("PARTIAL 1 BODY[2.0] 1 9", "label: \"BODY[2.0]\""),
            ("FETCH 1 BODY[0]", "label: \"BODY[0]\""),
            (
                "FETCH 1 (UID RFC822.HEADER.LINES (From))",
                "label: \"RFC822.HEADER\"",
            ),
            ("UID FETCH 1 RFC822.TEXT.PEEK", "label: \"RFC822.TEXT\""),
            ("SEARCH ON 1-Jan-93", "Date { days: 8401 }"),
        ] {
            let line = format!("a {line}");
            assert!(command(line.as_bytes()).is_err(), "{line}");
            let shown = format!("{:?}", old_command(line.as_bytes()));
            assert!(shown.contains(read), "{line}: {shown}");
        }
    }

    #[test]
    fn what_never_was_is_refused() {
        for line in [
            "FIND",
            "FIND MAILBOXES",
            "FIND ALL *",
            "PARTIAL 4 RFC822 0 1",
            "PARTIAL 4 RFC822 1",
            "PARTIAL 1:2 RFC822 1 1",
            "PARTIAL 4 FLAGS 1 1",
            "PARTIAL 4 BODY[]<0.1> 1 1",
            "FETCH 1 BODY[0",
            "FETCH 1 BODY[00]",
            "FETCH 1 BODY[0.1]",
            "FETCH 1 BODY[1.00]",
            "FETCH 1 RFC822.HEADER.LINES",
            "SEARCH ON 1-Jan-3",
            "BBOARD",
        ] {
            let line = format!("a {line}");
            let told = old_command(line.as_bytes()).expect_err(&line);
            assert!(told.to_string().len() < 200, "{line}");
        }
    }
}
