//! Every name that a user may be told of: the mailboxes that they see, of whomever; the levels above those; and
//! the names that they are subscribed to. What LIST, LSUB and their like choose from.
//!
//! Names are as the client knows them. Which mailboxes somebody sees, the store says (RFC 4314 §4, `l`).

use std::{collections::BTreeMap, sync::Arc};

use imap::command::ListSelection;
use store::{Account, Mailbox, MailboxName, Role, past::DELETED};

use super::{deleted, pattern::Pattern, referral, refusal::Refusal, state::User, subscriptions};
use crate::namespace::{Namespace, Owner};

/// The names, each with what is known of it.
pub(crate) struct Tree {
    pub(crate) nodes: BTreeMap<String, Node>,
}

/// A mailbox that is there. All of an account have the same handle of it.
#[derive(Debug)]
pub(crate) struct Listed {
    /// Whose it is, in the hands of who has logged in.
    pub(crate) account: Arc<Account>,
    /// As it is now.
    pub(crate) mailbox: Arc<Mailbox>,
}

/// What is known of a name.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact about the name"
)]
pub(crate) struct Node {
    /// `None` for levels above mailboxes, and names only subscribed to.
    pub(crate) found: Option<Listed>,
    /// It is one of the user's own.
    pub(crate) own: bool,
    /// It is on another server.
    pub(crate) remote: bool,
    pub(crate) subscribed: bool,
    /// A mailbox lies below it.
    pub(crate) has_children: bool,
    /// A name below it satisfies the selection options.
    pub(crate) child_selected: bool,
    /// One of those matches no pattern, and so would not be known of.
    pub(crate) hides_a_child: bool,
}

impl Listed {
    fn new(account: &Arc<Account>, mailbox: &Arc<Mailbox>) -> Self {
        Self {
            account: Arc::clone(account),
            mailbox: Arc::clone(mailbox),
        }
    }
}

impl Node {
    /// Whether there is a mailbox of that name, here or elsewhere.
    pub(crate) const fn exists(&self) -> bool {
        self.found.is_some() || self.remote
    }

    /// Its special use. Others' mailboxes have one for their owners only: a client has to know where
    /// its own user's drafts go.
    pub(crate) fn role(&self) -> Option<Role> {
        let found = self.found.as_ref().filter(|_| self.own)?;
        found.mailbox.role()
    }

    /// Whether the selection options choose it, RECURSIVEMATCH aside.
    pub(crate) fn satisfies(&self, selection: ListSelection) -> bool {
        // Names subscribed to need not exist (RFC 9051 §6.3.9.1).
        let listed = if selection.subscribed {
            self.subscribed
        } else {
            self.exists()
        };
        listed && (!selection.special_use || self.role().is_some())
    }
}

impl Tree {
    /// All that could match one of the patterns, or lie above what does.
    ///
    /// # Errors
    /// What is deleted can't be read.
    pub(crate) async fn new(
        user: &User,
        patterns: &[Pattern],
        selection: ListSelection,
    ) -> Result<Self, Refusal> {
        let mut tree = Self {
            nodes: BTreeMap::new(),
        };
        tree.own(user, patterns, selection).await?;
        let reach = &user.reach;
        let namespace = reach.namespace();
        let wanted = |owner: &Owner| {
            let root = namespace.root(owner);
            patterns.iter().any(|pattern| pattern.may_match(&root))
        };
        for (owner, account) in reach.others(wanted).await? {
            let account = Arc::new(account);
            for (name, mailbox) in account.snapshot().mailboxes() {
                if account.sees(mailbox) {
                    let node = tree.node(namespace.write(&owner, name));
                    node.subscribed = subscriptions::has(&user.account, &account, mailbox);
                    node.found = Some(Listed::new(&account, mailbox));
                }
            }
        }
        tree.levels(namespace, patterns, selection);
        Ok(tree)
    }

    /// The user's own, and what they are subscribed to.
    async fn own(
        &mut self,
        user: &User,
        patterns: &[Pattern],
        selection: ListSelection,
    ) -> Result<(), Refusal> {
        let (account, snapshot) = (Arc::new(user.account.clone()), user.account.snapshot());
        let written = |name: &MailboxName| user.reach.namespace().write(&Owner::Own, name);
        let own = |name: &MailboxName, mailbox: &Arc<Mailbox>| {
            let node = Node {
                own: true,
                found: Some(Listed::new(&account, mailbox)),
                ..Node::default()
            };
            (written(name), node)
        };
        // All at once: they are in order, mostly.
        self.nodes = snapshot
            .mailboxes()
            .map(|(name, it)| own(name, it))
            .collect();
        if patterns.iter().any(|p| p.begins_with(DELETED)) {
            let deleted = deleted::all(user).await?;
            self.nodes
                .extend(deleted.iter().map(|(name, it)| own(name, it)));
        }
        // RFC 2193 §3: nobody is shown them who does not ask for them.
        if selection.remote {
            for remote in &*user.remotes {
                let node = self.node(written(remote.name()));
                node.remote = node.found.is_none();
            }
        }
        for name in snapshot.subscriptions() {
            if selection.remote || !referral::is_remote(user, name) {
                self.node(written(name)).subscribed = true;
            }
        }
        Ok(())
    }

    fn node(&mut self, name: String) -> &mut Node {
        self.nodes.entry(name).or_default()
    }

    /// The levels above, and what they are told of what is below.
    fn levels(&mut self, namespace: &Namespace, patterns: &[Pattern], selection: ListSelection) {
        let mut above: BTreeMap<String, Node> = BTreeMap::new();
        for (name, node) in &self.nodes {
            let exists = node.exists();
            let selected = node.satisfies(selection);
            // RFC 9051 §6.3.9.6: CHILDINFO that repeats what is listed anyway is left out.
            let hidden =
                selected && selection.recursive_match && !matches(namespace, patterns, name);
            let mut level = namespace.parent(name);
            while let Some(name) = level {
                level = namespace.parent(&name);
                let parent = above.entry(name).or_default();
                let knows = parent.has_children >= exists
                    && parent.child_selected >= selected
                    && parent.hides_a_child >= hidden;
                if knows {
                    // And so do those above it.
                    break;
                }
                parent.has_children |= exists;
                parent.child_selected |= selected;
                parent.hides_a_child |= hidden;
            }
        }
        for (name, parent) in above {
            let node = self.node(name);
            node.has_children = parent.has_children;
            node.child_selected = parent.child_selected;
            node.hides_a_child = parent.hides_a_child;
        }
    }
}

/// Whether a name matches one of the patterns.
pub(crate) fn matches(namespace: &Namespace, patterns: &[Pattern], name: &str) -> bool {
    let name = namespace.comparable(name);
    patterns.iter().any(|pattern| pattern.matches(&name))
}
