//! REFERENCES against the RFC's own words, done step by step on small random mailboxes.

use std::collections::HashMap;

use crate::imap::{
    fetch::tests::run,
    search::{
        pace::Pace,
        thread::{Entry, Identity, Links, forest::Forest},
    },
};

/// What is random of a message.
#[derive(Debug, Clone)]
struct Letter {
    id: Option<Identity>,
    references: Vec<Identity>,
    subject: Option<Identity>,
    is_reply: bool,
    sent: i64,
}

/// A message or a dummy, as the RFC speaks of them.
#[derive(Debug, Default)]
struct Node {
    message: Option<usize>,
    parent: Option<usize>,
    children: Vec<usize>,
}

/// The algorithm, with no thought of what it costs.
struct Model<'a> {
    letters: &'a [Letter],
    nodes: Vec<Node>,
    by_id: HashMap<Identity, usize>,
}

impl Model<'_> {
    fn node(&mut self, id: Option<Identity>) -> usize {
        if let Some(node) = id.and_then(|id| self.by_id.get(&id)) {
            return *node;
        }
        self.nodes.push(Node::default());
        let node = self.nodes.len() - 1;
        if let Some(id) = id {
            self.by_id.insert(id, node);
        }
        node
    }

    fn descends(&self, node: usize, from: usize) -> bool {
        node == from
            || self.nodes[from]
                .children
                .iter()
                .any(|child| self.descends(node, *child))
    }

    fn link(&mut self, parent: usize, child: usize) {
        if !self.descends(parent, child) {
            self.nodes[child].parent = Some(parent);
            self.nodes[parent].children.push(child);
        }
    }

    fn step_1(&mut self) {
        for (message, letter) in self.letters.iter().enumerate() {
            let mut last = None;
            for reference in &letter.references {
                let node = self.node(Some(*reference));
                if let Some(parent) = last
                    && self.nodes[node].parent.is_none()
                {
                    self.link(parent, node);
                }
                last = Some(node);
            }
            let mut own = self.node(letter.id);
            if self.nodes[own].message.is_some() {
                own = self.node(None);
            }
            self.nodes[own].message = Some(message);
            if let Some(parent) = self.nodes[own].parent.take() {
                self.nodes[parent].children.retain(|child| *child != own);
            }
            if let Some(parent) = last {
                self.link(parent, own);
            }
        }
    }

    /// Step 3 for siblings.
    fn prune(&mut self, siblings: Vec<usize>, on_top: bool) -> Vec<usize> {
        let mut kept = Vec::new();
        for node in siblings {
            let children = std::mem::take(&mut self.nodes[node].children);
            let children = self.prune(children, false);
            let is_dummy = self.nodes[node].message.is_none();
            if !is_dummy || (on_top && children.len() > 1) {
                self.nodes[node].children = children;
                kept.push(node);
            } else {
                kept.extend(children);
            }
        }
        kept
    }

    /// The message, or a dummy's first child.
    fn first(&self, node: usize) -> usize {
        let first = |node: usize| self.nodes[node].message;
        first(node).unwrap_or_else(|| first(self.nodes[node].children[0]).unwrap())
    }

    fn sort(&self, siblings: &mut [usize]) {
        siblings.sort_by_key(|node| (self.letters[self.first(*node)].sent, self.first(*node)));
    }

    fn subject(&self, node: usize) -> Option<Identity> {
        self.letters[self.first(node)].subject
    }

    fn is_reply(&self, node: usize) -> bool {
        self.nodes[node]
            .message
            .is_some_and(|message| self.letters[message].is_reply)
    }

    fn is_dummy(&self, node: usize) -> bool {
        self.nodes[node].message.is_none()
    }

    fn step_5(&mut self, root: Vec<usize>) -> Vec<usize> {
        let mut table: HashMap<Identity, usize> = HashMap::new();
        for &current in &root {
            let Some(subject) = self.subject(current) else {
                continue;
            };
            let Some(&known) = table.get(&subject) else {
                table.insert(subject, current);
                continue;
            };
            let better =
                self.is_dummy(current) || (self.is_reply(known) && !self.is_reply(current));
            if !self.is_dummy(known) && better {
                table.insert(subject, current);
            }
        }
        let mut kept = root.clone();
        for current in root {
            let Some(subject) = self.subject(current) else {
                continue;
            };
            let known = table[&subject];
            if known == current {
                continue;
            }
            kept.retain(|node| *node != current);
            if self.is_dummy(known) && self.is_dummy(current) {
                let children = std::mem::take(&mut self.nodes[current].children);
                self.nodes[known].children.extend(children);
            } else if self.is_dummy(known) || (self.is_reply(current) && !self.is_reply(known)) {
                self.nodes[known].children.push(current);
            } else {
                let dummy = self.node(None);
                self.nodes[dummy].children = vec![known, current];
                kept.retain(|node| *node != known);
                kept.push(dummy);
                table.insert(subject, dummy);
            }
        }
        kept
    }

    fn step_6(&mut self, siblings: &mut [usize]) {
        for node in siblings.iter() {
            let mut children = std::mem::take(&mut self.nodes[*node].children);
            self.step_6(&mut children);
            self.nodes[*node].children = children;
        }
        self.sort(siblings);
    }

    fn write(&self, node: usize, out: &mut String) {
        let children = &self.nodes[node].children;
        if let Some(message) = self.nodes[node].message {
            out.push_str(&(message + 1).to_string());
            if !children.is_empty() {
                out.push(' ');
            }
            if let [only] = children[..] {
                self.write(only, out);
                return;
            }
        }
        for child in children {
            out.push('(');
            self.write(*child, out);
            out.push(')');
        }
    }
}

