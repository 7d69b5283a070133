//! Every command, from the RFCs' own examples and from what clients send.

mod acl;
mod append;
mod errors;
mod esearch;
mod metadata;
mod quota;
mod results;

use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec, vec::Vec};
use core::num::NonZeroU32;

use super::{COMMANDS, SyntaxErrorKind, command as parse};
use crate::{
    command::{
        Any, Authenticated, Command, Copy, CreateParams, Date, DateOrder, Fetch, FetchItem, Flag,
        List, ListReturn, ListSelection, Mailbox, NotAuthenticated, Numbering, Partial, Qresync,
        Rename, Search, SearchKey, SearchReturn, Section, SectionText, Select, Selected,
        StatusItem, Store, StoreAction,
    },
    encode::Listing,
    set::{SequenceRange, SequenceSet},
};

/// The command of `a …`.
#[track_caller]
fn read(rest: &str) -> Command {
    match parse(format!("a {rest}").as_bytes()) {
        Ok(tagged) => {
            assert_eq!(tagged.tag, "a");
            tagged.command
        }
        Err(error) => panic!("{rest}: {error}"),
    }
}

#[track_caller]
fn any(rest: &str, expected: Any) {
    assert_eq!(read(rest), Command::Any(expected), "{rest}");
}

#[track_caller]
fn before(rest: &str, expected: NotAuthenticated) {
    // Its Debug hides what it holds.
    assert!(read(rest) == Command::NotAuthenticated(expected), "{rest}");
}

#[track_caller]
fn after(rest: &str, expected: Authenticated) {
    assert_eq!(read(rest), Command::Authenticated(expected), "{rest}");
}

#[track_caller]
fn selected(rest: &str, expected: Selected) {
    assert_eq!(read(rest), Command::Selected(expected), "{rest}");
}

fn mailbox(name: &str) -> Mailbox {
    Mailbox(name.as_bytes().to_vec())
}

/// 0 stands for `*`.
fn set(ranges: &[(u32, u32)]) -> SequenceSet {
    let end = |n: u32| (n != 0).then_some(n);
    SequenceSet::Ranges(
        ranges
            .iter()
            .map(|&(from, to)| SequenceRange {
                from: end(from),
                to: end(to),
            })
            .collect(),
    )
}

fn part(numbers: &[u32]) -> Vec<NonZeroU32> {
    numbers
        .iter()
        .copied()
        .filter_map(NonZeroU32::new)
        .collect()
}

#[test]
fn commands_without_arguments() {
    any("NOOP", Any::Noop);
    any("noop  ", Any::Noop);
    any("CAPABILITY", Any::Capability);
    any("LOGOUT", Any::Logout);
    before("STARTTLS", NotAuthenticated::StartTls);
    after("NAMESPACE", Authenticated::Namespace);
    after("IDLE", Authenticated::Idle);
    selected("CHECK", Selected::Check);
    selected("CLOSE", Selected::Close);
    selected("UNSELECT", Selected::Unselect);
    selected("EXPUNGE", Selected::Expunge);
    selected(
        "UID EXPUNGE 3000:3002",
        Selected::UidExpunge(set(&[(3000, 3002)])),
    );
}

#[test]
fn logging_in() {
    let login = |user: &str, password: &str| NotAuthenticated::Login {
        user: user.into(),
        password: password.into(),
    };
    before("LOGIN SMITH SESAME", login("SMITH", "SESAME"));
    before("login \"a b\" \"p\\\"\\\\\"", login("a b", "p\"\\"));
    before(
        "LOGIN {11}\r\nFRED FOOBAR {7}\r\nfat man",
        login("FRED FOOBAR", "fat man"),
    );
    before("LOGIN a]b \"\"", login("a]b", ""));
    let authenticate = |initial: Option<&[u8]>| NotAuthenticated::Authenticate {
        mechanism: "PLAIN".to_owned(),
        initial: initial.map(<[u8]>::to_vec),
    };
    before("AUTHENTICATE plain", authenticate(None));
    before("AUTHENTICATE PLAIN =", authenticate(Some(b"")));
    before(
        "AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=",
        authenticate(Some(b"test\0test\0test")),
    );
    assert_eq!(
        format!("{:?}", read("LOGIN joe sesame")),
        "NotAuthenticated(Login(…))"
    );
}

