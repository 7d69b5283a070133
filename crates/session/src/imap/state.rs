//! The states of a session, each owning exactly what exists in it: RFC 9051 §3.

use std::sync::Arc;

use imap::{UidSet, command::Numbering, set::SequenceSet};
use mail::collation::Comparator;
use store::{Account, AccountId, MailboxId, OpenMailbox, Rights, Uid};

use crate::Site;

use super::{
    commands::uid_batches::Answered,
    fullness::Fullness,
    hold,
    message_limit::Limited,
    progress::Progress,
    reach::Reach,
    referral::Remote,
    refusal::Refusal,
    search::contexts::Contexts,
    suppress::Suppressed,
    sync::Wants,
    view::View,
    wording::{Language, Text},
};

/// Where a session is: RFC 9051 §3.
#[derive(Debug)]
pub(crate) enum State {
    /// §3.1: nobody yet.
    NotAuthenticated,
    /// §3.2: somebody, without a mailbox.
    Authenticated(User),
    /// §3.3: somebody, with a mailbox.
    Selected(Box<Selected>),
    /// §3.4: over.
    Logout,
}

impl State {
    /// The mailbox that is open.
    pub(crate) fn selected(&self) -> Option<&Selected> {
        match self {
            Self::Selected(selected) => Some(selected),
            Self::NotAuthenticated | Self::Authenticated(_) | Self::Logout => None,
        }
    }
}

/// Who has logged in.
#[derive(Debug, Clone)]
pub(crate) struct User {
    /// The account's name.
    pub(crate) name: Arc<str>,
    /// Its mail.
    pub(crate) account: Account,
    /// The mail of others that they come to.
    pub(crate) reach: Arc<Reach>,
    /// The largest message, in octets: APPENDLIMIT.
    pub(crate) message_bytes_max: u64,
    /// What is gone for no longer than this, they can bring back.
    pub(crate) undelete: Option<store::past::Retention>,
    /// What the server says of itself.
    pub(crate) site: Arc<Site>,
    /// The language that is preferred for them: RFC 5255 §3.2, `default`.
    pub(crate) language: Option<Language>,
    /// Capabilities that they are not told of.
    pub(crate) suppressed: Suppressed,
    /// The server that their mail is on, if that is another: they are a guest here (RFC 2221).
    pub(crate) home: Option<Arc<str>>,
    /// Their mailboxes on other servers (RFC 2193).
    pub(crate) remotes: Arc<[Remote]>,
    /// How far the session's command is.
    pub(crate) progress: Arc<Progress>,
}

/// A mailbox that is open.
#[derive(Debug)]
pub(crate) struct Selected {
    /// Who has it open.
    pub(crate) user: User,
    /// Whose it is, in that user's hands.
    pub(crate) account: Account,
    /// Which one, through renames.
    pub(crate) mailbox: MailboxId,
    /// What the client knows of it.
    pub(crate) view: View,
    /// SELECT or EXAMINE.
    pub(crate) access: Access,
    /// It was opened with ANNOTATE: the client is told of annotations that change (RFC 5257 §4.2).
    pub(crate) annotate: bool,
    /// `$`, the saved result of the last SEARCH that asked for it (RFC 9051
    /// §6.4.4.1). May hold UIDs that are gone.
    pub(crate) saved: UidSet,
    /// How far the command that runs comes, if not all the way (RFC 9738).
    pub(crate) limited: Option<Limited>,
    /// What UIDBATCHES was answered to: RFC 10022 §3.1.1.
    pub(crate) batches: Vec<Answered>,
    /// An EXISTS went out amid FETCH responses, where some clients (Thunderbird) don't
    /// listen for it: it is said again at the next chance.
    pub(crate) exists_unheard: bool,
    /// Which news of it the client wants.
    pub(crate) wants: Wants,
    /// UIDs that the client itself has put there and that are not announced yet: of these it is told
    /// without what it wants to know of new ones.
    pub(crate) placed: UidSet,
    /// Results that are kept up to date.
    pub(crate) contexts: Contexts,
    /// The key that authorizes URLs of it, as far as the client has been told (RFC 4467 §2.2).
    pub(crate) url_key: Option<std::sync::Arc<[u8]>>,
    /// How full its quotas are, as far as the client has been told.
    pub(crate) fullness: Fullness,
    /// What the user may do with it, as far as the client has been told.
    pub(crate) told_rights: Rights,
    /// What is deleted, if it is that which is open.
    pub(crate) deleted: Option<Box<store::past::DeletedMailbox>>,
}

/// How a mailbox is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// EXAMINE.
    ReadOnly,
    /// SELECT.
    ReadWrite,
}

/// How the client is to be spoken to: what it has enabled (RFC 9051 §6.3.1, RFC 7162 §3.1, §3.2.3), and its language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent word of ENABLE"
)]
pub(crate) struct Enabled {
    /// `IMAP4rev2`: UTF-8 names, no `\Recent`, ESEARCH.
    pub(crate) rev2: bool,
    /// `UTF8=ACCEPT`: UTF-8 in quoted strings and names, messages as they are (RFC 6855 §3).
    pub(crate) utf8: bool,
    /// CONDSTORE, in whatever way: FETCH responses carry MODSEQ.
    pub(crate) condstore: bool,
    /// METADATA: the client is told what others change of it (RFC 5464 §4.1).
    pub(crate) metadata: bool,
    /// QRESYNC: VANISHED takes the place of EXPUNGE, FETCH responses carry UID.
    pub(crate) qresync: bool,
    /// UIDONLY: no sequence numbers, in neither direction (RFC 9586).
    pub(crate) uid_only: bool,
    /// The language of what a person may read: RFC 5255 §3.2.
    pub(crate) language: Language,
    /// What SEARCH, SORT and THREAD compare texts by: RFC 5255 §4.7.
    pub(crate) comparator: Comparator,
}

