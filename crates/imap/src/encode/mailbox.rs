//! Responses on mailboxes: LIST and its kin, STATUS, NAMESPACE (RFC 9051 §7.3).

use alloc::vec::Vec;

use super::{flag_list, mailbox, number, object_id, quoted, separated, string};
use crate::{
    command::StatusItem,
    name::{self, Encoding},
};

/// Which listing a line belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Listing {
    /// `LIST`, RFC 9051 §7.3.1.
    #[default]
    List,
    /// `LSUB`, RFC 3501 §7.2.3.
    Lsub,
    /// `XLIST`, which was there before RFC 6154.
    Xlist,
}

/// One line of LIST, LSUB or XLIST.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListLine<'a> {
    /// LIST, LSUB or XLIST.
    pub listing: Listing,
    /// `mbx-list-flags`, with their backslash.
    pub attributes: &'a [&'a str],
    /// The hierarchy delimiter, if there is one.
    pub delimiter: Option<char>,
    /// The mailbox.
    pub name: &'a str,
    /// How the session spells names.
    pub encoding: Encoding,
    /// `CHILDINFO ("SUBSCRIBED")`, RFC 9051 §6.3.9.6: the selection options that
    /// a child matches.
    pub child_info: &'a [&'a str],
    /// `OLDNAME`, RFC 9051 §6.3.9.7.
    pub old_name: Option<&'a str>,
}

/// `* LIST (…) "/" name …`.
pub fn list(out: &mut Vec<u8>, line: &ListLine<'_>) {
    out.extend_from_slice(match line.listing {
        Listing::List => b"* LIST ",
        Listing::Lsub => b"* LSUB ",
        Listing::Xlist => b"* XLIST ",
    });
    flag_list(out, line.attributes.iter().copied());
    out.push(b' ');
    match line.delimiter {
        None => out.extend_from_slice(b"NIL"),
        Some(c) => quoted(out, c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
    out.push(b' ');
    mailbox(out, line.name, line.encoding);
    list_extended_items(out, line);
    out.extend_from_slice(b"\r\n");
}

/// `mbox-list-extended`.
fn list_extended_items(out: &mut Vec<u8>, line: &ListLine<'_>) {
    if line.child_info.is_empty() && line.old_name.is_none() {
        return;
    }
    out.extend_from_slice(b" (");
    if !line.child_info.is_empty() {
        out.extend_from_slice(b"\"CHILDINFO\" (");
        separated(out, b' ', line.child_info, |out, option| {
            quoted(out, option.as_bytes());
        });
        out.push(b')');
        if line.old_name.is_some() {
            out.push(b' ');
        }
    }
    if let Some(old) = line.old_name {
        out.extend_from_slice(b"\"OLDNAME\" (");
        mailbox(out, old, line.encoding);
        out.push(b')');
    }
    out.push(b')');
}

/// What STATUS tells of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusValue<'a> {
    /// A number.
    Number(u64),
    /// An object identifier: `(id)`.
    Id(&'a str),
    /// No limit, for `APPENDLIMIT`.
    Nil,
}

/// `* STATUS name (…)`.
pub fn status<'a>(
    out: &mut Vec<u8>,
    name: &str,
    encoding: Encoding,
    items: impl IntoIterator<Item = (StatusItem, StatusValue<'a>)>,
) {
    out.extend_from_slice(b"* STATUS ");
    mailbox(out, name, encoding);
    out.extend_from_slice(b" (");
    separated(out, b' ', items, |out, (item, value)| {
        out.extend_from_slice(item.name().as_bytes());
        out.push(b' ');
        match value {
            StatusValue::Number(n) => number(out, n),
            StatusValue::Id(id) => object_id(out, id),
            StatusValue::Nil => out.extend_from_slice(b"NIL"),
        }
    });
    out.extend_from_slice(b")\r\n");
}

/// A namespace: RFC 9051 §7.3.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace<'a> {
    /// What its names begin with.
    pub prefix: &'a str,
    /// What to show in place of the prefix, in the client's language (RFC 5255 §3.4).
    pub translation: Option<alloc::string::String>,
}

/// `* NAMESPACE …`: personal namespaces, other users', shared ones.
pub fn namespaces(
    out: &mut Vec<u8>,
    kinds: [&[Namespace<'_>]; 3],
    delimiter: char,
    encoding: Encoding,
) {
    out.extend_from_slice(b"* NAMESPACE");
    for namespaces in kinds {
        if namespaces.is_empty() {
            out.extend_from_slice(b" NIL");
            continue;
        }
        out.extend_from_slice(b" (");
        for namespace in namespaces {
            out.push(b'(');
            name_string(out, namespace.prefix, encoding);
            out.push(b' ');
            quoted(out, delimiter.encode_utf8(&mut [0; 4]).as_bytes());
            if let Some(translation) = &namespace.translation {
                out.extend_from_slice(b" \"TRANSLATION\" (");
                name_string(out, translation, encoding);
                out.push(b')');
            }
            out.push(b')');
        }
        out.push(b')');
    }
    out.extend_from_slice(b"\r\n");
}

/// A mailbox name, or the beginning of one, where the grammar wants a `string`.
fn name_string(out: &mut Vec<u8>, name: &str, encoding: Encoding) {
    let mut spelt = Vec::with_capacity(name.len() + 16);
    name::encode(name, encoding, &mut spelt);
    string(out, &spelt, encoding.into());
}
