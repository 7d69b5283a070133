//! NOTIFY: RFC 5465 §8.

use alloc::{vec, vec::Vec};

use super::{
    cursor::{Cursor, Result},
    fetch::fetch_att,
    mailbox::mailbox,
};
use crate::command::{
    Authenticated, Command, Event, EventFilter, EventGroup, Mailbox, MailboxFilter, Notify,
};

// notify = "NOTIFY" SP (notify-set / notify-none)
pub(super) fn notify(c: &mut Cursor<'_>) -> Result<Command> {
    c.sp("NOTIFY")?;
    let asked = if c.eat_word("NONE") {
        None
    } else if c.eat_word("SET") {
        Some(notify_set(c)?)
    } else {
        return c.expected("SET or NONE");
    };
    Ok(Command::Authenticated(Authenticated::Notify(asked)))
}

// notify-set = "SET" [SP "STATUS"] SP event-group *(SP event-group)
fn notify_set(c: &mut Cursor<'_>) -> Result<Notify> {
    c.sp("SET")?;
    let status = c.eat_word("STATUS");
    if status {
        c.sp("STATUS")?;
    }
    let mut groups = vec![event_group(c)?];
    while c.more() {
        groups.push(event_group(c)?);
    }
    Ok(Notify { status, groups })
}

// event-group = "(" filter-mailboxes SP events ")"
fn event_group(c: &mut Cursor<'_>) -> Result<EventGroup> {
    c.expect(b'(', "'(' before the mailboxes to be watched")?;
    c.skip_spaces();
    let filter = filter_mailboxes(c)?;
    c.sp("the mailboxes to be watched")?;
    let events = events(c)?;
    c.skip_spaces();
    c.expect(b')', "')' after the events")?;
    Ok(EventGroup { filter, events })
}

// filter-mailboxes = filter-mailboxes-selected / filter-mailboxes-other
fn filter_mailboxes(c: &mut Cursor<'_>) -> Result<EventFilter> {
    if c.eat_word("SELECTED") {
        Ok(EventFilter::Selected)
    } else if c.eat_word("SELECTED-DELAYED") {
        Ok(EventFilter::SelectedDelayed)
    } else {
        filter_mailboxes_other(c).map(EventFilter::Others)
    }
}

// filter-mailboxes-other = "inboxes" / "personal" / "subscribed" /
//     ("subtree" SP one-or-more-mailbox) / ("mailboxes" SP one-or-more-mailbox) /
//     ("subtree-one" SP one-or-more-mailbox), which RFC 7377 §2.3 adds
pub(super) fn filter_mailboxes_other(c: &mut Cursor<'_>) -> Result<MailboxFilter> {
    Ok(if c.eat_word("INBOXES") {
        MailboxFilter::Inboxes
    } else if c.eat_word("PERSONAL") {
        MailboxFilter::Personal
    } else if c.eat_word("SUBSCRIBED") {
        MailboxFilter::Subscribed
    } else if c.eat_word("SUBTREE") {
        MailboxFilter::Subtree(one_or_more_mailbox(c)?)
    } else if c.eat_word("SUBTREE-ONE") {
        MailboxFilter::SubtreeOne(one_or_more_mailbox(c)?)
    } else if c.eat_word("MAILBOXES") {
        MailboxFilter::Mailboxes(one_or_more_mailbox(c)?)
    } else {
        return c.expected("which mailboxes: SELECTED, PERSONAL, SUBTREE or the like");
    })
}

// one-or-more-mailbox = mailbox / many-mailboxes
// many-mailboxes = "(" mailbox *(SP mailbox) ")"
fn one_or_more_mailbox(c: &mut Cursor<'_>) -> Result<Vec<Mailbox>> {
    c.sp("the kind of mailboxes")?;
    if c.peek() == Some(b'(') {
        c.list1("the mailbox names", mailbox)
    } else {
        Ok(vec![mailbox(c)?])
    }
}

// events = ("(" event *(SP event) ")") / "NONE"
//
// RFC 5465 §3.1 itself leaves the parentheses out in its example.
fn events(c: &mut Cursor<'_>) -> Result<Vec<Event>> {
    if c.eat_word("NONE") {
        return Ok(Vec::new());
    }
    if c.peek() == Some(b'(') {
        return c.list1("the events", event);
    }
    let mut events = vec![event(c)?];
    loop {
        c.skip_spaces();
        if c.peek() == Some(b')') {
            return Ok(events);
        }
        events.push(event(c)?);
    }
}

