//! The responses that sessions write, in the one place that writes them.

use std::{fmt::Arguments, io::Write as _, sync::Arc};

use imap::{
    encode,
    response::{self, Code, Status, Words},
};
use store::{Message, Uid};

use super::{
    flags::write_flags,
    state::Enabled,
    view::View,
    wording::{Language, Text},
};
use crate::Outlet;

/// Which items an untagged FETCH response carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    /// `FLAGS`.
    pub(crate) flags: bool,
    /// `UID`; a UIDFETCH response begins with it, and needs no other.
    pub(crate) uid: bool,
    /// `MODSEQ`.
    pub(crate) mod_seq: bool,
}

impl Shown {
    /// What goes with flags that nobody asked for: UID and MODSEQ once CONDSTORE
    /// is enabled (RFC 7162 §3.2.4), UID once IMAP4rev2 is.
    pub(crate) const fn unasked(enabled: Enabled) -> Self {
        Self {
            flags: true,
            uid: enabled.condstore || enabled.rev2,
            mod_seq: enabled.condstore,
        }
    }
}

/// A whole response line.
pub(crate) fn line(out: &mut impl Outlet, text: Arguments<'_>) {
    // Writing to a Vec can't fail.
    let _ = write!(out.buffer(), "{text}\r\n");
}

/// A tagged status response.
pub(crate) fn tagged(
    out: &mut impl Outlet,
    language: Language,
    tag: &str,
    status: (Status, Option<&Code>),
    text: impl Into<Text>,
) {
    let text = text.into().say(language);
    response::status(out.buffer(), Some(tag), status, language.words(&text));
}

/// An untagged status response.
pub(crate) fn untagged(
    out: &mut impl Outlet,
    language: Language,
    status: (Status, Option<&Code>),
    text: impl Into<Text>,
) {
    let text = text.into().say(language);
    response::status(out.buffer(), None, status, language.words(&text));
}

/// `+ text`: go on.
pub(crate) fn go_on(out: &mut impl Outlet, language: Language, text: impl Into<Text>) {
    let text = text.into().say(language);
    response::continuation(out.buffer(), language.words(&text));
}

/// `+ data`: a challenge, for the client and no person.
pub(crate) fn challenge(out: &mut impl Outlet, base64: &str) {
    response::continuation(out.buffer(), Words::Ascii(base64));
}

/// A FETCH response with what is kept of every message.
pub(crate) fn fetch(
    view: &View,
    what: (u32, &Message<'_>),
    shown: Shown,
    enabled: Enabled,
    out: &mut Vec<u8>,
) {
    changed(view, what, (shown, &[]), enabled, out);
}

/// The same, with entries of annotations that have changed, if there are any (RFC 5257 §4.4).
pub(crate) fn changed(
    view: &View,
    (sequence, message): (u32, &Message<'_>),
    (shown, entries): (Shown, &[Arc<str>]),
    enabled: Enabled,
    out: &mut Vec<u8>,
) {
    fetch_start(enabled, (sequence, message.uid), out);
    let start = out.len();
    if shown.uid && !enabled.uid_only {
        out.extend_from_slice(b"UID ");
        encode::number(out, message.uid.0.into());
    }
    if shown.flags {
        separate(out, start);
        out.extend_from_slice(b"FLAGS ");
        write_flags(view, message, enabled, out);
    }
    if !entries.is_empty() {
        separate(out, start);
        encode::annotations_changed(out, entries.iter().map(|entry| &**entry));
    }
    if shown.mod_seq {
        separate(out, start);
        out.extend_from_slice(b"MODSEQ (");
        encode::number(out, message.mod_seq.0);
        out.push(b')');
    }
    encode::fetch_end(out);
}

/// Begins a FETCH response, or the UIDFETCH response that takes its place (RFC 9586 §3.3).
pub(crate) fn fetch_start(enabled: Enabled, (sequence, uid): (u32, Uid), out: &mut Vec<u8>) {
    if enabled.uid_only {
        encode::uid_fetch_start(out, uid.0);
    } else {
        encode::fetch_start(out, sequence);
    }
}

/// A space, unless nothing has been written since `start`.
fn separate(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.push(b' ');
    }
}
