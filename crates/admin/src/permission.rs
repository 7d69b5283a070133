//! Who may have what done: each role's list of verbs, and the domain that it is for.
//!
//! It is decided by the request alone, before anything is looked up: whoever may not ask is told the same whether
//! there is such an account or not. What verbs then show is cut to what their asker may see ([`Context::sees`]).
//!
//! [`Context::sees`]: crate::Context

use std::borrow::Cow;

use auth::directory::comparable;

use crate::{
    account::Account,
    address::Address,
    domain::Domain,
    group::Group,
    login::Auth,
    mailbox::Mailbox,
    outcome::Failed,
    quota::Quota,
    registry::{Registry, domain_named},
    request::Request,
    role::Role,
    whose::Whose,
};

/// What it takes to have a request done.
#[derive(Debug)]
enum Takes<'a> {
    /// To administer the server: it reaches the mail of all, or files of the machine.
    Server,
    /// To administer the domains of these accounts, and to have every role that they have. An account without
    /// mail or name is nobody's but the server's.
    Accounts(Vec<Cow<'a, str>>),
    /// To help the people of this account's domain, and to have every role that it has.
    Help(&'a str),
    /// To administer these domains.
    Domains(Vec<String>),
    /// Any role: it shows what whoever asks may see, and nothing else.
    Anything,
}

impl Request {
    /// Whether whoever asks may have this done.
    ///
    /// # Errors
    /// They may not: says which role it takes.
    pub fn permitted(&self, registry: Registry<'_>) -> Result<(), Failed> {
        let roles = registry.roles;
        if roles.is_administrator() {
            return Ok(());
        }
        let refused =
            |takes: String| Err(Failed::because(format!("not permitted: it takes {takes}")));
        match takes(self) {
            Takes::Anything if !roles.is_empty() => Ok(()),
            Takes::Anything => refused("a role".to_owned()),
            Takes::Server => refused("the role administrator".to_owned()),
            Takes::Domains(domains) => {
                match domains.iter().find(|domain| !roles.administers(domain)) {
                    Some(domain) => refused(format!("the role domain-administrator@{domain}")),
                    None => Ok(()),
                }
            }
            Takes::Accounts(accounts) => {
                let may = |domain: &str| roles.administers(domain);
                match accounts
                    .iter()
                    .find(|account| !may_on(registry, account, may))
                {
                    Some(account) => refused(format!(
                        "the role domain-administrator@{}, and every role of the account",
                        domain_named(account)
                    )),
                    None => Ok(()),
                }
            }
            Takes::Help(account) => {
                if may_on(registry, account, |domain| roles.helps(domain)) {
                    return Ok(());
                }
                refused(format!(
                    "the role help-desk@{}, and every role of the account",
                    domain_named(account)
                ))
            }
        }
    }
}

/// Whether an account's domain is one for whoever asks, and it has no role that they don't have: a new
/// password for an administrator would make one. A pattern, `*@example.org`, means all accounts of a domain.
fn may_on(registry: Registry<'_>, account: &str, may: impl Fn(&str) -> bool) -> bool {
    let pattern = account.contains('*');
    if pattern && !account.contains('@') {
        return false;
    }
    let Some(domain) = registry.domain(account) else {
        return false;
    };
    let covered = if pattern {
        let accounts = registry.directory.accounts();
        let mut meant = accounts.iter().filter(|it| it.domain() == &*domain);
        meant.all(|it| registry.roles.cover(&it.roles))
    } else {
        registry.roles.cover(&registry.roles_of(account))
    };
    covered && may(&domain)
}

/// What a request takes. Without an arm for all others: whoever adds a verb says who may ask for it.
fn takes(request: &Request) -> Takes<'_> {
    match request {
        Request::Account(verb) => account(verb),
        Request::Group(verb) => group(verb),
        Request::Role(verb) => match verb {
            // The verb itself holds to the roles of whoever asks.
            Role::Grant(grant) if !grant.unix => Takes::Accounts(named([&grant.who])),
            Role::Revoke(revoke) if !revoke.unix => Takes::Accounts(named([&revoke.who])),
            Role::Grant(_) | Role::Revoke(_) => Takes::Server,
            Role::List(_) => Takes::Anything,
        },
        Request::Domain(verb) => match verb {
            Domain::List(_) => Takes::Anything,
            // What a domain may hold is what its administrators are held to.
            Domain::Limit(_) => Takes::Server,
        },
        Request::Address(verb) => match verb {
            Address::List(_) => Takes::Anything,
            Address::Set(set) => Takes::Domains(vec![
                domain_named(&set.address),
                comparable(set.domain.as_deref().unwrap_or_default()),
            ]),
            Address::Remove(remove) => Takes::Domains(vec![domain_named(&remove.address)]),
        },
        Request::Auth(Auth::Test(test)) => Takes::Help(&test.name),
        Request::Kick(kick) => Takes::Help(&kick.account),
        Request::Who(_) => Takes::Anything,
        Request::Copy(copy) => of(copy.messages.whose(), copy.to_account.as_deref()),
        Request::Move(moving) => of(moving.messages.whose(), moving.to_account.as_deref()),
        Request::Deduplicate(it) => of(it.messages.whose(), None),
        Request::Expunge(it) => of(it.messages.whose(), None),
        Request::Fetch(it) => of(it.messages.whose(), None),
        Request::Flags(it) => of(it.messages.whose(), None),
        Request::Search(it) => of(it.messages.whose(), None),
        Request::Mailbox(verb) => mailbox(verb),
        Request::Acl(verb) => of(verb.mailboxes().whose(), None),
        Request::Metadata(verb) => of(verb.mailboxes().whose(), None),
        Request::Quota(verb) => match verb {
            Quota::Show(it) => help(it.mailboxes.whose()),
            Quota::Set(it) => of(it.mailboxes.whose(), None),
            Quota::Remove(it) => of(it.mailboxes.whose(), None),
        },
        Request::Subscribe(it) => of(it.mailboxes.whose(), None),
        Request::Unsubscribe(it) => of(it.mailboxes.whose(), None),
        Request::History(history) => Takes::Accounts(named([&history.account])),
        Request::Undelete(undelete) => Takes::Accounts(named([&undelete.account])),
        // They read and write files of the machine, as the server; they concern everybody's mail; or, as a hold, they
        // are laid against those who would like mail to be gone, domain administrators among them.
        Request::Archive(_)
        | Request::Backup(_)
        | Request::Compact(_)
        | Request::Expire(_)
        | Request::Expiry(_)
        | Request::Export(_)
        | Request::Hold(_)
        | Request::Import(_)
        | Request::Index(_)
        | Request::Log(_)
        | Request::Partition(_)
        | Request::Repair(_)
        | Request::Restore(_)
        | Request::Verify(_) => Takes::Server,
    }
}

