//! What a FETCH asks for, worked out once for all its messages.

use imap::{
    command::{AnnotationSpec, Fetch, FetchItem, Numbering, Partial, Section, SectionText},
    encode,
    response::Code,
};
use mail::What;

use super::fields::Names;
use crate::imap::{annotation, refusal::Refusal, state::Enabled};

/// Items of one FETCH, doubles left out. Clients ask for some ten; each is work for
/// every message.
const ITEMS_MAX: usize = 1000;

/// The items of every response, in the order asked for.
#[derive(Debug)]
pub(super) struct Plan {
    /// Never two alike.
    pub(super) items: Vec<Item>,
    /// Some item is answered from the message's record: the others need only the snapshot.
    pub(super) needs_record: bool,
    /// Some item sets `\Seen`.
    pub(super) sets_seen: bool,
    /// The UID is asked for, and not only due.
    pub(super) asks_uid: bool,
}

/// One item of a response.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Known without the message's record.
    Kept(Kept),
    /// In the record as it goes out.
    Derived(Derived),
    /// Octets of the message.
    Octets {
        /// How the response calls it: `BODY[1.MIME]<0>`.
        label: Vec<u8>,
        /// Which.
        section: Wanted,
        /// Which of these.
        partial: Option<Partial>,
    },
    /// `BINARY`: a part, decoded.
    Decoded {
        /// How the response calls it.
        label: Vec<u8>,
        /// The part's number.
        part: Vec<u32>,
        /// Which octets of it.
        partial: Option<Partial>,
    },
    /// `ANNOTATION`, which needs no record.
    Annotations(AnnotationSpec),
    /// `PREVIEW`.
    Preview,
    /// `BINARY.SIZE`.
    DecodedSize {
        /// How the response calls it.
        label: Vec<u8>,
        /// The part's number.
        part: Vec<u32>,
    },
}

/// What the snapshot knows of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// `UID`.
    Uid,
    /// `FLAGS`.
    Flags,
    /// `INTERNALDATE`.
    InternalDate,
    /// `RFC822.SIZE`.
    Size,
    /// `MODSEQ`.
    ModSeq,
    /// `EMAILID`.
    EmailId,
    /// `THREADID`.
    ThreadId,
    /// `SAVEDATE`: RFC 8514 §4.2.
    SaveDate,
}

/// What the record holds in the form of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Derived {
    /// `ENVELOPE`.
    Envelope,
    /// `BODY`.
    Body,
    /// `BODYSTRUCTURE`.
    BodyStructure,
}

/// A section: RFC 9051 §6.4.5.1.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Octets in a row.
    Span {
        /// The part's number; empty for the message.
        part: Vec<u32>,
        /// What of it.
        what: What,
    },
    /// Some fields of a header.
    Fields {
        /// The part's number; empty for the message.
        part: Vec<u32>,
        /// Which.
        names: Names,
    },
}

impl Plan {
    /// The plan of a FETCH.
    ///
    /// # Errors
    /// NO \[LIMIT] for more items than anybody needs.
    pub(super) fn new(fetch: &Fetch) -> Result<Self, Refusal> {
        let mut items: Vec<Item> = Vec::with_capacity(fetch.items.len().min(ITEMS_MAX) + 2);
        // RFC 9051 §6.4.9: always with UID FETCH.
        if fetch.numbering == Numbering::Uid && !fetch.items.contains(&FetchItem::Uid) {
            items.push(Item::Kept(Kept::Uid));
        }
        for asked in &fetch.items {
            let item = item(asked);
            if items.contains(&item) {
                continue;
            }
            if items.len() >= ITEMS_MAX {
                return Err(Refusal::no(Code::Limit, "Too many items in one FETCH"));
            }
            items.push(item);
        }
        // RFC 7162 §3.1.4.1: CHANGEDSINCE asks for MODSEQ.
        if fetch.changed_since.is_some() && !items.contains(&Item::Kept(Kept::ModSeq)) {
            items.push(Item::Kept(Kept::ModSeq));
        }
        Ok(Self {
            needs_record: items
                .iter()
                .any(|item| !matches!(item, Item::Kept(_) | Item::Annotations(_))),
            asks_uid: fetch.items.contains(&FetchItem::Uid),
            sets_seen: fetch.items.iter().any(sets_seen),
            items,
        })
    }

    /// The parts that annotations are asked for of by name.
    pub(super) fn annotated_parts(&self) -> Vec<Vec<u32>> {
        let entries = self.items.iter().filter_map(|item| match item {
            Item::Annotations(spec) => Some(&spec.entries),
            _ => None,
        });
        let parts = entries.flatten();
        parts.filter_map(|entry| annotation::part(entry)).collect()
    }

    /// Whether every response has this item.
    pub(super) fn shows(&self, kept: Kept) -> bool {
        self.items.contains(&Item::Kept(kept))
    }

    /// Whether responses tell all that a client must hear of changed flags: with
    /// CONDSTORE, their MODSEQ too (RFC 7162 §3.1).
    pub(super) fn tells_flags(&self, enabled: Enabled) -> bool {
        self.shows(Kept::Flags) && (self.shows(Kept::ModSeq) || !enabled.condstore)
    }
}

/// RFC 9051 §6.4.5, RFC 3501 §6.4.5: what reads a body without `.PEEK`.
fn sets_seen(item: &FetchItem) -> bool {
    match item {
        FetchItem::Rfc822 | FetchItem::Rfc822Text => true,
        FetchItem::Section { peek, .. }
        | FetchItem::Binary { peek, .. }
        | FetchItem::Named { peek, .. } => !peek,
        _ => false,
    }
}

