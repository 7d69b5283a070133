//! What goes along when messages are placed once more: annotations, and who has seen them.

use crate::{
    annotation::{Annotation, Whose},
    id::{AccountId, Uid},
    mailbox::Mailbox,
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

    /// The annotations of a message that go along (RFC 5257 §4.6).
    pub(crate) fn annotations(self, mailbox: &Mailbox, uid: Uid) -> Vec<Annotation> {
        let them = mailbox.annotations.of(uid).iter();
        let goes = |it: &&Annotation| match self {
            Self::Moved(_) => true,
            Self::Copied(reader) => {
                let own = reader.map_or(Whose::Own, Whose::Private);
                it.whose == Whose::Shared || it.whose == own
            }
        };
        them.filter(goes).cloned().collect()
    }
}
