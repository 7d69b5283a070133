//! What must be true of any state, counted instead of believed: for tests and verify.

use std::collections::BTreeSet;

use crate::{
    account::Account,
    error::Error,
    id::{ModSeq, Uid},
    mailbox::{Counters, Message, OpenMailbox, placements::Placements, seen::Span},
    sent::Sent,
    snapshot::Snapshot,
};

impl Account {
    /// Counts everything that the account's state keeps without counting. Gives what is wrong, for
    /// a person; costs by the number of messages.
    ///
    /// # Errors
    /// As [`Account::open_mailbox`].
    pub async fn check(&self) -> Result<Vec<String>, Error> {
        Ok(check(&*self.whole().await?))
    }
}

/// Of what is not in memory nothing can be said.
const UNREAD: &str = "its messages are not in memory";

/// What is wrong with a state, all of which is in memory.
pub(crate) fn check(snapshot: &Snapshot) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, mailbox) in snapshot.mailboxes.iter() {
        if snapshot.names.get(&mailbox.name) != Some(id) || mailbox.id != *id {
            wrong.push(format!("{}: not found by its name", mailbox.name));
        }
        if mailbox.id.0 > snapshot.last.mailbox
            || mailbox.uid_validity.0 > snapshot.last.uid_validity
        {
            wrong.push(format!("{}: a number not given out yet", mailbox.name));
        }
        if mailbox.highest_mod_seq.0 > snapshot.mod_seq {
            wrong.push(format!("{}: changed after the account", mailbox.name));
        }
        let Some(open) = mailbox.in_memory() else {
            wrong.push(format!("{}: {UNREAD}", mailbox.name));
            continue;
        };
        let found = check_mailbox(&open, snapshot);
        wrong.extend(found.map(|what| format!("{}: {what}", mailbox.name)));
    }
    if snapshot.names.len() != snapshot.mailboxes.len() {
        wrong.push("names of no mailbox".to_owned());
    }
    let validities: BTreeSet<_> = snapshot
        .mailboxes
        .values()
        .map(|m| m.uid_validity)
        .collect();
    let roles: Vec<_> = snapshot.mailboxes.values().filter_map(|m| m.role).collect();
    if snapshot.quotas != snapshot.quotas.recounted(snapshot) {
        wrong.push("what is used is not what is there".to_owned());
    }
    if validities.len() != snapshot.mailboxes.len() {
        wrong.push("two mailboxes with one UIDVALIDITY".to_owned());
    }
    if roles.iter().collect::<BTreeSet<_>>().len() != roles.len() {
        wrong.push("two mailboxes with one special use".to_owned());
    }
    wrong
}

fn check_mailbox(
    mailbox: &OpenMailbox,
    snapshot: &Snapshot,
) -> impl Iterator<Item = &'static str> + use<> {
    let mut counted = Counters::default();
    let (mut last, mut first_unseen, mut recent) = (Uid(0), None, 0);
    let mut wrong = BTreeSet::new();
    let mut must = |holds: bool, otherwise: &'static str| {
        if !holds {
            wrong.insert(otherwise);
        }
    };
    for (index, message) in (0..).zip(mailbox.every()) {
        must(message.uid > last, "UIDs don't ascend");
        must(
            mailbox.index_of(message.uid) == Ok(index),
            "a UID is not where it should be",
        );
        must(
            mailbox.at(index).is_some_and(|at| at.uid == message.uid),
            "an index is not where it should be",
        );
        must(
            message.mod_seq > ModSeq(0) && message.mod_seq <= mailbox.highest_mod_seq,
            "a modseq above HIGHESTMODSEQ",
        );
        must(
            message.email.0 <= snapshot.last.email && message.thread.0 <= snapshot.last.thread,
            "an EMAILID or THREADID not given out yet",
        );
        let ascend = message.keywords.is_sorted_by(|a, b| a < b);
        let known = message
            .keywords
            .last()
            .copied()
            .map_or(0, |k| k as usize + 1);
        must(
            ascend && known <= mailbox.keywords().len(),
            "a keyword that is not known",
        );
        let seen = message.system.contains(crate::SystemFlags::SEEN);
        let deleted = message.system.contains(crate::SystemFlags::DELETED);
        if !seen && first_unseen.is_none() {
            first_unseen = Some(index);
        }
        counted.messages += 1;
        counted.unseen += u32::from(!seen);
        counted.deleted += u32::from(deleted);
        counted.octets += message.size;
        recent += u32::from(message.uid >= mailbox.recent_from);
        last = message.uid;
    }
    must(last < mailbox.uid_next, "a UID that is not below UIDNEXT");
    must(counted == mailbox.counters, "the counters are wrong");
    must(
        mailbox.placements.count() == counted,
        "the summaries are wrong",
    );
    check_readers(mailbox, &mut must);
    must(
        mailbox.first_unseen() == first_unseen,
        "the first unseen message is another",
    );
    must(mailbox.recent() == recent, "the recent messages are others");
    let deleted = Placements::part(mailbox.placements.with_deleted());
    let flagged = |m: &Message<'_>| m.system.contains(crate::SystemFlags::DELETED);
    must(
        deleted
            .is_some_and(|part| part.every().filter(flagged).count() == counted.deleted as usize),
        "the deleted messages are others",
    );
    let annotated = mailbox.annotations.every();
    must(
        annotated
            .into_iter()
            .all(|(uid, _)| mailbox.get(uid).is_some()),
        "an annotation of a message that is not there",
    );
    let values = mailbox.annotations.every().flat_map(|(_, them)| them);
    must(
        values.map(|it| it.value.len() as u64).sum::<u64>() == mailbox.annotation_octets(),
        "the octets of annotations are wrong",
    );
    let alive = |(first, last)| mailbox.range(first, last).next().is_some();
    let gone = mailbox.gone().map(|gone| (gone.first, gone.last));
    let gone: Vec<(Uid, Uid)> = gone.collect();
    must(
        !gone.iter().copied().any(alive),
        "an expunged message is there",
    );
    must(
        gone.iter().all(|(_, last)| *last < mailbox.uid_next),
        "an expunged UID not given out yet",
    );
    wrong.into_iter()
}

