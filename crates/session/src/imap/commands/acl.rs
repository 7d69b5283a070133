//! SETACL, DELETEACL, GETACL, LISTRIGHTS and MYRIGHTS: RFC 4314 §3.
//!
//! What a client may not know of is answered as if it were not there, before anything is said of identifiers
//! (§6).

use auth::Directory;
use imap::{
    command::{self, Mailbox, ModRights},
    encode,
};
use store::{Identifier, Rights, RightsChange, Who};

use crate::{
    Outlet,
    imap::{
        identifier::{self, Written},
        names,
        reach::Found,
        refusal::{Done, Outcome, Refusal},
        state::{Enabled, User},
        wording::Text,
    },
};

/// Answers any of them.
pub(crate) async fn acl(
    user: &User,
    enabled: Enabled,
    command: &command::Acl,
    out: &mut impl Outlet,
) -> Outcome {
    use command::Acl as C;
    match command {
        C::Set {
            mailbox,
            identifier,
            rights,
        } => {
            let whose = Written::new(identifier)?;
            let change = change(rights)?;
            set(user, enabled, mailbox, (&whose, change)).await?;
            Ok(Done::new("SETACL completed"))
        }
        C::Delete {
            mailbox,
            identifier,
        } => {
            let whose = Written::new(identifier)?;
            let change = RightsChange::Replace(Rights::NONE);
            set(user, enabled, mailbox, (&whose, change)).await?;
            Ok(Done::new("DELETEACL completed"))
        }
        C::Get(mailbox) => {
            let found = administered(user, enabled, mailbox).await?;
            get(user, enabled, &found, out.buffer());
            Ok(Done::new("GETACL completed"))
        }
        C::ListRights {
            mailbox,
            identifier,
        } => {
            let whose = Written::new(identifier)?;
            let found = administered(user, enabled, mailbox).await?;
            let directory = user.reach.directory();
            let who = whose.identifier(directory, &found.account, &found.mailbox.acl())?;
            let required = required(directory, &found, &who);
            let optional = optional(required);
            let name = user.reach.written(found.account.id(), found.mailbox.name());
            encode::list_rights(
                out.buffer(),
                (&name, enabled.names()),
                identifier,
                &required.with_obsolete(),
                optional.iter().map(String::as_str),
            );
            Ok(Done::new("LISTRIGHTS completed"))
        }
        C::MyRights(mailbox) => {
            let place = names::place(user, enabled, mailbox).await?;
            let found = place.with_any(Rights::ANY)?;
            let rights = found.account.rights(&found.mailbox);
            let name = user.reach.written(found.account.id(), found.mailbox.name());
            my_rights(&name, rights, enabled, out);
            Ok(Done::new("MYRIGHTS completed"))
        }
    }
}

/// Writes a MYRIGHTS response.
pub(crate) fn my_rights(name: &str, rights: Rights, enabled: Enabled, out: &mut impl Outlet) {
    encode::my_rights(out.buffer(), name, enabled.names(), &rights.with_obsolete());
}

/// A mailbox whose list the user may read and change.
async fn administered(user: &User, enabled: Enabled, mailbox: &Mailbox) -> Result<Found, Refusal> {
    let place = names::place(user, enabled, mailbox).await?;
    Ok(place.with(Rights::ADMINISTER)?)
}

async fn set(
    user: &User,
    enabled: Enabled,
    mailbox: &Mailbox,
    (whose, change): (&Written, RightsChange),
) -> Result<(), Refusal> {
    let Found { account, mailbox } = administered(user, enabled, mailbox).await?;
    let who = whose.identifier(user.reach.directory(), &account, &mailbox.acl())?;
    account.change_rights(mailbox.id(), &who, change).await?;
    Ok(())
}

fn get(user: &User, enabled: Enabled, found: &Found, out: &mut Vec<u8>) {
    let directory = user.reach.directory();
    let acl = found.mailbox.acl();
    let entries: Vec<(String, String)> = acl
        .entries()
        .filter_map(|(who, rights)| {
            let written = identifier::written(directory, &found.account, who)?;
            // What can't be taken away is there, too.
            let rights = if who.negative {
                rights
            } else {
                rights.with(required(directory, found, who))
            };
            Some((written, rights.with_obsolete()))
        })
        .collect();
    let name = user.reach.written(found.account.id(), found.mailbox.name());
    let entries = entries.iter().map(|(who, rights)| (&**who, &**rights));
    encode::acl(out, &name, enabled.names(), entries);
}

/// What an identifier has on a mailbox whatever its list says.
fn required(directory: &Directory, found: &Found, identifier: &Identifier) -> Rights {
    if identifier.negative {
        return Rights::NONE;
    }
    match &identifier.who {
        Who::Owner => Rights::OF_OWNERS,
        Who::Account(account) => {
            let domain = directory.domain_of_account(found.account.id().0);
            let account = directory.by_id(account.0);
            let administers = domain.zip(account);
            if administers.is_some_and(|(domain, account)| account.roles.administers(&domain)) {
                Rights::OF_ADMINISTRATORS
            } else {
                Rights::NONE
            }
        }
        Who::Anyone | Who::Anonymous | Who::Authenticated | Who::Group(_) => Rights::NONE,
    }
}

/// Every right that is not required, each by itself, with those of RFC 2086 that came to be others: none is said
/// twice (RFC 4314 §2.1.1, §3.7).
fn optional(required: Rights) -> Vec<String> {
    let said = required.with_obsolete();
    let all = Rights::ALL.with_obsolete();
    let left = all.chars().filter(|letter| !said.contains(*letter));
    left.map(String::from).collect()
}

/// What SETACL makes of an entry.
///
/// # Errors
/// BAD for what is no right (RFC 4314 §3.1).
fn change(rights: &ModRights) -> Result<RightsChange, Refusal> {
    let read = |letters: &str| {
        Rights::parse(letters).map_err(|letter| {
            let text = Text::with("There is no right {}", [letter.to_string().into()]);
            Refusal::bad(text)
        })
    };
    Ok(match rights {
        ModRights::Replace(letters) => RightsChange::Replace(read(letters)?),
        ModRights::Add(letters) => RightsChange::Add(read(letters)?),
        ModRights::Remove(letters) => RightsChange::Remove(read(letters)?),
    })
}
