//! APPEND, with many messages at once and of parts: RFC 9051 §6.3.12, RFC 3502, RFC 4469.
//!
//! The messages are written to the store as they arrive ([`Appending`]); the command that
//! ends them places them, all or none. What can be refused is refused when a
//! literal is announced, before the client sends it.

mod nul;
mod receiving;

use imap::{
    UidSet,
    command::{self, Numbering},
    parse::AppendStart,
    response::Code,
    wire::LiteralStart,
};
use store::{AnnotationLimits, Arrival, AsWas, Received, Timestamp, Usage, Whose};

pub(crate) use self::receiving::Appending;
use super::{annotate, replace};
use crate::{
    Outlet,
    imap::{
        flags, fullness, names,
        reach::Found,
        refusal::{Done, Outcome, Refusal},
        state::Enabled,
        url::Base,
    },
};

/// The most literals of one APPEND: its messages are all held on to until the last has come.
const LITERALS_MAX: usize = 1000;

/// The longest that an APPEND may be before a literal, in octets: it is copied at each.
const BEFORE_LITERAL_BYTES_MAX: usize = 256 * 1024;

/// Places what has been received.
pub(crate) async fn append(
    base: Base<'_>,
    enabled: Enabled,
    (append, appending): (&command::Append, Appending),
    out: &mut impl Outlet,
) -> Outcome {
    let to = names::destination(base.user, enabled, &append.mailbox).await?;
    let received = appending.complete(base, &append.messages).await?;
    let user = to.account.whose();
    let arrivals = append
        .messages
        .iter()
        .zip(received)
        .map(|(message, received)| arrival(message, received, user))
        .collect::<Result<Vec<_>, Refusal>>()?;
    let fullness = fullness::into(base.user, &to, base.selected);
    let placed = to.account.append_as(to.mailbox.id(), arrivals);
    let placed = match placed.await {
        Err(store::Error::NoSuchMailbox) => return Err(names::try_create().into()),
        placed => placed?,
    };
    fullness.done(base.user, &to, enabled, out);
    let uids: UidSet = placed.uids.iter().map(|uid| uid.0).collect();
    Ok(Done::with(
        Code::AppendUid(placed.uid_validity.0, uids),
        "APPEND completed",
    ))
}

/// A message as it is to be placed.
///
/// # Errors
/// BAD for flags that nobody can set; as for annotations that can't be.
pub(crate) fn arrival(
    message: &command::AppendMessage,
    received: Received,
    user: Whose,
) -> Result<AsWas, Refusal> {
    let annotations = annotate::of_arrival(&message.annotations, &received, user)?;
    let arrival = Arrival {
        message: received,
        trace: Vec::new(),
        flags: flags::from_wire(&message.flags)?,
        internal_date: message.date.map(|date| Timestamp {
            unix: date.unix,
            zone_minutes: date.zone_minutes,
        }),
    };
    Ok(AsWas {
        annotations,
        ..AsWas::from(arrival)
    })
}

/// What came of an APPEND or REPLACE before a literal, and where it goes, if it has somewhere to go; `before` is what
/// had come before the last.
///
/// # Errors
/// BAD if it breaks the grammar, sets flags that nobody can set, or comes at the wrong time; NO \[TRYCREATE];
/// NO if it can replace nothing, or is too long.
pub(crate) async fn may_go_on(
    base: Base<'_>,
    enabled: Enabled,
    before: Option<AppendStart>,
    (so_far, literal): (&[u8], &LiteralStart),
) -> Result<(AppendStart, Found), Refusal> {
    if literal.index >= LITERALS_MAX || so_far.len() > BEFORE_LITERAL_BYTES_MAX {
        return Err(Refusal::no(Code::Limit, "Too many messages in one APPEND"));
    }
    let start = imap::parse::append_start(before, so_far, literal).map_err(|e| Refusal::bad(&e))?;
    if let Some(replaced) = start.replaces {
        if enabled.uid_only && replaced.0 == Numbering::Sequence {
            return Err(Refusal::uid_required());
        }
        let selected = base.selected;
        let selected = selected.ok_or_else(|| Refusal::bad("Select a mailbox first"))?;
        replace::replaced(selected, replaced)?;
    }
    let to = names::destination(base.user, enabled, &start.mailbox).await?;
    if let Some(message) = start.messages.last() {
        flags::from_wire(&message.flags)?;
        let settings = annotate::settings(&message.annotations, to.account.whose())?;
        AnnotationLimits::default().check(&settings)?;
    }
    Ok((start, to))
}

/// Refuses what would be refused for a quota, before it is sent: that the message's last literal and the number of
/// messages have room. What is replaced makes room, and that is left to the end.
///
/// # Errors
/// NO \[OVERQUOTA]
pub(crate) async fn has_room(
    start: &AppendStart,
    to: &Found,
    literal: &LiteralStart,
) -> Result<(), Refusal> {
    if start.replaces.is_some() {
        return Ok(());
    }
    let more = Usage {
        octets: literal.size,
        messages: start.messages.len() as u64,
        ..Usage::default()
    };
    Ok(to.account.room(to.mailbox.name(), &more).await?)
}
