//! GETMETADATA and SETMETADATA: RFC 5464, and METADATA of LIST: RFC 9590.

use std::{collections::BTreeSet, sync::Arc};

use imap::{
    command::{Depth, GetMetadata, Mailbox},
    encode,
    name::Encoding,
    response::{Code, MetadataCode},
};
use store::{
    Account, AccountId, Metadata,
    metadata::{EXPIRE, Entry, METADATA, SPECIAL_USE, write_time},
    rights::{Actor, Rights},
};

use super::{create, cyrus};
use crate::{
    FLUSH_AT, Gone, Outlet, Site,
    imap::{
        names,
        reach::Found,
        refusal::{Done, Outcome, Refusal},
        search::filters,
        state::{Enabled, User},
        sync::flush_if_full,
        tree::Listed,
    },
};

/// The server's entry that only its configuration sets.
const ADMIN: &str = "/shared/admin";
/// The server's entry that its configuration may set.
const COMMENT: &str = "/shared/comment";

/// What has metadata.
#[derive(Debug, Clone)]
enum Target {
    /// The server, as the user has it.
    Server,
    /// A mailbox.
    Mailbox(Found),
}

/// An entry that is there: its name as it was spelt, and its value.
type There = (Arc<str>, Arc<[u8]>);

/// An entry as it is told: its name, and its value if it has one.
type Told<'a> = (&'a str, Option<&'a [u8]>);

/// An entry as it is to be.
type Wished = (String, Option<Vec<u8>>);

/// Answers GETMETADATA.
pub(crate) async fn get(
    user: &User,
    enabled: Enabled,
    get: &GetMetadata,
    out: &mut impl Outlet,
) -> Outcome {
    let target = target(user, enabled, &get.mailbox).await?;
    may_read(&target)?;
    let there = there(user, &target, &get.entries);
    let (found, long) = choose(&there, &get.entries, (get.depth, get.size_max));
    write(&target.name(user), enabled, &found, out).await?;
    let done = Done::new("GETMETADATA completed");
    Ok(match long {
        None => done,
        Some(octets) => Done {
            code: Some(Code::Metadata(MetadataCode::LongEntries(octets))),
            ..done
        },
    })
}

/// Writes what LIST is to tell of a mailbox's metadata.
pub(crate) async fn list(
    user: &User,
    enabled: Enabled,
    (listed, entries): (&Listed, &[String]),
    out: &mut impl Outlet,
) -> Result<(), Gone> {
    if entries.is_empty() {
        return Ok(());
    }
    let target = Target::Mailbox(Found {
        account: (*listed.account).clone(),
        mailbox: Arc::clone(&listed.mailbox),
    });
    if may_read(&target).is_err() {
        return Ok(());
    }
    let there = there(user, &target, entries);
    let (found, _) = choose(&there, entries, (Depth::Zero, None));
    write(&target.name(user), enabled, &found, out).await
}

/// Answers SETMETADATA: all of it or nothing.
pub(crate) async fn set(
    user: &User,
    enabled: Enabled,
    (mailbox, entries): (&Mailbox, Vec<Wished>),
) -> Outcome {
    let target = target(user, enabled, mailbox).await?;
    let max = user.site.metadata;
    for (name, value) in &entries {
        if let Target::Server = target
            && name.eq_ignore_ascii_case(ADMIN)
        {
            return Err(Refusal::no(Code::NoPerm, "Only its administrator changes that").into());
        }
        if value.as_ref().is_some_and(|it| it.len() > max.value_octets) {
            let code = Code::Metadata(MetadataCode::MaxSize(max.value_octets as u64));
            return Err(Refusal::no(code, "That value is too long").into());
        }
        if let Target::Mailbox(found) = &target
            && name.eq_ignore_ascii_case(SPECIAL_USE)
        {
            may_be_used(&found.mailbox, value.as_deref())?;
        }
        if let Target::Mailbox(_) = target
            && cyrus::is_fixed(name)
        {
            return Err(Refusal::no(Code::Cannot, "Nobody sets that").into());
        }
    }
    let entries: Vec<Entry> = entries
        .into_iter()
        .map(|(name, value)| Entry {
            name: name.into(),
            value: value.map(Arc::from),
        })
        .collect();
    if let Target::Server = target {
        entries.iter().try_for_each(filters::check)?;
    }
    let id = target.mailbox().map(|mailbox| mailbox.id());
    let account = target.account(user);
    let set = account.set_metadata(id, account.reader(), &entries, max.together);
    match set.await {
        Ok(_) => Ok(Done::new("SETMETADATA completed")),
        Err(store::Error::Limit(METADATA)) => {
            let code = Code::Metadata(MetadataCode::TooMany);
            Err(Refusal::no(code, "There are too many entries").into())
        }
        Err(error) => Err(error.into()),
    }
}

