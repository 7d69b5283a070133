//! What the verbs promise, case by case; the model has the bulk of it.

use super::*;
use crate::{FlagAction, FlagChange, Message, SystemFlags};

async fn with_messages(octets: &[&str]) -> (Store, Account) {
    let store = memory();
    let account = store.account(ALICE).await.unwrap();
    for octets in octets {
        let arrival = arrival(&store, octets.as_bytes()).await;
        account
            .append(inbox(&account), vec![arrival])
            .await
            .unwrap();
    }
    (store, account)
}

fn look<T>(account: &Account, mailbox: &str, uid: u32, look: impl Fn(Message<'_>) -> T) -> T {
    let id = account.snapshot().named(&name(mailbox)).unwrap().id();
    let mailbox = run(account.open_mailbox(id)).unwrap();
    look(mailbox.get(Uid(uid)).expect("the message is there"))
}

#[test]
fn conversations_are_found_by_their_keys() {
    run(async {
        let (_store, account) = with_messages(&[
            "Message-ID: <a@x>\r\nSubject: one\r\n\r\n",
            "Message-ID: <b@x>\r\nSubject: two\r\n\r\n",
            "Message-ID: <c@x>\r\nIn-Reply-To: <a@x>\r\nReferences: <a@x>\r\nSubject: Re: one\r\n\r\n",
            "Subject: none\r\n\r\n",
        ])
        .await;
        let thread = |uid| look(&account, "INBOX", uid, |m| m.thread);
        assert_eq!(thread(3), thread(1));
        assert_ne!(thread(2), thread(1));
        assert_ne!(thread(4), thread(2));
        let email = |uid| look(&account, "INBOX", uid, |m| m.email);
        assert_ne!(email(3), email(1));
    });
}

#[test]
fn a_copy_is_the_same_email() {
    run(async {
        let (_store, account) = with_messages(&["Subject: x\r\n\r\ny"]).await;
        let trash = account.snapshot().named(&name("Trash")).unwrap().id();
        let wanted = [Uid(1), Uid(1), Uid(9)];
        let copied = account.copy(inbox(&account), &wanted, trash).await.unwrap();
        assert_eq!(copied.uids, [(Uid(1), Uid(1))]);
        let same = |m: Message<'_>| (m.email, m.thread, m.record, m.internal_date, m.size);
        assert_eq!(
            look(&account, "INBOX", 1, same),
            look(&account, "Trash", 1, same)
        );
        // From a mailbox that is gone there is nothing to copy.
        account.delete(&name("Trash")).await.unwrap();
        let copied = account.copy(trash, &wanted, inbox(&account)).await.unwrap();
        assert_eq!(copied.uids, []);
        let copied = account.copy(inbox(&account), &wanted, trash).await;
        assert!(matches!(copied, Err(Error::NoSuchMailbox)));
    });
}

#[test]
fn a_special_use_has_one_mailbox() {
    run(async {
        let (_store, account) = with_messages(&[]).await;
        let taken = account.create(&name("Deleted"), Some(Role::Trash)).await;
        assert!(matches!(taken, Err(Error::RoleTaken)));
        let before = account.snapshot().mod_seq();
        // All or nothing: not even the mailbox above.
        let taken = account.create(&name("p/Deleted"), Some(Role::Trash)).await;
        assert!(taken.is_err() && account.snapshot().named(&name("p")).is_none());
        assert_eq!(account.snapshot().mod_seq(), before);
        account.delete(&name("Trash")).await.unwrap();
        account
            .create(&name("Deleted"), Some(Role::Trash))
            .await
            .unwrap();
    });
}

#[test]
fn keywords_have_a_limit_and_too_many_change_nothing() {
    run(async {
        let (_store, account) = with_messages(&["\r\n"]).await;
        let change = |action, keywords: std::ops::Range<u32>| FlagChange {
            action,
            flags: Flags {
                system: SystemFlags::SEEN,
                keywords: keywords.map(|n| format!("k{n}").into()).collect(),
            },
            unchanged_since: None,
        };
        let store = async |action, keywords| {
            let change = change(action, keywords);
            account.store(inbox(&account), &[Uid(1)], &change).await
        };
        let (replace, add) = (FlagAction::Replace, FlagAction::Add);
        assert!(matches!(store(replace, 0..257).await, Err(Error::Limit(_))));
        assert_eq!(look(&account, "INBOX", 1, |m| m.system), SystemFlags::NONE);
        store(replace, 0..256).await.unwrap();
        assert!(matches!(store(add, 256..257).await, Err(Error::Limit(_))));
        store(add, 0..256).await.unwrap();
        // What the mailbox has ever known counts, too.
        for from in (256..9984).step_by(256) {
            store(replace, from..from + 256).await.unwrap();
        }
        store(replace, 9984..10_000).await.unwrap();
        let outcome = store(replace, 10_000..10_001).await;
        assert!(matches!(outcome, Err(Error::Limit("keywords"))));
        store(replace, 0..1).await.unwrap();
        assert_eq!(look(&account, "INBOX", 1, |m| m.keywords.len()), 1);
    });
}

#[test]
fn a_session_keeps_what_it_holds_of_a_mailbox_that_is_deleted() {
    run(async {
        let (store, account) = with_messages(&[]).await;
        let id = account.create(&name("gone"), None).await.unwrap();
        let sent = arrival(&store, b"Subject: x\r\n\r\ny").await;
        account.append(id, vec![sent]).await.unwrap();
        let held = account.open_mailbox(id).await.unwrap();
        account.delete(&name("gone")).await.unwrap();
        assert!(account.snapshot().mailbox(id).is_none());
        let email = account.email(&held.get(Uid(1)).unwrap()).await.unwrap();
        let mut octets = Vec::new();
        let span = Span {
            start: email.trace_len(),
            end: email.size(),
        };
        email.read(span, &mut octets).await.unwrap();
        assert_eq!(octets, b"Subject: x\r\n\r\ny");
        // Made again it is another mailbox.
        let again = account.create(&name("gone"), None).await.unwrap();
        let snapshot = account.snapshot();
        assert!(snapshot.mailbox(again).unwrap().uid_validity() > held.uid_validity());
        assert_ne!(again, id);
    });
}

#[test]
fn news_wakes_whoever_waits() {
    let (store, account) = run(with_messages(&[]));
    let before = account.snapshot().mod_seq();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| run(account.changed(before)));
        let delivered = run(async {
            let account = store.account(ALICE).await.unwrap();
            let arrival = arrival(&store, b"\r\n").await;
            account.append(inbox(&account), vec![arrival]).await
        });
        delivered.unwrap();
        waiting.join().unwrap();
    });
    assert_eq!(account.snapshot().mod_seq(), ModSeq(before.0 + 1));
}

