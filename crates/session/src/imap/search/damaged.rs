//! Messages that can't be read amid a command on many: the others are served all the same,
//! and untagged responses name these.

use imap::response::Status;
use store::{Error, Uid};

use crate::{
    Outlet,
    imap::{
        refusal::Refusal,
        reply,
        wording::{Language, Text},
    },
};

/// Messages that are named; a disk that fails has many.
const NAMED_MAX: usize = 100;

/// Those that could not be read.
#[derive(Debug, Default)]
pub(super) struct Damaged(Vec<(Uid, Error)>);

impl Damaged {
    /// Notes that a message is damaged.
    ///
    /// # Errors
    /// Any other error, as it was: it is not the message's.
    pub(super) fn note(&mut self, uid: Uid, error: Error) -> Result<(), Error> {
        if !matches!(error, Error::Corrupt { .. }) {
            return Err(error);
        }
        let known = self.0.iter().any(|(named, _)| *named == uid);
        if self.0.len() < NAMED_MAX && !known {
            self.0.push((uid, error));
        }
        Ok(())
    }

    /// Them, and what is wrong with each.
    pub(super) fn into_named(self) -> Vec<(Uid, Error)> {
        self.0
    }

    /// Names them.
    pub(super) fn tell(self, language: Language, out: &mut impl Outlet) {
        for (uid, error) in self.0 {
            if let Refusal::No(code, text) = Refusal::from(error) {
                let text = Text::with("UID {}: {}", [uid.0.into(), text.into()]);
                reply::untagged(out, language, (Status::No, code.as_ref()), text);
            }
        }
    }
}