/// RFC 6154 §4: what CREATE may not ask for can't be set either. INBOX is for new mail.
fn may_be_used(mailbox: &store::Mailbox, attributes: Option<&[u8]>) -> Result<(), Refusal> {
    let Some(attributes) = attributes else {
        return Ok(());
    };
    let attributes = String::from_utf8_lossy(attributes);
    let attributes: Vec<String> = attributes.split(' ').map(str::to_owned).collect();
    create::role(&attributes)?;
    if mailbox.name().is_inbox() {
        let text = "There is no such special use here";
        return Err(Refusal::no(Code::UseAttr, text));
    }
    Ok(())
}

impl Target {
    /// Its name in responses.
    fn name(&self, user: &User) -> String {
        match self {
            Self::Server => String::new(),
            Self::Mailbox(Found { account, mailbox }) => {
                user.reach.written(account.id(), mailbox.name())
            }
        }
    }

    fn mailbox(&self) -> Option<&Arc<store::Mailbox>> {
        match self {
            Self::Server => None,
            Self::Mailbox(found) => Some(&found.mailbox),
        }
    }

    /// Whose it is: the server's metadata are kept by every account for itself.
    fn account<'a>(&'a self, user: &'a User) -> &'a Account {
        match self {
            Self::Server => &user.account,
            Self::Mailbox(found) => &found.account,
        }
    }
}

/// What a client means, as far as the user may know of it.
async fn target(user: &User, enabled: Enabled, mailbox: &Mailbox) -> Result<Target, Refusal> {
    Ok(if mailbox.0.is_empty() {
        Target::Server
    } else {
        Target::Mailbox(names::find(user, enabled, mailbox).await?)
    })
}

/// Who may read metadata: RFC 5464 §3.3. Who may set it is the store's to say.
fn may_read(target: &Target) -> Result<(), Refusal> {
    let Target::Mailbox(Found { account, mailbox }) = target else {
        return Ok(());
    };
    if account.rights(mailbox).intersects(Rights::FOR_METADATA) || account.actor().administers() {
        return Ok(());
    }
    Err(store::Error::NoRight(Rights::READ).into())
}

/// All entries that a user sees, by their names in lower case.
fn there(user: &User, target: &Target, asked: &[String]) -> Vec<(String, There)> {
    let snapshot = user.account.snapshot();
    let (metadata, reader) = match target {
        Target::Server => (snapshot.metadata(), None),
        Target::Mailbox(found) => (found.mailbox.metadata(), found.account.reader()),
    };
    let mut there: Vec<_> = shown(metadata, reader)
        .map(|(name, value)| (name.to_ascii_lowercase(), (name.clone(), value.clone())))
        .collect();
    let mut add = |name: &str, value: String| {
        let value = Arc::from(value.as_bytes());
        there.push((name.to_owned(), (name.into(), value)));
    };
    match target {
        Target::Server => of_site(&user.site, &mut there),
        Target::Mailbox(Found { account, mailbox }) => {
            if let Some(role) = mailbox.role().filter(|_| gives_use(account)) {
                add(SPECIAL_USE, role.attribute().to_owned());
            }
            if let Some(expiry) = mailbox.expiry() {
                add(EXPIRE, write_time(expiry.age_seconds.unwrap_or(0)));
            }
            if cyrus::is_asked_for(asked) {
                let id = user.reach.ids(account.id()).told(mailbox.id());
                cyrus::entries((account, mailbox), &id.to_string(), &mut add);
            }
        }
    }
    there.sort_unstable();
    there
}

/// Whether a mailbox's special use is this user's affair: its owner's, and an administrator's.
fn gives_use(account: &Account) -> bool {
    account.reader().is_none()
        || matches!(account.actor(), Actor::User(person) if person.administrator)
}

/// The entries that are for a client: shared ones, and those that are private to its user, who may be another than
/// the account's own.
fn shown(
    metadata: &Metadata,
    reader: Option<AccountId>,
) -> impl Iterator<Item = (&Arc<str>, &Arc<[u8]>)> {
    let is_private = |name: &str| {
        let first = name.get(..9);
        first.is_some_and(|first| first.eq_ignore_ascii_case("/private/"))
    };
    let seen = move |owner: Option<AccountId>, name: &str| {
        if is_private(name) {
            owner == reader
        } else {
            owner.is_none() && name.starts_with('/')
        }
    };
    let every = metadata.every();
    every
        .filter(move |(owner, name, _)| seen(*owner, name))
        .map(|(_, name, value)| (name, value))
}

