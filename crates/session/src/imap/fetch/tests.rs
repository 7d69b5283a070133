//! FETCH and SEARCH on real stores, command by command.

use std::{fs, path::Path};

use imap::{Command, UidSet, command};
use store::{
    Account, AccountId, Arrival, FlagAction, FlagChange, Flags, MailboxName, Options, Store,
    SystemFlags, Timestamp, Uid,
};

use crate::{
    FLUSH_AT, Gone, Outlet,
    imap::{
        Suppressed, fetch,
        refusal::{Outcome, Refusal, Stop},
        search,
        state::{Access, Enabled, Selected, User},
        view::View,
    },
};

/// Everything that went out, and the largest piece of it.
#[derive(Debug, Default)]
struct Sent {
    buffer: Vec<u8>,
    gone_out: Vec<u8>,
    largest: usize,
}

impl Outlet for Sent {
    fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        self.largest = self.largest.max(self.buffer.len());
        self.gone_out.append(&mut self.buffer);
        Ok(())
    }
}

/// One client of one account's INBOX.
pub(in crate::imap) struct Reader {
    pub(in crate::imap) store: Store,
    pub(in crate::imap) selected: Selected,
    pub(in crate::imap) enabled: Enabled,
    /// The largest piece that went out.
    largest: usize,
    /// Keeps the session's view where it is while others change the mailbox.
    account: Account,
}

impl Reader {
    pub(in crate::imap) async fn new(directory: Option<&Path>) -> Self {
        let store = Store::open(Options {
            directory: directory.map(Into::into),
            message_bytes_max: 1 << 20,
            clock: || Timestamp {
                unix: 1_700_000_000,
                zone_minutes: 60,
            },
        })
        .await
        .unwrap();
        let account = store.account(AccountId(1)).await.unwrap();
        let snapshot = account.snapshot();
        let mailbox = snapshot.named(&MailboxName::inbox()).unwrap().id();
        let nowhere = std::path::PathBuf::from("/nonexistent/accounts.toml");
        let users = auth::Directory::open(nowhere, Vec::new()).unwrap();
        let services = crate::imap::tests::services(&store, &users.into());
        let selected = Selected {
            annotate: false,
            account: account.clone(),
            user: User {
                name: "joe".into(),
                account: account.clone(),
                reach: crate::imap::tests::reach(&services, "joe", (&account, "")).into(),
                message_bytes_max: 1 << 20,
                undelete: None,
                site: std::sync::Arc::default(),
                language: None,
                suppressed: Suppressed::default(),
                home: None,
                remotes: std::sync::Arc::default(),
                progress: std::sync::Arc::default(),
            },
            mailbox,
            view: View::new(account.open_mailbox(mailbox).await.unwrap()),
            access: Access::ReadWrite,
            saved: UidSet::new(),
            limited: None,
            batches: Vec::new(),
            exists_unheard: false,
            wants: crate::imap::sync::Wants::default(),
            placed: UidSet::new(),
            contexts: crate::imap::search::contexts::Contexts::default(),
            fullness: crate::imap::fullness::Fullness::default(),
            url_key: None,
            told_rights: store::Rights::ALL,
            deleted: None,
        };
        Self {
            store,
            selected,
            enabled: Enabled::default(),
            largest: 0,
            account,
        }
    }

    /// A message comes and is announced.
    pub(in crate::imap) async fn deliver(&mut self, trace: &str, content: &[u8]) {
        let mut incoming = self.store.receive().await.unwrap();
        for piece in content.chunks(10_000) {
            incoming.write(piece).await.unwrap();
        }
        let arrival = Arrival {
            message: incoming.finish().await.unwrap(),
            trace: trace.into(),
            flags: Flags::default(),
            internal_date: None,
        };
        let mailbox = self.selected.mailbox;
        self.account.append(mailbox, vec![arrival]).await.unwrap();
        self.selected.refresh().await;
        self.selected.view.announce();
        self.selected.view.flags_told();
    }

    /// Another session removes a message; this one takes the state, and tells nothing.
    pub(in crate::imap) async fn remove(&mut self, uid: u32) {
        let change = FlagChange {
            action: FlagAction::Add,
            flags: Flags {
                system: SystemFlags::DELETED,
                keywords: Vec::new(),
            },
            unchanged_since: None,
        };
        let (mailbox, uids) = (self.selected.mailbox, [Uid(uid)]);
        self.account.store(mailbox, &uids, &change).await.unwrap();
        self.account.expunge(mailbox, Some(&uids)).await.unwrap();
        self.selected.refresh().await;
    }

