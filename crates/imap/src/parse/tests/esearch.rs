//! ESEARCH and CANCELUPDATE.

use super::{mailbox, parse, read};
use crate::command::{
    Authenticated, Command, Esearch, MailboxFilter, Numbering, Search, SearchKey, SearchReturn,
    SearchSource, Selected,
};
use alloc::{format, vec};

#[test]
fn esearch_names_its_sources() {
    use MailboxFilter as M;
    let others = |filter| SearchSource::Others(filter);
    let all = SearchReturn {
        all: true,
        ..SearchReturn::default()
    };
    let update = SearchReturn {
        update: true,
        context: true,
        count: true,
        ..SearchReturn::default()
    };
    for (text, sources, returns) in [
        ("ESEARCH ALL", None, None),
        ("UID ESEARCH ALL", None, None),
        ("ESEARCH RETURN () ALL", None, Some(all)),
        (
            "ESEARCH IN (selected) RETURN (UPDATE context COUNT) ALL",
            Some(vec![SearchSource::Selected]),
            Some(update),
        ),
        (
            "ESEARCH IN (mailboxes \"folder1\" subtree folder2) ALL",
            Some(vec![
                others(M::Mailboxes(vec![mailbox("folder1")])),
                others(M::Subtree(vec![mailbox("folder2")])),
            ]),
            None,
        ),
        (
            "esearch in (Inboxes PERSONAL subscribed subtree-one (a \"b c\")) all",
            Some(vec![
                others(M::Inboxes),
                others(M::Personal),
                others(M::Subscribed),
                others(M::SubtreeOne(vec![mailbox("a"), mailbox("b c")])),
            ]),
            None,
        ),
    ] {
        let expected = Esearch {
            sources,
            search: Search {
                numbering: Numbering::Uid,
                returns,
                update: vec![],
                charset: None,
                key: SearchKey::All,
            },
        };
        let expected = Command::Authenticated(Authenticated::Esearch(expected));
        assert_eq!(read(text), expected, "{text}");
    }
    for wrong in [
        "ESEARCH",
        "ESEARCH IN ALL",
        "ESEARCH IN () ALL",
        "ESEARCH IN (selected-delayed) ALL",
        "ESEARCH IN (mailboxes) ALL",
        "ESEARCH IN (mailboxes ()) ALL",
        "ESEARCH IN (subtree-one) ALL",
        "ESEARCH IN (personal (depth 1)) ALL",
        "ESEARCH IN (personal)",
        "ESEARCH RETURN (ALL) IN (personal) ALL",
    ] {
        assert!(parse(format!("a {wrong}").as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn updates_are_cancelled_by_tag() {
    for (text, expected) in [
        ("CANCELUPDATE \"B01\"", vec!["B01".into()]),
        (
            "cancelupdate \"a\" \"b\\\\\" c",
            vec!["a".into(), "b\\".into(), "c".into()],
        ),
    ] {
        let expected = Command::Selected(Selected::CancelUpdate(expected));
        assert_eq!(read(text), expected, "{text}");
    }
    for wrong in ["CANCELUPDATE", "CANCELUPDATE ", "CANCELUPDATE (\"a\")"] {
        assert!(parse(format!("a {wrong}").as_bytes()).is_err(), "{wrong}");
    }
}
