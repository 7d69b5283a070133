//! What goes along when messages are placed once more: annotations, and who has seen them.

use crate::{
    annotation::{Annotation, Whose},
    id::{AccountId, Uid},
    mailbox::Mailbox,
    rights::Rights,
};

/// How messages are placed once more, and by whom: their owner (`None`), or another reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Along {
    /// The copies are new to all but who makes them, and have what they see of the messages.
    Copied(Option<AccountId>),
    /// They are the same messages in another place: everything of everybody goes along.
    Moved(Option<AccountId>),
}

impl Along {
    /// Who does it, if not the owner.
    pub(crate) fn reader(self) -> Option<AccountId> {
        let (Self::Copied(reader) | Self::Moved(reader)) = self;
        reader
    }

    /// Whose `\Seen` goes along besides the owner's, and that of who does it.
    pub(crate) fn others(self, source: &Mailbox) -> Vec<AccountId> {
        match self {
            Self::Copied(_) => Vec::new(),
            Self::Moved(reader) => {
                let others = source.readers.keys().copied();
                others.filter(|other| Some(*other) != reader).collect()
            }
        }
    }

    /// The annotations of a message that go along, to where whoever does it has these rights (RFC 5257 §4.6).
    pub(crate) fn annotations(
        self,
        (mailbox, uid): (&Mailbox, Uid),
        there: Rights,
    ) -> Vec<Annotation> {
        let them = mailbox.annotations.of(uid).iter();
        let goes = |it: &&Annotation| match (self, it.whose) {
            (_, Whose::Shared) => there.contains(Rights::ANNOTATE),
            (Self::Moved(_), _) => true,
            (Self::Copied(reader), of) => {
                of == reader.map_or(Whose::Own, Whose::Private) && there.contains(Rights::READ)
            }
        };
        them.filter(goes).cloned().collect()
    }
}