    /// Runs a command; its untagged responses, and how it ended.
    pub(in crate::imap) async fn run(&mut self, line: &str) -> (String, String) {
        let mut sent = Sent::default();
        let parsed = imap::parse::command(format!("a {line}").as_bytes()).unwrap();
        let outcome = match &parsed.command {
            Command::Selected(command::Selected::Fetch(command)) => {
                fetch::fetch(&mut self.selected, self.enabled, command, &mut sent).await
            }
            Command::Selected(command::Selected::Search(command)) => {
                search::search(&mut self.selected, self.enabled, "a", command, &mut sent).await
            }
            Command::Selected(command::Selected::Sort(command)) => {
                search::sort(&mut self.selected, self.enabled, "a", command, &mut sent).await
            }
            Command::Selected(command::Selected::Thread(command)) => {
                search::thread(&mut self.selected, self.enabled, command, &mut sent).await
            }
            other => panic!("{other:?}"),
        };
        sent.flush().await.unwrap();
        self.largest = sent.largest;
        let said = String::from_utf8_lossy(&sent.gone_out).into_owned();
        (said, ending(&outcome))
    }

    /// Runs a command that must succeed.
    pub(in crate::imap) async fn ok(&mut self, line: &str) -> String {
        let (said, ending) = self.run(line).await;
        assert_eq!(ending, "OK", "{line}: {said}");
        said
    }
}

fn ending(outcome: &Outcome) -> String {
    match outcome {
        Ok(_) => "OK".into(),
        Err(Stop::Gone) => "gone".into(),
        Err(Stop::Refused(Refusal::Bad(_, text))) => format!("BAD {text}"),
        Err(Stop::Refused(Refusal::No(code, text))) => format!("NO {code:?} {text}"),
    }
}

/// Nothing here waits for anything but the store.
pub(in crate::imap) fn run(test: impl Future<Output = ()> + Send) {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(test);
}

const TRACE: &str = "Return-Path: <s@example.test>\r\nDelivered-To: joe@example.test\r\n";

/// As a webmail sends it, with a message forwarded within.
pub(in crate::imap) const NESTED: &str = "From: =?utf-8?q?J=C3=B6rg?= <j@example.test>\r\n\
    Subject: Nested\r\nDate: Thu, 1 Feb 2024 23:30:00 -0800\r\nX-Odd: yes\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
    Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe\r\n\
    --b\r\nContent-Type: message/rfc822\r\n\r\n\
    Subject: Inner\r\nContent-Type: text/plain\r\n\r\ninnen\r\n\
    --b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n\
    --b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: x-rot13\r\n\r\nuryyb\r\n\
    --b--\r\n";

#[test]
fn items_are_answered_in_the_order_asked_for() {
    run(async {
        let mut reader = Reader::new(None).await;
        reader.deliver(TRACE, NESTED.as_bytes()).await;
        let size = TRACE.len() + NESTED.len();
        for (asked, expected) in [
            ("FETCH 1 (FLAGS UID)", "FLAGS () UID 1".to_owned()),
            ("UID FETCH 1 FLAGS", "UID 1 FLAGS ()".into()),
            ("FETCH 1 RFC822.SIZE", format!("RFC822.SIZE {size}")),
            (
                "FETCH 1 INTERNALDATE",
                "INTERNALDATE \"14-Nov-2023 23:13:20 +0100\"".into(),
            ),
            ("FETCH 1 BODY.PEEK[1]", "BODY[1] {9}\r\nGr=FC=DFe".into()),
            (
                "FETCH 1 BODY.PEEK[2.HEADER.FIELDS (subject x-none)]",
                "BODY[2.HEADER.FIELDS (subject x-none)] {18}\r\nSubject: Inner\r\n\r\n".into(),
            ),
            ("FETCH 1 BODY.PEEK[2.1]", "BODY[2.1] {5}\r\ninnen".into()),
            (
                "FETCH 1 BODY.PEEK[3.MIME]<0.13>",
                "BODY[3.MIME]<0> {13}\r\nContent-Type:".into(),
            ),
            ("FETCH 1 BODY.PEEK[9]", "BODY[9] NIL".into()),
            ("FETCH 1 BODY.PEEK[]<99999.5>", "BODY[]<99999> \"\"".into()),
            (
                "FETCH 1 BODY.PEEK[]<0.20>",
                "BODY[]<0> {20}\r\nReturn-Path: <s@exam".into(),
            ),
            (
                "FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
                "BODY[HEADER.FIELDS (SUBJECT)] {19}\r\nSubject: Nested\r\n\r\n".into(),
            ),
            (
                "FETCH 1 BODY.PEEK[HEADER.FIELDS (delivered-to x-odd)]",
                "BODY[HEADER.FIELDS (delivered-to x-odd)] {46}\r\n\
                 Delivered-To: joe@example.test\r\nX-Odd: yes\r\n\r\n"
                    .into(),
            ),
            ("FETCH 1 BINARY.SIZE[1]", "BINARY.SIZE[1] 5".into()),
            (
                "FETCH 1 BINARY.PEEK[3]",
                "BINARY[3] ~{4}\r\n\0\x01\x02\x03".into(),
            ),
            (
                "FETCH 1 BINARY.PEEK[3]<1.2>",
                "BINARY[3]<1> {2}\r\n\x01\x02".into(),
            ),
            ("FETCH 1 BINARY.PEEK[9]", "BINARY[9] NIL".into()),
        ] {
            let said = reader.ok(asked).await;
            assert_eq!(said, format!("* 1 FETCH ({expected})\r\n"), "{asked}");
        }
        let (said, ending) = reader.run("FETCH 1 (FLAGS BINARY.PEEK[4])").await;
        assert!(
            said.is_empty() && ending.contains("UnknownCte"),
            "{said} {ending}"
        );
    });
}

