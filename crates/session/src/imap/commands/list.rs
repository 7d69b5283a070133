//! LIST: RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154, RFC 9590.

use std::{collections::BTreeMap, sync::Arc};

use imap::{
    command::{List, ListReturn, ListSelection},
    encode::{self, ListLine, Listing},
};
use store::{Mailbox, MailboxName, Snapshot, name::DELIMITER, past::DELETED};

use crate::{
    Outlet,
    imap::{
        commands::{metadata, status},
        deleted, names,
        pattern::Pattern,
        reach::Found,
        referral::{self, Remote},
        refusal::{Done, Outcome, Refusal},
        state::{Enabled, User},
        sync::flush_if_full,
    },
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
        encode::list(out.buffer(), &root(list.listing));
        return Ok(Done::new(completed));
    }
    let search = Search::new(user, enabled, list).await?;
    for (name, node) in &search.tree.nodes {
        if !search.write(name, node, out) {
            continue;
        }
        if let (Some(items), Some(mailbox)) = (&search.returns.status, &node.mailbox) {
            status::write(
                status::Told {
                    name: name.as_str(),
                    mailbox,
                    account: &user.account,
                    ids: user.reach.ids(user.account.id()),
                },
                items,
                user.message_bytes_max,
                enabled,
                out.buffer(),
            );
        }
        let entries = &search.returns.metadata[..];
        if let (true, Some(mailbox)) = (node.satisfies(selection), &node.mailbox) {
            let found = Found {
                account: user.account.clone(),
                mailbox: Arc::clone(mailbox),
            };
            metadata::list(user, enabled, (found, entries), out).await?;
        }
        flush_if_full(out).await?;
    }
    Ok(Done::new(completed))
}

/// The answer to an empty pattern: the hierarchy delimiter, and the root, which is nothing.
pub(crate) fn root(listing: Listing) -> ListLine<'static> {
    ListLine {
        listing,
        attributes: &["\\Noselect"],
        delimiter: Some(DELIMITER),
        ..ListLine::default()
    }
}

/// The patterns that can match anything. Those that can't are passed over (RFC 9051
/// §6.3.9), empty ones among them.
pub(crate) fn patterns(reference: &[u8], patterns: &[Vec<u8>], enabled: Enabled) -> Vec<Pattern> {
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
        .filter_map(|pattern| Pattern::new(&reference, &pattern))
        .collect()
}

/// What XLIST says of a mailbox besides: its clients know INBOX under any name by `\Inbox`, and some
/// of them junk only by the name that Gmail gave it.
fn old_attributes(name: &MailboxName, node: &Node) -> Option<&'static str> {
    if name.is_inbox() {
        return Some("\\Inbox");
    }
    let role = node.mailbox.as_ref()?.role()?;
    (role == store::Role::Junk).then_some("\\Spam")
}

/// One LIST at work.
pub(super) struct Search {
    patterns: Vec<Pattern>,
    tree: Tree,
    selection: ListSelection,
    returns: ListReturn,
    listing: Listing,
    enabled: Enabled,
}

/// What becomes of mailboxes on other servers: RFC 2193 §3.
#[derive(Clone, Copy)]
enum Remotes<'a> {
    /// They are listed: RLIST, and the option REMOTE.
    Listed(&'a [Remote]),
    /// They are not, subscribed or not.
    Hidden(&'a User),
}

/// Every name that may be listed.
struct Tree {
    nodes: BTreeMap<MailboxName, Node>,
}

/// What is known of a name.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact about the name"
)]
struct Node {
    /// `None` for levels above mailboxes, and names only subscribed to.
    mailbox: Option<Arc<Mailbox>>,
    /// It is on another server.
    remote: bool,
    subscribed: bool,
    /// A mailbox lies below it.
    has_children: bool,
    /// A name below it satisfies the selection options.
    child_selected: bool,
}

impl Tree {
    fn new(
        snapshot: &Snapshot,
        deleted: Vec<(MailboxName, Arc<Mailbox>)>,
        remotes: Remotes<'_>,
        selection: ListSelection,
    ) -> Self {
        let mut nodes: BTreeMap<MailboxName, Node> = BTreeMap::new();
        for (name, mailbox) in snapshot.mailboxes() {
            nodes.entry(name.clone()).or_default().mailbox = Some(Arc::clone(mailbox));
        }
        for (name, mailbox) in deleted {
            nodes.entry(name).or_default().mailbox = Some(mailbox);
        }
        if let Remotes::Listed(remotes) = remotes {
            for remote in remotes {
                let node = nodes.entry(remote.name().clone()).or_default();
                node.remote = node.mailbox.is_none();
            }
        }
        for name in snapshot.subscriptions() {
            if matches!(remotes, Remotes::Hidden(user) if referral::is_remote(user, name)) {
                continue;
            }
            nodes.entry(name.clone()).or_default().subscribed = true;
        }
        let mut above: BTreeMap<MailboxName, Node> = BTreeMap::new();
        for (name, node) in &nodes {
            let exists = node.exists();
            let selected = node.satisfies(selection);
            let mut level = name.parent();
            while let Some(parent) = level {
                level = parent.parent();
                let parent = above.entry(parent).or_default();
                if parent.has_children >= exists && parent.child_selected >= selected {
                    // It knows already, and so do those above it.
                    break;
                }
                parent.has_children |= exists;
                parent.child_selected |= selected;
            }
        }
        for (name, parent) in above {
            let node = nodes.entry(name).or_default();
            node.has_children = parent.has_children;
            node.child_selected = parent.child_selected;
        }
        Self { nodes }
    }
}

