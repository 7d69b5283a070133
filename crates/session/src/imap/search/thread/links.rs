//! Who is whose parent, by what messages refer to: RFC 5256 §3, REFERENCES, step 1.
//!
//! Messages come in the order of the mailbox. Every identifier has a node, which is a dummy until
//! a message with that identifier comes.

use super::{Identity, forest::Table};

/// Dummies that there may be besides 16 for every message: what is referred to beyond that is
/// passed over, so that References that name ten thousand messages cost what they are worth.
pub(super) const DUMMIES_MAX: usize = 1 << 18;

/// Steps to ancestors that looking for loops may take besides 64 for every message. Then no node
/// that has children gets a parent any more: a sender of References can't choose how long it takes.
pub(super) const STEPS_MAX: usize = 1 << 20;

/// The nodes and their parents. There are never loops.
#[derive(Debug)]
pub(super) struct Links {
    by_id: Table,
    nodes: Vec<Node>,
    /// Of every message, in the order of the mailbox.
    messages: Vec<usize>,
    nodes_max: usize,
    steps_left: usize,
    /// Steps taken since the last message.
    steps: usize,
}

/// A message, or what was only referred to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Node {
    /// The message, by its place; a dummy has none.
    pub(super) message: Option<usize>,
    /// Its parent.
    pub(super) parent: Option<usize>,
    has_children: bool,
}

impl Links {
    /// For so many messages.
    pub(super) fn new(messages: usize) -> Self {
        Self {
            by_id: Table::default(),
            nodes: Vec::new(),
            messages: Vec::with_capacity(messages),
            nodes_max: DUMMIES_MAX.saturating_add(messages.saturating_mul(16)),
            steps_left: STEPS_MAX.saturating_add(messages.saturating_mul(64)),
            steps: 0,
        }
    }

    /// Adds the next message, with its identifier and what it refers to. How much work it was, in
    /// steps of [`super::Pace`].
    pub(super) fn add(&mut self, id: Option<Identity>, references: &[Identity]) -> usize {
        self.steps = references.len();
        // (A)
        let mut last = None;
        for reference in references {
            let Some(node) = self.node(*reference) else {
                continue;
            };
            if let Some(parent) = last
                && self.parent(node).is_none()
            {
                self.link(parent, node);
            }
            last = Some(node);
        }
        // (B)
        let own = self.own(id);
        self.unlink(own);
        if let Some(parent) = last {
            self.link(parent, own);
        }
        self.steps
    }

    /// The message's node. The first message has an identifier that several have; the others, and
    /// those that have none, get one that nobody refers to.
    fn own(&mut self, id: Option<Identity>) -> usize {
        let message = self.messages.len();
        let known = id.and_then(|id| self.by_id.entry(id));
        let free = known.filter(|node| self.get(*node).message.is_none());
        let node = free.unwrap_or_else(|| {
            self.nodes.push(Node::default());
            if let (Some(id), None) = (id, known) {
                self.by_id.set(id, self.nodes.len() - 1);
            }
            self.nodes.len() - 1
        });
        if let Some(node) = self.nodes.get_mut(node) {
            node.message = Some(message);
        }
        self.messages.push(node);
        node
    }

    /// The node with this identifier, made if there is none and there may be more.
    fn node(&mut self, id: Identity) -> Option<usize> {
        if let Some(node) = self.by_id.entry(id) {
            return Some(node);
        }
        if self.nodes.len() >= self.nodes_max {
            return None;
        }
        self.nodes.push(Node::default());
        self.by_id.set(id, self.nodes.len() - 1);
        Some(self.nodes.len() - 1)
    }

    /// Makes one the parent of the other, which has none, unless that makes a loop.
    fn link(&mut self, parent: usize, child: usize) {
        if parent == child || (self.get(child).has_children && self.is_within(parent, child)) {
            return;
        }
        if let Some(node) = self.nodes.get_mut(child) {
            node.parent = Some(parent);
        }
        if let Some(node) = self.nodes.get_mut(parent) {
            node.has_children = true;
        }
    }

    /// The former parent may have no child then: that is looked at again when it matters.
    fn unlink(&mut self, child: usize) {
        if let Some(node) = self.nodes.get_mut(child) {
            node.parent = None;
        }
    }

    /// Whether `node` descends from `ancestor`; it may be said to if finding out takes too long.
    fn is_within(&mut self, mut node: usize, ancestor: usize) -> bool {
        while let Some(parent) = self.parent(node) {
            if parent == ancestor || self.steps_left == 0 {
                return true;
            }
            self.steps_left -= 1;
            self.steps += 1;
            node = parent;
        }
        false
    }

    fn parent(&self, node: usize) -> Option<usize> {
        self.get(node).parent
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// A node.
    pub(super) fn get(&self, node: usize) -> Node {
        self.nodes.get(node).copied().unwrap_or_default()
    }

    /// The nodes of the messages, in the order of the mailbox.
    pub(super) fn messages(&self) -> &[usize] {
        &self.messages
    }
}
