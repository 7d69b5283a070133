//! LIST: RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154, RFC 8440, RFC 9590.
//!
//! What there is to list: [`crate::imap::tree`].

use imap::{
    command::{List, ListReturn, ListSelection},
    encode::{self, ListLine, Listing},
};
use store::{Role, rights::Rights};

use crate::{
    Outlet,
    imap::{
        commands::{acl, metadata, status},
        deleted, names,
        pattern::Pattern,
        refusal::{Done, Outcome, Refusal, Stop},
        state::{Enabled, User},
        sync::flush_if_full,
        tree::{self, Listed, Node, Tree},
    },
    namespace::Namespace,
};

/// The longest that the patterns of one LIST may be together, in octets: each costs its length
/// times the length of all names. Those beyond match nothing.
const PATTERNS_OCTETS_MAX: usize = 4000;

/// Answers LIST, and XLIST, which is LIST with attributes of its own.
pub(crate) async fn list(
    user: &User,
    enabled: Enabled,
    list: &List,
    out: &mut impl Outlet,
) -> Outcome {
    let completed = match list.listing {
        Listing::Xlist => "XLIST completed",
        _ if list.selection.remote && !list.extended => "RLIST completed",
        _ => "LIST completed",
    };
    let selection = list.selection;
    if selection.recursive_match && !selection.subscribed && !selection.special_use {
        return Err(Refusal::bad("RECURSIVEMATCH needs another selection option").into());
    }
    if !list.extended && list.patterns.iter().all(Vec::is_empty) {
        encode::list(out.buffer(), &root(user.reach.namespace(), list.listing));
        return Ok(Done::new(completed));
    }
    let search = Search::new(user, enabled, list).await?;
    let mut attributes = Vec::new();
    for (name, node) in &search.tree.nodes {
        if !search.write((name, node), &mut attributes, out) {
            continue;
        }
        if let Some(found) = &node.found {
            items(user, &search, (name, node, found), out).await?;
        }
        flush_if_full(out).await?;
    }
    Ok(Done::new(completed))
}

/// Writes what is to be told beside a mailbox that is listed: RFC 5819, RFC 8440, RFC 9590.
async fn items(
    user: &User,
    search: &Search<'_>,
    (name, node, found): (&str, &Node, &Listed),
    out: &mut impl Outlet,
) -> Result<(), Stop> {
    let (returns, enabled) = (&search.returns, search.enabled);
    // RFC 5819 §2: where STATUS would be refused, there is none.
    let readable = found.account.may(&found.mailbox, Rights::READ).is_ok();
    if let Some(items) = returns.status.as_ref().filter(|_| readable) {
        let told = status::Told {
            name,
            mailbox: &found.mailbox,
            account: &found.account,
            ids: user.reach.ids(found.account.id()),
            deleted_octets: status::deleted_octets(&found.account, &found.mailbox, items).await?,
        };
        status::write(told, items, user.message_bytes_max, enabled, out.buffer());
    }
    if node.satisfies(search.selection) {
        if returns.my_rights && !deleted::is_deleted(found.mailbox.name().as_str()) {
            let rights = found.account.rights(&found.mailbox);
            acl::my_rights(name, rights, enabled, out);
        }
        metadata::list(user, enabled, (found, &returns.metadata), out).await?;
    }
    Ok(())
}

/// The answer to an empty pattern: the hierarchy delimiter, and the root, which is nothing.
pub(crate) fn root(namespace: &Namespace, listing: Listing) -> ListLine<'static> {
    ListLine {
        listing,
        attributes: &["\\Noselect"],
        delimiter: Some(namespace.delimiter()),
        ..ListLine::default()
    }
}

/// The patterns that can match anything. Those that can't are passed over (RFC 9051
/// §6.3.9), empty ones among them.
pub(crate) fn patterns(
    namespace: &Namespace,
    reference: &[u8],
    patterns: &[Vec<u8>],
    enabled: Enabled,
) -> Vec<Pattern> {
    let Ok(reference) = names::text(reference, enabled) else {
        return Vec::new();
    };
    patterns
        .iter()
        .filter(|pattern| !pattern.is_empty())
        .scan(0, |octets, pattern| {
            *octets += pattern.len();
            (*octets <= PATTERNS_OCTETS_MAX).then_some(pattern)
        })
        .filter_map(|pattern| names::text(pattern, enabled).ok())
        .filter_map(|pattern| Pattern::new(namespace, &reference, &pattern))
        .collect()
}

