//! Who shares with whom: the index has everybody, whatever happens.

use super::*;
use crate::{
    engine::{
        AnyDisk, Partitions,
        log::sim::{Fault, SimDisk, Unsynced},
    },
    rights::{Acl, Actor, Identifier, Person, Rights, Who},
};
use fastrand::Rng;

const BOB: AccountId = AccountId(0xb0b);
const CAROL: AccountId = AccountId(0xca);

fn open(disk: &SimDisk) -> Result<Store, Error> {
    let disk = AnyDisk::Sim(Arc::new(disk.clone()));
    let partitions = Partitions::open_on(disk, 64 << 10)?;
    Ok(Store::with_partitions(partitions, 1 << 20, clock))
}

fn entry(who: Who, negative: bool) -> Acl {
    let identifier = Identifier { negative, who };
    Acl::from_iter([(identifier, Rights::LOOKUP)])
}

async fn give(store: &Store, of: AccountId, who: Who) -> Result<(), Error> {
    let account = store.account(of).await?;
    account
        .set_acl(inbox(&account), Some(entry(who, false)))
        .await
}

async fn with(store: &Store, account: AccountId, groups: &[&str]) -> Vec<AccountId> {
    let groups: Vec<Arc<str>> = groups.iter().map(|group| (*group).into()).collect();
    let sharers = store.sharing_with(account, &groups).await.unwrap();
    sharers
        .named
        .union(&sharers.with_everybody)
        .copied()
        .collect()
}

#[test]
fn it_has_whom_somebody_names_and_everybodys() {
    run(async {
        let disk = SimDisk::new();
        let store = open(&disk).unwrap();
        assert_eq!(with(&store, BOB, &[]).await, []);
        give(&store, ALICE, Who::Account(BOB)).await.unwrap();
        give(&store, CAROL, Who::Group("staff".into()))
            .await
            .unwrap();
        give(&store, AccountId(9), Who::Anyone).await.unwrap();
        give(&store, AccountId(8), Who::Anonymous).await.unwrap();
        let account = store.account(AccountId(7)).await.unwrap();
        let against = entry(Who::Account(BOB), true);
        account
            .set_acl(inbox(&account), Some(against))
            .await
            .unwrap();
        for disk in [
            None,
            Some(disk.restart(Unsynced::Kept, &mut Rng::with_seed(1))),
        ] {
            let reopened = disk.map(|disk| open(&disk).unwrap());
            let store = reopened.as_ref().unwrap_or(&store);
            assert_eq!(with(store, BOB, &[]).await, [AccountId(9), ALICE]);
            assert_eq!(
                with(store, BOB, &["staff", "x"]).await,
                [AccountId(9), CAROL, ALICE]
            );
            assert_eq!(with(store, ALICE, &[]).await, [AccountId(9)]);
            assert_eq!(with(store, AccountId(9), &[]).await, []);
        }
    });
}

#[test]
fn what_is_lost_with_a_checkpoint_comes_back_from_the_accounts() {
    run(async {
        let mut disk = SimDisk::new();
        let mut store = open(&disk).unwrap();
        give(&store, ALICE, Who::Account(BOB)).await.unwrap();
        give(&store, CAROL, Who::Authenticated).await.unwrap();
        store.checkpoint().await.unwrap();
        assert_eq!(with(&store, BOB, &[]).await, [CAROL, ALICE]);
        for lost in [&b"s"[..], &[]] {
            let engine = store.partitions().engines().remove(0);
            let keys = engine.checkpoint_keys(b"s".to_vec()).await.unwrap();
            assert!(keys.len() >= 2);
            let writes = keys.into_iter().filter(|key| key.starts_with(lost));
            let writes = writes.filter(|key| lost.is_empty() || key == lost);
            let writes = writes.map(|key| (key, None)).collect();
            engine.checkpoint_put(writes, None).await.unwrap();
            drop(store);
            disk = disk.restart(Unsynced::Kept, &mut Rng::with_seed(1));
            store = open(&disk).unwrap();
            // What is noted before it was made anew is not all there is.
            give(&store, AccountId(9), Who::Anyone).await.unwrap();
            assert_eq!(with(&store, BOB, &[]).await, [AccountId(9), CAROL, ALICE]);
            let engine = store.partitions().engines().remove(0);
            let keys = engine.checkpoint_keys(b"s".to_vec()).await.unwrap();
            assert_eq!(keys.len(), 4);
        }
    });
}

