//! Sessions from greeting to goodbye, over a store in memory.

mod posting;

use std::sync::{Arc, LazyLock};

use auth::{Authenticator, Directory};
use store::{AccountId, MailboxName, Options, Store};

use super::Session;
use crate::{Gone, Limits, Next, Outlet, Peer, Services, Tls};

/// The largest message here, in octets.
const MESSAGE_BYTES_MAX: u64 = 1000;

/// Two accounts, for all tests: hashing their passwords takes a while.
static DIRECTORY: LazyLock<Arc<Directory>> = LazyLock::new(|| {
    let temporary = tempfile::tempdir().unwrap();
    let file = temporary.path().join("accounts.toml");
    let directory = Directory::open(file, vec!["example".into()]).unwrap();
    for name in ["ann", "bob"] {
        directory.add(name, b"correct-horse").unwrap();
    }
    directory.shared_or_new("").unwrap();
    directory.set_address("info", "", "Board/Info").unwrap();
    // It is looked at again now and then.
    let _ = temporary.keep();
    Arc::new(directory)
});

/// A session, its store, and what it has said.
struct World {
    services: Services,
    directory: Arc<Directory>,
    session: Session,
    sink: Sink,
    next: Next,
}

/// What a session writes, kept.
#[derive(Default)]
struct Sink {
    buffer: Vec<u8>,
    sent: Vec<u8>,
}

impl Outlet for Sink {
    fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        self.sent.append(&mut self.buffer);
        Ok(())
    }
}

impl World {
    async fn new() -> Self {
        Self::with(Peer::default()).await
    }

    async fn with(peer: Peer) -> Self {
        let options = Options {
            directory: None,
            message_bytes_max: MESSAGE_BYTES_MAX,
            clock: || store::Timestamp {
                unix: 0,
                zone_minutes: 0,
            },
        };
        let directory = Arc::clone(&DIRECTORY);
        let services = Services {
            store: Store::open(options).await.unwrap(),
            auth: Authenticator::new(Arc::clone(&directory)),
            limits: Limits {
                recipients_max: 3,
                bad_commands_max: 5,
                lmtp_line_bytes_max: 200,
                ..Limits::default()
            },
            hostname: "mx.example".into(),
            plaintext_login: false,
            undelete: None,
            imap: Arc::default(),
            lmtp: Arc::default(),
            site: Arc::default(),
        };
        Self {
            session: Session::new(services.clone(), peer),
            services,
            directory,
            sink: Sink::default(),
            next: Next::Wait,
        }
    }

    /// A session past LHLO.
    async fn greeted() -> Self {
        let mut world = Self::new().await;
        world.hears("LHLO client.example\r\n").await;
        world
    }

    /// Sends octets; gives what comes back.
    async fn hears(&mut self, octets: impl AsRef<[u8]>) -> String {
        let Self { session, sink, .. } = self;
        self.next = session.receive(octets.as_ref(), sink).await.unwrap();
        self.said()
    }

    fn said(&mut self) -> String {
        self.sink.sent.append(&mut self.sink.buffer);
        String::from_utf8(std::mem::take(&mut self.sink.sent)).unwrap()
    }

    /// Runs a conversation: what follows `C: ` is sent, and has to be answered by exactly the
    /// lines after `S: ` up to the next `C: `.
    async fn talk(&mut self, conversation: &str) {
        let mut lines = conversation.lines().map(str::trim).peekable();
        while let Some(line) = lines.next() {
            let Some(command) = line.strip_prefix("C: ").or(line.strip_prefix("C:")) else {
                assert!(line.is_empty(), "unexpected {line}");
                continue;
            };
            let mut expected = String::new();
            while let Some(reply) = lines.next_if(|l| l.starts_with("S: ")) {
                expected.push_str(&reply[3..]);
                expected.push_str("\r\n");
            }
            let heard = self.hears(format!("{command}\r\n")).await;
            assert_eq!(heard, expected, "after {command}");
        }
    }

    /// The messages of an account's mailbox, whole.
    async fn mailbox(&self, user: &str, name: &str) -> Vec<String> {
        self.messages(&self.account(user).await, name).await
    }

    async fn account(&self, user: &str) -> store::Account {
        let found = self.directory.recipient(user, Some("example")).unwrap();
        let id = AccountId(found.identity.account);
        self.services.store.account(id).await.unwrap()
    }

