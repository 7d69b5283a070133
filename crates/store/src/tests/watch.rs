//! What those are told who watch an account.

use super::{ALICE, arrival, inbox, memory, name, run};
use crate::{
    Account, Brief, Flags, ModSeq, Naming, SystemFlags, Uid,
    account::{BRIEFS_MAX, FlagAction, FlagChange},
};
use std::sync::Arc;

async fn set(account: &Account, uids: &[Uid], flag: SystemFlags) {
    let change = FlagChange {
        action: FlagAction::Add,
        flags: Flags {
            system: flag,
            keywords: Vec::new(),
        },
        unchanged_since: None,
    };
    let inbox = inbox(account);
    account.store(inbox, uids, &change).await.unwrap();
}

/// One brief of what was done: `came`, `went`, `flagged`, `unseen`.
fn messages(taken: &[Arc<Brief>]) -> (usize, bool, bool, bool) {
    let [brief] = taken else {
        panic!("not one batch: {taken:?}")
    };
    let [it] = &*brief.messages else {
        panic!("not one mailbox: {brief:?}")
    };
    (it.came.len(), it.went, it.flagged, it.unseen)
}

#[test]
fn each_change_is_told_once_and_by_whom() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        let (ann, bob) = (account.acting("ann"), account.acting("bob"));
        let mut watch = account.watch();
        assert!(watch.take().unwrap().is_empty());

        let message = arrival(&store, b"Subject: x\r\n\r\n").await;
        let two = vec![message.clone(), message];
        ann.append(inbox(&ann), two).await.unwrap();
        let taken = watch.take().unwrap();
        assert_eq!(messages(&taken), (1, false, false, true));
        assert_eq!(taken[0].messages[0].came, [(Uid(1), Uid(2))]);
        assert!(ann.did(&taken[0]) && !bob.did(&taken[0]));

        set(&bob, &[Uid(1)], SystemFlags::FLAGGED).await;
        assert_eq!(messages(&watch.take().unwrap()), (0, false, true, false));
        set(&bob, &[Uid(1)], SystemFlags::SEEN).await;
        assert_eq!(messages(&watch.take().unwrap()), (0, false, true, true));
        set(&bob, &[Uid(1)], SystemFlags::DELETED).await;
        watch.take().unwrap();
        bob.expunge(inbox(&bob), None).await.unwrap();
        assert_eq!(messages(&watch.take().unwrap()), (0, true, false, false));
        assert!(watch.take().unwrap().is_empty());

        bob.subscribe(&name("a")).await.unwrap();
        assert_eq!(watch.take().unwrap()[0].subscriptions, [name("a")]);
        drop(watch);
        ann.create(&name("b"), None).await.unwrap();
        assert!(account.watch().take().unwrap().is_empty());
    });
}

#[test]
fn names_are_told_as_they_changed() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        let mut watch = account.watch();
        let made = |at: &str| Naming::Made(name(at));
        let renamed = |from: &str, to: &str| Naming::Renamed {
            from: name(from),
            to: name(to),
        };
        let mut told = || -> Vec<Naming> {
            let taken = watch.take().unwrap();
            taken.iter().flat_map(|brief| brief.names.clone()).collect()
        };
        account.create(&name("a/b"), None).await.unwrap();
        assert_eq!(told(), [made("a"), made("a/b")]);
        account.rename(&name("a"), &name("c")).await.unwrap();
        assert_eq!(told(), [renamed("a", "c"), renamed("a/b", "c/b")]);
        account.delete(&name("c/b")).await.unwrap();
        assert_eq!(told(), [Naming::Deleted(name("c/b"))]);
        let message = arrival(&store, b"Subject: x\r\n\r\n").await;
        let messages = vec![message];
        account.append(inbox(&account), messages).await.unwrap();
        // What it is annotated with goes to the other mailbox too, and changes nothing.
        let comment = [crate::metadata::Entry {
            name: "/shared/comment".into(),
            value: Some(b"x"[..].into()),
        }];
        let limits = crate::MetadataLimits::default();
        let set = account.set_metadata(Some(inbox(&account)), None, &comment, limits);
        set.await.unwrap();
        account.rename(&name("INBOX"), &name("old")).await.unwrap();
        assert_eq!(told(), [renamed("INBOX", "old")]);
    });
}

#[test]
fn who_takes_nothing_loses_it_and_knows() {
    run(async {
        let account = memory().account(ALICE).await.unwrap();
        let (mut slow, mut quick) = (account.watch(), account.watch());
        for _ in 0..=BRIEFS_MAX / 2 {
            account.subscribe(&name("a")).await.unwrap();
            account.unsubscribe(&name("a")).await.unwrap();
            assert_eq!(quick.take().unwrap().len(), 2);
        }
        assert_eq!(slow.take(), None);
        assert!(slow.take().unwrap().is_empty(), "it goes on from there");
        account.subscribe(&name("a")).await.unwrap();
        let last = account.snapshot().mod_seq();
        let seen: Vec<ModSeq> = slow.take().unwrap().iter().map(|it| it.mod_seq).collect();
        assert_eq!(seen, [last]);
        assert_eq!(quick.take().unwrap().len(), 1);
    });
}