#[test]
fn it_goes_to_another_partition_with_its_account() {
    run(async {
        let disk = SimDisk::new();
        let store = open(&disk).unwrap();
        store.add_partition("slow", None).unwrap();
        give(&store, ALICE, Who::Account(BOB)).await.unwrap();
        let alice = store.account(ALICE).await.unwrap();
        let mut told = |_, _| {};
        store.move_account(&alice, "slow", &mut told).await.unwrap();
        let slow = store.partition_named("slow").unwrap();
        let keys = slow.checkpoint_keys(b"s".to_vec()).await.unwrap();
        assert!(!keys.is_empty());
        store.begin_accounts_in("slow").unwrap();
        let retention = crate::past::Retention::default();
        store.remove_partition("default", retention).await.unwrap();
        let disk = disk.restart(Unsynced::Kept, &mut Rng::with_seed(1));
        assert_eq!(with(&open(&disk).unwrap(), BOB, &[]).await, [ALICE]);
    });
}

/// Gives rights in many ways until something breaks.
async fn work(store: &Store) -> Result<(), Error> {
    with_all(store).await?;
    for (n, who) in (0..).zip([
        Who::Account(BOB),
        Who::Group("g".into()),
        Who::Anyone,
        Who::Authenticated,
        Who::Account(BOB),
    ]) {
        let account = store.account(AccountId(100 + n)).await?;
        let above = account.create(&name("a"), None).await?;
        account.set_acl(above, Some(entry(who, false))).await?;
        // What is made below it may inherit it.
        account.create(&name("a/b"), None).await?;
        if n == 2 {
            store.checkpoint().await?;
        }
        account.set_acl(above, None).await?;
    }
    Ok(())
}

async fn with_all(store: &Store) -> Result<Vec<AccountId>, Error> {
    let sharers = store.sharing_with(BOB, &["g".into()]).await?;
    Ok(sharers
        .named
        .union(&sharers.with_everybody)
        .copied()
        .collect())
}

#[test]
fn nobody_who_shares_is_ever_missing_from_it() {
    run(async {
        let mut crashes = 0;
        for at in (1..).step_by(3) {
            let disk = SimDisk::new();
            disk.arm(Fault::Crash(at));
            let outcome = match open(&disk) {
                Ok(store) => work(&store).await,
                Err(error) => Err(error),
            };
            disk.arm(Fault::Never);
            if !matches!(outcome, Err(Error::Io { .. } | Error::OutOfService(_))) {
                outcome.unwrap();
                break;
            }
            for unsynced in [Unsynced::Kept, Unsynced::Lost, Unsynced::Torn] {
                let disk = disk.restart(unsynced, &mut Rng::with_seed(at));
                let store = open(&disk).unwrap();
                let indexed = with_all(&store).await.unwrap();
                let person = Person {
                    groups: vec!["g".into()],
                    ..Person::owner(BOB)
                };
                let actor = Actor::User(person.into());
                for id in store.accounts().await.unwrap() {
                    let snapshot = store.account(id).await.unwrap().snapshot();
                    let gives = snapshot
                        .mailboxes()
                        .any(|(_, mailbox)| !mailbox.rights_of(&actor, id).is_empty());
                    let context = format!("crash at {at}, {unsynced:?}: {id}");
                    assert!(!gives || id == BOB || indexed.contains(&id), "{context}");
                }
                crashes += 1;
            }
        }
        assert!(crashes > 30, "{crashes}");
    });
}
