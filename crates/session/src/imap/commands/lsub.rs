//! LSUB: RFC 3501 §6.3.9.

use std::collections::BTreeMap;

use imap::encode::{self, ListLine, Listing};
use store::{MailboxName, name::DELIMITER};

use crate::{
    Outlet,
    imap::{
        commands::list,
        referral,
        refusal::{Done, Outcome},
        state::{Enabled, User},
        sync::flush_if_full,
    },
};

/// Answers LSUB and, with `remote`, RLSUB (RFC 2193 §5.2): the names subscribed to that match; and for a pattern that ends in `%`, the
/// levels above names subscribed to that match, with `\Noselect`.
pub(crate) async fn lsub(
    user: &User,
    enabled: Enabled,
    (reference, pattern, remote): (&[u8], &[u8], bool),
    out: &mut impl Outlet,
) -> Outcome {
    let completed = if remote {
        "RLSUB completed"
    } else {
        "LSUB completed"
    };
    if pattern.is_empty() {
        encode::list(out.buffer(), &list::root(Listing::Lsub));
        return Ok(Done::new(completed));
    }
    let snapshot = user.account.snapshot();
    let patterns = list::patterns(reference, &[pattern.to_vec()], enabled);
    let mut found: BTreeMap<MailboxName, Vec<&'static str>> = BTreeMap::new();
    for pattern in &patterns {
        for name in snapshot.subscriptions() {
            if !remote && referral::is_remote(user, name) {
                continue;
            }
            if pattern.asks_for_levels() {
                let mut level = name.parent();
                while let Some(parent) = level {
                    level = parent.parent();
                    if pattern.matches(parent.as_str()) && !found.contains_key(&parent) {
                        found.insert(parent, vec!["\\Noselect"]);
                    }
                }
            }
            if pattern.matches(name.as_str()) {
                let mailbox = snapshot.named(name);
                let role = mailbox.and_then(|mailbox| mailbox.role());
                // Outlook looks for special uses here.
                found.insert(name.clone(), role.iter().map(|r| r.attribute()).collect());
            }
        }
    }
    for (name, attributes) in found {
        let line = ListLine {
            listing: Listing::Lsub,
            attributes: &attributes,
            delimiter: Some(DELIMITER),
            name: name.as_str(),
            encoding: enabled.names(),
            ..ListLine::default()
        };
        encode::list(out.buffer(), &line);
        flush_if_full(out).await?;
    }
    Ok(Done::new(completed))
}