    /// The messages of a mailbox of an account, whole.
    async fn messages(&self, account: &store::Account, name: &str) -> Vec<String> {
        let snapshot = account.snapshot();
        let id = snapshot
            .named(&MailboxName::new(name).unwrap())
            .unwrap()
            .id();
        let mailbox = account.open_mailbox(id).await.unwrap();
        let mut messages = Vec::new();
        for index in 0..mailbox.len() {
            let email = account.email(&mailbox.at(index).unwrap()).await.unwrap();
            let whole = mail::Span {
                start: 0,
                end: email.size(),
            };
            let mut octets = Vec::new();
            email.read(whole, &mut octets).await.unwrap();
            messages.push(String::from_utf8(octets).unwrap());
        }
        messages
    }

    /// The messages of an INBOX without their trace fields, which end with a date.
    async fn inbox(&self, user: &str) -> Vec<String> {
        let messages = self.mailbox(user, "INBOX").await;
        let content = |message: &String| message.split_once("+0000\r\n").unwrap().1.to_owned();
        messages.iter().map(content).collect()
    }
}

#[tokio::test]
async fn every_recipient_has_a_reply() {
    let mut world = World::new().await;
    world.session.greet(&mut world.sink).await.unwrap();
    assert_eq!(world.said(), "220 mx.example LMTP Chapar\r\n");
    world
        .talk(
            "C: LHLO client.example
             S: 250-mx.example
             S: 250-PIPELINING
             S: 250-ENHANCEDSTATUSCODES
             S: 250-8BITMIME
             S: 250-BINARYMIME
             S: 250-CHUNKING
             S: 250-SMTPUTF8
             S: 250-IGNOREQUOTA
             S: 250 SIZE 1000
             C: MAIL FROM:<sender@elsewhere> SIZE=20 BODY=8BITMIME
             S: 250 2.1.0 Sender OK
             C: RCPT TO:<ann@example>
             S: 250 2.1.5 Recipient OK
             C: RCPT TO:<nobody@example>
             S: 550 5.1.1 No such user
             C: RCPT TO:<bob@example>
             S: 250 2.1.5 Recipient OK
             C: DATA
             S: 354 End data with <CR><LF>.<CR><LF>
             C: Subject: x
             C:
             C: ..dot
             C: .
             S: 250 2.0.0 Delivered
             S: 250 2.0.0 Delivered
             C: QUIT
             S: 221 2.0.0 Bye",
        )
        .await;
    assert_eq!(world.next, Next::Close);
    for user in ["ann", "bob"] {
        assert_eq!(world.inbox(user).await, ["Subject: x\r\n\r\n.dot\r\n"]);
    }
}

#[tokio::test]
async fn trace_fields_are_put_before_a_message() {
    let mut world = World::with(Peer {
        address: Some("192.0.2.1".parse().unwrap()),
        ..Peer::default()
    })
    .await;
    world.hears("LHLO client.example\r\n").await;
    world
        .hears("MAIL FROM:<a@b>\r\nRCPT TO:<Ann+x@example>\r\nDATA\r\nhello\r\n.\r\n")
        .await;
    let message = world.mailbox("ann", "INBOX").await.remove(0);
    let (before, after) = message.split_once(" id ").unwrap();
    assert_eq!(
        before,
        "Return-Path: <a@b>\r\nDelivered-To: Ann+x@example\r\n\
         Received: from client.example ([192.0.2.1])\r\n\tby mx.example with LMTP"
    );
    let (_, after) = after.split_once("\r\n").unwrap();
    assert_eq!(
        after,
        "\tfor <Ann+x@example>;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\nhello\r\n"
    );
}

#[tokio::test]
async fn smtp_is_not_spoken_and_order_is_kept() {
    let mut world = World::new().await;
    world
        .talk(
            "C: EHLO client.example
             S: 500 5.5.1 This is LMTP: say LHLO
             C: MAIL FROM:<a@b>
             S: 503 5.5.1 Say LHLO first
             C: NOOP
             S: 250 2.0.0 OK
             C: VRFY ann
             S: 252 2.5.0 Try RCPT",
        )
        .await;
    world.hears("LHLO client.example\r\n").await;
    world
        .talk(
            "C: RCPT TO:<ann@example>
             S: 503 5.5.1 Say MAIL first
             C: DATA
             S: 503 5.5.1 Say MAIL first
             C: MAIL FROM:<a@b>
             S: 250 2.1.0 Sender OK
             C: MAIL FROM:<a@b>
             S: 503 5.5.1 There is a sender already
             C: DATA
             S: 503 5.5.1 No valid recipients
             C: RSET
             S: 250 2.0.0 OK
             C: MAIL FROM:<> BODY=BINARYMIME
             S: 250 2.1.0 Sender OK
             C: RCPT TO:<ann@example>
             S: 250 2.1.5 Recipient OK
             C: DATA
             S: 503 5.5.1 BINARYMIME needs BDAT
             C: STARTTLS
             S: 502 5.5.1 Not offered here",
        )
        .await;
}

