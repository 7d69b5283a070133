//! What happened, in the log, by the names of RFC 5423: each event once, whatever protocol it came by.
//!
//! They go to the target `events` at the level `debug`. While nobody has asked for that, nothing is done for them.
//! No message's contents are in them, and no address but the one of whoever did it.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use crate::{
    account::{Brief, Naming},
    change::{Batch, Change},
    flag::{Flags, SystemFlags},
    id::{AccountId, MailboxId, Uid},
    mailbox::{Mailbox, Message, placements::Placements},
    name::MailboxName,
    octets::{UidRanges, extend_ranges},
    past,
    snapshot::Snapshot,
};

/// The target of these events.
const TARGET: &str = "events";

/// The service that delivers: what it adds is `MessageNew`, what others add is `MessageAppend` (§4.1).
const DELIVERY: &str = "lmtp";

/// Whether somebody wants them.
pub(crate) fn are_wanted() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::DEBUG)
}

/// What a batch did.
#[derive(Debug)]
pub(crate) struct Events {
    account: AccountId,
    by: Arc<str>,
    mod_seq: u64,
    /// In no particular order.
    every: Vec<Event>,
}

/// One event, with its parameters (§5).
#[derive(Debug, PartialEq, Eq)]
struct Event {
    name: &'static str,
    /// `mailboxID`.
    mailbox: String,
    /// `oldMailboxID`.
    old: Option<String>,
    /// `uidset`.
    uids: Option<String>,
    /// `flagNames`.
    flags: Option<String>,
    /// `uidnext` and `messages`.
    counts: Option<(u32, u32)>,
}

