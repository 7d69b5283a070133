//! SELECT and EXAMINE: RFC 9051 §6.3.2, §6.3.3, RFC 7162 §3.1.2, §3.2.5.

use std::num::NonZeroU32;

use imap::{
    UidSet,
    command::{Qresync, Select},
    encode::{self, ListLine, Vanished},
    response::{Code, Status},
};
use store::{AnnotationLimits, ModSeq, OpenMailbox, Rights};

use crate::{
    Gone, Outlet,
    imap::{
        commands::urlauth,
        deleted,
        flags::{every_flag, permanent_flags},
        fullness::{self, Fullness},
        hold, names,
        refusal::{Done, Refusal, Stop},
        reply::{self, Shown},
        search::contexts::Contexts,
        state::{Access, Enabled, Selected, User},
        sync::{self, Wants, flush_if_full},
        view::View,
    },
};

/// The rights of which one makes it READ-WRITE.
const WRITABLE: Rights = Rights::FLAGS
    .with(Rights::INSERT)
    .with(Rights::EXPUNGE)
    .with(Rights::ANNOTATE);

/// Opens a mailbox. Its caller has left the one before (RFC 9051 §6.3.2: also if this fails).
pub(crate) async fn select(
    user: &User,
    enabled: &mut Enabled,
    select: &Select,
    access: Access,
    out: &mut impl Outlet,
) -> Result<(Selected, Done), Stop> {
    if select.qresync.is_some() && !enabled.qresync {
        return Err(Refusal::bad("ENABLE QRESYNC must come first").into());
    }
    let place = names::place(user, *enabled, &select.mailbox).await?;
    let deleted = deleted::find(user, &place).await?.map(Box::new);
    let account = place.account.clone();
    let mailbox = deleted.as_ref().and_then(|deleted| deleted.open());
    let mailbox = if let Some(mailbox) = mailbox {
        mailbox
    } else {
        let found = place.with(Rights::READ)?;
        found.account.enter_mailbox(found.mailbox.id()).await?
    };
    hold::opening(&account, &mailbox, select.qresync.as_ref()).await?;
    // What is deleted can only be looked at.
    let access = match &deleted {
        Some(_) => Access::ReadOnly,
        None => access,
    };
    enabled.condstore |= select.condstore;

    let mut selected = Selected {
        user: user.clone(),
        mailbox: mailbox.id(),
        view: View::new(mailbox.clone())
            .with_ids(user.reach.ids(account.id()))
            .read_by(account.whose()),
        access,
        annotate: select.annotate,
        saved: UidSet::new(),
        limited: None,
        batches: Vec::new(),
        exists_unheard: false,
        wants: Wants::default(),
        placed: UidSet::new(),
        contexts: Contexts::default(),
        fullness: Fullness::default(),
        url_key: urlauth::key_now(user, (&account, mailbox.id())),
        account,
        told_rights: Rights::NONE,
        deleted,
    };
    selected.told_rights = selected.rights();
    sync::claim_recent(&mut selected, *enabled).await;
    // Others are soon to be told by STATUS that they are no longer \Recent.
    selected.account().hurry();
    describe(&selected, *enabled, out);
    if enabled.rev2 {
        list(&selected, select, *enabled, out)?;
    }
    if let Some(known) = &select.qresync
        && known.uid_validity.get() == mailbox.uid_validity().0
    {
        resynchronise(&selected, *enabled, known, out).await?;
    }
    fullness::opened(&mut selected, *enabled, out);
    let done = match access {
        Access::ReadOnly if selected.deleted.is_some() => {
            Done::with(Code::ReadOnly, "Opened; COPY and MOVE bring messages back")
        }
        // RFC 4314 §5.2. `s` is among them although `\Seen` is each reader's own: clients would else not keep it.
        Access::ReadWrite if !selected.told_rights.intersects(WRITABLE) => {
            Done::with(Code::ReadOnly, "SELECT completed")
        }
        Access::ReadWrite => Done::with(Code::ReadWrite, "SELECT completed"),
        Access::ReadOnly => Done::with(Code::ReadOnly, "EXAMINE completed"),
    };
    Ok((selected, done))
}