/// What the configuration sets.
fn of_site(site: &Site, there: &mut Vec<(String, There)>) {
    for (name, value) in [(ADMIN, &site.admin), (COMMENT, &site.comment)] {
        let Some(value) = value else { continue };
        if !there.iter().any(|(has, _)| has == name) {
            let value = Arc::from(value.as_bytes());
            there.push((name.to_owned(), (name.into(), value)));
        }
    }
}

/// What the client asked for, spelt as it did, and the octets of the largest value that it does not want.
fn choose<'a>(
    there: &'a [(String, There)],
    asked: &'a [String],
    (depth, size_max): (Depth, Option<u64>),
) -> (Vec<Told<'a>>, Option<u64>) {
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    let mut long = None;
    for spelt in asked {
        let asked = spelt.to_ascii_lowercase();
        // Those that begin with it are together, and it is the first of them.
        let from = there.partition_point(|(name, _)| *name < asked);
        let nearby = there.iter().skip(from);
        let nearby = nearby.take_while(|(name, _)| name.starts_with(&asked));
        let mut is_there = false;
        for (name, (as_set, value)) in nearby {
            let below = name.get(asked.len()..).unwrap_or_default();
            is_there |= below.is_empty();
            if !within(below, depth) || !told.insert(name) {
                continue;
            }
            let octets = value.len() as u64;
            if size_max.is_some_and(|max| octets > max) {
                long = long.max(Some(octets));
                continue;
            }
            let name = if below.is_empty() { spelt } else { &**as_set };
            found.push((name, Some(&**value)));
        }
        if !is_there && depth == Depth::Zero {
            found.push((spelt, None));
        }
    }
    (found, long)
}

/// Whether an entry is wanted: by what its name has after that of the one that was asked for.
fn within(below: &str, depth: Depth) -> bool {
    match below.strip_prefix('/') {
        None => below.is_empty(),
        Some(below) => match depth {
            Depth::Zero => false,
            Depth::One => !below.contains('/'),
            Depth::Infinity => true,
        },
    }
}

/// Writes METADATA responses: as many as it takes so that none is much longer than what is sent at once.
async fn write(
    name: &str,
    enabled: Enabled,
    mut entries: &[Told<'_>],
    out: &mut impl Outlet,
) -> Result<(), Gone> {
    let encoding: Encoding = enabled.names();
    while !entries.is_empty() {
        let mut octets = 0;
        let some = entries.iter().take_while(|(_, value)| {
            let first = octets == 0;
            octets += 1 + value.map_or(0, <[u8]>::len);
            first || octets <= FLUSH_AT
        });
        let (some, rest) = entries.split_at(some.count());
        encode::metadata(out.buffer(), name, encoding, some.iter().copied());
        flush_if_full(out).await?;
        entries = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_size_choose_what_is_told() {
        let names = [
            "/private/a",
            "/private/A/b",
            "/private/a/b/c",
            "/private/ab",
            "/shared/x",
        ];
        let there: Vec<(String, There)> = names
            .iter()
            .map(|name| {
                let value = Arc::from(name.as_bytes());
                (name.to_ascii_lowercase(), (Arc::from(*name), value))
            })
            .collect();
        let told = |asked: &[&str], depth, size_max| {
            let asked: Vec<String> = asked.iter().map(ToString::to_string).collect();
            let (found, long) = choose(&there, &asked, (depth, size_max));
            let found = found.iter().map(|(name, value)| {
                let none = if value.is_none() { "=NIL" } else { "" };
                format!("{name}{none}")
            });
            (found.collect::<Vec<_>>().join(" "), long)
        };
        for (asked, depth, size_max, found, long) in [
            (&["/PRIVATE/a"][..], Depth::Zero, None, "/PRIVATE/a", None),
            (
                &["/private/a"],
                Depth::One,
                None,
                "/private/a /private/A/b",
                None,
            ),
            (
                &["/private/a", "/private/A/B"],
                Depth::Infinity,
                None,
                "/private/a /private/A/b /private/a/b/c",
                None,
            ),
            (
                &["/private"],
                Depth::One,
                None,
                "/private/a /private/ab",
                None,
            ),
            (
                &["/private/none", "/shared/x"],
                Depth::Zero,
                None,
                "/private/none=NIL /shared/x",
                None,
            ),
            (&["/private/none"], Depth::Infinity, None, "", None),
            (
                &["/private/a"],
                Depth::Infinity,
                Some(10),
                "/private/a",
                Some(14),
            ),
            (&["/private/a"], Depth::Zero, Some(9), "", Some(10)),
        ] {
            let expected = (found.to_owned(), long);
            assert_eq!(
                told(asked, depth, size_max),
                expected,
                "{asked:?} {depth:?}"
            );
        }
    }
}
