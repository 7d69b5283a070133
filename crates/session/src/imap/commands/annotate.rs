//! STORE and UID STORE of annotations: RFC 5257 §4.5.
//!
//! Silent as it is, the client is told only what RFC 7162 §3.1.3 wants: the MODSEQ that messages have since.

use imap::command::{AnnotationEntry, Numbering, StoreAnnotations};
use store::{
    Annotation, AnnotationChange, AnnotationLimits, ModSeq, Received, Stored, Uid, Whose,
    annotation::Setting,
};

use crate::{
    Outlet,
    imap::{
        annotation::{may_be, part, whose},
        commands::store::outcome,
        fetch,
        refusal::{Outcome, Refusal},
        reply::{self, Shown},
        state::{Enabled, Selected},
        sync::flush_if_full,
    },
};

/// Answers STORE of annotations.
pub(crate) async fn annotate(
    selected: &mut Selected,
    enabled: Enabled,
    command: &StoreAnnotations,
    out: &mut impl Outlet,
) -> Outcome {
    if !selected.takes_annotations() {
        return Err(Refusal::read_only().into());
    }
    let user = selected.account().whose();
    let change = AnnotationChange {
        settings: settings(&command.entries, user)?,
        unchanged_since: command.unchanged_since.map(ModSeq),
        limits: AnnotationLimits::default(),
    };
    let uids = selected.resolve(&command.messages, command.numbering)?;
    let mut targets = selected.view.uids_in(&uids);
    let counted = targets.len();
    targets.retain(|uid| !selected.view.is_ghost(*uid));
    check_parts(selected, &command.entries, &targets).await?;
    let before = selected.view.mailbox().clone();
    let stored = if targets.is_empty() {
        Stored::default()
    } else {
        let account = selected.account();
        account
            .annotate(selected.mailbox, &targets, &change)
            .await?
    };
    let missing = targets.len() < counted || !stored.gone.is_empty();
    targets.retain(|uid| stored.modified.binary_search(uid).is_err());
    selected.refresh().await;
    let shown = Shown {
        flags: false,
        uid: command.numbering == Numbering::Uid || Shown::unasked(enabled).uid,
        mod_seq: enabled.condstore,
    };
    for uid in targets {
        let view = &mut selected.view;
        let known = before
            .get(uid)
            .is_none_or(|message| view.knows_flags_of(&message));
        view.knows_annotations_of(uid, &change.settings);
        if let (Some(sequence), Some(message)) = (view.sequence_of(uid), view.message(uid))
            && shown.mod_seq
        {
            reply::fetch(view, (sequence, &message), shown, enabled, out.buffer());
            flush_if_full(out).await?;
        }
        // Its flags are what they were, but where another session has changed them meanwhile.
        if known {
            selected.view.aware_of(uid);
        }
    }
    outcome(selected, command.numbering, &stored, missing)
}

/// What becomes of which values.
///
/// # Errors
/// BAD for a value that the entry can't have.
pub(crate) fn settings(entries: &[AnnotationEntry], user: Whose) -> Result<Vec<Setting>, Refusal> {
    let mut settings = Vec::new();
    for entry in entries {
        for (scope, value) in &entry.values {
            if !may_be(&entry.name, value.as_deref()) {
                return Err(Refusal::bad(
                    "The flag of a part is \"1\", \"0\" or NIL, and nothing else",
                ));
            }
            settings.push(Setting {
                entry: (*entry.name).into(),
                whose: whose(*scope, user),
                value: value.as_deref().map(Into::into),
            });
        }
    }
    Ok(settings)
}

/// The annotations that a message comes with: RFC 5257 §4.7.
///
/// # Errors
/// As for STORE of them.
pub(crate) fn of_arrival(
    entries: &[AnnotationEntry],
    received: &Received,
    user: Whose,
) -> Result<Vec<Annotation>, Refusal> {
    let settings = settings(entries, user)?;
    AnnotationLimits::default().check(&settings)?;
    let parts: Vec<Vec<u32>> = entries.iter().filter_map(|it| part(&it.name)).collect();
    if !parts.is_empty() {
        let structure = received.structure().ok_or_else(no_such_part)?;
        has_parts(&structure, &parts)?;
    }
    let annotations = settings.into_iter().filter_map(|setting| {
        Some(Annotation {
            entry: setting.entry,
            whose: setting.whose,
            value: setting.value?,
        })
    });
    Ok(annotations.collect())
}

/// That messages have the parts that entries are of.
///
/// # Errors
/// BAD (RFC 5257 §3.2.1); what can't be read.
async fn check_parts(
    selected: &Selected,
    entries: &[AnnotationEntry],
    targets: &[Uid],
) -> Result<(), Refusal> {
    let parts: Vec<Vec<u32>> = entries.iter().filter_map(|it| part(&it.name)).collect();
    if parts.is_empty() {
        return Ok(());
    }
    for uid in targets {
        if let Some(message) = selected.view.message(*uid) {
            let email = selected.account().email(&message).await?;
            has_parts(&email.digest().structure, &parts)?;
        }
    }
    Ok(())
}

/// That a message has these parts.
///
/// # Errors
/// BAD: RFC 5257 §3.2.1.
fn has_parts(structure: &mail::Part, parts: &[Vec<u32>]) -> Result<(), Refusal> {
    if parts.iter().all(|part| fetch::has_part(structure, part)) {
        return Ok(());
    }
    Err(no_such_part())
}

/// An entry of a part that there is not.
pub(crate) fn no_such_part() -> Refusal {
    Refusal::bad("No message has the part that an annotation is of")
}
