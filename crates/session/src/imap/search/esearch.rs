//! ESEARCH: a search of several mailboxes, RFC 7377.
//!
//! They are searched one after the other, and none is held open longer than it is searched. The
//! one that is selected is searched as the client knows it.

use imap::{
    UidSet,
    command::{self, SearchSource},
};
use store::{Account, Error, MailboxId, Rights};

use super::{ALL, Request, Where, no_charset, returns};
use crate::{
    Outlet,
    imap::{
        filter::{self, Filter},
        refusal::{Done, Outcome, Refusal, Stop},
        state::{Enabled, Selected, State, User},
        sync::flush_if_full,
        view::View,
    },
};

/// Answers ESEARCH.
pub(crate) async fn esearch(
    state: &mut State,
    (user, enabled): (&User, Enabled),
    tag: &str,
    command: &command::Esearch,
    out: &mut impl Outlet,
) -> Outcome {
    no_charset(enabled, &command.search)?;
    let asked = command.sources.as_deref();
    let asked = asked.unwrap_or(&[SearchSource::Selected]);
    let filters: Vec<Filter> = asked
        .iter()
        .filter_map(|source| match source {
            SearchSource::Selected => None,
            SearchSource::Others(filter) => Some(Filter::new(filter, (user, enabled))),
        })
        .collect();
    // RFC 7377 §2.1: ALL, whether or not mailboxes are named.
    let returns = returns(&command.search).unwrap_or(ALL);
    let sources = Sources {
        user,
        selected: match state {
            State::Selected(selected) => Some(selected),
            _ => None,
        },
        names_selected: asked.contains(&SearchSource::Selected),
        filters,
        request: Request {
            enabled,
            tag,
            named: true,
            search: &command.search,
            returns: Some(returns),
            ordering: None,
        },
    };
    sources.check()?;
    sources.search(out).await?;
    Ok(Done::new("ESEARCH completed"))
}

/// The mailboxes of one ESEARCH.
struct Sources<'a> {
    user: &'a User,
    /// The one that is selected.
    selected: Option<&'a mut Selected>,
    /// It is asked for as such.
    names_selected: bool,
    filters: Vec<Filter>,
    request: Request<'a>,
}

impl Sources<'_> {
    /// RFC 7377 §2.2: what goes only with a mailbox that is selected, or with that one alone.
    fn check(&self) -> Result<(), Refusal> {
        let returns = self.request.returns.unwrap_or(ALL);
        if self.selected.is_none() && (self.names_selected || returns.update) {
            return Err(Refusal::bad("Select a mailbox first"));
        }
        if returns.save && !self.filters.is_empty() {
            return Err(Refusal::bad(
                "SAVE is for a search of the selected mailbox alone",
            ));
        }
        Ok(())
    }

    async fn search(mut self, out: &mut impl Outlet) -> Result<(), Stop> {
        let others = self.others().await?;
        let here = self.selected.as_ref();
        let here = here.map(|selected| (selected.account().id(), selected.mailbox));
        let is_here =
            |(account, mailbox): &(Account, MailboxId)| here == Some((account.id(), *mailbox));
        let also_here = others.iter().any(is_here);
        if let Some(selected) = &mut self.selected {
            if self.names_selected || also_here {
                self.request.answer(selected, out).await?;
            } else if self.request.returns.is_some_and(|returns| returns.update) {
                let text = "Only the selected mailbox is kept up to date";
                self.request.no_update(text, out);
            }
        }
        for other in others.iter().filter(|other| !is_here(other)) {
            self.other(other, out).await?;
            flush_if_full(out).await?;
        }
        Ok(())
    }

    /// The mailboxes that the filters choose, in the order of their names in each account. Those that the user may
    /// not read are passed over (§2.2).
    async fn others(&self) -> Result<Vec<(Account, MailboxId)>, Refusal> {
        let filters: Vec<&Filter> = self.filters.iter().collect();
        let mut chosen = Vec::new();
        for account in filter::accounts(&filters, self.user).await? {
            for (name, mailbox) in account.snapshot().mailboxes() {
                let readable = account
                    .may(mailbox, Rights::LOOKUP.with(Rights::READ))
                    .is_ok();
                let matches = |filter: &&Filter| filter.matches(self.user, &account, name);
                if readable && filters.iter().any(matches) {
                    chosen.push((account.clone(), mailbox.id()));
                }
            }
        }
        Ok(chosen)
    }

    /// Searches a mailbox that is not selected.
    async fn other(
        &self,
        (account, id): &(Account, MailboxId),
        out: &mut impl Outlet,
    ) -> Result<(), Stop> {
        let view = match account.open_mailbox(*id).await {
            Ok(mailbox) => View::new(mailbox)
                .with_ids(self.user.reach.ids(account.id()))
                .read_by(account.whose()),
            // It is gone meanwhile.
            Err(Error::NoSuchMailbox | Error::NoRight(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let here = Where {
            user: self.user,
            account,
            view: &view,
            // What `$` is belongs to the selected mailbox.
            saved: &UidSet::new(),
        };
        let found = self.request.find(here, out).await?;
        self.request.tell(here, &found, out);
        Ok(())
    }
}