#[test]
fn enable_and_id() {
    after(
        "ENABLE condstore QRESYNC",
        Authenticated::Enable(vec!["CONDSTORE".into(), "QRESYNC".into()]),
    );
    any("ID NIL", Any::Id(vec![]));
    any("ID", Any::Id(vec![]));
    any("ID ()", Any::Id(vec![]));
    let pair = |name: &str, value: Option<&str>| (name.into(), value.map(Into::into));
    any(
        "ID (\"name\" \"Thunderbird\" \"version\" NIL)",
        Any::Id(vec![
            pair("name", Some("Thunderbird")),
            pair("version", None),
        ]),
    );
    any(
        "ID (name sodr \"os\" {1}\r\nx )",
        Any::Id(vec![pair("name", Some("sodr")), pair("os", Some("x"))]),
    );
}

#[test]
fn selecting() {
    let plain = |name: &str| Select {
        annotate: false,
        mailbox: mailbox(name),
        condstore: false,
        qresync: None,
    };
    after("SELECT INBOX", Authenticated::Select(plain("INBOX")));
    after("EXAMINE \"a b\"", Authenticated::Examine(plain("a b")));
    after(
        "SELECT INBOX (CONDSTORE)",
        Authenticated::Select(Select {
            condstore: true,
            ..plain("INBOX")
        }),
    );
    let qresync = |mod_seq, known_uids, match_data| {
        Authenticated::Select(Select {
            qresync: NonZeroU32::new(67_890_007).map(|uid_validity| Qresync {
                uid_validity,
                mod_seq,
                known_uids,
                match_data,
            }),
            ..plain("INBOX")
        })
    };
    // RFC 7162 §3.2.5.
    after(
        "SELECT INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541))",
        qresync(
            20_050_715_194_045_000,
            Some(set(&[(41, 41), (43, 211), (214, 541)])),
            None,
        ),
    );
    after(
        "SELECT INBOX (QRESYNC (67890007 7))",
        qresync(7, None, None),
    );
    let data = Some((
        set(&[(5000, 5000), (7500, 7500)]),
        set(&[(15000, 15000), (22500, 22500)]),
    ));
    after(
        "SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541 (5000,7500 15000,22500)))",
        qresync(
            90_060_115_194_045_000,
            Some(set(&[(41, 211), (214, 541)])),
            data.clone(),
        ),
    );
    after(
        "SELECT INBOX (QRESYNC (67890007 9 (5000,7500 15000,22500)))",
        qresync(9, None, data),
    );
}

