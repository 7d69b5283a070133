//! GETQUOTA, GETQUOTAROOT and SETQUOTA: RFC 9208 §7.

use alloc::{string::String, vec::Vec};

use super::{
    cursor::{Cursor, Result, fault_at, upper},
    mailbox,
};
use crate::command::{Authenticated, Command, Mailbox};

/// The most resources of a SETQUOTA: four are registered.
const RESOURCES_MAX: usize = 100;

// getquota = "GETQUOTA" SP quota-root-name
pub(super) fn getquota(c: &mut Cursor<'_>) -> Result<Command> {
    quota_root_name(c)
        .map(Authenticated::GetQuota)
        .map(Command::Authenticated)
}

// getquotaroot = "GETQUOTAROOT" SP mailbox
pub(super) fn getquotaroot(c: &mut Cursor<'_>) -> Result<Command> {
    mailbox::one(c)
        .map(Authenticated::GetQuotaRoot)
        .map(Command::Authenticated)
}

// setquota = "SETQUOTA" SP quota-root-name SP setquota-list
// setquota-list = "(" [setquota-resource *(SP setquota-resource)] ")"
pub(super) fn setquota(c: &mut Cursor<'_>) -> Result<Command> {
    let root = quota_root_name(c)?;
    c.sp("the name of the quota root")?;
    let mut limits: Vec<(String, u64)> = Vec::new();
    c.list("the limits", |c| {
        let start = c.at();
        if limits.len() >= RESOURCES_MAX {
            return fault_at(start, "too many resources");
        }
        let (name, limit) = setquota_resource(c)?;
        if limits.iter().any(|(other, _)| *other == name) {
            return fault_at(start, "a resource twice");
        }
        limits.push((name, limit));
        Ok(())
    })?;
    Ok(Command::Authenticated(Authenticated::SetQuota {
        root,
        limits,
    }))
}

// quota-root-name = astring
fn quota_root_name(c: &mut Cursor<'_>) -> Result<Mailbox> {
    c.sp("the name of the command")?;
    c.astring("the name of a quota root").map(Mailbox)
}

// setquota-resource = resource-name SP resource-limit
// resource-name = "STORAGE" / "MESSAGE" / "MAILBOX" / "ANNOTATION-STORAGE" / resource-name-ext
// resource-name-ext = atom; resource-limit = number64
fn setquota_resource(c: &mut Cursor<'_>) -> Result<(String, u64)> {
    let name = upper(c.atom("the name of a resource")?);
    c.sp("the name of a resource")?;
    Ok((name, c.number64("a limit")?))
}