// event = message-event / mailbox-event / user-event / event-ext
fn event(c: &mut Cursor<'_>) -> Result<Event> {
    // message-event = ("MessageNew" [SP "(" fetch-att *(SP fetch-att) ")"]) / …
    if c.eat_word("MessageNew") {
        let mut ahead = c.clone();
        ahead.skip_spaces();
        if ahead.peek() != Some(b'(') {
            return Ok(Event::MessageNew(Vec::new()));
        }
        *c = ahead;
        let items = c.list1("what to tell of new messages", fetch_att)?;
        return Ok(Event::MessageNew(items));
    }
    let known = [
        ("MessageExpunge", Event::MessageExpunge),
        ("FlagChange", Event::FlagChange),
        ("AnnotationChange", Event::AnnotationChange),
        ("MailboxName", Event::MailboxName),
        ("SubscriptionChange", Event::SubscriptionChange),
        ("MailboxMetadataChange", Event::MailboxMetadataChange),
        ("ServerMetadataChange", Event::ServerMetadataChange),
    ];
    let known = known.into_iter().find(|(name, _)| c.eat_word(name));
    match known {
        Some((_, event)) => Ok(event),
        // event-ext = atom
        None => c.atom("an event").map(|_| Event::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{command::FetchItem, parse};

    fn read(arguments: &str) -> core::result::Result<Option<Notify>, alloc::string::String> {
        let line = alloc::format!("a NOTIFY {arguments}");
        match parse::command(line.as_bytes()) {
            Ok(tagged) => match tagged.command {
                Command::Authenticated(Authenticated::Notify(asked)) => Ok(asked),
                other => panic!("{other:?}"),
            },
            Err(error) => Err(alloc::string::ToString::to_string(&error)),
        }
    }

    fn mailboxes(names: &[&str]) -> Vec<Mailbox> {
        let names = names.iter();
        names
            .map(|name| Mailbox(name.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn filters_and_events() {
        use EventFilter::{Others, Selected, SelectedDelayed};
        use MailboxFilter as M;
        let new = || Event::MessageNew(Vec::new());
        for (text, status, groups) in [
            (
                "set status (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (personal NONE)",
                true,
                vec![
                    (
                        Selected,
                        vec![
                            Event::MessageNew(vec![FetchItem::Uid, FetchItem::Flags]),
                            Event::MessageExpunge,
                            Event::FlagChange,
                        ],
                    ),
                    (Others(M::Personal), vec![]),
                ],
            ),
            (
                "SET (SELECTED-DELAYED (messagenew messageexpunge annotationchange))",
                false,
                vec![(
                    SelectedDelayed,
                    vec![new(), Event::MessageExpunge, Event::AnnotationChange],
                )],
            ),
            (
                "SET (mailboxes (a \"b c\") (MailboxName Foo-Event)) (subtree Lists (MailboxMetadataChange)) (inboxes (ServerMetadataChange)) (subscribed (SubscriptionChange))",
                false,
                vec![
                    (
                        Others(M::Mailboxes(mailboxes(&["a", "b c"]))),
                        vec![Event::MailboxName, Event::Other],
                    ),
                    (
                        Others(M::Subtree(mailboxes(&["Lists"]))),
                        vec![Event::MailboxMetadataChange],
                    ),
                    (Others(M::Inboxes), vec![Event::ServerMetadataChange]),
                    (Others(M::Subscribed), vec![Event::SubscriptionChange]),
                ],
            ),
            // As the RFC has it in its example.
            (
                "SET (selected MessageNew (uid) MessageExpunge) (subtree Lists MessageNew)",
                false,
                vec![
                    (
                        Selected,
                        vec![
                            Event::MessageNew(vec![FetchItem::Uid]),
                            Event::MessageExpunge,
                        ],
                    ),
                    (Others(M::Subtree(mailboxes(&["Lists"]))), vec![new()]),
                ],
            ),
        ] {
            let groups = groups.into_iter();
            let groups = groups.map(|(filter, events)| EventGroup { filter, events });
            let expected = Notify {
                status,
                groups: groups.collect(),
            };
            assert_eq!(read(text), Ok(Some(expected)), "{text}");
        }
        assert_eq!(read("none"), Ok(None));
    }

    #[test]
    fn what_is_not_grammar() {
        for text in [
            "",
            "SET",
            "SET STATUS",
            "SET (selected)",
            "SET (selected ())",
            "SET (nowhere (MessageNew))",
            "SET (mailboxes (MessageNew MessageExpunge))",
            "SET (mailboxes () (MessageNew))",
            "SET (selected (MessageNew () MessageExpunge))",
            "SET (selected (MessageNew (NONSENSE) MessageExpunge))",
            "SET (personal (MessageNew MessageExpunge)",
            "NONE (selected NONE)",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