#[test]
fn mailboxes() {
    let create = |special_use: &[&str], partition: Option<&str>| Authenticated::Create {
        mailbox: mailbox("owatagusiam/"),
        params: CreateParams {
            special_use: special_use.iter().copied().map(String::from).collect(),
            partition: partition.map(String::from),
        },
    };
    let fast = Some("fast");
    for (line, expected) in [
        ("", create(&[], None)),
        (
            " (USE (\\Drafts \\Sent))",
            create(&["\\Drafts", "\\Sent"], None),
        ),
        (" (USE ())", create(&[], None)),
        (" fast", create(&[], fast)),
        (" \"fast\"", create(&[], fast)),
        (" (PARTITION fast)", create(&[], fast)),
        (
            " (partition \"fast\" USE (\\Sent))",
            create(&["\\Sent"], fast),
        ),
    ] {
        after(&format!("CREATE owatagusiam/{line}"), expected);
    }
    after(
        "DELETE blurdybloop",
        Authenticated::Delete(mailbox("blurdybloop")),
    );
    let rename = |partition: Option<&str>| {
        Authenticated::Rename(Rename {
            from: mailbox("blurdybloop"),
            to: mailbox("saraso"),
            partition: partition.map(String::from),
        })
    };
    after("RENAME blurdybloop {6}\r\nsaraso", rename(None));
    after("RENAME blurdybloop saraso fast", rename(fast));
    after("RENAME blurdybloop saraso (PARTITION fast)", rename(fast));
    after(
        "SUBSCRIBE #news.x",
        Authenticated::Subscribe(mailbox("#news.x")),
    );
    after(
        "UNSUBSCRIBE &ZeVnLIqe-",
        Authenticated::Unsubscribe(mailbox("&ZeVnLIqe-")),
    );
    after(
        "LSUB \"#news.\" \"comp.mail.*\"",
        Authenticated::Lsub {
            reference: b"#news.".to_vec(),
            pattern: b"comp.mail.*".to_vec(),
            remote: false,
        },
    );
    after(
        "RLSUB \"\" %",
        Authenticated::Lsub {
            reference: Vec::new(),
            pattern: b"%".to_vec(),
            remote: true,
        },
    );
    let list = List {
        patterns: vec![b"#SHARED/%".to_vec()],
        ..List::default()
    };
    let xlist = List {
        listing: Listing::Xlist,
        ..list.clone()
    };
    after("XLIST \"\" #SHARED/%", Authenticated::List(xlist));
    let selection = ListSelection {
        remote: true,
        ..ListSelection::default()
    };
    after(
        "RLIST \"\" \"#SHARED/%\"",
        Authenticated::List(List { selection, ..list }),
    );
    after(
        "STATUS blurdybloop (UIDNEXT MESSAGES uidnext)",
        Authenticated::Status {
            mailbox: mailbox("blurdybloop"),
            items: vec![StatusItem::UidNext, StatusItem::Messages],
        },
    );
    after(
        "STATUS x ( RECENT UIDVALIDITY UNSEEN DELETED DELETED-STORAGE SIZE HIGHESTMODSEQ MAILBOXID APPENDLIMIT )",
        Authenticated::Status {
            mailbox: mailbox("x"),
            items: StatusItem::ALL
                .into_iter()
                .filter(|item| !matches!(item, StatusItem::Messages | StatusItem::UidNext))
                .collect(),
        },
    );
}

#[test]
fn listing() {
    let list = |reference: &str, patterns: &[&str]| List {
        listing: Listing::List,
        selection: ListSelection::default(),
        reference: reference.into(),
        patterns: patterns.iter().map(|p| p.as_bytes().to_vec()).collect(),
        returns: None,
        extended: false,
    };
    let is = |rest: &str, expected: List| after(rest, Authenticated::List(expected));
    let subscribed = ListSelection {
        subscribed: true,
        ..ListSelection::default()
    };
    is("LIST \"\" \"\"", list("", &[""]));
    is("LIST  ~/Mail/  %", list("~/Mail/", &["%"]));
    is("LIST \"\" inbox*%]", list("", &["inbox*%]"]));
    is(
        "LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %",
        List {
            selection: ListSelection {
                recursive_match: true,
                ..subscribed
            },
            extended: true,
            ..list("", &["%"])
        },
    );
    is(
        "LIST (REMOTE SPECIAL-USE) \"\" * RETURN (SUBSCRIBED CHILDREN SPECIAL-USE)",
        List {
            selection: ListSelection {
                remote: true,
                special_use: true,
                ..Default::default()
            },
            returns: Some(ListReturn {
                subscribed: true,
                children: true,
                special_use: true,
                ..ListReturn::default()
            }),
            extended: true,
            ..list("", &["*"])
        },
    );
    is(
        "LIST \"\" % RETURN (METADATA (\"/shared/a\" /private/b /SHARED/A))",
        List {
            returns: Some(ListReturn {
                metadata: vec!["/shared/a".into(), "/private/b".into()],
                ..ListReturn::default()
            }),
            extended: true,
            ..list("", &["%"])
        },
    );
    // RFC 5258 §5, RFC 5819 §2.
    is(
        "LIST \"\" (INBOX Drafts \"Sent/%\")",
        List {
            extended: true,
            ..list("", &["INBOX", "Drafts", "Sent/%"])
        },
    );
    is(
        "LIST () \"\" *",
        List {
            extended: true,
            ..list("", &["*"])
        },
    );
    is(
        "LIST \"\" * return ()",
        List {
            extended: true,
            returns: Some(ListReturn::default()),
            ..list("", &["*"])
        },
    );
    is(
        "LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN))",
        List {
            extended: true,
            returns: Some(ListReturn {
                status: Some(vec![StatusItem::Messages, StatusItem::Unseen]),
                ..ListReturn::default()
            }),
            ..list("", &["%"])
        },
    );
}