/// What happened to messages: the event's name, and its flags.
type Kind = (&'static str, Option<String>);

impl Events {
    /// What a batch does to the state `before`, which becomes `after`.
    pub(crate) fn new(
        account: AccountId,
        (batch, brief): (&Batch, &Brief),
        before: &Snapshot,
        after: &Snapshot,
    ) -> Self {
        let mut events = Vec::new();
        names(brief, before, after, &mut events);
        for name in &brief.subscriptions {
            events.push(Event::of_name(
                if after.subscriptions().contains(name) {
                    "MailboxSubscribe"
                } else {
                    "MailboxUnSubscribe"
                },
                mailbox_id(name, None),
            ));
        }
        for ((id, (name, flags)), uids) in messages(batch, before) {
            let mailbox = after.mailbox(id).or_else(|| before.mailbox(id));
            let Some(mailbox) = mailbox else { continue };
            events.push(Event {
                uids: Some(uid_set(&uids)),
                flags,
                counts: Some((mailbox.uid_next().0, mailbox.len())),
                ..Event::of_name(name, mailbox_id(mailbox.name(), Some(mailbox)))
            });
        }
        Self {
            account,
            by: Arc::clone(&batch.by),
            mod_seq: batch.mod_seq.0,
            every: events,
        }
    }

    /// Logs them: the batch is durable.
    pub(crate) fn log(self) {
        // A protocol, a name, an address; or a protocol and whoever it is.
        let mut by = self.by.splitn(3, ' ');
        let (service, user, client) = (by.next(), by.next(), by.next());
        let service = service.filter(|service| !service.is_empty());
        let account = &self.account;
        for event in self.every {
            tracing::debug!(
                target: TARGET,
                event = event.name,
                %account,
                service,
                user = user.filter(|_| service != Some(DELIVERY)),
                clientIP = client,
                mailboxID = event.mailbox,
                oldMailboxID = event.old,
                uidset = event.uids,
                flagNames = event.flags,
                uidnext = event.counts.map(|(next, _)| next),
                messages = event.counts.map(|(_, messages)| messages),
                modseq = self.mod_seq,
            );
        }
    }
}

impl Event {
    fn of_name(name: &'static str, mailbox: String) -> Self {
        Self {
            name,
            mailbox,
            old: None,
            uids: None,
            flags: None,
            counts: None,
        }
    }
}

/// §4.4. What is implied by another event is left out: mailboxes that were made above one that was, and those
/// below one that was renamed.
fn names(brief: &Brief, before: &Snapshot, after: &Snapshot, events: &mut Vec<Event>) {
    let id =
        |name: &MailboxName, state: &Snapshot| mailbox_id(name, state.named(name).map(|it| &**it));
    let is_above = |above: &MailboxName| {
        brief.names.iter().any(|other| match other {
            Naming::Made(name) | Naming::Renamed { to: name, .. } => name.is_below(above),
            Naming::Deleted(_) => false,
        })
    };
    let mut renamed: Vec<(&MailboxName, &MailboxName)> = Vec::new();
    for naming in &brief.names {
        match naming {
            Naming::Made(name) => {
                if !is_above(name) {
                    events.push(Event::of_name("MailboxCreate", id(name, after)));
                }
            }
            Naming::Deleted(name) => {
                events.push(Event::of_name("MailboxDelete", id(name, before)));
            }
            Naming::Renamed { from, to } => {
                let mut levels = std::iter::successors(from.parent(), MailboxName::parent);
                if levels.any(|above| renamed.iter().any(|(from, _)| **from == above)) {
                    continue;
                }
                renamed.push((from, to));
                events.push(Event {
                    old: Some(id(from, before)),
                    ..Event::of_name("MailboxRename", id(to, after))
                });
            }
        }
    }
}

/// §4.1, §4.2: what happened to which messages.
fn messages(batch: &Batch, before: &Snapshot) -> BTreeMap<(MailboxId, Kind), UidRanges> {
    let mut all: BTreeMap<(MailboxId, Kind), UidRanges> = BTreeMap::new();
    let service = batch.by.split(' ').next();
    for change in &batch.changes {
        match change {
            Change::Added(added) | Change::Copied(added) => {
                let new = matches!(change, Change::Added(_)) && service == Some(DELIVERY);
                let name = if new { "MessageNew" } else { "MessageAppend" };
                let uids = all.entry((added.mailbox, (name, None))).or_default();
                extend_ranges(uids, added.uid);
            }
            Change::Expunged { mailbox, uids } => {
                let name = if &*batch.by == past::expiry::BY {
                    "MessageExpire"
                } else {
                    "MessageExpunge"
                };
                let gone = all.entry((*mailbox, (name, None))).or_default();
                gone.extend(uids);
            }
            Change::SeenSet {
                mailbox,
                uids,
                seen,
                ..
            } => {
                let kind = if *seen {
                    ("MessageRead", None)
                } else {
                    ("FlagsClear", Some("\\Seen".to_owned()))
                };
                all.entry((*mailbox, kind)).or_default().extend(uids);
            }
            Change::FlagsChanged {
                mailbox,
                uids,
                flags,
            } => {
                let Some(state) = before.mailbox(*mailbox) else {
                    continue;
                };
                // Whoever changed them has them in memory.
                let part = Placements::part(state.placements.within(uids)).unwrap_or_default();
                for (first, last) in uids {
                    for message in part.range(*first, *last) {
                        for kind in kinds(state, &message, flags) {
                            let uids = all.entry((*mailbox, kind)).or_default();
                            extend_ranges(uids, message.uid);
                        }
                    }
                }
            }
            _ => {}
        }
    }
    // Changes of flags come by what they come to, not by UID.
    for uids in all.values_mut() {
        uids.sort_unstable();
    }
    all
}

/// The events that a message's new flags are.
fn kinds(mailbox: &Mailbox, message: &Message<'_>, now: &Flags) -> Vec<Kind> {
    let had: Vec<&str> = message
        .keywords
        .iter()
        .filter_map(|index| mailbox.keywords().get(*index as usize).map(|it| &**it))
        .collect();
    let has = |words: &[&str], word: &str| words.iter().any(|it| it.eq_ignore_ascii_case(word));
    let keywords: Vec<&str> = now.keywords.iter().map(|keyword| &**keyword).collect();
    let set = now.system.without(message.system);
    let cleared = message.system.without(now.system);
    let simple = SystemFlags::SEEN.with(SystemFlags::DELETED);
    let mut kinds: Vec<Kind> = Vec::new();
    if set.contains(SystemFlags::SEEN) {
        kinds.push(("MessageRead", None));
    }
    if set.contains(SystemFlags::DELETED) {
        kinds.push(("MessageTrash", None));
    }
    let new = keywords.iter().copied().filter(|word| !has(&had, word));
    let gone = had.iter().copied().filter(|word| !has(&keywords, word));
    let set = flag_names(set.without(simple), new);
    let cleared = flag_names(cleared, gone);
    kinds.extend(set.map(|flags| ("FlagsSet", Some(flags))));
    kinds.extend(cleared.map(|flags| ("FlagsClear", Some(flags))));
    kinds
}

/// Flags as a list; `None` if there are none.
fn flag_names<'a>(system: SystemFlags, keywords: impl Iterator<Item = &'a str>) -> Option<String> {
    let names = [
        (SystemFlags::ANSWERED, "\\Answered"),
        (SystemFlags::FLAGGED, "\\Flagged"),
        (SystemFlags::DELETED, "\\Deleted"),
        (SystemFlags::SEEN, "\\Seen"),
        (SystemFlags::DRAFT, "\\Draft"),
    ];
    let names = names.into_iter();
    let names = names.filter_map(|(flag, name)| system.contains(flag).then_some(name));
    let all: Vec<&str> = names.chain(keywords).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

/// A mailbox as a relative IMAP URL (RFC 5092 §7): which server it is on its log knows.
fn mailbox_id(name: &MailboxName, mailbox: Option<&Mailbox>) -> String {
    let mut url = String::from("/");
    for octet in name.as_str().bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                url.push(char::from(octet));
            }
            // Writing to a String can't fail.
            _ => drop(write!(url, "%{octet:02X}")),
        }
    }
    if let Some(mailbox) = mailbox {
        let _ = write!(url, ";UIDVALIDITY={}", mailbox.uid_validity().0);
    }
    url
}

