//! URLs as RFC 5092, RFC 4467 and RFC 4469 print them, and others that are none.

use alloc::{format, string::ToString, vec};

use super::*;
use crate::command::SectionText;

fn nz(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

fn message(mailbox: Option<&str>, uid: u32) -> Message {
    Message {
        mailbox: mailbox.map(ToString::to_string),
        uid_validity: None,
        uid: nz(uid),
        section: None,
        partial: None,
        expires: None,
        authorization: None,
    }
}

fn part(numbers: &[u32], text: SectionText) -> Section {
    Section {
        part: numbers.iter().map(|n| nz(*n)).collect(),
        text,
    }
}

fn server(user: Option<&str>, host: &str) -> Server {
    Server {
        user: user.map(ToString::to_string),
        auth: None,
        host: host.to_string(),
        port: None,
    }
}

#[track_caller]
fn is(url: &str, server: Option<Server>, target: Target) {
    assert_eq!(
        Url::parse(url.as_bytes()),
        Ok(Url { server, target }),
        "{url}"
    );
}

#[test]
fn messages_and_their_parts() {
    for (url, expected) in [
        ("/INBOX/;UID=20", message(Some("INBOX"), 20)),
        (";UID=20", message(None, 20)),
        ("/a/b/;uid=7", message(Some("a/b"), 7)),
        (
            "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER",
            Message {
                uid_validity: Some(nz(385_759_045)),
                section: Some(part(&[], SectionText::Header)),
                ..message(Some("Drafts"), 20)
            },
        ),
        (
            "/Drafts/;UID=20/;Section=2.MIME",
            Message {
                section: Some(part(&[2], SectionText::Mime)),
                ..message(Some("Drafts"), 20)
            },
        ),
        (
            ";UID=20/;SECTION=1.2/;PARTIAL=0.1024",
            Message {
                section: Some(part(&[1, 2], SectionText::Whole)),
                partial: Some(Range {
                    start: 0,
                    count: Some(1024),
                }),
                ..message(None, 20)
            },
        ),
        (
            "/INBOX/;UID=1/;PARTIAL=17",
            Message {
                partial: Some(Range {
                    start: 17,
                    count: None,
                }),
                ..message(Some("INBOX"), 1)
            },
        ),
        (
            "/x/;UID=1/;SECTION=HEADER.FIELDS%20(DATE%20FROM)",
            Message {
                section: Some(part(
                    &[],
                    SectionText::HeaderFields(vec![b"DATE".to_vec(), b"FROM".to_vec()]),
                )),
                ..message(Some("x"), 1)
            },
        ),
        (
            "/~peter/%E6%97%A5%E6%9C%AC%E8%AA%9E/%E5%8F%B0%E5%8C%97/;UID=3",
            message(Some("~peter/日本語/台北"), 3),
        ),
        ("/100%25/;UID=3", message(Some("100%"), 3)),
        // RFC 3986 §5.2.4, RFC 5092 §9.1.
        ("/a/./b/../c/;UID=3", message(Some("a/c"), 3)),
        ("/a/%2E%2E/;UID=3", message(Some("a/.."), 3)),
    ] {
        is(url, None, Target::Message(expected.clone()));
        if url.starts_with('/') {
            for (start, place) in [
                ("imap://example.org", server(None, "example.org")),
                ("IMAP://joe@example.org", server(Some("joe"), "example.org")),
                ("//example.org", server(None, "example.org")),
            ] {
                let url = format!("{start}{url}");
                is(&url, Some(place), Target::Message(expected.clone()));
            }
        }
    }
}

#[test]
fn servers_and_lists() {
    let list = |mailbox: &str, search: Option<&str>| Target::List {
        mailbox: mailbox.to_string(),
        uid_validity: None,
        search: search.map(ToString::to_string),
    };
    let with = |user, auth: &str, host| Server {
        auth: Some(auth.to_string()),
        ..server(user, host)
    };
    let port = |port| Server {
        port: Some(port),
        ..server(Some("jo e"), "[::1]")
    };
    for (url, place, target) in [
        ("imap://h", server(None, "h"), Target::Server),
        ("imap://h/", server(None, "h"), Target::Server),
        ("imap://jo%20e@[::1]:1143/", port(1143), Target::Server),
        (
            "imap://;AUTH=*@minbari.example.org/gray%20council?SUBJECT%20shadows",
            with(None, "*", "minbari.example.org"),
            list("gray council", Some("SUBJECT%20shadows")),
        ),
        (
            "imap://john;AUTH=GSSAPI@h/foo/;UID=20/..",
            with(Some("john"), "GSSAPI", "h"),
            list("foo", None),
        ),
        (
            "imap://h/x;UIDVALIDITY=7",
            server(None, "h"),
            Target::List {
                mailbox: "x".to_string(),
                uid_validity: Some(nz(7)),
                search: None,
            },
        ),
    ] {
        is(url, Some(place), target);
    }
}

#[test]
fn authorizations() {
    let start = "imap://joe@example.com/INBOX/;uid=20/;section=1.2";
    let rump = |access| Authorization {
        access,
        verifier: None,
    };
    let token = "91354a473744909de610943775f92038";
    for (end, access) in [
        (";urlauth=submit+fred", Access::Submit("fred".to_string())),
        (";URLAUTH=user+f%40x", Access::User("f@x".to_string())),
        (";URLAUTH=authUser", Access::AuthUser),
        (";URLAUTH=anonymous", Access::Anonymous),
    ] {
        let expected = Message {
            section: Some(part(&[1, 2], SectionText::Whole)),
            authorization: Some(rump(access)),
            ..message(Some("INBOX"), 20)
        };
        let place = || Some(server(Some("joe"), "example.com"));
        let url = format!("{start}{end}");
        is(&url, place(), Target::Message(expected.clone()));
        let with_verifier = Message {
            authorization: expected.authorization.clone().map(|it| Authorization {
                verifier: Some(Verifier {
                    mechanism: "internal".to_string(),
                    token: token.to_string(),
                    rump: url.len(),
                }),
                ..it
            }),
            ..expected
        };
        let full = format!("{url}:internal:{token}");
        is(&full, place(), Target::Message(with_verifier));
    }
    for (expire, unix) in [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("2005-05-25T23:59:59.5-01:30", Some(1_117_070_999)),
        ("2005-05-25t23:59:60z", Some(1_117_065_600)),
        ("2005-05-25 23:59:59Z", None),
        ("2005-02-29T23:59:59Z", None),
        ("2005-05-25T24:00:00Z", None),
        ("2005-05-25T23:59:59", None),
        ("2005-05-25T23:59:59.Z", None),
        ("", None),
    ] {
        let url = format!("{start};EXPIRE={expire};URLAUTH=anonymous");
        let read = Url::parse(url.as_bytes()).ok().map(|url| url.target);
        let expires = match read {
            Some(Target::Message(message)) => message.expires,
            _ => None,
        };
        assert_eq!(expires, unix, "{expire}");
    }
}

#[test]
fn what_is_no_url() {
    use UrlError as E;
    let token = "91354a473744909de610943775f92038";
    for (url, error) in [
        ("", E::RelativePath),
        ("INBOX/;UID=1", E::RelativePath),
        ("http://h/x", E::Scheme),
        ("imap:/x", E::Server),
        ("imap://", E::Server),
        ("imap://@h/", E::Server),
        ("imap://h:x/", E::Server),
        ("imap://h:70000/", E::Server),
        ("imap://a b/", E::Server),
        ("/a b/;UID=1", E::Character),
        ("/ü/;UID=1", E::Character),
        ("/a%2/;UID=1", E::Character),
        ("/a%zz/;UID=1", E::Character),
        ("/a#b", E::Character),
        ("/%ff/;UID=1", E::Name),
        ("//h//;UID=0", E::Name),
        ("/;UID=1", E::Name),
        ("/x/;UID=0", E::Number),
        ("/x/;UID=4294967296", E::Number),
        ("/x/;UID=1/2", E::Number),
        ("/x;UIDVALIDITY=/;UID=1", E::Number),
        (";SECTION=1", E::Parameter),
        ("/x/;COLOUR=red", E::Parameter),
        ("/x/;UID=1/;PARTIAL=0.1/;SECTION=1", E::Character),
        ("/x/;UID=1?ALL", E::Parameter),
        ("/x/;UID=1/;SECTION=", E::Section),
        ("/x/;UID=1/;SECTION=0", E::Section),
        ("/x/;UID=1/;SECTION=MIME", E::Section),
        ("/x/;UID=1/;SECTION=1]BODY[", E::Character),
        ("/x/;UID=1/;SECTION=1%5DBODY%5B", E::Section),
        ("/x/;UID=1/;PARTIAL=", E::Partial),
        ("/x/;UID=1/;PARTIAL=1.0", E::Partial),
        ("/x/;UID=1/;PARTIAL=1.2.3", E::Partial),
        ("/x/;UID=1;URLAUTH=everybody", E::Authorization),
        ("/x/;UID=1;URLAUTH=user+", E::Name),
        ("/x/;UID=1;URLAUTH=anonymous:internal", E::Authorization),
        ("/x/;UID=1;URLAUTH=anonymous:internal:12", E::Authorization),
    ] {
        assert_eq!(Url::parse(url.as_bytes()), Err(error), "{url}");
    }
    let dots = format!("/x/./;UID=1;URLAUTH=anonymous:internal:{token}");
    assert_eq!(Url::parse(dots.as_bytes()), Err(E::Authorization));
    let after = format!("/x/;UID=1;URLAUTH=anonymous:internal:{token};X=1");
    assert_eq!(Url::parse(after.as_bytes()), Err(E::Authorization));
}