fn item(asked: &FetchItem) -> Item {
    let whole = |label: &str, what| Item::Octets {
        label: label.as_bytes().to_vec(),
        section: Wanted::Span {
            part: Vec::new(),
            what,
        },
        partial: None,
    };
    match asked {
        FetchItem::Envelope => Item::Derived(Derived::Envelope),
        FetchItem::Flags => Item::Kept(Kept::Flags),
        FetchItem::InternalDate => Item::Kept(Kept::InternalDate),
        FetchItem::Rfc822 => whole("RFC822", What::Whole),
        FetchItem::Rfc822Header => whole("RFC822.HEADER", What::Header),
        FetchItem::Rfc822Size => Item::Kept(Kept::Size),
        FetchItem::Rfc822Text => whole("RFC822.TEXT", What::Text),
        FetchItem::Body => Item::Derived(Derived::Body),
        FetchItem::BodyStructure => Item::Derived(Derived::BodyStructure),
        FetchItem::Uid => Item::Kept(Kept::Uid),
        FetchItem::ModSeq => Item::Kept(Kept::ModSeq),
        FetchItem::EmailId => Item::Kept(Kept::EmailId),
        FetchItem::ThreadId => Item::Kept(Kept::ThreadId),
        FetchItem::SaveDate => Item::Kept(Kept::SaveDate),
        FetchItem::Annotation(spec) => Item::Annotations((**spec).clone()),
        FetchItem::Preview { .. } => Item::Preview,
        FetchItem::Named {
            label,
            section,
            partial,
            ..
        } => Item::Octets {
            label: label.as_bytes().to_vec(),
            section: wanted(section),
            partial: *partial,
        },
        FetchItem::Section {
            section, partial, ..
        } => {
            let mut label = Vec::new();
            encode::section(&mut label, section, partial.map(|p| p.start));
            Item::Octets {
                label,
                section: wanted(section),
                partial: *partial,
            }
        }
        FetchItem::Binary { part, partial, .. } => {
            let mut label = Vec::new();
            encode::binary(&mut label, part, partial.map(|p| p.start));
            Item::Decoded {
                label,
                part: numbers(part),
                partial: *partial,
            }
        }
        FetchItem::BinarySize(part) => {
            let mut label = Vec::new();
            encode::binary_size(&mut label, part);
            Item::DecodedSize {
                label,
                part: numbers(part),
            }
        }
    }
}

pub(super) fn wanted(section: &Section) -> Wanted {
    let part = numbers(&section.part);
    let what = match &section.text {
        SectionText::Whole => What::Whole,
        SectionText::Header => What::Header,
        SectionText::Text => What::Text,
        SectionText::Mime => What::Mime,
        SectionText::HeaderFields(names) => {
            let names = Names::only(names);
            return Wanted::Fields { part, names };
        }
        SectionText::HeaderFieldsNot(names) => {
            let names = Names::all_but(names);
            return Wanted::Fields { part, names };
        }
    };
    Wanted::Span { part, what }
}

fn numbers(part: &[std::num::NonZeroU32]) -> Vec<u32> {
    part.iter().map(|n| n.get()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use imap::SequenceSet;

    fn fetch(items: Vec<FetchItem>) -> Fetch {
        Fetch {
            numbering: Numbering::Sequence,
            messages: SequenceSet::Saved,
            items,
            changed_since: None,
            vanished: false,
            partial: None,
        }
    }

    #[test]
    fn what_is_implied_is_added_and_nothing_is_told_twice() {
        use Kept::{Flags, ModSeq, Uid};
        for (numbering, changed_since, items, expected) in [
            (
                Numbering::Sequence,
                None,
                vec![FetchItem::Flags, FetchItem::Flags],
                vec![Flags],
            ),
            (
                Numbering::Uid,
                None,
                vec![FetchItem::Flags],
                vec![Uid, Flags],
            ),
            (
                Numbering::Uid,
                Some(7),
                vec![FetchItem::Flags, FetchItem::Uid],
                vec![Flags, Uid, ModSeq],
            ),
            (
                Numbering::Sequence,
                Some(7),
                vec![FetchItem::ModSeq],
                vec![ModSeq],
            ),
        ] {
            let plan = Plan::new(&Fetch {
                numbering,
                changed_since,
                ..fetch(items)
            })
            .unwrap();
            let expected: Vec<_> = expected.into_iter().map(Item::Kept).collect();
            assert_eq!(plan.items, expected);
            assert!(!plan.needs_record && !plan.sets_seen);
        }
    }

    #[test]
    fn reading_sets_seen_and_peeking_does_not() {
        let section = |peek| FetchItem::Section {
            section: Section {
                part: Vec::new(),
                text: SectionText::Text,
            },
            partial: None,
            peek,
        };
        for (item, expected) in [
            (section(false), true),
            (section(true), false),
            (FetchItem::Rfc822, true),
            (FetchItem::Rfc822Text, true),
            (FetchItem::Rfc822Header, false),
            (FetchItem::BinarySize(Vec::new()), false),
            (FetchItem::Envelope, false),
        ] {
            let plan = Plan::new(&fetch(vec![item])).unwrap();
            assert_eq!(plan.sets_seen, expected, "{plan:?}");
            assert!(plan.needs_record);
        }
    }

    #[test]
    fn items_have_a_limit() {
        let size = |n| FetchItem::BinarySize(vec![n]);
        let many = (1..).map_while(std::num::NonZeroU32::new).map(size);
        let items = many.take(ITEMS_MAX + 1).collect();
        assert!(Plan::new(&fetch(items)).is_err());
    }
}