#[test]
fn fetching() {
    use FetchItem as I;
    let fetch = |ranges: &[(u32, u32)], items: Vec<FetchItem>| Fetch {
        numbering: Numbering::Sequence,
        messages: set(ranges),
        items,
        changed_since: None,
        vanished: false,
        partial: None,
    };
    let is = |rest: &str, expected: Fetch| selected(rest, Selected::Fetch(expected));
    is(
        "FETCH 2:4 FAST",
        fetch(&[(2, 4)], vec![I::Flags, I::InternalDate, I::Rfc822Size]),
    );
    is(
        "FETCH 1 all",
        fetch(
            &[(1, 1)],
            vec![I::Flags, I::InternalDate, I::Rfc822Size, I::Envelope],
        ),
    );
    is(
        "FETCH 1 FULL",
        fetch(
            &[(1, 1)],
            vec![
                I::Flags,
                I::InternalDate,
                I::Rfc822Size,
                I::Envelope,
                I::Body,
            ],
        ),
    );
    is(
        "FETCH 1,3:*,*:9 ( UID  MODSEQ EMAILID THREADID BODYSTRUCTURE BODY RFC822 RFC822.HEADER RFC822.TEXT )",
        fetch(
            &[(1, 1), (3, 0), (0, 9)],
            vec![
                I::Uid,
                I::ModSeq,
                I::EmailId,
                I::ThreadId,
                I::BodyStructure,
                I::Body,
                I::Rfc822,
                I::Rfc822Header,
                I::Rfc822Text,
            ],
        ),
    );
    // RFC 8970 §5; alone, what follows may be of FETCH itself.
    is(
        "FETCH 1:4 (ENVELOPE PREVIEW (LAZY) preview)",
        fetch(
            &[(1, 4)],
            vec![
                I::Envelope,
                I::Preview { lazy: true },
                I::Preview { lazy: false },
            ],
        ),
    );
    is(
        "FETCH 1 PREVIEW (CHANGEDSINCE 7)",
        Fetch {
            changed_since: Some(7),
            ..fetch(&[(1, 1)], vec![I::Preview { lazy: false }])
        },
    );
    is(
        "UID FETCH 1:300 (FLAGS) (CHANGEDSINCE 12345 VANISHED)",
        Fetch {
            numbering: Numbering::Uid,
            changed_since: Some(12345),
            vanished: true,
            ..fetch(&[(1, 300)], vec![I::Flags])
        },
    );
    is(
        "FETCH $ FLAGS",
        Fetch {
            messages: SequenceSet::Saved,
            ..fetch(&[], vec![I::Flags])
        },
    );
}