/// The untagged responses that every client gets.
fn describe(selected: &Selected, enabled: Enabled, out: &mut impl Outlet) {
    let view = &selected.view;
    let mailbox = view.mailbox();
    let flags = every_flag(mailbox.keywords());
    reply::line(out, format_args!("* FLAGS ({flags})"));
    let permanent = match selected.access {
        Access::ReadWrite => permanent_flags(mailbox.keywords(), selected.told_rights),
        Access::ReadOnly => String::new(),
    };
    encode::exists(out.buffer(), view.len());
    let language = enabled.language;
    let mut code = |code, text: &'static str| {
        reply::untagged(out, language, (Status::Ok, Some(&code)), text);
    };
    code(Code::PermanentFlags(permanent), "Flags that will be kept");
    code(Code::UidValidity(mailbox.uid_validity().0), "UIDs valid");
    code(Code::UidNext(mailbox.uid_next().0), "Predicted next UID");
    code(Code::HighestModSeq(mailbox.highest_mod_seq().0), "Highest");
    // RFC 8474 §4.2.
    code(
        Code::MailboxId(view.ids().told(mailbox.id()).to_string()),
        "Mailbox id",
    );
    // RFC 5257 §4.1.
    let annotations = u32::try_from(AnnotationLimits::default().value_octets_max);
    let annotations = annotations.ok().and_then(NonZeroU32::new);
    let annotations = annotations.filter(|_| selected.takes_annotations());
    code(Code::Annotations(annotations), "Octets of an annotation");
    if selected.deleted.is_none() {
        // RFC 4467 §8.
        code(Code::UrlMech, "URLs can be authorized");
    }
    if !enabled.rev2 {
        // RFC 9051 appendix E dropped both.
        // RFC 9586 §3: no sequence number in any response.
        if let (false, Some(index)) = (enabled.uid_only, mailbox.first_unseen()) {
            code(Code::Unseen(index + 1), "First unseen");
        }
        encode::recent(out.buffer(), view.recent());
    }
}

/// The LIST response of IMAP4rev2, with OLDNAME if the client called it by another name
/// (RFC 9051 §6.3.9.7).
fn list(
    selected: &Selected,
    select: &Select,
    enabled: Enabled,
    out: &mut impl Outlet,
) -> Result<(), Refusal> {
    let mailbox = selected.view.mailbox();
    let snapshot = selected.account().snapshot();
    let account = selected.account();
    let mut below = snapshot.below(mailbox.name());
    let children = below.any(|(_, it)| account.sees(it));
    let (reach, own) = (
        &selected.user.reach,
        account.id() == selected.user.account.id(),
    );
    let name = reach.written(account.id(), mailbox.name());
    let sent = names::text(&select.mailbox.0, enabled)?;
    let mut attributes = vec![if children {
        "\\HasChildren"
    } else {
        "\\HasNoChildren"
    }];
    if reach.is_subscribed(account, mailbox.name()) {
        attributes.push("\\Subscribed");
    }
    let role = mailbox.role().filter(|_| own);
    attributes.extend(role.map(store::Role::attribute));
    let line = ListLine {
        attributes: &attributes,
        delimiter: Some(reach.namespace().delimiter()),
        name: &name,
        encoding: enabled.names(),
        old_name: (sent != name).then_some(&*sent),
        ..ListLine::default()
    };
    encode::list(out.buffer(), &line);
    Ok(())
}

/// Brings a client that was here before up to date: RFC 7162 §3.2.5.
async fn resynchronise(
    selected: &Selected,
    enabled: Enabled,
    known: &Qresync,
    out: &mut impl Outlet,
) -> Result<(), Gone> {
    let view = &selected.view;
    let since = ModSeq(known.mod_seq);
    let uids = known_uids(view.mailbox(), known);
    let among = unmatched(view.mailbox(), known, &uids);
    let gone = match selected.deleted {
        // It remembers nothing of what has left it.
        Some(_) => sync::absent(view.mailbox(), &among),
        None => sync::gone_since(view.mailbox(), since, &among),
    };
    sync::vanished(&gone, Vanished::Earlier, out).await?;
    let shown = Shown::unasked(enabled);
    for message in view.mailbox().changed_since(since) {
        if !uids.contains(message.uid.0) {
            continue;
        }
        if let Some(sequence) = view.sequence_of(message.uid) {
            reply::fetch(view, (sequence, &message), shown, enabled, out.buffer());
            flush_if_full(out).await?;
        }
    }
    Ok(())
}

/// The UIDs that the client says it knows; all that there ever were, if it does not say.
fn known_uids(mailbox: &OpenMailbox, known: &Qresync) -> UidSet {
    let largest = mailbox.uid_next().0.saturating_sub(1);
    let ever: UidSet = (largest > 0).then_some((1, largest)).into_iter().collect();
    match &known.known_uids {
        None => ever,
        Some(set) => set.resolve(largest).unwrap_or_default().intersection(&ever),
    }
}

/// `uids` without those up to the last pair of the match data that holds: of expunges up to there
/// the client knows (RFC 7162 §3.2.5.2).
fn unmatched(mailbox: &OpenMailbox, known: &Qresync, uids: &UidSet) -> UidSet {
    let count = mailbox.len();
    let matched = known
        .match_data
        .as_ref()
        .and_then(|(numbers, uids)| Some((numbers.resolve(count)?, uids.resolve(u32::MAX)?)))
        .and_then(|(numbers, uids)| {
            // A pair that does not hold ends it: after one expunge too many, no later number
            // is right. So this ends, however large the client's sets are.
            numbers
                .iter()
                .zip(uids.iter())
                .take_while(|&(number, uid)| {
                    number
                        .checked_sub(1)
                        .and_then(|index| mailbox.uid_at(index))
                        .is_some_and(|found| found.0 == uid)
                })
                .map(|(_, uid)| uid)
                .last()
        });
    match matched.and_then(|uid| uid.checked_add(1)) {
        Some(from) => uids.intersection(&[(from, u32::MAX)].into_iter().collect()),
        None => uids.clone(),
    }
}
