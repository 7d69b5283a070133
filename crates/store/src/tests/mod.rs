//! The store as its users see it.

mod annotations;
mod anybyte;
mod archive;
mod backup;
mod damage;
mod faults;
mod figures;
mod filling;
mod metadata;
pub(crate) mod model;
mod partitions;
mod quota;
mod readers;
mod repair;
mod rights;
mod sharing;
mod sweep;
mod unread;
mod verbs;
mod watch;

use std::{future::Future, pin::pin, sync::Arc, task};

use mail::Span;

use crate::{
    Account, AccountId, Arrival, Error, Flags, MailboxId, MailboxName, ModSeq, Options, Received,
    Role, Store, Timestamp, Uid,
    verify::{Depth, Summary},
};

/// Runs a future to its end on this thread.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = task::Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::park();
    }
}

fn clock() -> Timestamp {
    Timestamp {
        unix: 1_800_000_000,
        zone_minutes: 60,
    }
}

/// That verify finds nothing, however deep it looks.
pub(crate) fn nothing_wrong(store: &Store) -> Summary {
    let mut findings = Vec::new();
    let summary = store.verify(Depth::Content, &mut |finding| findings.push(finding));
    assert_eq!(findings, []);
    summary.unwrap()
}

pub(crate) const ALICE: AccountId = AccountId(0xa11ce);

pub(crate) fn memory() -> Store {
    let options = Options {
        directory: None,
        message_bytes_max: 1 << 20,
        clock,
    };
    run(Store::open(options)).unwrap()
}

pub(crate) async fn receive(store: &Store, octets: &[u8]) -> Received {
    let mut incoming = store.receive().await.unwrap();
    for piece in octets.chunks(1000) {
        incoming.write(piece).await.unwrap();
    }
    incoming.finish().await.unwrap()
}

async fn arrival(store: &Store, octets: &[u8]) -> Arrival {
    Arrival {
        message: receive(store, octets).await,
        trace: b"Delivered-To: alice\r\n".to_vec(),
        flags: Flags::default(),
        internal_date: None,
    }
}

pub(crate) fn name(name: &str) -> MailboxName {
    MailboxName::new(name).unwrap()
}

fn inbox(account: &Account) -> MailboxId {
    account.snapshot().named(&name("INBOX")).unwrap().id()
}

#[test]
fn an_account_begins_with_the_usual_mailboxes() {
    run(async {
        let account = memory().account(ALICE).await.unwrap();
        let snapshot = account.snapshot();
        let names: Vec<_> = snapshot.mailboxes().map(|(n, _)| n.to_string()).collect();
        assert_eq!(
            names,
            ["Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"]
        );
        assert_eq!(snapshot.subscriptions().len(), 6);
        let sent = snapshot.with_role(Role::Sent).unwrap();
        assert_eq!(sent.name().as_str(), "Sent");
        assert_eq!(snapshot.mod_seq(), ModSeq(1));
    });
}

#[test]
fn a_message_comes_back_as_it_was_sent() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        let mut octets = b"Subject: hello\r\n\r\n".to_vec();
        octets.extend((0..400_000_u32).map(|n| (n % 251) as u8));
        let placed = account
            .append(inbox(&account), vec![arrival(&store, &octets).await])
            .await
            .unwrap();
        assert_eq!(placed.uids, [Uid(1)]);
        let mailbox = account.open_mailbox(inbox(&account)).await.unwrap();
        let message = mailbox.get(Uid(1)).unwrap();
        let email = account.email(&message).await.unwrap();
        let trace = b"Delivered-To: alice\r\n";
        let whole = [&trace[..], &octets].concat();
        assert_eq!(email.trace(), trace);
        assert_eq!(email.size(), whole.len() as u64);
        assert_eq!(message.size, email.size());
        assert_eq!(email.blake3(), blake3::hash(&octets).as_bytes());
        assert_eq!(email.digest_ref().to_digest(), Some(email.digest()));
        let spans = [
            (0, whole.len()),
            (5, 30),
            (21, 21),
            (131_000, 132_000),
            (whole.len(), whole.len() + 9),
            (whole.len() - 1, usize::MAX),
            (9, 3),
        ];
        for (start, end) in spans {
            let mut into = b"before".to_vec();
            let span = Span {
                start: start as u64,
                end: end as u64,
            };
            email.read(span, &mut into).await.unwrap();
            let to = end.min(whole.len()).max(start.min(end));
            let expected = whole.get(start..to).unwrap_or_default();
            assert_eq!(&into[6..], expected, "{start}..{end}");
        }
    });
}