#[test]
fn sections() {
    use SectionText as T;
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|n| n.as_bytes().to_vec())
            .collect::<Vec<_>>()
    };
    for (item, path, text, octets, peek) in [
        ("BODY[]", &[][..], T::Whole, None, false),
        ("body.peek[]<0.2048>", &[], T::Whole, Some((0, 2048)), true),
        ("BODY[TEXT]", &[], T::Text, None, false),
        ("BODY[4.1.MIME]", &[4, 1], T::Mime, None, false),
        ("BODY.PEEK[4.2.HEADER]", &[4, 2], T::Header, None, true),
        ("BODY[1]<7.1>", &[1], T::Whole, Some((7, 1)), false),
        (
            "BODY.PEEK[HEADER.FIELDS (Date \"From\" {2}\r\nTo )]",
            &[],
            T::HeaderFields(names(&["Date", "From", "To"])),
            None,
            true,
        ),
        (
            "BODY[3.HEADER.FIELDS.NOT (X-a)]",
            &[3],
            T::HeaderFieldsNot(names(&["X-a"])),
            None,
            false,
        ),
    ] {
        let Command::Selected(Selected::Fetch(fetch)) = read(&format!("FETCH 1 ({item})")) else {
            panic!("{item}")
        };
        let section = FetchItem::Section {
            section: Section {
                part: part(path),
                text,
            },
            partial: octets.map(|(start, count)| Partial { start, count }),
            peek,
        };
        assert_eq!(fetch.items, [section], "{item}");
    }
    // RFC 3516 §4.
    for (item, expected) in [
        (
            "BINARY[1.2]",
            FetchItem::Binary {
                part: part(&[1, 2]),
                partial: None,
                peek: false,
            },
        ),
        (
            "BINARY.PEEK[]<5.9>",
            FetchItem::Binary {
                part: vec![],
                partial: Some(Partial { start: 5, count: 9 }),
                peek: true,
            },
        ),
        ("BINARY.SIZE[3]", FetchItem::BinarySize(part(&[3]))),
    ] {
        let Command::Selected(Selected::Fetch(fetch)) = read(&format!("FETCH 1 {item}")) else {
            panic!("{item}")
        };
        assert_eq!(fetch.items, [expected], "{item}");
    }
}

#[test]
fn storing_and_copying() {
    let store = |action, silent, flags: &[Flag]| Store {
        numbering: Numbering::Sequence,
        messages: set(&[(2, 4)]),
        unchanged_since: None,
        action,
        silent,
        flags: flags.to_vec(),
    };
    let is = |rest: &str, expected: Store| selected(rest, Selected::Store(expected));
    is(
        "STORE 2:4 +FLAGS (\\Deleted)",
        store(StoreAction::Add, false, &[Flag::Deleted]),
    );
    is(
        "STORE 2:4 flags.silent ()",
        store(StoreAction::Replace, true, &[]),
    );
    is(
        "STORE 2:4 -FLAGS.SILENT \\answered \\Flagged \\SEEN \\Draft \\Recent \\x y $z ",
        store(
            StoreAction::Remove,
            true,
            &[
                Flag::Answered,
                Flag::Flagged,
                Flag::Seen,
                Flag::Draft,
                Flag::Recent,
                Flag::Extension("x".into()),
                Flag::Keyword("y".into()),
                Flag::Keyword("$z".into()),
            ],
        ),
    );
    is(
        "UID STORE 2:4 (UNCHANGEDSINCE 12121230045) +FLAGS (x)",
        Store {
            numbering: Numbering::Uid,
            unchanged_since: Some(12_121_230_045),
            ..store(StoreAction::Add, false, &[Flag::Keyword("x".into())])
        },
    );
    let copy = |numbering| Copy {
        numbering,
        messages: set(&[(2, 4)]),
        mailbox: mailbox("MEETING"),
    };
    selected(
        "COPY 2:4 MEETING",
        Selected::Copy(copy(Numbering::Sequence)),
    );
    selected("UID COPY 2:4 MEETING", Selected::Copy(copy(Numbering::Uid)));
    selected(
        "MOVE 2:4 MEETING",
        Selected::Move(copy(Numbering::Sequence)),
    );
    selected(
        "uid move 2:4 \"MEETING\"",
        Selected::Move(copy(Numbering::Uid)),
    );
}