#[tokio::test]
async fn a_session_is_the_same_octet_by_octet() {
    let mut world = World::greeted().await;
    let mut said = String::new();
    let script = "MAIL FROM:<>\r\nRCPT TO:<ann@example>\r\nDATA\r\n..\r\nx\n.\n\r\n.\r\n\
                  MAIL FROM:<>\r\nRCPT TO:<ann@example>\r\nBDAT 3\r\n\r\n.BDAT 2 LAST\r\n\r\nQUIT\r\n";
    for octet in script.as_bytes() {
        said += &world.hears([*octet]).await;
    }
    let codes: Vec<&str> = said.lines().map(|line| &line[..3]).collect();
    assert_eq!(
        codes,
        [
            "250", "250", "354", "250", "250", "250", "250", "250", "221"
        ]
    );
    let messages = world.inbox("ann").await;
    assert_eq!(messages, [".\r\nx\n.\n\r\n", "\r\n.\r\n"]);
}

#[tokio::test]
async fn nothing_is_smuggled_in_behind_a_bare_line_feed() {
    let mut world = World::greeted().await;
    let smuggled = "x\r\n.\nMAIL FROM:<boss@example>\r\n\n.\r\nRCPT TO:<bob@example>\r\n";
    let said = world
        .hears(format!(
            "MAIL FROM:<>\r\nRCPT TO:<ann@example>\r\nDATA\r\n{smuggled}.\r\n"
        ))
        .await;
    assert_eq!(said.lines().count(), 4, "{said}");
    assert_eq!(world.inbox("ann").await.len(), 1);
    assert_eq!(world.inbox("bob").await.len(), 0);
}

#[tokio::test]
async fn a_message_that_is_too_big_is_refused_early_or_late_for_everybody() {
    let mut world = World::greeted().await;
    world
        .talk(
            "C: MAIL FROM:<> SIZE=1001
             S: 552 5.3.4 Message too big
             C: MAIL FROM:<> SIZE=1000
             S: 250 2.1.0 Sender OK",
        )
        .await;
    let long = "x".repeat(1100);
    let said = world
        .hears(format!(
            "RCPT TO:<ann@example>\r\nRCPT TO:<bob@example>\r\nDATA\r\n{long}\r\n.\r\nNOOP\r\n"
        ))
        .await;
    let codes: Vec<&str> = said.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "250", "354", "552", "552", "250"]);
    assert_eq!(world.inbox("ann").await.len(), 0);
}

#[tokio::test]
async fn chunks_make_a_message() {
    let mut world = World::greeted().await;
    world
        .talk(
            "C: MAIL FROM:<> BODY=BINARYMIME
             S: 250 2.1.0 Sender OK
             C: RCPT TO:<ann@example>
             S: 250 2.1.5 Recipient OK
             C: RCPT TO:<bob@example>
             S: 250 2.1.5 Recipient OK",
        )
        .await;
    assert_eq!(world.hears("BDAT 4\r\na\n.\n").await, "250 2.0.0 OK\r\n");
    world
        .talk(
            "C: RCPT TO:<bob@example>
             S: 503 5.5.1 The message has begun with BDAT
             C: DATA
             S: 503 5.5.1 The message has begun with BDAT
             C: BDAT 0 LAST
             S: 250 2.0.0 Delivered
             S: 250 2.0.0 Delivered",
        )
        .await;
    assert_eq!(world.inbox("bob").await, ["a\n.\n"]);
    let late = world.hears("BDAT 6 LAST\r\nNOOP\r\nNOOP\r\n").await;
    assert_eq!(late, "503 5.5.1 Say MAIL first\r\n250 2.0.0 OK\r\n");
}

#[tokio::test]
async fn a_last_chunk_for_nobody_has_no_reply() {
    let mut world = World::greeted().await;
    let said = world
        .hears("MAIL FROM:<>\r\nRCPT TO:<nobody@example>\r\nBDAT 2 LAST\r\nx\nNOOP\r\n")
        .await;
    let codes: Vec<&str> = said.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "550", "250"]);
}

#[tokio::test]
async fn a_failed_chunk_fails_the_rest_for_every_recipient() {
    let mut world = World::greeted().await;
    let long = "x".repeat(1100);
    let said = world
        .hears(format!(
            "MAIL FROM:<>\r\nRCPT TO:<ann@example>\r\nRCPT TO:<bob@example>\r\n\
             BDAT 1100\r\n{long}BDAT 1 LAST\r\nxNOOP\r\n"
        ))
        .await;
    let codes: Vec<&str> = said.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "250", "250", "552", "552", "552", "250"]);
}

