//! SEARCH and UID SEARCH: RFC 9051 §6.4.4, RFC 3501 §6.4.4, RFC 4731, RFC 5182,
//! RFC 7162 §3.1.5, RFC 8474 §6, RFC 8514 §4.3.
//!
//! [`query`] makes a key ready; every message is then asked from the cheapest source
//! on: the snapshot, the digest, the header, the text, and no further than until its
//! fate is known. [`found`] words the result.
//!
//! Messages that another session has expunged are not found, even while the client
//! still counts them (RFC 2180 §4.4 leaves that to the server). A message that can't
//! be read matches nothing that needed it; an untagged NO names it.

mod found;
mod pace;
mod probe;
mod query;
#[cfg(test)]
mod tests;
mod text;

use imap::{
    UidSet,
    command::{self, SearchReturn},
    response::Status,
};
use store::{Account, Error, Message, Uid};

use self::{
    found::{Found, Telling},
    pace::Pace,
    probe::Witness,
    query::{Facts, Search, Source},
};
use super::{
    refusal::{Done, Outcome, Refusal, Stop},
    reply,
    state::{Enabled, Selected},
    view::View,
    wording::Text,
};
use crate::Outlet;

/// Answers SEARCH. The tag goes into ESEARCH responses.
pub(crate) async fn search(
    selected: &mut Selected,
    enabled: Enabled,
    tag: &str,
    command: &command::Search,
    out: &mut impl Outlet,
) -> Outcome {
    let returns = returns(command, enabled);
    let saves = returns.is_some_and(|returns| returns.save);
    match find(selected, enabled, command, out).await {
        Ok((search, found)) => {
            let mod_seq = search.by_mod_seq.then(|| {
                let returns = returns.unwrap_or_default();
                found.mod_seq(returns, |uids| highest(selected, uids))
            });
            let telling = Telling {
                tag,
                numbering: command.numbering,
                returns,
                mod_seq: mod_seq.flatten(),
            };
            telling.tell(&found, out.buffer());
            if let Some(returns) = returns.filter(|_| saves) {
                selected.saved = found.saved(returns);
            }
            Ok(Done::new("SEARCH completed"))
        }
        Err(stop) => {
            // RFC 5182 §2.1: NO empties what was saved, BAD leaves it.
            if saves && matches!(stop, Stop::Refused(Refusal::No(..))) {
                selected.saved = UidSet::new();
            }
            Err(stop)
        }
    }
}

/// The highest modseq of some messages.
fn highest(selected: &Selected, uids: &UidSet) -> Option<u64> {
    let messages = selected.view.messages_in(uids);
    messages.map(|(_, message)| message.mod_seq.0).max()
}

/// What is to be returned; `None` for the SEARCH response, which IMAP4rev2 has no more.
fn returns(command: &command::Search, enabled: Enabled) -> Option<SearchReturn> {
    let all = SearchReturn {
        all: true,
        ..SearchReturn::default()
    };
    match command.returns {
        // RFC 9051 §6.4.4: RETURN () is RETURN (ALL).
        Some(none) if none == SearchReturn::default() => Some(all),
        None if enabled.rev2 => Some(all),
        returns => returns,
    }
}

async fn find(
    selected: &Selected,
    enabled: Enabled,
    command: &command::Search,
    out: &mut impl Outlet,
) -> Result<(Search, Found), Stop> {
    let search = Search::new(
        &command.key,
        command.charset.as_deref(),
        (&selected.view, &selected.saved),
    )?;
    let mut finder = Finder {
        account: selected.account(),
        view: &selected.view,
        search: &search,
        answers: vec![None; search.probes.len()],
        damaged: Vec::new(),
        pace: Pace::default(),
    };
    let found = finder.find().await?;
    for (uid, error) in finder.damaged {
        if let Refusal::No(code, text) = Refusal::from(error) {
            let text = Text::with("UID {}: {}", [uid.0.into(), text.into()]);
            reply::untagged(out, enabled.language, (Status::No, code.as_ref()), text);
        }
    }
    Ok((search, found))
}

/// Damaged messages that are named; a disk that fails has many.
const NAMED_MAX: usize = 100;

struct Finder<'a> {
    account: &'a Account,
    view: &'a View,
    search: &'a Search,
    /// Of the probes, for the message being looked at.
    answers: Vec<Option<bool>>,
    damaged: Vec<(Uid, Error)>,
    pace: Pace,
}

impl Finder<'_> {
    async fn find(&mut self) -> Result<Found, Error> {
        let view = self.view;
        match self.search.query.uids() {
            Some(uids) => self.walk(view.messages_in(uids)).await,
            None => self.walk(view.messages()).await,
        }
    }

    async fn walk<'m>(
        &mut self,
        messages: impl Iterator<Item = (u32, Message<'m>)>,
    ) -> Result<Found, Error> {
        let view = self.view;
        let has_ghosts = view.has_ghosts();
        let mut found = Found::default();
        for (sequence, message) in messages {
            if has_ghosts && view.is_ghost(message.uid) {
                continue;
            }
            let facts = Facts::of(view, sequence, &message);
            self.answers.fill(None);
            let known = self.search.query.verdict(&facts, &self.answers);
            let matches = match known {
                Some(verdict) => verdict,
                None => self.ask(&message, &facts).await?,
            };
            if matches {
                found.add(sequence, &message);
            }
            self.pace.worked(self.search.keys).await;
        }
        Ok(found)
    }

    /// Reads a message that its snapshot leaves undecided.
    async fn ask(&mut self, message: &Message<'_>, facts: &Facts<'_>) -> Result<bool, Error> {
        match self.testimony(message, facts).await {
            Err(error @ Error::Corrupt { .. }) => {
                if self.damaged.len() < NAMED_MAX {
                    self.damaged.push((message.uid, error));
                }
                Ok(false)
            }
            verdict => verdict,
        }
    }

    async fn testimony(&mut self, message: &Message<'_>, facts: &Facts<'_>) -> Result<bool, Error> {
        let witness = Witness::new(self.account.email(message).await?);
        for source in [Source::Digest, Source::Header, Source::Text] {
            let probes = &self.search.probes;
            if !probes.iter().any(|probe| probe.source == source) {
                continue;
            }
            witness
                .answer(source, probes, &mut self.answers, &mut self.pace)
                .await?;
            if let Some(verdict) = self.search.query.verdict(facts, &self.answers) {
                return Ok(verdict);
            }
        }
        Ok(false)
    }
}
