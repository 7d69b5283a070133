//! APPEND: RFC 9051 §6.3.12, of several messages: RFC 3502, put together from parts: RFC 4469;
//! and REPLACE: RFC 8508.
//!
//! The octets of message literals are not in the buffer ([`crate::wire`]).

use alloc::{
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};
use core::num::NonZeroU32;

use super::{
    SyntaxError, annotation,
    cursor::{Cursor, Result},
    date, flags, grammar, mailbox, tag,
};
use crate::{
    command::{
        AnnotationScope, Append, AppendData, AppendMessage, Authenticated, CatPart, Command,
        LiteralKind, Mailbox, MessageLiteral, Numbering, Replace, Selected,
    },
    wire::LiteralStart,
};

/// What is known of an APPEND or REPLACE when a literal with octets of a message is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendStart {
    /// The command's tag.
    pub tag: String,
    /// The message that REPLACE names; `None` in an APPEND.
    pub replaces: Option<Replaced>,
    /// Where the messages are to go.
    pub mailbox: Mailbox,
    /// The messages so far. The last part of the last one is the literal that is announced.
    pub messages: Vec<AppendMessage>,
    /// Where in the command the last of them begins.
    last_at: usize,
}

/// The message that goes: its sequence number or UID, `None` for `*`.
pub type Replaced = (Numbering, Option<NonZeroU32>);

/// Where in an APPEND or REPLACE a reader is.
struct Reading {
    /// The command goes no further than to a literal that is being announced.
    so_far: bool,
    /// That literal has been read.
    at_end: bool,
}

/// Reads an APPEND or REPLACE up to a message literal that is announced; what comes before
/// it: [`crate::wire::Wire::command_so_far`]. With what was read of it `before` the last literal, only what has
/// come since is read, so that each of many messages costs the same.
///
/// # Errors
/// [`SyntaxError`] if it is neither, or breaks the grammar before the literal.
pub fn append_start(
    before: Option<AppendStart>,
    command_so_far: &[u8],
    literal: &LiteralStart,
) -> core::result::Result<AppendStart, SyntaxError> {
    let mut command = command_so_far.to_vec();
    literal.write(&mut command);
    let c = &mut Cursor::new(&command);
    read_on(c, before).map_err(|fault| grammar(None, fault))
}

fn read_on(c: &mut Cursor<'_>, before: Option<AppendStart>) -> Result<AppendStart> {
    let mut start = if let Some(mut before) = before {
        // Of the last, only a part may have been there.
        before.messages.pop();
        c.go_to(before.last_at);
        before
    } else {
        let (tag, replaces, mailbox) = head(c)?;
        AppendStart {
            tag,
            replaces,
            mailbox,
            messages: Vec::new(),
            last_at: 0,
        }
    };
    let mut reading = Reading {
        so_far: true,
        at_end: false,
    };
    loop {
        start.last_at = c.at();
        start.messages.push(append_message(c, &mut reading)?);
        if reading.at_end {
            return Ok(start);
        }
        c.sp("a message")?;
    }
}

/// Whether a literal after what has come of a command has octets of a message: it is an APPEND or REPLACE
/// that has got beyond its mailbox, and the literal is neither a URL nor the value of an annotation. Costs the same however long the
/// command is.
pub(crate) fn takes_message(command_so_far: &[u8]) -> bool {
    let c = &mut Cursor::new(command_so_far);
    if head(c).is_err() {
        return false;
    }
    let rest = c.rest().trim_ascii_end();
    let is_url = rest.len().checked_sub(3).and_then(|at| {
        let (before, word) = rest.split_at(at);
        let is_word = word.eq_ignore_ascii_case(b"URL");
        (is_word && matches!(before.last(), Some(b' ' | b'('))).then_some(())
    });
    is_url.is_none() && !is_value_of_annotation(rest)
}

/// Whether an attribute's name ends what has come after the mailbox: no message follows on one.
fn is_value_of_annotation(rest: &[u8]) -> bool {
    let name = rest.strip_suffix(b"\"").unwrap_or(rest);
    let end = |suffix: &str| name.ends_with(suffix.as_bytes());
    AnnotationScope::EVERY
        .into_iter()
        .any(|scope| end(scope.suffix()))
}

/// Up to the mailbox, and the space after it.
fn head(c: &mut Cursor<'_>) -> Result<(String, Option<Replaced>, Mailbox)> {
    let tag = tag(c)?.to_string();
    c.sp("the tag")?;
    let replaces = if c.eat_word("APPEND") {
        None
    } else {
        let numbering = if c.eat_word("UID") {
            c.sp("UID")?;
            Numbering::Uid
        } else {
            Numbering::Sequence
        };
        if !c.eat_word("REPLACE") {
            return c.expected("APPEND or REPLACE");
        }
        Some((numbering, seq_number(c)?))
    };
    let mailbox = mailbox::one(c)?;
    c.sp("the mailbox name")?;
    Ok((tag, replaces, mailbox))
}

