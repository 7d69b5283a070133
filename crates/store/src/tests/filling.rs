//! What is told of quota roots that fill up, whatever verb fills them.

use super::{ALICE, arrival, inbox, memory, name, run};
use crate::{Error, Limits, QuotaRoot, Resource, quota::Crossed};

fn messages(limit: u64) -> Limits {
    let mut limits = Limits::default();
    limits.set(Resource::Message, Some(limit));
    limits
}

#[test]
fn crossings_are_told_of_every_root_above_and_once() {
    run(async {
        let store = memory();
        let mut told = store.watch_quotas(&[50, 80]);
        let account = store.account(ALICE).await.unwrap();
        account.set_quota(None, Some(messages(10))).await.unwrap();
        let archive = name("Archive");
        let limit = Some(messages(4));
        account.set_quota(Some(&archive), limit).await.unwrap();
        let mut crossed = || {
            let mut all = Vec::new();
            while let Ok(Crossed {
                root,
                percent,
                used,
                ..
            }) = told.try_recv()
            {
                all.push((root, percent, used));
            }
            all
        };
        let one = arrival(&store, b"Subject: x\r\n\r\n").await;
        let append = async |count| {
            let messages = vec![one.clone(); count];
            account.append(inbox(&account), messages).await.map(|_| ())
        };
        append(4).await.unwrap();
        assert_eq!(crossed(), []);
        append(1).await.unwrap();
        assert_eq!(crossed(), [(QuotaRoot::Account, 50, 5)]);
        // A move fills only where it goes to.
        let there = account.snapshot().named(&archive).unwrap().id();
        let uids: Vec<_> = (1..=4).map(crate::Uid).collect();
        account
            .move_to(inbox(&account), &uids, there)
            .await
            .unwrap();
        let archived = QuotaRoot::Name(archive.clone());
        assert_eq!(crossed(), [(archived, 80, 4)]);
        append(5).await.unwrap();
        assert_eq!(crossed(), [(QuotaRoot::Account, 80, 10)]);
        // What is refused, and what is beyond what may be, crosses nothing.
        assert!(matches!(append(1).await, Err(Error::OverQuota { .. })));
        let beyond = account.clone().beyond_quotas();
        beyond
            .append(inbox(&account), vec![one.clone()])
            .await
            .unwrap();
        account.set_quota(None, Some(messages(11))).await.unwrap();
        assert_eq!(crossed(), []);
        assert_eq!(account.quota_root(None).unwrap().usage.messages, 11);
    });
}
