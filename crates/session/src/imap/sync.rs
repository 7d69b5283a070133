//! Telling a client what is new in its mailbox: RFC 9051 §5.2, §7.5.1, RFC 7162 §3.2.
//!
//! Every command ends with this, IDLE is nothing but this. The order is fixed:
//! what is gone, flags that changed, then what has come; what of that is in a result that is kept
//! up to date is told beside it. What a client does not want to
//! hear ([`Wants`]) waits in the view, and its numbers don't move.

use std::{ops::Range, sync::Arc};

use imap::{
    UidSet,
    command::FetchItem,
    encode::{self, Vanished},
    response::{Code, Status},
};
use store::{Account, ModSeq, OpenMailbox, Rights, Uid};

use super::{
    fetch,
    flags::{every_flag, permanent_flags},
    fullness, reply,
    search::contexts,
    state::{Access, Enabled, Selected},
    view::View,
};
use crate::{FLUSH_AT, Gone, Outlet};

/// Whether sequence numbers may move now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expunges {
    /// Tell of expunged messages.
    Told,
    /// Not during FETCH, STORE or SEARCH (RFC 9051 §7.5.1): the client may have sent
    /// more commands that count on its numbers.
    Held,
    /// They are what the command answers with: told, whatever else the client wants.
    Answer,
}

/// Which news of its mailbox a client wants, and when (RFC 5465 §3.1, §6.1): all of it, at the
/// end of commands, unless NOTIFY said otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wants {
    /// Messages that come and go.
    pub(crate) messages: bool,
    /// Flags that change; the messages go with them.
    pub(crate) flags: bool,
    /// Annotations that change: asked for by NOTIFY (RFC 5465 §5.1).
    pub(crate) annotations: bool,
    /// When.
    pub(crate) when: When,
    /// What to tell of each new message.
    pub(crate) fetch: Option<Arc<[FetchItem]>>,
}

/// When news is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// At the end of commands, and during IDLE.
    Asked,
    /// At once, but what moves numbers as if it were not so: SELECTED-DELAYED.
    Delayed,
    /// At once: SELECTED.
    AtOnce,
}

impl Default for Wants {
    fn default() -> Self {
        Self {
            messages: true,
            flags: true,
            annotations: false,
            when: When::Asked,
            fetch: None,
        }
    }
}

impl Wants {
    /// None of it.
    pub(crate) const NOTHING: Self = Self {
        messages: false,
        flags: false,
        annotations: false,
        when: When::Asked,
        fetch: None,
    };

    /// Whether news is told while the client waits for nothing.
    pub(crate) fn unasked(&self) -> bool {
        self.when != When::Asked
    }

    /// Whether expunges may be told where `expunges` stands for a client that wants all.
    fn may_expunge(&self, expunges: Expunges) -> bool {
        match expunges {
            Expunges::Answer => true,
            Expunges::Told => self.messages,
            Expunges::Held => self.messages && self.when == When::AtOnce,
        }
    }
}

/// What telling came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// An EXISTS response was among it.
    pub(crate) exists: bool,
    /// The modseq up to which the client now knows everything, if it has to be
    /// told so: some response carried a higher one while an expunge is held back,
    /// or a VANISHED, which carries none, went out (RFC 7162 §3.2, §3.2.7).
    pub(crate) highest_mod_seq: Option<ModSeq>,
}

/// UIDs to a VANISHED response: what clients' line buffers take.
const VANISHED_RANGES_MAX: usize = 300;

