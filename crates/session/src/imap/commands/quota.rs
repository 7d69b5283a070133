//! GETQUOTA, GETQUOTAROOT and SETQUOTA: RFC 9208, for clients of RFC 2087 too.
//!
//! A quota root is named like a mailbox: it is of all mailboxes of that name and below it. INBOX names the
//! account as a whole; `@example.test` a domain (`@` the accounts without any), which only who administers
//! it comes to see.

use std::sync::Arc;

use imap::{command::Mailbox, encode, response::Code};
use store::{
    Account, Limits, MailboxName, QuotaRoot, Resource, RootState, quota::DomainQuota,
    rights::Rights,
};

use crate::{
    Outlet,
    imap::{
        names,
        refusal::{Done, Outcome, Refusal},
        state::{Enabled, User},
        wording::Text,
    },
    namespace::Owner,
};

/// What the name of a quota root means.
#[derive(Debug)]
enum Target {
    /// Mailboxes of a name and below it, or all of an account.
    Mailboxes(Account, Option<MailboxName>),
    /// A domain.
    Domain(Arc<str>),
}

/// Answers GETQUOTA.
pub(crate) async fn get(
    user: &User,
    enabled: Enabled,
    root: &Mailbox,
    out: &mut impl Outlet,
) -> Outcome {
    let target = target(user, enabled, root).await?;
    if let Target::Mailboxes(account, name) = &target {
        may_read(user, account, name.as_ref())?;
    }
    let (state, told) = stands(user, &target).await.ok_or_else(no_such_root)?;
    write(&state, &told, enabled, out);
    Ok(Done::new("GETQUOTA completed"))
}

/// Answers GETQUOTAROOT. The mailbox need not be there, if it could be: one's own, and any for an
/// administrator.
pub(crate) async fn get_root(
    user: &User,
    enabled: Enabled,
    mailbox: &Mailbox,
    out: &mut impl Outlet,
) -> Outcome {
    let place = names::place(user, enabled, mailbox).await?;
    let account = &place.account;
    let is_theirs = is_theirs(user, account);
    let mut roots = account.quota_roots(&place.name);
    if !is_theirs {
        let found = place.clone().found()?;
        if roots.iter().any(reveals_messages) {
            account.may(&found.mailbox, Rights::READ)?;
        }
        let inbox = may_read(user, account, None).is_ok();
        roots.retain(|state| state.root != QuotaRoot::Account || inbox);
    }
    if let Some(domain) = domain_over(user, account) {
        roots.push(user.reach.store().domain_quota(&domain).await);
    }
    let told: Vec<String> = roots
        .iter()
        .map(|state| written(user, account, &state.root))
        .collect();
    let name = user.reach.written(account.id(), &place.name);
    let names = told.iter().map(String::as_str);
    encode::quota_root(out.buffer(), &name, enabled.names(), names);
    for (state, told) in roots.iter().zip(&told) {
        write(state, told, enabled, out);
    }
    Ok(Done::new("GETQUOTAROOT completed"))
}

/// Answers SETQUOTA: the limits given are all that the root has from now on.
pub(crate) async fn set(
    user: &User,
    enabled: Enabled,
    (root, limits): (&Mailbox, &[(String, u64)]),
    out: &mut impl Outlet,
) -> Outcome {
    let target = target(user, enabled, root).await?;
    let limits = read_limits(limits)?;
    match &target {
        Target::Domain(domain) => set_domain(user, domain, limits).await?,
        Target::Mailboxes(account, name) => {
            if !user.reach.administers(account.id()) {
                may_set(user, account, name.as_ref())?;
            }
            let account = user.reach.in_hands(account);
            account.set_quota(name.as_ref(), Some(limits)).await?;
        }
    }
    if let Some((state, told)) = stands(user, &target).await {
        write(&state, &told, enabled, out);
    }
    Ok(Done::new("SETQUOTA completed"))
}

/// What a name means, of what the user may know of.
async fn target(user: &User, enabled: Enabled, root: &Mailbox) -> Result<Target, Refusal> {
    let text = names::text(&root.0, enabled)?;
    if let Some(domain) = text.strip_prefix('@') {
        let domain: Arc<str> = domain.to_lowercase().into();
        let known = user.reach.administers_domain(&domain);
        return known
            .then_some(Target::Domain(domain))
            .ok_or_else(no_such_root);
    }
    let namespace = user.reach.namespace();
    let shared = namespace.prefixes().shared;
    if text == shared.trim_end_matches(namespace.delimiter()) {
        let shared = Owner::Shared(user.reach.domain());
        let account = user.reach.account_of(&shared).await?;
        let account = account.ok_or_else(no_such_root)?;
        return Ok(Target::Mailboxes(account, None));
    }
    let place = match user.reach.place(&text).await {
        // Whatever is no name of a mailbox is no name of a root.
        Err(Refusal::No(Some(Code::NonExistent | Code::Cannot), _)) => return Err(no_such_root()),
        place => place?,
    };
    let name = (!place.name.is_inbox()).then_some(place.name);
    Ok(Target::Mailboxes(place.account, name))
}

/// A quota root as it stands, and what the client knows it by; `None` if it is none.
async fn stands(user: &User, target: &Target) -> Option<(RootState, String)> {
    match target {
        Target::Mailboxes(account, name) => {
            let state = account.quota_root(name.as_ref())?;
            let told = written(user, account, &state.root);
            Some((state, told))
        }
        Target::Domain(domain) => {
            let limits = limits_of(user, domain);
            let name = Arc::clone(domain);
            let domain = DomainQuota { name, limits };
            let state = user.reach.store().domain_quota(&domain).await;
            let told = written(user, &user.account, &state.root);
            Some((state, told))
        }
    }
}