/// Ranges as a `sequence-set`.
fn uid_set(uids: &[(Uid, Uid)]) -> String {
    let mut set = String::new();
    for (first, last) in uids {
        if !set.is_empty() {
            set.push(',');
        }
        // Writing to a String can't fail.
        let _ = if first == last {
            write!(set, "{}", first.0)
        } else {
            write!(set, "{}:{}", first.0, last.0)
        };
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        change::Added,
        clock::Timestamp,
        engine::Ref,
        fold::State,
        id::{EmailId, ModSeq, ThreadId, UidValidity},
    };

    fn name(name: &str) -> MailboxName {
        MailboxName::new(name).unwrap()
    }

    fn made(id: u64, at: &str) -> Change {
        Change::MailboxCreated {
            id: MailboxId(id),
            name: name(at),
            role: None,
            uid_validity: UidValidity(u32::try_from(id).unwrap()),
        }
    }

    fn added(uid: u32) -> Change {
        Change::Added(Added {
            mailbox: MailboxId(1),
            uid: Uid(uid),
            flags: Flags::default(),
            internal_date: Timestamp {
                unix: 0,
                zone_minutes: 0,
            },
            save_date: 0,
            size: 7,
            email: EmailId(uid.into()),
            thread: ThreadId(1),
            record: Ref::new(0, 0),
            record_len: 0,
            sent: crate::Sent::default(),
            thread_keys: Vec::new(),
        })
    }

    fn flagged(uids: &[(u32, u32)], system: SystemFlags, keywords: &[&str]) -> Change {
        Change::FlagsChanged {
            mailbox: MailboxId(1),
            uids: uids.iter().map(|(a, b)| (Uid(*a), Uid(*b))).collect(),
            flags: Flags {
                system,
                keywords: keywords.iter().map(|word| (*word).into()).collect(),
            },
        }
    }

    fn gone(first: u32, last: u32) -> Change {
        Change::Expunged {
            mailbox: MailboxId(1),
            uids: vec![(Uid(first), Uid(last))],
        }
    }

    /// What is logged of each batch.
    fn logged(batches: Vec<(&str, Vec<Change>)>) -> Vec<Vec<String>> {
        let mut state = State::default();
        let mut all = Vec::new();
        for (number, (by, changes)) in (1..).zip(batches) {
            let batch = Batch {
                mod_seq: ModSeq(number),
                time: 0,
                by: by.into(),
                changes,
            };
            let before = state.snapshot.clone();
            assert_eq!(state.apply(&batch), []);
            let brief = Brief::new(&batch, &before, &state.snapshot);
            let what = (&batch, &brief);
            let events = Events::new(AccountId(1), what, &before, &state.snapshot);
            let events = events.every.iter().map(|event| {
                let Event { name, mailbox, .. } = event;
                let rest = [&event.old, &event.uids, &event.flags];
                let rest: Vec<&str> = rest.into_iter().flatten().map(|it| &**it).collect();
                format!("{name} {mailbox} {}", rest.join(" "))
                    .trim_end()
                    .to_owned()
            });
            all.push(events.collect());
        }
        all
    }

    #[test]
    fn each_is_logged_once_by_its_name() {
        let (seen, deleted, flagged_) = (
            SystemFlags::SEEN,
            SystemFlags::DELETED,
            SystemFlags::FLAGGED,
        );
        let rename = |id, to| Change::MailboxRenamed {
            id: MailboxId(id),
            name: name(to),
        };
        let imap = "imap ann 192.0.2.1";
        let logged = logged(vec![
            ("", vec![made(1, "INBOX")]),
            (imap, vec![made(2, "a"), made(3, "a/b c")]),
            (imap, vec![rename(2, "x"), rename(3, "x/b c")]),
            (imap, vec![Change::MailboxDeleted { id: MailboxId(3) }]),
            (imap, vec![Change::Subscribed { name: name("ü") }]),
            (imap, vec![Change::Unsubscribed { name: name("ü") }]),
            ("lmtp mx 192.0.2.2", vec![added(1)]),
            (imap, vec![added(2), added(3)]),
            (
                imap,
                vec![flagged(&[(1, 2)], seen.with(deleted), &["Work"])],
            ),
            (
                imap,
                vec![
                    flagged(&[(2, 3)], flagged_, &["work"]),
                    flagged(&[(1, 1)], seen, &[]),
                ],
            ),
            (imap, vec![gone(1, 2)]),
            ("expiry", vec![gone(3, 3)]),
        ]);
        let expected: &[&[&str]] = &[
            &["MailboxCreate /INBOX;UIDVALIDITY=1"],
            &["MailboxCreate /a/b%20c;UIDVALIDITY=3"],
            &["MailboxRename /x;UIDVALIDITY=2 /a;UIDVALIDITY=2"],
            &["MailboxDelete /x/b%20c;UIDVALIDITY=3"],
            &["MailboxSubscribe /%C3%BC"],
            &["MailboxUnSubscribe /%C3%BC"],
            &["MessageNew /INBOX;UIDVALIDITY=1 1"],
            &["MessageAppend /INBOX;UIDVALIDITY=1 2:3"],
            &[
                "FlagsSet /INBOX;UIDVALIDITY=1 1:2 Work",
                "MessageRead /INBOX;UIDVALIDITY=1 1:2",
                "MessageTrash /INBOX;UIDVALIDITY=1 1:2",
            ],
            &[
                "FlagsClear /INBOX;UIDVALIDITY=1 1 \\Deleted Work",
                "FlagsClear /INBOX;UIDVALIDITY=1 2 \\Deleted \\Seen",
                "FlagsSet /INBOX;UIDVALIDITY=1 2 \\Flagged",
                "FlagsSet /INBOX;UIDVALIDITY=1 3 \\Flagged work",
            ],
            &["MessageExpunge /INBOX;UIDVALIDITY=1 1:2"],
            &["MessageExpire /INBOX;UIDVALIDITY=1 3"],
        ];
        assert_eq!(logged, expected);
    }
}