#[test]
fn a_record_too_long_for_one_put_is_read_all_the_same() {
    run(async {
        let (store, account) = with_messages(&[]).await;
        let mut arrival = arrival(&store, b"Subject: x\r\n\r\ny").await;
        arrival.trace = [b"X: ", &vec![b'y'; 400_000][..], b"\r\n"].concat();
        let trace = arrival.trace.clone();
        account
            .append(inbox(&account), vec![arrival])
            .await
            .unwrap();
        let mailbox = account.open_mailbox(inbox(&account)).await.unwrap();
        let email = account.email(&mailbox.get(Uid(1)).unwrap()).await.unwrap();
        assert_eq!(email.trace(), trace);
        assert_eq!(email.size(), trace.len() as u64 + 15);
        nothing_wrong(&store);
    });
}

#[test]
fn accounts_opened_at_once_are_the_same_account() {
    let store = memory();
    std::thread::scope(|scope| {
        let open = || run(store.account(ALICE)).unwrap();
        let opened: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        let opened: Vec<_> = opened.into_iter().map(|t| t.join().unwrap()).collect();
        let first = &opened[0].shared;
        assert!(
            opened
                .iter()
                .all(|account| Arc::ptr_eq(&account.shared, first))
        );
    });
    assert_eq!(run(store.accounts()).unwrap(), [ALICE]);
}

#[test]
fn idle_accounts_are_closed_and_come_back_as_they_were() {
    run(async {
        let store = memory();
        let held = store.account(ALICE).await.unwrap();
        let idle = store.account(AccountId(1)).await.unwrap();
        idle.subscribe(&name("x")).await.unwrap();
        let (before, closed) = (idle.whole().await.unwrap(), Arc::downgrade(&idle.shared));
        drop(idle);
        for id in 2..3000 {
            store.account(AccountId(id)).await.unwrap();
        }
        assert!(closed.upgrade().is_none());
        let again = store.account(AccountId(1)).await.unwrap();
        assert_eq!(
            crate::check::difference(&before, &again.whole().await.unwrap()),
            None
        );
        let same = store.account(ALICE).await.unwrap();
        assert!(Arc::ptr_eq(&held.shared, &same.shared));
        store.checkpoint().await.unwrap();
        assert_eq!(store.accounts().await.unwrap().len(), 3000);
        nothing_wrong(&store);
    });
}

#[test]
fn an_account_of_shared_mailboxes_has_no_inbox_however_it_is_opened() {
    run(async {
        let directory = tempfile::tempdir().unwrap();
        let options = || Options {
            directory: Some(directory.path().to_owned()),
            message_bytes_max: 1 << 20,
            clock,
        };
        let store = Store::open(options()).await.unwrap();
        let shared = store.shared_account(ALICE).await.unwrap();
        assert_eq!(shared.snapshot().mailboxes().count(), 0);
        shared.create(&name("board"), None).await.unwrap();
        drop(shared);
        store.close().await.unwrap();
        let store = Store::open(options()).await.unwrap();
        // As whoever goes through all accounts opens it.
        let again = store.account(ALICE).await.unwrap();
        let snapshot = again.snapshot();
        let names: Vec<_> = snapshot
            .mailboxes()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["board"]);
        let own = store.account(AccountId(0xb0b)).await.unwrap();
        assert_eq!(own.snapshot().mailboxes().count(), 6);
        store.close().await.unwrap();
    });
}
