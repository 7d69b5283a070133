//! Questions and answers in each dialect, over a store in memory.

use std::sync::{Arc, LazyLock};

use auth::{Authenticator, Directory};
use store::{Options, Store};

use super::{Dialect, Session};
use crate::{Gone, Limits, Next, Outlet, Services};

/// Accounts for all tests: hashing their passwords takes a while.
static DIRECTORY: LazyLock<Arc<Directory>> = LazyLock::new(|| {
    let temporary = tempfile::tempdir().unwrap();
    let file = temporary.path().join("accounts.toml");
    let directory = Directory::open(file, vec!["example".into()]).unwrap();
    for name in ["ann", "bob@other.example", "moved"] {
        directory.add(name, b"correct-horse").unwrap();
    }
    let home = auth::directory::Home {
        host: "elsewhere.example".into(),
        guest: false,
    };
    directory.set_home("moved", Some(&home)).unwrap();
    // It is looked at again now and then.
    let _ = temporary.keep();
    Arc::new(directory)
});

#[derive(Default)]
struct Sink(Vec<u8>);

impl Outlet for Sink {
    fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        Ok(())
    }
}

async fn services() -> Services {
    let options = Options {
        directory: None,
        message_bytes_max: 1000,
        clock: store::clock::system,
    };
    Services {
        store: Store::open(options).await.unwrap(),
        auth: Authenticator::new(Arc::clone(&DIRECTORY)),
        limits: Limits::default(),
        hostname: "mx.example".into(),
        plaintext_login: false,
        undelete: None,
        imap: Arc::default(),
        lmtp: Arc::default(),
        site: Arc::default(),
    }
}

/// What a session answers to octets that come in pieces of a length; and what is next.
async fn said(dialect: Dialect, octets: &str, piece: usize) -> (String, Next) {
    let mut session = Session::new(services().await, dialect);
    let (mut out, mut next) = (Sink::default(), Next::Wait);
    for piece in octets.as_bytes().chunks(piece) {
        next = session.receive(piece, &mut out).await.unwrap();
        if next != Next::Wait {
            break;
        }
    }
    (String::from_utf8(out.0).unwrap(), next)
}

/// The answers are these, however the questions are cut.
async fn check(dialect: Dialect, asked: &str, answered: &str) {
    for piece in [1, 7, asked.len()] {
        let (said, next) = said(dialect, asked, piece).await;
        assert_eq!(said, answered, "to {asked:?} in pieces of {piece}");
        assert_eq!(next, Next::Wait);
    }
}

#[tokio::test]
async fn recipients_are_looked_up_by_socketmap() {
    for (asked, answered) in [
        ("recipients ann@example", "OK ann"),
        ("recipients ANN@Example", "OK ann"),
        ("recipients ann+lists@example", "OK ann"),
        ("recipients ann", "OK ann"),
        ("recipients ann@elsewhere", "NOTFOUND "),
        ("recipients bob@other.example", "OK bob@other.example"),
        ("recipients bob@example", "NOTFOUND "),
        ("recipients example", "NOTFOUND "),
        ("recipients ", "NOTFOUND "),
        (
            "recipients moved@example",
            "TEMP The mail of that user is on another server",
        ),
        ("domains example", "OK example"),
        ("domains Other.Example", "OK Other.Example"),
        ("domains elsewhere", "NOTFOUND "),
        ("domains ", "NOTFOUND "),
        ("senders ann+x@example", "OK ann,ann@example"),
        ("senders bob@other.example", "OK bob@other.example"),
        ("senders nobody@example", "NOTFOUND "),
        ("0 ann", "OK ann"),
        ("cyrus nobody", "NOTFOUND "),
        ("other ann", "PERM There is no table of that name"),
        ("ann", "PERM A request is a name, a space, and a key"),
    ] {
        let netstring = |text: &str| format!("{}:{text},", text.len());
        check(
            Dialect::Socketmap,
            &netstring(asked).repeat(2),
            &netstring(answered).repeat(2),
        )
        .await;
    }
}

#[tokio::test]
async fn recipients_are_looked_up_by_tcp_table() {
    for (asked, answered) in [
        ("get ann@example", "200 ann"),
        ("get a%6En%40example", "200 ann"),
        ("get nobody@example", "500 Not%20found"),
        (
            "get moved@example",
            "400 The%20mail%20of%20that%20user%20is%20on%20another%20server",
        ),
        (
            "get %zz",
            "400 A%20percent%20sign%20wants%20two%20hexadecimal%20digits",
        ),
        (
            "put ann x",
            "400 A%20request%20is:%20get,%20a%20space,%20and%20a%20key",
        ),
        (
            "",
            "400 A%20request%20is:%20get,%20a%20space,%20and%20a%20key",
        ),
    ] {
        let (asked, answered) = (format!("{asked}\n"), format!("{answered}\n"));
        check(Dialect::TcpTable, &asked.repeat(2), &answered.repeat(2)).await;
    }
}

#[tokio::test]
async fn a_policy_is_to_refuse_or_to_say_nothing() {
    for (recipient, action) in [
        ("ann@example", "DUNNO"),
        ("nobody@example", "DUNNO"),
        ("someone@elsewhere", "DUNNO"),
        ("", "DUNNO"),
        (
            "moved@example",
            "450 4.1.6 The mail of that user is on another server",
        ),
    ] {
        let asked = format!(
            "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n\
             sender=a@b\nrecipient={recipient}\nrecipient_count=0\nsize=100\n\n"
        );
        let answered = format!("action={action}\n\n");
        check(Dialect::Policy, &asked.repeat(2), &answered.repeat(2)).await;
    }
    check(
        Dialect::Policy,
        "request=other\n\n\n",
        "action=DUNNO\n\naction=DUNNO\n\n",
    )
    .await;
}

#[tokio::test]
async fn what_is_no_question_ends_the_session_and_none_is_longer_than_it_may_be() {
    let long = "x".repeat(super::QUESTION_OCTETS_MAX + 1);
    for (dialect, octets) in [
        (Dialect::Socketmap, "GET / HTTP/1.1\r\n".to_owned()),
        (Dialect::Socketmap, "3:ann!".to_owned()),
        (Dialect::Socketmap, format!("999999:{long}")),
        (Dialect::TcpTable, long.clone()),
        (Dialect::Policy, long),
    ] {
        let (said, next) = said(dialect, &octets, 1000).await;
        assert_eq!((&*said, next), ("", Next::Close), "{dialect}");
    }
}
