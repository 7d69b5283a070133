//! LSUB: RFC 3501 §6.3.9.

use std::collections::BTreeMap;

use imap::{
    command::ListSelection,
    encode::{self, ListLine, Listing},
};

use crate::{
    Outlet,
    imap::{
        commands::list,
        pattern::Pattern,
        refusal::{Done, Outcome},
        state::{Enabled, User},
        sync::flush_if_full,
        tree::{self, Tree},
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
    let namespace = user.reach.namespace();
    if pattern.is_empty() {
        encode::list(out.buffer(), &list::root(namespace, Listing::Lsub));
        return Ok(Done::new(completed));
    }
    let patterns = list::patterns(namespace, reference, &[pattern.to_vec()], enabled);
    let selection = ListSelection {
        subscribed: true,
        remote,
        ..ListSelection::default()
    };
    let tree = Tree::new(user, &patterns, selection).await?;
    let mut found: BTreeMap<&str, Vec<&'static str>> = BTreeMap::new();
    for (name, node) in &tree.nodes {
        if !tree::matches(namespace, &patterns, name) {
            continue;
        }
        if node.subscribed {
            // Outlook looks for special uses here.
            let role = node.role();
            found.insert(name, role.iter().map(|r| r.attribute()).collect());
        } else if node.child_selected && patterns.iter().any(Pattern::asks_for_levels) {
            found.insert(name, vec!["\\Noselect"]);
        }
    }
    for (name, attributes) in found {
        let line = ListLine {
            listing: Listing::Lsub,
            attributes: &attributes,
            delimiter: Some(namespace.delimiter()),
            name,
            encoding: enabled.names(),
            ..ListLine::default()
        };
        encode::list(out.buffer(), &line);
        flush_if_full(out).await?;
    }
    Ok(Done::new(completed))
}