impl Enabled {
    /// Whether the client knows UTF-8 where IMAP4rev1 has ASCII: in names, in quoted strings, in the
    /// headers of messages (RFC 9051 §5.1, RFC 6855 §3).
    pub(crate) const fn takes_utf8(self) -> bool {
        self.rev2 || self.utf8
    }

    /// How mailbox names are written: RFC 9051 §5.1.
    pub(crate) const fn names(self) -> imap::name::Encoding {
        if self.takes_utf8() {
            imap::name::Encoding::Utf8
        } else {
            imap::name::Encoding::ModifiedUtf7
        }
    }
}

impl Selected {
    /// The account that it is in, for its verbs.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// Whether annotations of its messages can be set: some at least, by whoever may read them (RFC 5257 §3.4).
    pub(crate) fn takes_annotations(&self) -> bool {
        self.access == Access::ReadWrite
    }

    /// Whose it is, and which.
    pub(crate) fn place(&self) -> (AccountId, MailboxId) {
        (self.account.id(), self.mailbox)
    }

    /// Takes the newest state, so that what is read from now on is current.
    /// Tells the client nothing and changes no number.
    pub(crate) async fn refresh(&mut self) {
        let snapshot = self.account.snapshot();
        let newest = snapshot.mailbox(self.mailbox);
        if newest.is_none_or(|newest| self.view.mailbox().is_of(newest)) {
            return;
        }
        match self.news().await {
            Ok(mailbox) => self.view.advance(&mailbox),
            // RFC 2180 §3.2: if the mailbox was deleted, the client keeps what it
            // had until it closes it; the store refuses to change it.
            // The same if the user may no longer read it: see [`Selected::readable`].
            Err(store::Error::NoSuchMailbox | store::Error::NoRight(_)) => {}
            // What it has is good, if not the newest; the next refresh tries again.
            Err(error) => tracing::error!(%error, "the newest state of a mailbox can't be read"),
        }
    }

    /// The newest state, with what is new in it at hand.
    async fn news(&self) -> Result<OpenMailbox, store::Error> {
        let newest = self.account.enter_mailbox(self.mailbox).await?;
        hold::news(self, &newest).await?;
        Ok(newest)
    }

    /// What the user may do with it, as things stand now; or did when it was there.
    pub(crate) fn rights(&self) -> Rights {
        let snapshot = self.account.snapshot();
        let now = snapshot.mailbox(self.mailbox);
        now.map_or(self.told_rights, |mailbox| self.account.rights(mailbox))
    }

    /// RFC 4314 §5.1.1: nothing is done for a client with a mailbox that its user may no longer read, until it
    /// closes it.
    ///
    /// # Errors
    /// NO \[NOPERM].
    pub(crate) fn readable(&self) -> Result<(), Refusal> {
        let snapshot = self.account.snapshot();
        match snapshot.mailbox(self.mailbox) {
            Some(mailbox) if self.deleted.is_none() => {
                let rights = self.account.rights(mailbox);
                if rights.contains(Rights::READ) {
                    Ok(())
                } else {
                    Err(store::Error::NoRight(Rights::READ).into())
                }
            }
            _ => Ok(()),
        }
    }

    /// The client itself has put messages there: ranges of UIDs.
    pub(crate) fn has_placed(&mut self, uids: &[(Uid, Uid)]) {
        if self.wants.fetch.is_some() {
            for (first, last) in uids {
                self.placed.insert_range(first.0, last.0);
            }
        }
    }

    /// The UIDs that a set means, in this client's numbering. UIDs that don't
    /// exist may be among them: [`View::messages_in`] leaves those out.
    ///
    /// # Errors
    /// BAD for a sequence number that the client does not have, `*` of an
    /// empty mailbox included (RFC 9051 §9, `seq-number`).
    pub(crate) fn resolve(
        &self,
        set: &SequenceSet,
        numbering: Numbering,
    ) -> Result<UidSet, Refusal> {
        let SequenceSet::Ranges(ranges) = set else {
            return Ok(self.saved.clone());
        };
        if numbering == Numbering::Uid {
            return Ok(set.resolve(self.view.largest_uid()).unwrap_or_default());
        }
        let count = self.view.len();
        ranges
            .iter()
            .map(|range| {
                let from = range.from.unwrap_or(count);
                let to = range.to.unwrap_or(count);
                let first = self.view.uid_at(from.min(to));
                let last = self.view.uid_at(from.max(to));
                match (first, last) {
                    (Some(first), Some(last)) => Ok((first.0, last.0)),
                    _ => Err(Refusal::bad(Text::with(
                        "No message has that number: there are {}",
                        [count.into()],
                    ))),
                }
            })
            .collect()
    }
}