#[tokio::test]
async fn a_chunk_of_no_known_size_ends_the_session() {
    let mut world = World::greeted().await;
    let said = world.hears("BDAT 99999999999999999999\r\nQUIT\r\n").await;
    assert_eq!(said, "501 5.5.4 Invalid argument\r\n");
    assert_eq!(world.next, Next::Close);
}

#[tokio::test]
async fn limits_hold() {
    let mut world = World::greeted().await;
    world.hears("MAIL FROM:<>\r\n").await;
    for _ in 0..3 {
        world.hears("RCPT TO:<ann@example>\r\n").await;
    }
    world
        .talk(
            "C: RCPT TO:<ann@example>
             S: 452 4.5.3 Too many recipients",
        )
        .await;
    let long = "x".repeat(300);
    let said = world.hears(&long).await + &world.hears(format!("{long}\r\nNOOP\r\n")).await;
    assert_eq!(said, "500 5.5.2 Line too long\r\n250 2.0.0 OK\r\n");
    let said = world.hears("x\r\n".repeat(9)).await;
    assert_eq!(said.lines().count(), 6, "{said}");
    assert_eq!(world.next, Next::Close);
}

#[tokio::test]
async fn after_starttls_all_begins_anew_and_nothing_is_slipped_in() {
    let mut world = World::with(Peer {
        can_start_tls: true,
        ..Peer::default()
    })
    .await;
    let offered = world.hears("LHLO client.example\r\n").await;
    assert!(offered.contains("250-STARTTLS\r\n"), "{offered}");
    let said = world.hears("STARTTLS\r\nMAIL FROM:<mallory@b>\r\n").await;
    assert_eq!(said, "220 2.0.0 Ready to start TLS\r\n");
    assert_eq!(world.next, Next::StartTls);
    world.session.secured(Tls::default());
    world
        .talk(
            "C: MAIL FROM:<a@b>
             S: 503 5.5.1 Say LHLO first
             C: STARTTLS
             S: 503 5.5.1 TLS is on already",
        )
        .await;
    let offered = world.hears("LHLO client.example\r\n").await;
    assert!(!offered.contains("STARTTLS"), "{offered}");
}

#[tokio::test]
async fn a_detail_chooses_a_folder_that_exists() {
    let mut world = World::greeted().await;
    let found = world.directory.recipient("ann", Some("example")).unwrap();
    let id = AccountId(found.identity.account);
    let account = world.services.store.account(id).await.unwrap();
    let nested = MailboxName::new("Lists/Rust").unwrap();
    account.create(&nested, None).await.unwrap();
    for (detail, mailbox) in [
        ("Lists/Rust", "Lists/Rust"),
        ("lists/rust", "Lists/Rust"),
        ("LISTS.rust", "Lists/Rust"),
        ("lists", "Lists"),
        ("absent", "INBOX"),
        ("..", "INBOX"),
        ("", "INBOX"),
    ] {
        let before = world.mailbox("ann", mailbox).await.len();
        let said = world
            .hears(format!(
                "MAIL FROM:<>\r\nRCPT TO:<\"ann+{detail}\"@example>\r\nDATA\r\nx\r\n.\r\n"
            ))
            .await;
        assert!(said.ends_with("250 2.0.0 Delivered\r\n"), "{said}");
        let after = world.mailbox("ann", mailbox).await.len();
        assert_eq!(after, before + 1, "{detail}");
    }
}

#[tokio::test]
async fn stopping_waits_for_the_message_that_is_on_its_way() {
    let mut world = World::greeted().await;
    world
        .hears("MAIL FROM:<>\r\nRCPT TO:<ann@example>\r\nDATA\r\nx\r\n")
        .await;
    let next = world.session.stopping(&mut world.sink).await.unwrap();
    assert_eq!((next, world.said()), (Next::Wait, String::new()));
    let said = world.hears(".\r\nNOOP\r\n").await;
    assert_eq!(
        said,
        "250 2.0.0 Delivered\r\n421 4.3.2 The server is stopping\r\n"
    );
    assert_eq!(world.next, Next::Close);

    let mut idle = World::greeted().await;
    let next = idle.session.stopping(&mut idle.sink).await.unwrap();
    assert_eq!(next, Next::Close);
    assert_eq!(idle.said(), "421 4.3.2 The server is stopping\r\n");
}
