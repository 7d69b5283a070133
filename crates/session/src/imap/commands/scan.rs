//! SCAN: LIST of the mailboxes in which some message holds a text, as UW imapd has it and
//! Pine and Alpine ask for it.
//!
//! The octets of messages as they are kept are looked at, headers and encoded text among them, and
//! ASCII letters are the same in both cases. Who wants decoded text has SEARCH and ESEARCH.

use imap::{
    command::List,
    response::{Code, Status},
};
use mail::Span;
use memchr::memmem::Finder;
use store::{Account, Email, Error, OpenMailbox, Rights};

use crate::{
    Outlet,
    imap::{
        commands::list,
        deleted,
        reach::Place,
        refusal::{Done, Outcome, Refusal, Stop},
        reply,
        search::pace::Pace,
        state::{Enabled, User},
        sync::flush_if_full,
        tree::Listed,
        wording::Text,
    },
};

/// Octets that may be looked for. They are kept between the pieces in which a message is read.
const CONTENTS_OCTETS_MAX: usize = 64 * 1024;

/// Octets that cost as much as one step of [`Pace`].
const OCTETS_PER_STEP: usize = 64;

/// Answers SCAN.
pub(crate) async fn scan(
    user: &User,
    enabled: Enabled,
    (reference, pattern): (Vec<u8>, Vec<u8>),
    contents: &[u8],
    out: &mut impl Outlet,
) -> Outcome {
    if contents.len() > CONTENTS_OCTETS_MAX {
        return Err(Refusal::no(Code::Limit, "The text to look for is too long").into());
    }
    let list = List {
        reference,
        patterns: vec![pattern],
        ..List::default()
    };
    let search = list::Search::new(user, enabled, &list).await?;
    let contents = contents.to_ascii_lowercase();
    let mut scanner = Scanner {
        contents: Finder::new(&contents),
        octets: Vec::new(),
        pace: Pace::default(),
    };
    for (name, found) in search.mailboxes() {
        // One at a time: what was looked through is not kept open.
        let Some(mailbox) = open(user, found).await? else {
            continue;
        };
        match scanner.mailbox(&found.account, &mailbox).await {
            Ok(true) => search.write_listed(name, out),
            Ok(false) => {}
            Err(error) => unreadable(enabled, name, error, out)?,
        }
        flush_if_full(out).await?;
    }
    Ok(Done::new("SCAN completed"))
}

/// A mailbox to look through; `None` if it is gone meanwhile, or not for the user to read.
async fn open(user: &User, found: &Listed) -> Result<Option<OpenMailbox>, Refusal> {
    let place = Place {
        account: (*found.account).clone(),
        name: found.mailbox.name().clone(),
    };
    if let Some(deleted) = deleted::find(user, &place).await? {
        return Ok(deleted.open());
    }
    let Ok(found) = place.with(Rights::READ) else {
        return Ok(None);
    };
    match found.account.open_mailbox(found.mailbox.id()).await {
        Ok(mailbox) => Ok(Some(mailbox)),
        Err(Error::NoSuchMailbox) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A mailbox that is damaged is named, and the others are scanned.
fn unreadable(
    enabled: Enabled,
    name: &str,
    error: Error,
    out: &mut impl Outlet,
) -> Result<(), Stop> {
    match Refusal::from(error) {
        Refusal::No(code, text) => {
            let name = name.to_owned();
            let text = Text::with("Mailbox {}: {}", [name.into(), text.into()]);
            reply::untagged(out, enabled.language, (Status::No, code.as_ref()), text);
            Ok(())
        }
        bad @ Refusal::Bad(..) => Err(bad.into()),
    }
}

/// Looks for octets in mailboxes.
struct Scanner<'a> {
    /// In lower case.
    contents: Finder<'a>,
    /// What has been read of a message and may hold the beginning of a hit.
    octets: Vec<u8>,
    pace: Pace,
}

impl Scanner<'_> {
    /// Whether some message has them. Damaged messages are passed over if another has.
    async fn mailbox(&mut self, account: &Account, mailbox: &OpenMailbox) -> Result<bool, Error> {
        if self.contents.needle().is_empty() {
            return Ok(true);
        }
        let mut damaged = None;
        for message in mailbox.every() {
            let holds = match account.email(&message).await {
                Ok(email) => self.message(&email).await,
                Err(error) => Err(error),
            };
            match holds {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(error @ Error::Corrupt { .. }) => damaged = Some(error),
                Err(error) => return Err(error),
            }
        }
        damaged.map_or(Ok(false), Err)
    }

    async fn message(&mut self, email: &Email) -> Result<bool, Error> {
        let size = email.size();
        let keep = self.contents.needle().len() - 1;
        self.octets.clear();
        let mut start = 0;
        while start < size {
            let end = size.min(email.read_end(start)).max(start + 1);
            let from = self.octets.len();
            email.read(Span { start, end }, &mut self.octets).await?;
            if let Some(read) = self.octets.get_mut(from..) {
                read.make_ascii_lowercase();
            }
            if self.contents.find(&self.octets).is_some() {
                return Ok(true);
            }
            self.pace.worked(self.octets.len() / OCTETS_PER_STEP).await;
            let passed = self.octets.len().saturating_sub(keep);
            self.octets.drain(..passed);
            start = end;
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imap::{
        fetch::tests::{Reader, run},
        tests::Sink,
    };
    use std::fmt::Write as _;

    #[test]
    fn octets_are_found_wherever_a_message_is_read_in_two() {
        run(async {
            let mut reader = Reader::new(None).await;
            let mut text = String::from("Subject: Numbers\r\n\r\n");
            for number in 0..70_000 {
                // Each number stands alone, so that a miss can't be made up for elsewhere.
                let _ = write!(text, "{number:05}X");
            }
            reader.deliver("", text.as_bytes()).await;
            for (contents, expected) in [
                ("subject: NUM", true),
                ("Subject: X", false),
                ("69999x", true),
                ("70000x", false),
            ]
            .map(|(contents, expected)| (contents.to_owned(), expected))
            .into_iter()
            .chain((1..70).map(|n| (format!("{:05}x{:05}x", n * 999, n * 999 + 1), true)))
            {
                let (user, enabled) = (&reader.selected.user, reader.enabled);
                let mut sink = Sink::default();
                let names = (Vec::new(), b"*".to_vec());
                let outcome = scan(user, enabled, names, contents.as_bytes(), &mut sink).await;
                assert!(outcome.is_ok());
                let said = String::from_utf8(sink.buffer().clone()).unwrap();
                let listed = "* LIST (\\HasNoChildren) \"/\" INBOX\r\n";
                assert_eq!(said, if expected { listed } else { "" }, "{contents}");
            }
        });
    }
}
