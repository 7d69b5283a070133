//! Lists of rights as they lie in the log and in checkpoints.

use crate::{
    change::form::read_bool,
    id::AccountId,
    octets::{Malformed, Octets, put_len, put_octets, put_u64},
    rights::{Acl, Identifier, Rights, Who},
};

/// Added to the kind of an identifier that takes rights.
const NEGATIVE: u8 = 16;

/// A list after a 1, or 0 for none.
pub(crate) fn put_acl(into: &mut Vec<u8>, acl: Option<&Acl>) {
    into.push(u8::from(acl.is_some()));
    let Some(acl) = acl else { return };
    put_len(into, acl.len());
    for (identifier, rights) in acl.entries() {
        put_identifier(into, identifier);
        put_u64(into, rights.0.into());
    }
}

pub(crate) fn read_acl(read: &mut Octets<'_>) -> Result<Option<Acl>, Malformed> {
    if !read_bool(read)? {
        return Ok(None);
    }
    let entries = (0..read.count(2)?).map(|_| Ok((read_identifier(read)?, read_rights(read)?)));
    entries.collect::<Result<Acl, _>>().map(Some)
}

fn put_identifier(into: &mut Vec<u8>, identifier: &Identifier) {
    let kind = match &identifier.who {
        Who::Anyone => 0,
        Who::Anonymous => 1,
        Who::Authenticated => 2,
        Who::Owner => 3,
        Who::Account(_) => 4,
        Who::Group(_) => 5,
    };
    into.push(kind + if identifier.negative { NEGATIVE } else { 0 });
    match &identifier.who {
        Who::Account(AccountId(account)) => put_u64(into, *account),
        Who::Group(group) => put_octets(into, group.as_bytes()),
        Who::Anyone | Who::Anonymous | Who::Authenticated | Who::Owner => {}
    }
}

fn read_identifier(read: &mut Octets<'_>) -> Result<Identifier, Malformed> {
    let octet = read.u8()?;
    let negative = octet >= NEGATIVE;
    let who = match octet - if negative { NEGATIVE } else { 0 } {
        0 => Who::Anyone,
        1 => Who::Anonymous,
        2 => Who::Authenticated,
        3 => Who::Owner,
        4 => Who::Account(AccountId(read.u64()?)),
        5 => Who::Group(read.str()?.into()),
        _ => return Err(Malformed("no such identifier")),
    };
    Ok(Identifier { negative, who })
}

fn read_rights(read: &mut Octets<'_>) -> Result<Rights, Malformed> {
    let rights = Rights(read.u32()?);
    if Rights::ALL.contains(rights) {
        Ok(rights)
    } else {
        Err(Malformed("no such right"))
    }
}