#[test]
fn spans_of_the_whole_agree_with_the_message() {
    run(async {
        let mut reader = Reader::new(None).await;
        reader.deliver(TRACE, NESTED.as_bytes()).await;
        let whole = format!("{TRACE}{NESTED}");
        let body = whole.find("\r\n\r\n").unwrap() + 4;
        for (asked, expected) in [
            ("BODY.PEEK[]", whole.as_str()),
            ("BODY.PEEK[HEADER]", &whole[..body]),
            ("BODY.PEEK[TEXT]", &whole[body..]),
            ("RFC822.HEADER", &whole[..body]),
        ] {
            let name = asked.replace(".PEEK", "");
            let expected = format!(
                "* 1 FETCH ({name} {{{}}}\r\n{expected})\r\n",
                expected.len()
            );
            assert_eq!(reader.ok(&format!("FETCH 1 {asked}")).await, expected);
        }
    });
}

#[test]
fn reading_sets_seen_once_and_says_so() {
    run(async {
        let mut reader = Reader::new(None).await;
        reader.deliver("", b"Subject: a\r\n\r\nb").await;
        reader.deliver("", b"Subject: a\r\n\r\nb").await;
        assert_eq!(
            reader.ok("FETCH 1 BODY[TEXT]").await,
            "* 1 FETCH (BODY[TEXT] {1}\r\nb FLAGS (\\Seen))\r\n"
        );
        // The client has been told: nothing is left to tell.
        assert_eq!(reader.selected.view.untold().count(), 0);
        assert_eq!(
            reader.ok("FETCH 1 RFC822.TEXT").await,
            "* 1 FETCH (RFC822.TEXT {1}\r\nb)\r\n"
        );
        reader.selected.access = Access::ReadOnly;
        assert_eq!(
            reader.ok("FETCH 2 BODY[TEXT]").await,
            "* 2 FETCH (BODY[TEXT] {1}\r\nb)\r\n"
        );
        reader.selected.access = Access::ReadWrite;
        reader.enabled.condstore = true;
        let said = reader.ok("FETCH 2 (FLAGS BODY[TEXT])").await;
        assert!(
            said.starts_with("* 2 FETCH (FLAGS (\\Seen) BODY[TEXT] {1}\r\nb MODSEQ ("),
            "{said}"
        );
    });
}

#[test]
fn flags_told_without_the_modseq_that_condstore_wants_stay_news() {
    run(async {
        let mut reader = Reader::new(None).await;
        reader.deliver("", b"\r\n").await;
        reader.enabled.condstore = true;
        let change = FlagChange {
            action: FlagAction::Add,
            flags: Flags {
                system: SystemFlags::FLAGGED,
                keywords: Vec::new(),
            },
            unchanged_since: None,
        };
        let mailbox = reader.selected.mailbox;
        let stored = reader.account.store(mailbox, &[Uid(1)], &change).await;
        stored.unwrap();
        reader.selected.refresh().await;
        for (asked, left) in [
            ("FETCH 1 FLAGS", 1),
            ("FETCH 1 (FLAGS MODSEQ) (CHANGEDSINCE 99999)", 1),
            ("FETCH 1 (FLAGS MODSEQ)", 0),
        ] {
            reader.ok(asked).await;
            assert_eq!(reader.selected.view.untold().count(), left, "{asked}");
        }
    });
}

#[test]
fn the_client_is_told_what_changed_and_what_vanished() {
    run(async {
        let mut reader = Reader::new(None).await;
        for _ in 0..4 {
            reader.deliver("", b"\r\n").await;
        }
        let since = reader.selected.view.mailbox().highest_mod_seq();
        reader.remove(2).await;
        reader.selected.view.bury_all();
        reader.remove(4).await;
        reader.enabled.condstore = true;
        reader.enabled.qresync = true;
        reader.ok("UID FETCH 3 BODY[]").await;
        let asked = format!("UID FETCH 1:* FLAGS (CHANGEDSINCE {since} VANISHED)");
        let said = reader.ok(&asked).await;
        // 4 is still counted: it is told when numbers may move.
        assert!(
            said.starts_with("* VANISHED (EARLIER) 2\r\n* 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ ("),
            "{said}"
        );
        assert_eq!(said.lines().count(), 2, "{said}");
        reader.enabled.qresync = false;
        assert!(reader.run(&asked).await.1.starts_with("BAD "));
    });
}

