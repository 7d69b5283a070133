//! STORE ANNOTATION: RFC 5257 §4.5. What else brings annotations along: §4.6, §4.7.

use std::sync::Arc;

use crate::{
    account::{
        Account, Stored,
        commit::{Draft, Which},
        copy::ranges,
    },
    annotation::{
        ANNOTATIONS, Annotation, AnnotationChange, AnnotationLimits, Annotations, Setting,
        TOO_MANY, Whose,
    },
    change::Change,
    error::Error,
    id::{MailboxId, Uid},
    octets::{UidRanges, extend_ranges},
    rights::Rights,
};

impl Account {
    /// Whose private values are those of whoever acts through this handle.
    #[must_use]
    pub fn whose(&self) -> Whose {
        self.reader().map_or(Whose::Own, Whose::Private)
    }

    /// Changes annotations of the messages that exist of `uids` (ascending), in one batch.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`], [`Error::NoRight`]; [`Error::Limit`] of [`ANNOTATIONS`] and [`TOO_MANY`]; as
    /// [`AnnotationLimits::check`].
    pub async fn annotate(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        change: &AnnotationChange,
    ) -> Result<Stored, Error> {
        change.limits.check(&change.settings)?;
        self.shared
            .commit(&self.hands, None, |draft| {
                may_set(draft, mailbox, change.settings.iter().map(|it| it.whose))?;
                annotate(draft, mailbox, uids, change)
            })
            .await
    }
}

/// Whether whoever makes the draft may set values of these: RFC 5257 §3.4.
///
/// # Errors
/// [`Error::NoRight`], [`Error::NoSuchMailbox`].
pub(crate) fn may_set(
    draft: &mut Draft<'_>,
    mailbox: MailboxId,
    whose: impl Iterator<Item = Whose>,
) -> Result<(), Error> {
    for whose in whose {
        draft.may_open(mailbox, needed_for(whose))?;
        match whose {
            Whose::Shared => {}
            Whose::Own => draft.may_as_owner()?,
            Whose::Private(user) => draft.may_as(user)?,
        }
    }
    Ok(())
}

fn needed_for(whose: Whose) -> Rights {
    match whose {
        Whose::Shared => Rights::ANNOTATE,
        Whose::Own | Whose::Private(_) => Rights::READ,
    }
}

fn annotate(
    draft: &mut Draft<'_>,
    id: MailboxId,
    uids: &[Uid],
    change: &AnnotationChange,
) -> Result<Stored, Error> {
    let mailbox = Arc::clone(draft.mailbox(id)?);
    let messages = draft.messages(&mailbox, Which::Within(&ranges(uids)))?;
    let mut stored = Stored::default();
    let mut targets = UidRanges::new();
    let mut last = Uid(0);
    for &uid in uids {
        if uid <= last {
            continue;
        }
        last = uid;
        match (messages.get(uid), change.unchanged_since) {
            (None, _) => stored.gone.push(uid),
            (Some(message), Some(since)) if message.mod_seq > since => stored.modified.push(uid),
            (Some(_), _) => extend_ranges(&mut targets, uid),
        }
    }
    let before = mailbox.annotations.clone();
    // The state must not be held when it is changed, or all of it were copied.
    drop((mailbox, messages));
    let settings = last_of_each(&change.settings);
    for setting in &settings {
        set(draft, id, &targets, setting)?;
    }
    let after = draft.mailbox(id)?.annotations.clone();
    room_for_more(
        draft,
        &settings,
        (&targets, change.limits),
        (&before, &after),
    )?;
    Ok(stored)
}

/// The settings that count: of two of the same entry the later.
fn last_of_each(settings: &[Setting]) -> Vec<&Setting> {
    let same = |a: &Setting, b: &Setting| a.entry == b.entry && a.whose == b.whose;
    let every = settings.iter().enumerate();
    every
        .filter(|(n, one)| !settings.iter().skip(n + 1).any(|other| same(one, other)))
        .map(|(_, setting)| setting)
        .collect()
}

