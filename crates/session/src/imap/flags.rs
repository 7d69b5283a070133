//! Flags between the wire and the store: RFC 9051 §2.3.2.

use std::sync::Arc;

use imap::{command::Flag, response::Code};
use store::{Flags, Keyword, Message, Rights, SystemFlags};

use super::{refusal::Refusal, state::Enabled, view::View, wording::Text};

/// The system flags and their names, in the order that they are shown.
const SYSTEM: [(SystemFlags, &str); 5] = [
    (SystemFlags::ANSWERED, "\\Answered"),
    (SystemFlags::FLAGGED, "\\Flagged"),
    (SystemFlags::DELETED, "\\Deleted"),
    (SystemFlags::SEEN, "\\Seen"),
    (SystemFlags::DRAFT, "\\Draft"),
];

/// The longest keyword taken, in octets.
const KEYWORD_OCTETS_MAX: usize = 255;

/// The most keywords in one command.
const KEYWORDS_MAX: usize = 200;

/// Writes a message's flags as `(…)`, `\Recent` among them if this session has it
/// and has not enabled IMAP4rev2, which knows none.
pub(crate) fn write_flags(view: &View, message: &Message<'_>, enabled: Enabled, out: &mut Vec<u8>) {
    out.push(b'(');
    let start = out.len();
    let mut word = |name: &str| {
        if out.len() > start {
            out.push(b' ');
        }
        out.extend_from_slice(name.as_bytes());
    };
    for (flag, name) in SYSTEM {
        if message.system.contains(flag) {
            word(name);
        }
    }
    if !enabled.rev2 && view.is_recent(message.uid) {
        word("\\Recent");
    }
    // A mailbox only ever adds keywords, so that a ghost's indexes hold, too.
    let keywords = view.mailbox().keywords();
    for &index in message.keywords {
        if let Some(keyword) = usize::try_from(index).ok().and_then(|i| keywords.get(i)) {
            word(keyword);
        }
    }
    out.push(b')');
}

/// Writes every flag that the mailbox has: FLAGS and PERMANENTFLAGS without
/// parentheses.
pub(crate) fn every_flag(keywords: &[Keyword]) -> String {
    let mut all = String::new();
    let names = SYSTEM.iter().map(|(_, name)| *name);
    for name in names.chain(keywords.iter().map(|keyword| &**keyword)) {
        if !all.is_empty() {
            all.push(' ');
        }
        all.push_str(name);
    }
    all
}

/// Writes every flag that whoever has these rights can change for good: PERMANENTFLAGS without parentheses, which
/// is to say what they may (RFC 4314 §5.1.1).
pub(crate) fn permanent_flags(keywords: &[Keyword], rights: Rights) -> String {
    let permitted = rights.permitted(&Flags {
        system: SystemFlags::EVERY,
        keywords: keywords.to_vec(),
    });
    let system = SYSTEM
        .iter()
        .filter(|(flag, _)| permitted.system.contains(*flag));
    let names = system.map(|(_, name)| *name);
    let keywords = permitted.keywords.iter().map(|keyword| &**keyword);
    let new = rights.contains(Rights::WRITE).then_some("\\*");
    let all: Vec<&str> = names.chain(keywords).chain(new).collect();
    all.join(" ")
}

/// Flags as the client sent them. `\Recent` is ignored, as many clients send
/// back what they have read (RFC 3501 §2.3.2 lets nobody set it).
///
/// # Errors
/// NO for flags with a backslash that are none, and for keywords too long to keep.
pub(crate) fn from_wire(flags: &[Flag]) -> Result<Flags, Refusal> {
    let mut taken = Flags::default();
    for flag in flags {
        let system = match flag {
            Flag::Answered => SystemFlags::ANSWERED,
            Flag::Flagged => SystemFlags::FLAGGED,
            Flag::Deleted => SystemFlags::DELETED,
            Flag::Seen => SystemFlags::SEEN,
            Flag::Draft => SystemFlags::DRAFT,
            Flag::Recent => continue,
            Flag::Extension(name) => {
                return Err(Refusal::no(
                    Code::Cannot,
                    Text::with("There is no flag \\{}", [name.to_string().into()]),
                ));
            }
            Flag::Keyword(name) => {
                add_keyword(&mut taken.keywords, name)?;
                continue;
            }
        };
        taken.system = taken.system.with(system);
    }
    Ok(taken)
}

fn add_keyword(keywords: &mut Vec<Keyword>, name: &str) -> Result<(), Refusal> {
    if name.len() > KEYWORD_OCTETS_MAX {
        return Err(Refusal::no(
            Code::Limit,
            "A keyword is longer than 255 octets",
        ));
    }
    if keywords.len() >= KEYWORDS_MAX {
        return Err(Refusal::no(Code::Limit, "Too many keywords in one command"));
    }
    if !keywords.iter().any(|k| k.eq_ignore_ascii_case(name)) {
        keywords.push(Arc::from(name));
    }
    Ok(())
}
