//! Quotas as they lie in the log and in checkpoints. Layout: `docs/store-format-batches.md`.

use super::{LIMIT_MAX, Limits, Quota, Resource};
use crate::{
    change::{put_name, read_bool, read_name},
    name::MailboxName,
    octets::{Malformed, Octets, put_u64},
};

/// There is a quota.
const THERE: u8 = 1;
/// An administrator has set it.
const ADMINISTERED: u8 = 2;
/// There is a limit of the first resource; the bits of the others follow.
const FIRST_LIMIT: u8 = 4;

/// A set of bits that says which limits there are, and those.
pub(crate) fn put_quota(into: &mut Vec<u8>, quota: Option<Quota>) {
    let Some(quota) = quota else {
        return into.push(0);
    };
    let mut bits = THERE;
    if quota.administered {
        bits |= ADMINISTERED;
    }
    for (n, resource) in Resource::EVERY.into_iter().enumerate() {
        if quota.limits.get(resource).is_some() {
            bits |= FIRST_LIMIT << n;
        }
    }
    into.push(bits);
    for (_, limit) in quota.limits.every() {
        put_u64(into, limit);
    }
}

pub(crate) fn read_quota(read: &mut Octets<'_>) -> Result<Option<Quota>, Malformed> {
    let bits = read.u8()?;
    if bits == 0 {
        return Ok(None);
    }
    if bits & THERE == 0 || bits >= FIRST_LIMIT << Resource::EVERY.len() {
        return Err(Malformed("no such quota"));
    }
    let mut limits = Limits::default();
    for (n, resource) in Resource::EVERY.into_iter().enumerate() {
        if bits & FIRST_LIMIT << n != 0 {
            let limit = read.u64()?;
            if limit > LIMIT_MAX {
                return Err(Malformed("a limit of more than 63 bits"));
            }
            limits.set(resource, Some(limit));
        }
    }
    Ok(Some(Quota {
        limits,
        administered: bits & ADMINISTERED != 0,
    }))
}

/// The name of a quota root after a 1, or 0 for the account.
pub(crate) fn put_root_name(into: &mut Vec<u8>, name: Option<&MailboxName>) {
    into.push(u8::from(name.is_some()));
    if let Some(name) = name {
        put_name(into, name);
    }
}

pub(crate) fn read_root_name(read: &mut Octets<'_>) -> Result<Option<MailboxName>, Malformed> {
    let there = read_bool(read)?;
    there.then(|| read_name(read)).transpose()
}