/// Sets an entry of the messages of `uids` that have it otherwise; all of them have to exist.
fn set(
    draft: &mut Draft<'_>,
    mailbox: MailboxId,
    uids: &UidRanges,
    setting: &Setting,
) -> Result<(), Error> {
    let annotations = &draft.mailbox(mailbox)?.annotations;
    let mut others = UidRanges::new();
    for &(first, last) in uids {
        for uid in (first.0..=last.0).map(Uid) {
            let has = annotations.get(uid, &setting.entry, setting.whose);
            // RFC 7162 §3.1.3 leaves it open; what does not change has no new modseq.
            if has != setting.value.as_ref() {
                extend_ranges(&mut others, uid);
            }
        }
    }
    if others.is_empty() {
        return Ok(());
    }
    draft.push(Change::AnnotationSet {
        mailbox,
        uids: others,
        setting: setting.clone(),
    })
}

/// That no message has too many for a user who sets some, and the account not too much of them.
fn room_for_more(
    draft: &Draft<'_>,
    settings: &[&Setting],
    (uids, limits): (&UidRanges, AnnotationLimits),
    (before, after): (&Annotations, &Annotations),
) -> Result<(), Error> {
    let mut whose = settings.iter().map(|setting| setting.whose);
    let reader = whose.find(|whose| *whose != Whose::Shared);
    for &(first, last) in uids {
        for uid in (first.0..=last.0).map(Uid) {
            let (had, has) = (before.of(uid), seen_by(reader, after.of(uid)));
            if has > limits.of_message_max && has > seen_by(reader, had) {
                return Err(Error::Limit(TOO_MANY));
            }
        }
    }
    if after.held() > before.held() {
        room_in_account(draft)?;
    }
    Ok(())
}

/// How many a user sees.
fn seen_by(reader: Option<Whose>, them: &[Annotation]) -> usize {
    let seen = |it: &&Annotation| it.whose == Whose::Shared || Some(it.whose) == reader;
    them.iter().filter(seen).count()
}

/// That annotations of the account are not too much to be kept in memory.
///
/// # Errors
/// [`Error::Limit`] of [`ANNOTATIONS`].
pub(crate) fn room_in_account(draft: &Draft<'_>) -> Result<(), Error> {
    let mailboxes = draft.snapshot.mailboxes.values();
    let held: usize = mailboxes.map(|mailbox| mailbox.annotations.held()).sum();
    if held > AnnotationLimits::octets() {
        return Err(Error::Limit(ANNOTATIONS));
    }
    Ok(())
}

/// Gives a message of the draft annotations. Whether there is room for them is [`room_in_account`]'s to say.
///
/// # Errors
/// As for a verb's changes.
pub(crate) fn give<'a>(
    draft: &mut Draft<'_>,
    (mailbox, uid): (MailboxId, Uid),
    annotations: impl IntoIterator<Item = &'a Annotation>,
) -> Result<(), Error> {
    for annotation in annotations {
        let setting = Setting::from(annotation.clone());
        set(draft, mailbox, &vec![(uid, uid)], &setting)?;
    }
    Ok(())
}

/// Gives a message annotations that it had: those, and no others.
pub(crate) fn give_back(
    draft: &mut Draft<'_>,
    (mailbox, uid): (MailboxId, Uid),
    had: &[Annotation],
) -> Result<(), Error> {
    let has = draft.mailbox(mailbox)?.annotations.of(uid).to_vec();
    let key = |it: &Annotation| (Arc::clone(&it.entry), it.whose);
    for other in has
        .iter()
        .filter(|it| !had.iter().any(|had| key(had) == key(it)))
    {
        let setting = Setting {
            value: None,
            ..Setting::from(other.clone())
        };
        set(draft, mailbox, &vec![(uid, uid)], &setting)?;
    }
    give(draft, (mailbox, uid), had)
}