fn by_the_book(letters: &[Letter]) -> String {
    let mut model = Model {
        letters,
        nodes: Vec::new(),
        by_id: HashMap::new(),
    };
    model.step_1();
    let root = (0..model.nodes.len()).filter(|node| model.nodes[*node].parent.is_none());
    let root = root.collect();
    let mut root = model.prune(root, true);
    for node in root.clone() {
        if model.is_dummy(node) {
            let mut children = std::mem::take(&mut model.nodes[node].children);
            model.sort(&mut children);
            model.nodes[node].children = children;
        }
    }
    model.sort(&mut root);
    let mut root = model.step_5(root);
    model.step_6(&mut root);
    let mut out = String::new();
    for node in root {
        out.push('(');
        model.write(node, &mut out);
        out.push(')');
    }
    out
}

async fn ours(letters: &[Letter]) -> String {
    let mut links = Links::new(letters.len());
    let entries = letters.iter().map(|letter| {
        links.add(letter.id, &letter.references);
        Entry {
            sequence: 0,
            uid: 0,
            sent: letter.sent,
            arrived: 0,
            subject: letter.subject,
            is_reply: letter.is_reply,
        }
    });
    let entries = entries.collect();
    let mut pace = Pace::default();
    let mut forest = Forest::grow(entries, &links, &mut pace).await;
    forest.merge_subjects(&mut pace).await;
    forest.sort_siblings(&mut pace).await;
    forest.sort_by_sent(&mut pace).await;
    let mut out = Vec::new();
    for top in &forest.tops {
        forest.write(top, |message| u32::try_from(message + 1).unwrap(), &mut out);
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn threads_are_those_of_the_book() {
    let mut random = fastrand::Rng::with_seed(5256);
    run(async {
        for _ in 0..5_000 {
            let few = random.u32(1..8);
            let letters: Vec<Letter> = (0..random.usize(0..9))
                .map(|_| Letter {
                    id: random.bool().then(|| random.u32(0..few)),
                    references: (0..random.usize(0..4))
                        .map(|_| random.u32(0..few))
                        .collect(),
                    subject: random.bool().then(|| random.u32(0..3)),
                    is_reply: random.bool(),
                    sent: random.i64(0..4),
                })
                .collect();
            assert_eq!(ours(&letters).await, by_the_book(&letters), "{letters:#?}");
        }
    });
}
