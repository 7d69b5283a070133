//! A search without a session: of any mailbox, for whoever administers them. The keys are those of SEARCH, and
//! so is what answers them.

use std::fmt;

use imap::{
    UidSet,
    command::{self, SearchKey},
    parse,
};
use mail::collation::Collation;
use store::{Account, Error, OpenMailbox, Uid};

use super::{Finder, filters, query::Search};
use crate::imap::{refusal::Refusal, view::View, wording::Text};

/// What to look for, as SEARCH has it: `search-key *(SP search-key)` of RFC 9051 §9, in UTF-8. Without a session
/// there are no message numbers: a set without `UID` before it is one of UIDs, too. No message is `\Recent`, and `$`
/// has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys(SearchKey);

/// What can't be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// Where it stands, in octets from 0.
    pub at: usize,
    /// What is wrong there, in English: a clause.
    pub what: String,
}

/// What was found in a mailbox.
#[derive(Debug, Default)]
pub struct Hits {
    /// The messages, ascending.
    pub uids: Vec<Uid>,
    /// Those that could not be read, and might have been among them; not all, if there are many.
    pub damaged: Vec<(Uid, Error)>,
}

/// Why nothing was looked for.
#[derive(Debug)]
pub enum Failure {
    /// The keys can't be answered: too many of them, a filter that does not exist. In English.
    Refused(String),
    /// The store's reason.
    Store(Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => f.write_str(why),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for Failure {
    fn from((Refusal::No(_, text) | Refusal::Bad(_, text)): Refusal) -> Self {
        Self::Refused(text.to_string())
    }
}

impl Keys {
    /// Reads what was typed.
    ///
    /// # Errors
    /// [`Misread`]: what is wrong with it, and where.
    pub fn read(typed: &str) -> Result<Self, Misread> {
        parse::filter(typed.as_bytes())
            .map(|key| Self(by_uid(key)))
            .map_err(|error| Misread {
                at: error.at,
                what: Text::from(&error.what).to_string(),
            })
    }

    /// Looks for it in a mailbox of an account. FILTER means those that the account keeps.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn find(&self, account: &Account, mailbox: OpenMailbox) -> Result<Hits, Failure> {
        let mut asked = command::Search {
            numbering: command::Numbering::Uid,
            returns: None,
            update: Vec::new(),
            charset: None,
            key: self.0.clone(),
        };
        filters::insert(&mut asked, account.snapshot().metadata())?;
        let view = View::new(mailbox).read_by(account.whose());
        let place = (&view, &UidSet::new());
        let search = Search::new(&asked.key, None, place, Collation::default())?;
        let mut finder = Finder::new(account, &view, &search);
        let found = finder.find().await?;
        Ok(Hits {
            uids: found.uids().iter().map(Uid).collect(),
            damaged: finder.damaged.into_named(),
        })
    }
}

/// The same key with UIDs for message numbers. The parser bounds how deep keys nest.
fn by_uid(key: SearchKey) -> SearchKey {
    match key {
        SearchKey::Sequence(set) => SearchKey::Uid(set),
        SearchKey::And(keys) => SearchKey::And(keys.into_iter().map(by_uid).collect()),
        SearchKey::Or(both) => {
            let (first, second) = *both;
            SearchKey::Or(Box::new((by_uid(first), by_uid(second))))
        }
        SearchKey::Not(key) => SearchKey::Not(Box::new(by_uid(*key))),
        SearchKey::Fuzzy(key) => SearchKey::Fuzzy(Box::new(by_uid(*key))),
        key => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imap::fetch::tests::{NESTED, Reader, run};

    #[test]
    fn any_mailbox_is_searched_by_the_keys_of_search() {
        run(async {
            let mut reader = Reader::new(None).await;
            reader.deliver("", NESTED.as_bytes()).await;
            reader
                .deliver("", "Subject: Gr\u{fc}\u{df}e\r\n\r\nplain".as_bytes())
                .await;
            let account = reader.selected.account().clone();
            reader.remove(1).await;
            reader.deliver("", NESTED.as_bytes()).await;
            for (typed, expected) in [
                ("ALL", &[2, 3][..]),
                ("2", &[2]),
                ("NOT (OR 1:2 FROM nobody)", &[3]),
                ("UID 1:* SUBJECT nested", &[3]),
                ("subject \"gr\u{fc}\u{df}e\"", &[2]),
                ("OR BODY plain BODY innen", &[2, 3]),
                ("NOT (BODY innen UNSEEN)", &[2]),
                ("$", &[]),
                ("NEW", &[]),
            ] {
                let mailbox = account.open_mailbox(reader.selected.mailbox).await.unwrap();
                let hits = Keys::read(typed).unwrap();
                let hits = hits.find(&account, mailbox).await.unwrap();
                let uids: Vec<u32> = hits.uids.iter().map(|uid| uid.0).collect();
                assert_eq!(uids, expected, "{typed}");
                assert!(hits.damaged.is_empty());
            }
            let mailbox = account.open_mailbox(reader.selected.mailbox).await.unwrap();
            let keys = Keys::read("FILTER none").unwrap();
            let refused = keys.find(&account, mailbox).await.unwrap_err();
            assert_eq!(refused.to_string(), "There is no such filter");
        });
    }

    #[test]
    fn what_is_misread_is_shown() {
        for (typed, at, what) in [
            ("FROM bob UNSEN", 9, "unknown search key"),
            ("FROM", 4, "expected a space after the search key"),
            ("(ALL", 4, "in the search keys"),
        ] {
            let misread = Keys::read(typed).unwrap_err();
            assert_eq!(misread.at, at, "{typed}: {misread:?}");
            assert!(misread.what.contains(what), "{typed}: {misread:?}");
        }
    }
}
