//! APPEND: RFC 9051 §6.3.12, of several messages: RFC 3502.
//!
//! The octets of message literals are not in the buffer ([`crate::wire`]).

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use super::{
    SyntaxError,
    cursor::{Cursor, Result},
    date, flags, grammar, mailbox, tag,
};
use crate::command::{Append, AppendMessage, Authenticated, Command, Mailbox};

/// What is known of an APPEND when its first message is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendStart {
    /// The command's tag.
    pub tag: String,
    /// Where the message is to go.
    pub mailbox: Mailbox,
}

/// Reads the beginning of an APPEND up to the first message literal:
/// [`crate::wire::Wire::command_so_far`].
///
/// # Errors
/// [`SyntaxError`] if it is not an APPEND that has got beyond its mailbox.
pub fn append_start(command_so_far: &[u8]) -> core::result::Result<AppendStart, SyntaxError> {
    let c = &mut Cursor::new(command_so_far);
    let read = |c: &mut Cursor<'_>| -> Result<AppendStart> {
        let tag = tag(c)?;
        c.sp("the tag")?;
        if !c.eat_word("APPEND") {
            return c.expected("APPEND");
        }
        let mailbox = mailbox::one(c)?;
        c.sp("the mailbox name")?;
        Ok(AppendStart {
            tag: tag.to_string(),
            mailbox,
        })
    };
    read(c).map_err(|fault| grammar(None, fault))
}

// append = "APPEND" SP mailbox 1*append-message
pub(super) fn append(c: &mut Cursor<'_>) -> Result<Command> {
    let mailbox = mailbox::one(c)?;
    c.sp("the mailbox name")?;
    let mut messages = Vec::new();
    loop {
        messages.push(append_message(c, messages.len())?);
        if !c.more() {
            break;
        }
    }
    Ok(Command::Authenticated(Authenticated::Append(Append {
        mailbox,
        messages,
    })))
}

// append-message = [SP flag-list] [SP date-time] SP append-data
fn append_message(c: &mut Cursor<'_>, literal: usize) -> Result<AppendMessage> {
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
    let (size, binary) = append_data(c)?;
    Ok(AppendMessage {
        flags,
        date,
        literal,
        size,
        binary,
    })
}

// append-data = literal / literal8 / "UTF8" SP "(" literal8 ")"
fn append_data(c: &mut Cursor<'_>) -> Result<(u64, bool)> {
    if c.eat_word("UTF8") {
        c.sp("UTF8")?;
        c.expect(b'(', "'(' after UTF8")?;
        c.expect(b'~', "a literal that begins with '~' after UTF8")?;
        let size = c.literal_head()?;
        c.skip_spaces();
        c.expect(b')', "')' after the message")?;
        return Ok((size, true));
    }
    let binary = c.eat(b'~');
    if c.peek() != Some(b'{') {
        return c.expected("a message as a literal");
    }
    Ok((c.literal_head()?, binary))
}