/// What is kept of those who read it that are not its owner.
fn check_readers(mailbox: &OpenMailbox, must: &mut impl FnMut(bool, &'static str)) {
    for (id, reader) in mailbox.readers.iter() {
        let about = reader.about;
        let below = mailbox.every().filter(|m| m.uid < about.recent_from);
        must(
            below.count() == about.not_recent as usize,
            "the recent messages of a reader are others",
        );
        let Some(seen) = reader.cell.get() else {
            must(false, "what a reader has seen is not in memory");
            continue;
        };
        must(reader.is(&seen), "the summary of a reader is wrong");
        let there = |first, last| mailbox.range(first, last).count();
        let all = |span: &Span| there(span.first, span.last) == span.len() as usize;
        must(
            seen.spans().iter().all(all),
            "a reader has seen what is not there",
        );
        let Some(open) = OpenMailbox::gather(mailbox.state(), Some(*id), None) else {
            continue;
        };
        let is_unseen = |m: &Message<'_>| !m.system.contains(crate::SystemFlags::SEEN);
        must(
            open.every().filter(is_unseen).count() == open.counters().unseen as usize,
            "the unseen messages of a reader are others",
        );
        let first = (0..).zip(open.every()).find(|(_, m)| is_unseen(m));
        must(
            open.first_unseen() == first.map(|(index, _)| index),
            "the first unseen message of a reader is another",
        );
        must(
            open.every().all(|m| m.mod_seq <= open.highest_mod_seq()),
            "a modseq above a reader's HIGHESTMODSEQ",
        );
    }
}

/// The first difference between two states of an account that are in memory, for a person.
pub(crate) fn difference(a: &Snapshot, b: &Snapshot) -> Option<String> {
    let heads = |s: &Snapshot| {
        let kept = (s.held, s.expiry, s.moved_to, s.metadata.clone());
        let kept = (kept, s.quotas.clone());
        (
            s.mod_seq,
            s.last,
            kept,
            s.names.clone(),
            s.subscriptions.clone(),
        )
    };
    if heads(a) != heads(b) {
        return Some(format!("{:?} is not {:?}", heads(a), heads(b)));
    }
    a.mailboxes.iter().find_map(|(id, a)| {
        let b = b.mailboxes.get(id)?;
        let what = match (a.in_memory(), b.in_memory()) {
            (Some(a), Some(b)) => mailbox_difference(&a, &b)?,
            _ => UNREAD.to_owned(),
        };
        Some(format!("{}: {what}", a.name))
    })
}

/// A checkpoint of a program that did not note when messages were sent does not tell what the log does: that is no
/// difference.
fn as_told<'a>(mut a: Message<'a>, mut b: Message<'a>) -> (Message<'a>, Message<'a>) {
    if [a.sent, b.sent].contains(&Sent::default()) {
        (a.sent, b.sent) = (Sent::default(), Sent::default());
    }
    (a, b)
}

fn mailbox_difference(a: &OpenMailbox, b: &OpenMailbox) -> Option<String> {
    let heads = |m: &OpenMailbox| {
        (
            (m.id, m.name.clone(), m.role, m.uid_validity, m.uid_next),
            (m.highest_mod_seq, m.recent_from, m.recent, m.counters),
            (m.held, m.expiry, m.metadata.clone(), m.acl.clone()),
            m.annotations.clone(),
            m.keywords().to_vec(),
        )
    };
    if heads(a) != heads(b) {
        return Some(format!("{:?} is not {:?}", heads(a), heads(b)));
    }
    let differ = |(a, b)| (a != b).then(|| format!("{a:?} is not {b:?}"));
    let messages = a.every().zip(b.every()).map(|(a, b)| as_told(a, b));
    if let Some(what) = messages.into_iter().find_map(differ) {
        return Some(what);
    }
    let readers = |m: &OpenMailbox| -> Vec<_> {
        let readers = m.readers.iter();
        readers
            .map(|(id, reader)| (*id, reader.about, reader.cell.get()))
            .collect()
    };
    if (a.seen_since, readers(a)) != (b.seen_since, readers(b)) {
        return Some("its readers have seen something else".to_owned());
    }
    let expunged = a.history.len() == b.history.len() && a.gone().eq(b.gone());
    (!expunged).then(|| "other expunges".to_owned())
}