fn search(rest: &str) -> Search {
    match read(rest) {
        Command::Selected(Selected::Search(search)) => search,
        other => panic!("{rest}: {other:?}"),
    }
}

#[test]
fn search_options() {
    let is = |rest: &str, numbering, returns: Option<SearchReturn>, charset: Option<&str>| {
        let expected = Search {
            numbering,
            returns,
            update: Vec::new(),
            charset: charset.map(Into::into),
            key: SearchKey::All,
        };
        assert_eq!(search(rest), expected, "{rest}");
    };
    let all = SearchReturn {
        all: true,
        ..SearchReturn::default()
    };
    is("SEARCH ALL", Numbering::Sequence, None, None);
    is(
        "UID SEARCH CHARSET UTF-8 ALL",
        Numbering::Uid,
        None,
        Some("UTF-8"),
    );
    is("SEARCH RETURN () ALL", Numbering::Sequence, Some(all), None);
    is(
        "SEARCH return (SAVE) ALL",
        Numbering::Sequence,
        Some(SearchReturn {
            save: true,
            ..SearchReturn::default()
        }),
        None,
    );
    is(
        "SEARCH RETURN (MIN MAX ALL COUNT SAVE) CHARSET \"x\" ALL",
        Numbering::Sequence,
        Some(SearchReturn {
            min: true,
            max: true,
            all: true,
            count: true,
            save: true,
            ..SearchReturn::default()
        }),
        Some("x"),
    );
}

#[test]
fn search_keys() {
    use SearchKey as K;
    let header = |field: &str, contains: &str| K::Header {
        field: field.into(),
        contains: contains.into(),
    };
    let not = |key| K::Not(Box::new(key));
    let day = Date { days: 8797 };
    for (rest, expected) in [
        // RFC 9051 §6.4.4.4.
        (
            "FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"",
            K::And(vec![
                K::Flag(Flag::Flagged),
                K::InternalDate(DateOrder::Since, day),
                not(header("FROM", "Smith")),
            ]),
        ),
        ("TEXT {6}\r\nстр", K::Text("стр".into())),
        (
            "OR SEEN (NEW OLD)",
            K::Or(Box::new((
                K::Flag(Flag::Seen),
                K::And(vec![K::New, K::NotFlag(Flag::Recent)]),
            ))),
        ),
        ("(((1:*)))", K::Sequence(set(&[(1, 0)]))),
        ("uid 5,7:9", K::Uid(set(&[(5, 5), (7, 9)]))),
        (
            "$ *",
            K::And(vec![
                K::Sequence(SequenceSet::Saved),
                K::Sequence(set(&[(0, 0)])),
            ]),
        ),
        ("HEADER Message-ID \"\"", header("Message-ID", "")),
        ("Subject a", header("SUBJECT", "a")),
        ("KEYWORD $Junk", K::Flag(Flag::Keyword("$Junk".into()))),
        ("UNKEYWORD x", K::NotFlag(Flag::Keyword("x".into()))),
        ("UNDRAFT", K::NotFlag(Flag::Draft)),
        ("OLDER 1", K::Older(NonZeroU32::MIN)),
        ("younger 4294967295", K::Younger(NonZeroU32::MAX)),
        ("LARGER 0", K::Larger(0)),
        ("SMALLER 5000000000", K::Smaller(5_000_000_000)),
        (
            "BEFORE \"1-feb-1994\"",
            K::InternalDate(DateOrder::Before, day),
        ),
        ("ON 01-Feb-1994", K::InternalDate(DateOrder::On, day)),
        ("SENTBEFORE 1-Feb-1994", K::SentDate(DateOrder::Before, day)),
        ("SENTON 1-Feb-1994", K::SentDate(DateOrder::On, day)),
        ("SENTSINCE 1-Feb-1994", K::SentDate(DateOrder::Since, day)),
        // RFC 7162 §3.1.5, RFC 8474 §6.
        (
            "MODSEQ \"/flags/\\\\draft\" all 620162338",
            K::ModSeq(620_162_338),
        ),
        ("MODSEQ 0", K::ModSeq(0)),
        (
            "EMAILID M6d99ac3275bb4e",
            K::EmailId(b"M6d99ac3275bb4e".to_vec()),
        ),
        ("THREADID T1", K::ThreadId(b"T1".to_vec())),
        ("BODY \"x\" ", K::Body(b"x".to_vec())),
    ] {
        assert_eq!(search(&format!("SEARCH {rest}")).key, expected, "{rest}");
    }
}

