//! From what was scanned to the digest.

use alloc::{boxed::Box, format, string::String, vec::Vec};

use super::Scanner;
use crate::{
    body_structure::{self, Form, Node, NodeKind},
    date,
    digest::Digest,
    envelope, header,
    structure::{Part, PartKind},
    thread,
};

/// Room for what is said of a message: more than most need, so that writing it moves nothing.
const ROOM: usize = 512;

/// What the outermost header says.
#[derive(Debug, Default)]
pub(super) struct About {
    envelope: Vec<u8>,
    listed: Vec<u8>,
    sent_days: Option<i32>,
    thread_keys: Vec<u64>,
}

impl About {
    pub(super) fn read(&mut self, bytes: &[u8]) {
        self.envelope.reserve(ROOM);
        self.listed.reserve(2 * ROOM);
        for field in header::fields(bytes).filter(|field| header::is_listed(field.name)) {
            self.listed.extend_from_slice(field.raw);
            if !field.raw.ends_with(b"\n") {
                self.listed.extend_from_slice(b"\r\n");
            }
        }
        // What else is asked for is listed too, and the rest of a header is the longer part.
        let listed = &*self.listed;
        envelope::write(&mut self.envelope, listed);
        let date = header::find(listed, "Date").and_then(|field| date::parse(field.value));
        self.sent_days = date.map(|date| date.days);
        self.thread_keys = thread::keys(listed);
    }
}

impl Scanner {
    pub(super) fn digest(mut self) -> Digest {
        let root = self.close_all().unwrap_or_else(super::open::no_message);
        let mut body = Vec::with_capacity(ROOM);
        body_structure::write(&mut body, &root, Form::Body);
        let mut body_structure = Vec::with_capacity(ROOM);
        body_structure::write(&mut body_structure, &root, Form::BodyStructure);
        Digest {
            envelope: self.about.envelope,
            body,
            body_structure,
            listed: self.about.listed,
            sent_days: self.about.sent_days,
            thread_keys: self.about.thread_keys,
            structure: part(root),
        }
    }
}

fn part(node: Node) -> Part {
    let content = node.content;
    let charset = content
        .param("charset")
        .map(|c| String::from_utf8_lossy(c).to_ascii_lowercase());
    Part {
        header: node.header,
        body: node.body,
        lines: node.lines,
        media_type: format!("{}/{}", content.main, content.sub),
        charset: charset.filter(|c| !c.is_empty()),
        encoding: content.encoding,
        kind: match node.kind {
            NodeKind::Leaf => PartKind::Leaf,
            NodeKind::Multipart(parts) => {
                PartKind::Multipart(parts.into_iter().map(part).collect())
            }
            NodeKind::Message { inner, .. } => PartKind::Message(Box::new(part(*inner))),
        },
    }
}