#[test]
fn a_header_is_kept_apart_from_a_body_that_is_much() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        let header = b"Subject: hello\r\nTo: b\r\n\r\n".to_vec();
        for (body, cut, apart) in [
            (5000_u32, usize::MAX, true),
            (300_000, usize::MAX, true),
            (5000, 3, true),
            (300_000, header.len(), true),
            (4000, usize::MAX, false),
        ] {
            let content = (0..body).map(|n| (n % 251) as u8);
            let whole: Vec<u8> = header.iter().copied().chain(content).collect();
            let mut incoming = store.receive().await.unwrap();
            let (first, rest) = whole.split_at(cut.min(whole.len()));
            incoming.write(first).await.unwrap();
            incoming.write(rest).await.unwrap();
            let arrival = Arrival {
                message: incoming.finish().await.unwrap(),
                trace: b"X: y\r\n".to_vec(),
                flags: Flags::default(),
                internal_date: None,
            };
            let placed = account.append(inbox(&account), vec![arrival]).await;
            let mailbox = account.open_mailbox(inbox(&account)).await.unwrap();
            let message = mailbox.get(placed.unwrap().uids[0]).unwrap();
            let email = account.email(&message).await.unwrap();
            let header = 6 + header.len() as u64;
            assert_eq!(email.read_end(6) == header, apart, "{body} {cut}");
            // Who reads the header to its end may read on at the cost of nothing.
            let run = if apart {
                email.read_end(header)
            } else {
                email.read_end(6)
            };
            assert_eq!(email.run_end(6), run);
            let whole = [&b"X: y\r\n"[..], &whole].concat();
            for (start, end) in [
                (0, whole.len()),
                (6, 32),
                (6, 33),
                (31, 40),
                (32, 4000),
                (8, whole.len() - 3),
                (33, whole.len()),
            ] {
                let mut into = b"before".to_vec();
                let (from, to) = (start as u64, end as u64);
                let span = Span {
                    start: from,
                    end: to,
                };
                email.read(span, &mut into).await.unwrap();
                assert_eq!(&into[6..], &whole[start..end], "{start}..{end}");
            }
        }
        nothing_wrong(&store);
    });
}

#[test]
fn a_message_over_the_limit_is_refused() {
    run(async {
        let store = memory();
        let mut incoming = store.receive().await.unwrap();
        incoming.write(&vec![b'x'; 1 << 20]).await.unwrap();
        let more = incoming.write(b"x").await;
        assert!(matches!(more, Err(Error::TooBig(n)) if n == 1 << 20));
        assert!(incoming.finish().await.is_err());
    });
}

#[test]
fn octets_that_seemed_the_last_may_be_followed_by_others() {
    run(async {
        let store = memory();
        let whole: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
        for chunk in [7000, 50_000, 200_000] {
            let mut incoming = store.receive().await.unwrap();
            for octets in whole.chunks(chunk) {
                incoming.write_last(octets).await.unwrap();
            }
            incoming.write_last(b"").await.unwrap();
            let received = incoming.finish().await.unwrap();
            let (start, end) = (0, received.size());
            let mut read = Vec::new();
            received.read(Span { start, end }, &mut read).await.unwrap();
            assert!(read == whole, "{chunk}");
        }
    });
}