/// These accounts.
fn named<const N: usize>(accounts: [&str; N]) -> Vec<Cow<'_, str>> {
    accounts.map(Cow::from).into()
}

/// Whose messages or mailboxes they are, and where they go: both are the mail of somebody, or of a domain.
fn of<'a>(whose: Whose<'a>, to: Option<&'a str>) -> Takes<'a> {
    let shared = whose.shared.map(|domain| {
        let domain = domain.strip_prefix('@').unwrap_or(domain);
        format!("@{domain}").into()
    });
    let account = whose.account.map(Cow::from);
    let accounts: Vec<_> = [account, shared, to.map(Cow::from)]
        .into_iter()
        .flatten()
        .collect();
    if whose.all || accounts.is_empty() {
        return Takes::Server;
    }
    Takes::Accounts(accounts)
}

/// What help desks may see of one account.
fn help(whose: Whose<'_>) -> Takes<'_> {
    match whose.account {
        Some(account) if !account.contains('*') && whose.shared.is_none() => Takes::Help(account),
        _ => of(whose, None),
    }
}

fn mailbox(verb: &Mailbox) -> Takes<'_> {
    match verb {
        Mailbox::List(it) => of(it.mailboxes.whose(), None),
        Mailbox::Status(it) => of(it.mailboxes.whose(), None),
        Mailbox::Create(it) if it.partition.is_none() => of(it.mailboxes.whose(), None),
        Mailbox::Rename(it) => of(it.mailboxes.whose(), None),
        Mailbox::Delete(it) => of(it.mailboxes.whose(), None),
        // Where mail lies is a matter of the machine.
        Mailbox::Create(_) | Mailbox::Move(_) => Takes::Server,
    }
}

fn account(verb: &Account) -> Takes<'_> {
    match verb {
        Account::Add(add) => Takes::Accounts(named([&add.name])),
        Account::Remove(remove) => Takes::Accounts(named([&remove.name])),
        Account::Rename(rename) => Takes::Accounts(named([&rename.name, &rename.new])),
        Account::Language(language) => Takes::Help(&language.name),
        Account::Suppress(suppress) => Takes::Help(&suppress.name),
        Account::Passwd(passwd) => Takes::Help(&passwd.name),
        Account::Show(show) => Takes::Help(&show.name),
        Account::Disable(disable) => Takes::Help(&disable.name),
        Account::Enable(enable) => Takes::Help(&enable.name),
        Account::List(_) => Takes::Anything,
        Account::Usage(usage) => match &usage.account {
            Some(account) => Takes::Help(account),
            None => Takes::Anything,
        },
        // Where an account's mail is, is a matter of the machine.
        Account::Home(_) | Account::Remote(_) | Account::Move(_) => Takes::Server,
    }
}

fn group(verb: &Group) -> Takes<'_> {
    let with = |group, accounts| {
        let accounts: &Vec<String> = accounts;
        let members = accounts.iter().map(|account| domain_named(account));
        Takes::Domains(members.chain([domain_named(group)]).collect())
    };
    match verb {
        Group::List(_) => Takes::Anything,
        Group::Add(add) => Takes::Domains(vec![domain_named(&add.group)]),
        Group::Remove(remove) => Takes::Domains(vec![domain_named(&remove.group)]),
        Group::Show(show) => Takes::Domains(vec![domain_named(&show.group)]),
        Group::Join(join) => with(&join.group, &join.accounts),
        Group::Leave(leave) => with(&leave.group, &leave.accounts),
    }
}