/// Takes the newest state and tells the client all of it that may be told now.
pub(crate) async fn tell(
    selected: &mut Selected,
    enabled: Enabled,
    expunges: Expunges,
    out: &mut impl Outlet,
) -> Result<Told, Gone> {
    selected.refresh().await;
    fullness::news(selected, enabled, out);
    tell_rights(selected, enabled, out);
    // OLDER and YOUNGER are looked at again whenever the client hears from us: RFC 5032 §2 leaves
    // open how often.
    if !selected.view.has_news() && !selected.contexts.age() {
        return Ok(Told::default());
    }
    let wants = selected.wants.clone();
    let vanished = wants.may_expunge(expunges) && selected.view.has_ghosts() && enabled.qresync;
    contexts::tell_gone(selected, enabled, out).await?;
    if wants.may_expunge(expunges) {
        tell_expunges(selected, enabled, out).await?;
    }
    if wants.flags || wants.annotations {
        tell_changes(selected, enabled, out).await?;
    }
    let mut arrivals = Arrivals::default();
    let exists = wants.messages && tell_arrivals(selected, enabled, &mut arrivals, out).await;
    // Both boxed: few clients want either, and what follows every command would keep room for them.
    if !selected.contexts.is_empty() {
        Box::pin(contexts::tell_changed(
            selected,
            enabled,
            &mut arrivals,
            out,
        ))
        .await?;
    }
    if let Some(items) = &wants.fetch {
        // RFC 5465 §5.2: after what it did to search results.
        let told = (&selected.account, &selected.view);
        Box::pin(arrivals.tell(told, items, enabled, out)).await?;
    }
    let held = enabled.qresync && (selected.view.has_ghosts() || !wants.flags);
    Ok(Told {
        exists,
        highest_mod_seq: (vanished || held).then(|| selected.view.complete_to()),
    })
}

/// Whether there may be something that [`tell`] would say now. Takes the newest state.
pub(crate) async fn has_news(selected: &mut Selected, expunges: Expunges) -> bool {
    selected.refresh().await;
    let (view, wants) = (&selected.view, &selected.wants);
    selected.told_rights != selected.rights()
        || wants.may_expunge(expunges) && view.has_ghosts()
        || selected.contexts.lose_ghosts(view)
        || (wants.flags || wants.annotations) && view.has_untold()
        || wants.messages && view.has_unannounced()
}

/// Tells what flags the user may change now, if those are others: RFC 4314 §5.1.1.
fn tell_rights(selected: &mut Selected, enabled: Enabled, out: &mut impl Outlet) {
    let rights = selected.rights();
    let before = std::mem::replace(&mut selected.told_rights, rights);
    let same = before.and(Rights::FLAGS) == rights.and(Rights::FLAGS);
    if same || selected.access == Access::ReadOnly {
        return;
    }
    let keywords = selected.view.mailbox().keywords();
    reply::line(out, format_args!("* FLAGS ({})", every_flag(keywords)));
    let code = Code::PermanentFlags(permanent_flags(keywords, rights));
    let text = "Flags that will be kept";
    reply::untagged(out, enabled.language, (Status::Ok, Some(&code)), text);
}

/// Announces new messages.
async fn tell_arrivals(
    selected: &mut Selected,
    enabled: Enabled,
    arrivals: &mut Arrivals,
    out: &mut impl Outlet,
) -> bool {
    let news = selected.view.has_unannounced();
    let new = selected.view.announce();
    if !news {
        return false;
    }
    claim_recent(selected, enabled).await;
    encode::exists(out.buffer(), selected.view.len());
    if !enabled.rev2 {
        encode::recent(out.buffer(), selected.view.recent());
    }
    let new: UidSet = [(new.start, new.end.saturating_sub(1))]
        .into_iter()
        .collect();
    *arrivals = Arrivals {
        new: new.difference(&std::mem::take(&mut selected.placed)),
        with_more: selected.wants.fetch.is_some().then(Vec::new),
    };
    true
}

/// New messages that others have put there, of which the client may want to know more: by NOTIFY, of those that
/// come into a search result by UPDATE.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// Their UIDs.
    pub(crate) new: UidSet,
    /// Some of them, and what is to be told of them as well, in one response; `None` if there is none to put it
    /// into.
    pub(crate) with_more: Option<Vec<(UidSet, Arc<[FetchItem]>)>>,
}

impl Arrivals {
    /// Tells what the client wants to know: RFC 5465 §5.2.
    async fn tell(
        &self,
        (account, view): (&Account, &View),
        items: &[FetchItem],
        enabled: Enabled,
        out: &mut impl Outlet,
    ) -> Result<(), Gone> {
        for (sequence, message) in view.messages_in(&self.new) {
            let mut items = items.to_vec();
            for (uids, more) in self.with_more.iter().flatten() {
                if uids.contains(message.uid.0) {
                    items.extend_from_slice(more);
                }
            }
            let what = (sequence, message);
            fetch::arrival((account, view), what, items, enabled, out).await?;
        }
        Ok(())
    }
}