#[test]
fn nesting_has_an_end() {
    for (open, close) in [
        ("NOT ", ""),
        ("(", ")"),
        ("OR ALL ", ""),
        ("OR (NOT ", " ALL) ALL"),
    ] {
        let nested = |depth| format!("a SEARCH {}ALL{}", open.repeat(depth), close.repeat(depth));
        let deep = parse(nested(100_000).as_bytes()).expect_err("too deep");
        assert!(deep.what.sentence.contains("deep"), "{open}");
        if close != " ALL) ALL" {
            assert!(parse(nested(90).as_bytes()).is_ok(), "{open}");
        }
    }
}

#[test]
fn long_sets() {
    let numbers: Vec<String> = (1..100_000u32)
        .map(|n| format!("{}:{}", n * 2, n * 2))
        .collect();
    let Command::Selected(Selected::Fetch(fetch)) =
        read(&format!("UID FETCH {} FLAGS", numbers.join(",")))
    else {
        panic!("no FETCH")
    };
    assert_eq!(fetch.messages.resolve(9).map(|set| set.len()), Some(99_999));
}

#[test]
fn dates_are_checked() {
    for (date, unix) in [
        ("17-Jul-1996 02:44:25 -0700", Some(837_596_665)),
        (" 1-Jan-1970 00:00:00 +0000", Some(0)),
        ("1-jan-1970 00:00:00 +0130", Some(-5400)),
        ("29-Feb-2000 23:59:60 +0000", Some(951_868_800)),
        ("29-Feb-1900 00:00:00 +0000", None),
        ("31-Apr-2000 00:00:00 +0000", None),
        ("00-Apr-2000 00:00:00 +0000", None),
        ("01-Foo-2000 00:00:00 +0000", None),
        ("01-Apr-20000 00:00:00 +0000", None),
        ("01-Apr-2000 24:00:00 +0000", None),
        ("01-Apr-2000 00:60:00 +0000", None),
        ("01-Apr-2000 00:00:00 0000", None),
        ("01-Apr-2000 00:00:00 +2400", None),
        ("01-Apr-2000 00:00:00 +0060", None),
        ("01-Apr-2000 00:00:00", None),
    ] {
        let read = parse(format!("a APPEND x \"{date}\" {{1}}\r\n").as_bytes()).ok();
        let read = read.and_then(|tagged| match tagged.command {
            Command::Authenticated(Authenticated::Append(append)) => append.messages.first()?.date,
            _ => None,
        });
        assert_eq!(read.map(|date| date.unix), unix, "{date}");
    }
}

#[test]
fn the_table_is_in_order() {
    for row in COMMANDS {
        let same = COMMANDS.iter().filter(|other| other.name == row.name);
        assert_eq!(same.count(), 1, "{}", row.name);
        let standard = row.rfc.starts_with("RFC ") && row.rfc.contains('§');
        // Or what everybody copies.
        assert!(standard || row.rfc.starts_with("as "), "{}", row.name);
        let Err(told) = parse(format!("a {}", row.name.to_lowercase()).as_bytes()) else {
            continue;
        };
        assert_eq!(told.kind, SyntaxErrorKind::Grammar, "{}", row.name);
    }
}
