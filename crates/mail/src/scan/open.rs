//! Parts that are open: opening, describing and closing them.

use alloc::{boxed::Box, vec::Vec};
use core::mem;

use super::Scanner;
use crate::{
    body_structure::{Node, NodeKind},
    content::Content,
    envelope,
    structure::Span,
};

/// What is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// A message: it has an envelope.
    Message,
    /// A part of a multipart.
    Part,
}

/// A part whose end has not been seen.
#[derive(Debug)]
pub(super) struct Open {
    hold: Hold,
    pub(super) content: Content,
    header_start: u64,
    body_start: u64,
    /// LFs before the body.
    lines: u64,
    /// Of a message within: its own; it goes to the part that holds it.
    envelope: Vec<u8>,
    /// Of the message that it holds.
    inner_envelope: Vec<u8>,
    /// What delimits its parts; `None` after the last.
    pub(super) boundary: Option<Vec<u8>>,
    pub(super) is_multipart: bool,
    /// Parts that are complete; of a message, the one inside.
    parts: Vec<Node>,
}

impl Open {
    pub(super) fn body_starts(&mut self, pos: u64, lines: u64, envelope: Vec<u8>) {
        self.body_start = pos;
        self.lines = lines;
        self.envelope = envelope;
    }
}

/// Where open parts end.
#[derive(Clone, Copy)]
struct End {
    pos: u64,
    lines: u64,
    /// Whether the last line has a line end.
    line_ended: bool,
}

impl Scanner {
    /// Where the message's body begins, counted from its first octet; `None` before the end of its header.
    #[must_use]
    pub fn body_start(&self) -> Option<u64> {
        let start = self.stack.first().map(|message| message.body_start);
        start.filter(|start| *start > 0)
    }

    /// A part begins here, with its header.
    pub(super) fn open(&mut self, hold: Hold) {
        self.parts += 1;
        self.in_header = true;
        self.header.clear();
        self.stack.push(Open {
            hold,
            content: Content::default(),
            header_start: self.pos,
            body_start: self.pos,
            lines: self.lines,
            envelope: Vec::new(),
            inner_envelope: Vec::new(),
            boundary: None,
            is_multipart: false,
            parts: Vec::new(),
        });
    }

    /// RFC 2046 §5.1.5: within a digest, parts are messages unless they say
    /// otherwise.
    pub(super) fn default_type(&self) -> (&'static str, &'static str) {
        let enclosing = self.stack.iter().rev().nth(1);
        let is_part = self
            .stack
            .last()
            .is_some_and(|open| open.hold == Hold::Part);
        if is_part && enclosing.is_some_and(|open| open.content.is("multipart", "digest")) {
            ("message", "rfc822")
        } else {
            ("text", "plain")
        }
    }

    /// The envelope of the innermost part, if it is a message within.
    pub(super) fn describe(&mut self, header: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        if self.stack.len() == 1 {
            self.about.read(header);
        } else if self
            .stack
            .last()
            .is_some_and(|open| open.hold == Hold::Message)
        {
            envelope::write(&mut out, header);
            if out.len() > self.budget {
                self.budget = 0;
                out = envelope::EMPTY.to_vec();
            }
            self.budget -= out.len().min(self.budget);
        }
        out
    }

    /// Takes what the innermost part's description costs from the budget.
    pub(super) fn pay(&mut self) {
        let Some(open) = self.stack.last_mut() else {
            return;
        };
        let cost = open.content.cost();
        if cost > self.budget {
            open.content.strip();
        }
        self.budget = self.budget.saturating_sub(cost);
    }

    pub(super) fn forget_boundary(&mut self, level: usize) {
        let boundary = self.stack.get_mut(level).map(|open| open.boundary.take());
        self.boundaries -= usize::from(boundary.flatten().is_some());
    }

    /// Closes all parts within that of `level`; they end `eol` octets before
    /// here.
    pub(super) fn close_above(&mut self, level: usize, eol: u64) {
        // A header that nothing ended may yet open a message within.
        while self.in_header && self.stack.len() > level + 1 {
            self.header_ends();
        }
        let end = self.end(eol);
        while self.stack.len() > level + 1 {
            let closed = self.stack.len() - 1;
            self.forget_boundary(closed);
            if let (Some(mut inner), Some(outer)) = (self.stack.pop(), self.stack.last_mut()) {
                outer.inner_envelope = mem::take(&mut inner.envelope);
                outer.parts.push(inner.close(end));
            }
        }
    }

    /// The message itself ends here.
    pub(super) fn close_all(&mut self) -> Option<Node> {
        while self.in_header {
            self.header_ends();
        }
        self.close_above(0, 0);
        let end = self.end(0);
        self.stack.pop().map(|open| open.close(end))
    }

    fn end(&self, eol: u64) -> End {
        let [.., third, second, first] = self.tail;
        let last = match eol {
            0 => first,
            1 => second,
            _ => third,
        };
        End {
            pos: self.pos - eol.min(self.pos),
            lines: self.lines - u64::from(eol > 0),
            line_ended: last == b'\n',
        }
    }
}

impl Open {
    fn close(mut self, end: End) -> Node {
        let clamp = |start: u64| start.min(end.pos);
        let header = Span {
            start: clamp(self.header_start),
            end: clamp(self.body_start),
        };
        let body = Span {
            start: header.end,
            end: end.pos,
        };
        let mut lines = end.lines.saturating_sub(self.lines);
        if body.is_empty() {
            lines = 0;
        } else if !end.line_ended {
            lines += 1;
        }
        let kind = self.kind(body, lines);
        Node {
            content: self.content,
            header,
            body,
            lines,
            kind,
        }
    }

    fn kind(&mut self, body: Span, lines: u64) -> NodeKind {
        let mut parts = mem::take(&mut self.parts);
        if self.is_multipart {
            if parts.is_empty() {
                parts.push(whole_body(body, lines));
            }
            return NodeKind::Multipart(parts);
        }
        match parts.pop() {
            None => NodeKind::Leaf,
            Some(inner) => NodeKind::Message {
                envelope: mem::take(&mut self.inner_envelope),
                inner: Box::new(inner),
            },
        }
    }
}

/// A multipart without parts shows what it has as plain text, rather than
/// nothing: the grammar asks for a part, and the reader for the text.
fn whole_body(body: Span, lines: u64) -> Node {
    let mut content = Content::default();
    content.set_type("text", "plain");
    let header = Span {
        start: body.start,
        end: body.start,
    };
    Node {
        content,
        header,
        body,
        lines,
        kind: NodeKind::Leaf,
    }
}

/// What a scanner without a stack would have; there is none.
pub(super) fn no_message() -> Node {
    whole_body(Span::default(), 0)
}
