//! BODY and BODYSTRUCTURE (RFC 9051 §7.5.2), in wire form.
//!
//! What is written is grammatical whatever the message was: a multipart has at
//! least one part, a type has a subtype, a message has an envelope.

use alloc::{boxed::Box, vec::Vec};

use crate::{
    content::{Content, Param},
    envelope,
    structure::Span,
    wire::{nstring, number, string},
};

/// A part, as scanned.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) content: Content,
    pub(crate) header: Span,
    pub(crate) body: Span,
    pub(crate) lines: u64,
    pub(crate) kind: NodeKind,
}

/// What a part holds.
#[derive(Debug)]
pub(crate) enum NodeKind {
    Leaf,
    Multipart(Vec<Node>),
    Message { envelope: Vec<u8>, inner: Box<Node> },
}

/// BODY leaves extension data out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Body,
    BodyStructure,
}

/// Appends the structure of a part. Recursion is bounded by the scanner's depth.
pub(crate) fn write(out: &mut Vec<u8>, node: &Node, form: Form) {
    out.push(b'(');
    match &node.kind {
        NodeKind::Multipart(parts) => multipart(out, node, parts, form),
        NodeKind::Message { envelope, inner } => {
            basic(out, node);
            out.push(b' ');
            out.extend_from_slice(envelope);
            out.push(b' ');
            write(out, inner, form);
            lines(out, node);
        }
        NodeKind::Leaf => {
            basic(out, node);
            if node.content.main == "text" {
                lines(out, node);
            } else if is_message(&node.content) {
                // Encoded, or nested too deep: what is inside stays unknown, but
                // the grammar asks for it.
                out.push(b' ');
                out.extend_from_slice(envelope::EMPTY);
                out.push(b' ');
                no_part(out, form);
                lines(out, node);
            }
        }
    }
    if form == Form::BodyStructure && !matches!(node.kind, NodeKind::Multipart(_)) {
        out.push(b' ');
        nstring(out, node.content.md5.as_deref());
        extension(out, &node.content);
    }
    out.push(b')');
}

/// Whether the type is one whose structure shows the message inside.
pub(crate) fn is_message(content: &Content) -> bool {
    content.is("message", "rfc822") || content.is("message", "global")
}

/// What is sent for a part that isn't there.
fn no_part(out: &mut Vec<u8>, form: Form) {
    out.extend_from_slice(b"(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0");
    if form == Form::BodyStructure {
        out.extend_from_slice(b" NIL NIL NIL NIL");
    }
    out.push(b')');
}

fn multipart(out: &mut Vec<u8>, node: &Node, parts: &[Node], form: Form) {
    for part in parts {
        write(out, part, form);
    }
    if parts.is_empty() {
        no_part(out, form);
    }
    out.push(b' ');
    string(out, node.content.sub.as_bytes());
    if form == Form::BodyStructure {
        out.push(b' ');
        params(out, &node.content.params);
        extension(out, &node.content);
    }
}

/// Type, subtype and body-fields.
fn basic(out: &mut Vec<u8>, node: &Node) {
    let content = &node.content;
    // A multipart that could not be entered has no parts to show.
    let (main, sub) = match content.main.as_str() {
        "multipart" => ("application", "octet-stream"),
        main => (main, content.sub.as_str()),
    };
    string(out, main.as_bytes());
    out.push(b' ');
    string(out, sub.as_bytes());
    out.push(b' ');
    if main == "text" && content.param("charset").is_none() {
        text_params(out, &content.params);
    } else {
        params(out, &content.params);
    }
    out.push(b' ');
    nstring(out, content.id.as_deref());
    out.push(b' ');
    nstring(out, content.description.as_deref());
    out.push(b' ');
    match content.encoding_name.as_slice() {
        [] => string(out, b"7bit"),
        name => string(out, &name.to_ascii_lowercase()),
    }
    out.push(b' ');
    // RFC 9051 §9: body-fld-octets is a number, which has 32 bits.
    number(out, node.body.len().min(u64::from(u32::MAX)));
}

fn lines(out: &mut Vec<u8>, node: &Node) {
    out.push(b' ');
    number(out, node.lines);
}

/// RFC 2045 §5.2: text without a charset is US-ASCII.
fn text_params(out: &mut Vec<u8>, list: &[Param]) {
    out.extend_from_slice(b"(\"charset\" \"us-ascii\"");
    for param in list {
        out.push(b' ');
        pair(out, param);
    }
    out.push(b')');
}

fn params(out: &mut Vec<u8>, list: &[Param]) {
    if list.is_empty() {
        out.extend_from_slice(b"NIL");
        return;
    }
    let mut before = b'(';
    for param in list {
        out.push(before);
        pair(out, param);
        before = b' ';
    }
    out.push(b')');
}

fn pair(out: &mut Vec<u8>, (name, value): &Param) {
    string(out, name);
    out.push(b' ');
    string(out, value);
}

/// Disposition, language, location.
fn extension(out: &mut Vec<u8>, content: &Content) {
    out.push(b' ');
    match &content.disposition {
        None => out.extend_from_slice(b"NIL"),
        Some((kind, list)) => {
            out.push(b'(');
            string(out, kind);
            out.push(b' ');
            params(out, list);
            out.push(b')');
        }
    }
    out.push(b' ');
    match content.languages.as_slice() {
        [] => out.extend_from_slice(b"NIL"),
        [tag] => string(out, tag),
        tags => {
            let mut before = b'(';
            for tag in tags {
                out.push(before);
                string(out, tag);
                before = b' ';
            }
            out.push(b')');
        }
    }
    out.push(b' ');
    nstring(out, content.location.as_deref());
}