impl Node {
    /// Whether there is a mailbox of that name, here or elsewhere.
    const fn exists(&self) -> bool {
        self.mailbox.is_some() || self.remote
    }

    /// Whether the selection options choose it, RECURSIVEMATCH aside.
    fn satisfies(&self, selection: ListSelection) -> bool {
        let role = || self.mailbox.as_ref().is_some_and(|m| m.role().is_some());
        // Names subscribed to need not exist (RFC 9051 §6.3.9.1).
        let listed = if selection.subscribed {
            self.subscribed
        } else {
            self.exists()
        };
        listed && (!selection.special_use || role())
    }
}

impl Search {
    /// What a LIST looks through.
    pub(super) async fn new(user: &User, enabled: Enabled, list: &List) -> Result<Self, Refusal> {
        let snapshot = user.account.snapshot();
        let patterns = patterns(&list.reference, &list.patterns, enabled);
        let deleted = if patterns.iter().any(|p| p.begins_with(DELETED)) {
            deleted::all(user).await?
        } else {
            Vec::new()
        };
        // RFC 2193 §3: nobody is shown them who does not ask for them.
        let remotes = if list.selection.remote {
            Remotes::Listed(&user.remotes)
        } else {
            Remotes::Hidden(user)
        };
        Ok(Self {
            tree: Tree::new(&snapshot, deleted, remotes, list.selection),
            patterns,
            selection: list.selection,
            returns: list.returns.clone().unwrap_or_default(),
            listing: list.listing,
            enabled,
        })
    }

    /// The mailboxes that are listed, in the order of their names.
    pub(super) fn mailboxes(&self) -> impl Iterator<Item = &MailboxName> {
        let existing = self.tree.nodes.iter();
        existing
            .filter(|(name, node)| node.mailbox.is_some() && self.lists(name, node))
            .map(|(name, _)| name)
    }

    /// Writes the response for a mailbox that is listed.
    pub(super) fn write_listed(&self, name: &MailboxName, out: &mut impl Outlet) {
        if let Some(node) = self.tree.nodes.get(name) {
            self.write(name, node, out);
        }
    }

    /// Writes the response for a name; `false` if there is none.
    fn write(&self, name: &MailboxName, node: &Node, out: &mut impl Outlet) -> bool {
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
        let mut attributes = self.attributes(node);
        if self.listing == Listing::Xlist {
            attributes.extend(old_attributes(name, node));
        }
        let line = ListLine {
            listing: self.listing,
            attributes: &attributes,
            delimiter: Some(DELIMITER),
            name: name.as_str(),
            encoding: self.enabled.names(),
            child_info: &child_info,
            ..ListLine::default()
        };
        encode::list(out.buffer(), &line);
        true
    }

    fn lists(&self, name: &MailboxName, node: &Node) -> bool {
        if !self.patterns.iter().any(|p| p.matches(name.as_str())) {
            return false;
        }
        if node.satisfies(self.selection) {
            return true;
        }
        if self.selection.recursive_match {
            return node.child_selected && self.hides_a_child(name);
        }
        // A level that is no mailbox: only for patterns that end in `%`.
        !self.selection.subscribed
            && !self.selection.special_use
            && !node.exists()
            && node.has_children
            && self.asked_as_level(name)
    }

    fn asked_as_level(&self, name: &MailboxName) -> bool {
        self.patterns
            .iter()
            .any(|p| p.asks_for_levels() && p.matches(name.as_str()))
    }

    /// Whether something below was selected and is not listed itself (RFC 9051 §6.3.9.6:
    /// CHILDINFO that repeats what is listed anyway is left out).
    fn hides_a_child(&self, name: &MailboxName) -> bool {
        self.tree
            .nodes
            .range(name..)
            .take_while(|(below, _)| below.as_str().starts_with(name.as_str()))
            .filter(|(below, _)| below.is_below(name))
            .filter(|(_, node)| node.satisfies(self.selection))
            .any(|(below, _)| !self.patterns.iter().any(|p| p.matches(below.as_str())))
    }

    fn attributes(&self, node: &Node) -> Vec<&'static str> {
        let mut attributes = Vec::new();
        if node.remote {
            attributes.push("\\Remote");
        } else if node.mailbox.is_none() {
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
        if let Some(role) = node.mailbox.as_ref().and_then(|mailbox| mailbox.role()) {
            attributes.push(role.attribute());
        }
        attributes
    }
}