#[test]
fn what_another_session_removed_is_still_served() {
    run(async {
        let mut reader = Reader::new(None).await;
        for text in ["one", "two", "three"] {
            let message = format!("Subject: {text}\r\n\r\n{text}");
            reader.deliver("", message.as_bytes()).await;
        }
        reader.remove(2).await;
        let said = reader.ok("FETCH 2:3 (UID BODY[TEXT])").await;
        assert_eq!(
            said,
            "* 2 FETCH (UID 2 BODY[TEXT] {3}\r\ntwo)\r\n\
             * 3 FETCH (UID 3 BODY[TEXT] {5}\r\nthree FLAGS (\\Seen))\r\n"
        );
    });
}

#[test]
fn large_messages_leave_in_pieces_and_are_never_whole() {
    run(async {
        let mut reader = Reader::new(None).await;
        let encoded = "QUJD".repeat(200_000);
        let message =
            format!("Content-Type: image/x\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}");
        reader.deliver(TRACE, message.as_bytes()).await;
        let said = reader.ok("FETCH 1 BODY.PEEK[]").await;
        let whole = format!("{TRACE}{message}");
        let expected = format!("* 1 FETCH (BODY[] {{{}}}\r\n{whole})\r\n", whole.len());
        assert!(said == expected, "{} octets", said.len());
        assert!(reader.largest < 4 * FLUSH_AT, "{}", reader.largest);
        let said = reader.ok("FETCH 1 BINARY.PEEK[1]").await;
        let decoded = "ABC".repeat(200_000);
        assert!(said == format!("* 1 FETCH (BINARY[1] {{600000}}\r\n{decoded})\r\n"));
        assert!(reader.largest < 4 * FLUSH_AT, "{}", reader.largest);
        assert_eq!(
            reader.ok("FETCH 1 BINARY.PEEK[1]<599998.9>").await,
            "* 1 FETCH (BINARY[1]<599998> {2}\r\nBC)\r\n"
        );
    });
}

/// Changes an octet of the store's log where `text` stands.
pub(in crate::imap) fn damage(directory: &Path, text: &[u8]) {
    let mut folders = vec![directory.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut octets = fs::read(&path).unwrap();
            if let Some(at) = octets.windows(text.len()).position(|w| w == text) {
                octets[at] ^= 1;
                // In place: the store has the file open.
                let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
                std::os::unix::fs::FileExt::write_all_at(&file, &octets[at..=at], at as u64)
                    .unwrap();
                return;
            }
        }
    }
    panic!("not found in the log");
}

#[test]
fn damage_costs_one_message_and_is_named() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let mut reader = Reader::new(Some(directory.path())).await;
        for text in ["one", "two-to-be-damaged", "three"] {
            let message = format!("Subject: x\r\n\r\n{text}");
            reader.deliver("", message.as_bytes()).await;
        }
        damage(directory.path(), b"two-to-be-damaged");
        let (said, ending) = reader.run("FETCH 1:3 BODY.PEEK[TEXT]").await;
        assert_eq!(
            said,
            "* 1 FETCH (BODY[TEXT] {3}\r\none)\r\n* 3 FETCH (BODY[TEXT] {5}\r\nthree)\r\n"
        );
        assert!(
            ending.starts_with("NO Some(Corruption) UID 2: "),
            "{ending}"
        );
        assert_eq!(reader.ok("FETCH 2 UID").await, "* 2 FETCH (UID 2)\r\n");
        let (said, ending) = reader.run("SEARCH BODY e").await;
        assert!(said.starts_with("* NO [CORRUPTION] UID 2: "), "{said}");
        assert!(said.ends_with("* SEARCH 1 3\r\n"), "{said}");
        assert_eq!(ending, "OK");
    });
}

#[test]
fn damage_within_a_literal_drops_the_client() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let mut reader = Reader::new(Some(directory.path())).await;
        let mut message = b"Subject: x\r\n\r\n".to_vec();
        message.resize(400_000, b'.');
        message.extend_from_slice(b"to-be-damaged");
        reader.deliver("", &message).await;
        damage(directory.path(), b"to-be-damaged");
        assert_eq!(reader.run("FETCH 1 BODY.PEEK[]").await.1, "gone");
        // What is not damaged can be had.
        let said = reader.ok("FETCH 1 BODY.PEEK[]<0.7>").await;
        assert_eq!(said, "* 1 FETCH (BODY[]<0> {7}\r\nSubject)\r\n");
    });
}