/// What XLIST says of a mailbox besides: its clients know INBOX under any name by `\Inbox`, and some
/// of them junk only by the name that Gmail gave it.
fn old_attributes(node: &Node) -> Option<&'static str> {
    let found = node.found.as_ref().filter(|_| node.own)?;
    if found.mailbox.name().is_inbox() {
        return Some("\\Inbox");
    }
    (node.role() == Some(Role::Junk)).then_some("\\Spam")
}

/// One LIST at work.
pub(super) struct Search<'a> {
    namespace: &'a Namespace,
    patterns: Vec<Pattern>,
    tree: Tree,
    selection: ListSelection,
    returns: ListReturn,
    listing: Listing,
    enabled: Enabled,
}

impl<'a> Search<'a> {
    /// What a LIST looks through.
    pub(super) async fn new(
        user: &'a User,
        enabled: Enabled,
        list: &List,
    ) -> Result<Self, Refusal> {
        let namespace = user.reach.namespace();
        let patterns = patterns(namespace, &list.reference, &list.patterns, enabled);
        Ok(Self {
            tree: Tree::new(user, &patterns, list.selection).await?,
            namespace,
            patterns,
            selection: list.selection,
            returns: list.returns.clone().unwrap_or_default(),
            listing: list.listing,
            enabled,
        })
    }

    /// The mailboxes that are listed, in the order of their names.
    pub(super) fn mailboxes(&self) -> impl Iterator<Item = (&str, &Listed)> {
        let existing = self.tree.nodes.iter();
        existing
            .filter(|(name, node)| self.lists(name, node))
            .filter_map(|(name, node)| Some((name.as_str(), node.found.as_ref()?)))
    }

    /// Writes the response for a mailbox that is listed.
    pub(super) fn write_listed(&self, name: &str, out: &mut impl Outlet) {
        if let Some(node) = self.tree.nodes.get(name) {
            self.write((name, node), &mut Vec::new(), out);
        }
    }

    /// Writes the response for a name; `false` if there is none. `attributes`: room for them.
    fn write(
        &self,
        (name, node): (&str, &Node),
        attributes: &mut Vec<&'static str>,
        out: &mut impl Outlet,
    ) -> bool {
        if !self.lists(name, node) {
            return false;
        }
        let options = [
            (self.selection.subscribed, "SUBSCRIBED"),
            (self.selection.special_use, "SPECIAL-USE"),
        ];
        let told = self.selection.recursive_match && node.child_selected;
        let chosen = options.iter().filter(|(asked, _)| *asked && told);
        let child_info: Vec<&str> = chosen.map(|(_, option)| *option).collect();
        self.attributes(node, attributes);
        if self.listing == Listing::Xlist {
            attributes.extend(old_attributes(node));
        }
        let line = ListLine {
            listing: self.listing,
            attributes,
            delimiter: Some(self.namespace.delimiter()),
            name,
            encoding: self.enabled.names(),
            child_info: &child_info,
            ..ListLine::default()
        };
        encode::list(out.buffer(), &line);
        true
    }

    fn lists(&self, name: &str, node: &Node) -> bool {
        if !tree::matches(self.namespace, &self.patterns, name) {
            return false;
        }
        if node.satisfies(self.selection) {
            return true;
        }
        if self.selection.recursive_match {
            return node.hides_a_child;
        }
        // A level that is no mailbox: only for patterns that end in `%`.
        !self.selection.subscribed
            && !self.selection.special_use
            && !node.exists()
            && node.has_children
            && self.asked_as_level(name)
    }

    fn asked_as_level(&self, name: &str) -> bool {
        let name = self.namespace.comparable(name);
        let mut patterns = self.patterns.iter();
        patterns.any(|p| p.asks_for_levels() && p.matches(&name))
    }

    fn attributes(&self, node: &Node, attributes: &mut Vec<&'static str>) {
        attributes.clear();
        if node.remote {
            attributes.push("\\Remote");
        } else if node.found.is_none() {
            attributes.push("\\NonExistent");
            if !self.enabled.rev2 {
                // What clients know that have not heard of the other.
                attributes.push("\\Noselect");
            }
        }
        attributes.push(if node.has_children {
            "\\HasChildren"
        } else {
            "\\HasNoChildren"
        });
        if node.subscribed && (self.selection.subscribed || self.returns.subscribed) {
            attributes.push("\\Subscribed");
        }
        // RFC 6154 §2 permits it in every LIST; clients that never ask still look.
        if let Some(role) = node.role() {
            attributes.push(role.attribute());
        }
    }
}