/// The name of a quota root that an account has.
fn written(user: &User, account: &Account, root: &QuotaRoot) -> String {
    match root {
        QuotaRoot::Domain(domain) => format!("@{domain}"),
        QuotaRoot::Name(name) => user.reach.written(account.id(), name),
        QuotaRoot::Account if user.reach.is_shared(account.id()) => {
            let namespace = user.reach.namespace();
            let shared = namespace.prefixes().shared;
            shared.trim_end_matches(namespace.delimiter()).to_owned()
        }
        QuotaRoot::Account => user.reach.written(account.id(), &MailboxName::inbox()),
    }
}

fn write(state: &RootState, name: &str, enabled: Enabled, out: &mut impl Outlet) {
    let limits = state.quota.limits.every();
    let resources =
        limits.map(|(resource, limit)| (resource.name(), state.usage.of(resource), limit));
    encode::quota(out.buffer(), name, enabled.names(), resources);
}

/// Whether it is the user's own account, or one that they administer.
fn is_theirs(user: &User, account: &Account) -> bool {
    account.id() == user.account.id() || user.reach.administers(account.id())
}

/// Whether the user may learn what is used at a root: RFC 9208 §6 wants `r` on the mailbox for what
/// tells of messages; a root without a mailbox that they may know of is none for them.
fn may_read(user: &User, account: &Account, root: Option<&MailboxName>) -> Result<(), Refusal> {
    if is_theirs(user, account) {
        return Ok(());
    }
    let snapshot = account.snapshot();
    if root.is_none() && user.reach.is_shared(account.id()) {
        let mut mailboxes = snapshot.mailboxes();
        let reads = mailboxes.any(|(_, it)| account.rights(it).contains(Rights::READ));
        return reads.then_some(()).ok_or_else(no_such_root);
    }
    let inbox = MailboxName::inbox();
    let mailbox = snapshot.named(root.unwrap_or(&inbox));
    let mailbox = mailbox.filter(|mailbox| account.sees(mailbox));
    let mailbox = mailbox.ok_or_else(no_such_root)?;
    let reveals = account
        .quota_root(root)
        .is_none_or(|it| reveals_messages(&it));
    if reveals {
        account.may(mailbox, Rights::READ)?;
    }
    Ok(())
}

/// Whether a root tells more than how many mailboxes there are.
fn reveals_messages(state: &RootState) -> bool {
    let mut limits = state.quota.limits.every();
    limits.any(|(resource, _)| resource != Resource::Mailbox)
}

/// Whether somebody who is no administrator may set limits: further ones, on what they administer
/// (RFC 9208 §6). The store asks for their rights.
fn may_set(user: &User, account: &Account, root: Option<&MailboxName>) -> Result<(), Refusal> {
    let administered = match root {
        None => {
            may_read(user, account, None)?;
            true
        }
        Some(name) => {
            let state = account.quota_root(root);
            state.is_some_and(|state| state.quota.administered) && sees(account, name)
        }
    };
    if administered {
        let text = "Only administrators set that quota";
        return Err(Refusal::no(Code::NoPerm, text));
    }
    Ok(())
}

fn sees(account: &Account, name: &MailboxName) -> bool {
    let snapshot = account.snapshot();
    let mailbox = snapshot.named(name);
    mailbox.is_some_and(|mailbox| account.sees(mailbox))
}

/// The resources by the names that the RFC has, and those that Cyrus had before.
fn read_limits(limits: &[(String, u64)]) -> Result<Limits, Refusal> {
    let mut read = Limits::default();
    for (name, limit) in limits {
        let resource = match &**name {
            "X-NUM-FOLDERS" => Some(Resource::Mailbox),
            "X-ANNOTATION-STORAGE" => Some(Resource::AnnotationStorage),
            name => Resource::named(name),
        };
        let unknown = || {
            let text = Text::with("There is no limit on {} here", [name.clone().into()]);
            Refusal::no(Code::Cannot, text)
        };
        read.set(resource.ok_or_else(unknown)?, Some(*limit));
    }
    Ok(read)
}

/// The domain of an account, if it has limits and the user administers it.
fn domain_over(user: &User, account: &Account) -> Option<DomainQuota> {
    let name = user.reach.domain_of(account.id());
    if !user.reach.administers_domain(&name) {
        return None;
    }
    let limits = limits_of(user, &name);
    (!limits.is_none()).then_some(DomainQuota { name, limits })
}

fn limits_of(user: &User, domain: &str) -> Limits {
    crate::quota::limits(&user.reach.directory().domain(domain).limits)
}

/// A domain's limits are in the accounts file. They are what its own administrators are held to.
async fn set_domain(user: &User, domain: &Arc<str>, limits: Limits) -> Result<(), Refusal> {
    if !user.reach.identity().roles.is_administrator() {
        let text = "Only administrators of the server set the limits of a domain";
        return Err(Refusal::no(Code::NoPerm, text));
    }
    let (directory, name) = (Arc::clone(user.reach.directory()), Arc::clone(domain));
    let limits = crate::quota::in_file(&limits);
    let written = user
        .account
        .aside(move || directory.set_limits(&name, limits));
    written.await?.map_err(|error| {
        tracing::error!(%error, "the limits of a domain can't be set");
        Refusal::no(
            Code::Unavailable,
            "The accounts file can't be written at present",
        )
    })
}

fn no_such_root() -> Refusal {
    Refusal::no(Code::NonExistent, "No such quota root")
}