// append = "APPEND" SP mailbox 1*append-message
pub(super) fn append(c: &mut Cursor<'_>) -> Result<Command> {
    let mailbox = mailbox::one(c)?;
    c.sp("the mailbox name")?;
    let mut messages = Vec::new();
    loop {
        messages.push(append_message(c, &mut Reading::whole())?);
        if !c.more() {
            break;
        }
    }
    Ok(Command::Authenticated(Authenticated::Append(Append {
        mailbox,
        messages,
    })))
}

// replace = "REPLACE" SP seq-number SP mailbox append-message
pub(super) fn replace(c: &mut Cursor<'_>, numbering: Numbering) -> Result<Command> {
    let message = seq_number(c)?;
    let mailbox = mailbox::one(c)?;
    c.sp("the mailbox name")?;
    let replacement = append_message(c, &mut Reading::whole())?;
    Ok(Command::Selected(Selected::Replace(Box::new(Replace {
        numbering,
        message,
        mailbox,
        replacement,
    }))))
}

// seq-number = nz-number / "*"
fn seq_number(c: &mut Cursor<'_>) -> Result<Option<NonZeroU32>> {
    c.sp("REPLACE")?;
    if c.eat(b'*') {
        return Ok(None);
    }
    c.nz_number("the number of a message").map(Some)
}

// append-message = [SP flag-list] [SP date-time] *(SP append-ext) SP append-data
// append-ext =/ att-annotate
fn append_message(c: &mut Cursor<'_>, reading: &mut Reading) -> Result<AppendMessage> {
    let mut flags = Vec::new();
    if c.peek() == Some(b'(') {
        flags = flags::flag_list(c)?;
        c.sp("the flags")?;
    }
    let mut date = None;
    if c.peek() == Some(b'"') {
        date = Some(date::date_time(c)?);
        c.sp("the date and time")?;
    }
    let mut annotations = Vec::new();
    while c.eat_word("ANNOTATION") {
        annotations.extend(annotation::att_annotate(c)?);
        c.sp("the annotations")?;
    }
    Ok(AppendMessage {
        flags,
        date,
        annotations,
        data: append_data(c, reading)?,
    })
}

// append-data = literal / literal8 / utf8-literal / "CATENATE" SP "(" cat-part *(SP cat-part) ")"
fn append_data(c: &mut Cursor<'_>, reading: &mut Reading) -> Result<AppendData> {
    if !c.eat_word("CATENATE") {
        return message_literal(c, reading).map(AppendData::Message);
    }
    c.sp("CATENATE")?;
    c.expect(b'(', "'(' after CATENATE")?;
    let mut parts = Vec::new();
    loop {
        c.skip_spaces();
        parts.push(cat_part(c, reading)?);
        if reading.at_end {
            break;
        }
        c.skip_spaces();
        if c.eat(b')') {
            break;
        }
        if !matches!(c.peek(), Some(b'T' | b't' | b'U' | b'u')) {
            return c.expected("TEXT, URL, UTF8, or ')' after the parts of CATENATE");
        }
    }
    Ok(AppendData::Catenate(parts))
}

// cat-part = text-literal / url / utf8-literal
fn cat_part(c: &mut Cursor<'_>, reading: &mut Reading) -> Result<CatPart> {
    if c.eat_word("URL") {
        c.sp("URL")?;
        return c.astring("a URL").map(CatPart::Url);
    }
    // text-literal = "TEXT" SP literal; with BINARY, of any octets.
    if c.eat_word("TEXT") {
        c.sp("TEXT")?;
        return plain_or_binary(c, reading).map(CatPart::Text);
    }
    let mut ahead = c.clone();
    if ahead.eat_word("UTF8") {
        return message_literal(c, reading).map(CatPart::Text);
    }
    c.expected("TEXT, URL or UTF8")
}

// utf8-literal = "UTF8" SP "(" literal8 ")"
fn message_literal(c: &mut Cursor<'_>, reading: &mut Reading) -> Result<MessageLiteral> {
    if !c.eat_word("UTF8") {
        return plain_or_binary(c, reading);
    }
    c.sp("UTF8")?;
    c.expect(b'(', "'(' after UTF8")?;
    c.expect(b'~', "a literal that begins with '~' after UTF8")?;
    let size = c.literal_head()?;
    if !reading.ends(c) {
        c.skip_spaces();
        c.expect(b')', "')' after the message")?;
    }
    let kind = LiteralKind::Utf8;
    Ok(MessageLiteral { size, kind })
}

fn plain_or_binary(c: &mut Cursor<'_>, reading: &mut Reading) -> Result<MessageLiteral> {
    let kind = if c.eat(b'~') {
        LiteralKind::Binary
    } else {
        LiteralKind::Plain
    };
    if c.peek() != Some(b'{') {
        return c.expected("a message as a literal");
    }
    let size = c.literal_head()?;
    reading.ends(c);
    Ok(MessageLiteral { size, kind })
}

impl Reading {
    /// Of a command that is all there.
    const fn whole() -> Self {
        Self {
            so_far: false,
            at_end: false,
        }
    }

    /// A message literal was read: whether it is the one that is being announced.
    fn ends(&mut self, c: &Cursor<'_>) -> bool {
        self.at_end = self.so_far && c.peek().is_none();
        self.at_end
    }
}
