//! SETACL, DELETEACL, GETACL, LISTRIGHTS and MYRIGHTS: RFC 4314 §7.

use alloc::{string::String, vec::Vec};

use super::{
    cursor::{Cursor, Result, fault_at},
    mailbox::one,
};
use crate::command::{Acl, Authenticated, Command, ModRights};

// setacl = "SETACL" SP mailbox SP identifier SP mod-rights
pub(super) fn setacl(c: &mut Cursor<'_>) -> Result<Command> {
    let mailbox = one(c)?;
    let identifier = identifier(c)?;
    c.sp("the identifier")?;
    let rights = mod_rights(c)?;
    Ok(command(Acl::Set {
        mailbox,
        identifier,
        rights,
    }))
}

// deleteacl = "DELETEACL" SP mailbox SP identifier
pub(super) fn deleteacl(c: &mut Cursor<'_>) -> Result<Command> {
    let mailbox = one(c)?;
    let identifier = identifier(c)?;
    Ok(command(Acl::Delete {
        mailbox,
        identifier,
    }))
}

// getacl = "GETACL" SP mailbox
pub(super) fn getacl(c: &mut Cursor<'_>) -> Result<Command> {
    Ok(command(Acl::Get(one(c)?)))
}

// listrights = "LISTRIGHTS" SP mailbox SP identifier
pub(super) fn listrights(c: &mut Cursor<'_>) -> Result<Command> {
    let mailbox = one(c)?;
    let identifier = identifier(c)?;
    Ok(command(Acl::ListRights {
        mailbox,
        identifier,
    }))
}

// myrights = "MYRIGHTS" SP mailbox
pub(super) fn myrights(c: &mut Cursor<'_>) -> Result<Command> {
    Ok(command(Acl::MyRights(one(c)?)))
}

fn command(acl: Acl) -> Command {
    Command::Authenticated(Authenticated::Acl(acl))
}

// identifier = astring
fn identifier(c: &mut Cursor<'_>) -> Result<Vec<u8>> {
    c.sp("the mailbox name")?;
    c.astring("an identifier")
}

// mod-rights = astring: "+" rights, "-" rights, or rights
fn mod_rights(c: &mut Cursor<'_>) -> Result<ModRights> {
    let start = c.at();
    let sent = c.astring("the rights")?;
    let (action, letters): (fn(String) -> ModRights, _) = match sent.split_first() {
        Some((b'+', letters)) => (ModRights::Add, letters),
        Some((b'-', letters)) => (ModRights::Remove, letters),
        _ => (ModRights::Replace, &*sent),
    };
    // rights = astring: only lowercase ASCII letters and digits are allowed
    if letters.iter().any(u8::is_ascii_uppercase) {
        return fault_at(start, "uppercase rights are not allowed");
    }
    let mut rights = String::with_capacity(letters.len());
    for &letter in letters {
        if !letter.is_ascii_lowercase() && !letter.is_ascii_digit() {
            return fault_at(start, "rights are letters and digits");
        }
        rights.push(letter.into());
    }
    Ok(action(rights))
}
