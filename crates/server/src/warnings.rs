//! Mail to those whose quota fills up, when the configuration says so.
//!
//! The store tells of thresholds that are crossed upwards; each of a root is told once, and not again for a day:
//! who deletes and receives all the time is not to be told all the time. Of one's own mailboxes one is
//! told oneself; of shared ones, and of a domain, those are who administer it.

use std::{collections::HashMap, time::Duration};

use auth::directory::Account;
use session::{Services, warning::Warning};
use store::{
    AccountId, Arrival, Error, Flags, MailboxName, Resource,
    quota::{Crossed, QuotaRoot},
};
use tokio::{sync::mpsc::Receiver, time::Instant};

/// How long the same is not told again.
const QUIET: Duration = Duration::from_hours(24);

/// What has been told: of which root, account, resource and threshold, and when.
type Told = HashMap<(QuotaRoot, Option<AccountId>, Resource, u8), Instant>;

/// Writes warnings for as long as the store has some.
pub(crate) async fn write(services: Services, mut crossings: Receiver<Crossed>) {
    let mut told = Told::new();
    while let Some(crossed) = crossings.recv().await {
        let now = Instant::now();
        told.retain(|_, when| now.duration_since(*when) < QUIET);
        let of_domain = matches!(crossed.root, QuotaRoot::Domain(_));
        let account = (!of_domain).then_some(crossed.account);
        let key = (
            crossed.root.clone(),
            account,
            crossed.resource,
            crossed.percent,
        );
        if told.insert(key, now).is_some() {
            continue;
        }
        for reader in readers(&services, &crossed) {
            if let Err(error) = deliver(&services, &crossed, &reader).await {
                let user = &*reader.account.name;
                tracing::warn!(user, %error, "not warned that a quota fills up");
            }
        }
    }
}

/// Who is told, and of which domain, if it is not about their own mailboxes.
struct Reader {
    account: std::sync::Arc<Account>,
    domain: Option<String>,
}

fn readers(services: &Services, crossed: &Crossed) -> Vec<Reader> {
    let directory = services.auth.directory();
    let domain = match &crossed.root {
        QuotaRoot::Domain(domain) => Some(std::sync::Arc::clone(domain)),
        QuotaRoot::Name(_) | QuotaRoot::Account => directory.shared_domain(crossed.account.0),
    };
    let Some(domain) = domain else {
        let account = directory.by_id(crossed.account.0);
        let domain = None;
        return account
            .map(|account| Reader { account, domain })
            .into_iter()
            .collect();
    };
    let accounts = directory.accounts().into_iter();
    let theirs = accounts.filter(|account| account.roles.administers(&domain));
    let reader = |account| Reader {
        account,
        // The site itself has the name of its server.
        domain: Some(if domain.is_empty() {
            services.hostname.to_string()
        } else {
            domain.to_string()
        }),
    };
    theirs.map(reader).collect()
}

/// Puts a warning into an INBOX, for which there is always room.
async fn deliver(services: &Services, crossed: &Crossed, reader: &Reader) -> Result<(), Error> {
    let Reader {
        account: to,
        domain,
    } = reader;
    let store = &services.store;
    let now = (store.clock())();
    let message = Warning {
        crossed,
        domain: domain.as_deref(),
        to: &to.name,
        language: to.language.as_deref(),
        hostname: &services.hostname,
        now,
    }
    .message();
    let id = AccountId(to.id);
    let mut incoming = store.receive_for(id).await?;
    incoming.write(&message).await?;
    let arrival = Arrival {
        message: incoming.finish().await?,
        trace: Vec::new(),
        flags: Flags::default(),
        internal_date: None,
    };
    let account = store.account(id).await?.acting("quota").beyond_quotas();
    let inbox = account.snapshot();
    let inbox = inbox.named(&MailboxName::inbox());
    let inbox = inbox.ok_or(Error::NoSuchMailbox)?.id();
    account.append(inbox, vec![arrival]).await?;
    let Crossed {
        resource, percent, ..
    } = crossed;
    tracing::info!(user = &*to.name, %resource, percent, "warned that a quota fills up");
    Ok(())
}