/// Makes the messages that no session has had before `\Recent` in this one
/// (RFC 3501 §2.3.2). EXAMINE only looks; IMAP4rev2 knows no such flag, and so
/// leaves it to those that do.
pub(crate) async fn claim_recent(selected: &mut Selected, enabled: Enabled) {
    if enabled.rev2 {
        return;
    }
    let mailbox = selected.view.mailbox();
    let range = match selected.access {
        Access::ReadWrite => {
            let (account, below) = (selected.account(), mailbox.uid_next());
            account.claim_recent(selected.mailbox, below).await
        }
        Access::ReadOnly => unclaimed(mailbox),
    };
    selected.view.make_recent(range);
}

/// The UIDs that a session would claim: the last ones.
fn unclaimed(mailbox: &OpenMailbox) -> Range<u32> {
    let next = mailbox.uid_next().0;
    let first = mailbox.len().saturating_sub(mailbox.recent());
    mailbox.uid_at(first).map_or(next, |uid| uid.0)..next
}

async fn tell_expunges(
    selected: &mut Selected,
    enabled: Enabled,
    out: &mut impl Outlet,
) -> Result<(), Gone> {
    if enabled.qresync || enabled.uid_only {
        if selected.view.has_ghosts() {
            let gone = selected.view.bury_all();
            vanished(&gone, Vanished::Now, out).await?;
        }
        return Ok(());
    }
    while let Some(number) = selected.view.bury_last() {
        encode::expunge(out.buffer(), number);
        flush_if_full(out).await?;
    }
    Ok(())
}

/// Writes VANISHED responses with `gone`, split so that no line is endless.
pub(crate) async fn vanished(
    gone: &UidSet,
    when: Vanished,
    out: &mut impl Outlet,
) -> Result<(), Gone> {
    for ranges in gone.ranges().chunks(VANISHED_RANGES_MAX) {
        let some = ranges.iter().copied().collect();
        encode::vanished(out.buffer(), when, &some);
        flush_if_full(out).await?;
    }
    Ok(())
}

/// Flags, and annotations if the client wants those (RFC 5257 §4.4).
async fn tell_changes(
    selected: &mut Selected,
    enabled: Enabled,
    out: &mut impl Outlet,
) -> Result<(), Gone> {
    let (view, wants) = (&selected.view, &selected.wants);
    let with_annotations = selected.annotate || wants.annotations;
    for message in view.changed() {
        let mut shown = reply::Shown::unasked(enabled);
        shown.flags = wants.flags && !view.knows_flags_of(&message);
        // RFC 5465 §5.1.
        shown.uid |= wants.unasked();
        let entries = with_annotations.then(|| view.annotated_otherwise(message.uid));
        let entries = entries.unwrap_or_default();
        if (shown.flags || !entries.is_empty())
            && let Some(sequence) = view.sequence_of(message.uid)
        {
            let what = (sequence, &message);
            reply::changed(view, what, (shown, &entries), enabled, out.buffer());
            flush_if_full(out).await?;
        }
    }
    selected.view.flags_told();
    Ok(())
}

/// The UIDs of `among` expunged after `since`. If nobody remembers that far back, all
/// that are not there.
pub(crate) fn gone_since(mailbox: &OpenMailbox, since: ModSeq, among: &UidSet) -> UidSet {
    if let Some(ranges) = mailbox.expunged_since(since) {
        let gone: UidSet = ranges.into_iter().map(|(a, b)| (a.0, b.0)).collect();
        return gone.intersection(among);
    }
    absent(mailbox, among)
}

/// The UIDs of `among` that are not there.
pub(crate) fn absent(mailbox: &OpenMailbox, among: &UidSet) -> UidSet {
    let mut gone = UidSet::new();
    for &(first, last) in among.ranges() {
        let mut next = first;
        for message in mailbox.range(Uid(first), Uid(last)) {
            if message.uid.0 > next {
                gone.insert_range(next, message.uid.0 - 1);
            }
            next = message.uid.0.saturating_add(1);
        }
        if next <= last {
            gone.insert_range(next, last);
        }
    }
    gone
}

/// Flushes an outlet that has gathered enough.
pub(crate) async fn flush_if_full(out: &mut impl Outlet) -> Result<(), Gone> {
    if out.buffer().len() >= FLUSH_AT {
        out.flush().await?;
    }
    Ok(())
}
