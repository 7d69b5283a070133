//! Mailboxes whose messages are read when they are needed: whatever happens meanwhile, they are those of their state.

use fastrand::Rng;

use super::{damage::engine, *};
use crate::{FlagAction, FlagChange, Message, OpenMailbox, Stretch, SystemFlags, check};

/// Has the same done to it as Alice, and all of it in memory.
const TWIN: AccountId = AccountId(0x7);

/// What is looked at of a message.
type Told = (Uid, ModSeq, SystemFlags, Vec<u32>, u64);

fn told(message: Message<'_>) -> Told {
    let Message {
        uid,
        mod_seq,
        system,
        keywords,
        size,
        ..
    } = message;
    (uid, mod_seq, system, keywords.to_vec(), size)
}

/// An older state, as far as it was read, and what has to be in it.
struct Older {
    open: OpenMailbox,
    has: Vec<Told>,
}

impl Older {
    fn compare_some(&self, rng: &mut Rng) {
        let (open, len) = (&self.open, self.has.len());
        assert_eq!(open.len() as usize, len);
        let Some(index) = (len > 0).then(|| rng.usize(0..len)) else {
            return;
        };
        let expected = &self.has[index];
        let number = u32::try_from(index).unwrap();
        match rng.u8(0..5) {
            0 => assert_eq!(open.at(number).map(told).as_ref(), Some(expected)),
            1 => assert_eq!(open.get(expected.0).map(told).as_ref(), Some(expected)),
            2 => assert_eq!(open.uid_at(number), Some(expected.0)),
            3 => {
                let uid = Uid(rng.u32(0..expected.0.0 + 2));
                let place = self.has.binary_search_by_key(&uid, |it| it.0);
                let number = |place| u32::try_from(place).unwrap();
                assert_eq!(open.index_of(uid), place.map(number).map_err(number));
            }
            _ => {
                let first = |told: &&Told| !told.2.contains(SystemFlags::SEEN);
                let unseen = self.has.iter().position(|told| first(&told));
                let unseen = unseen.map(|place| u32::try_from(place).unwrap());
                assert_eq!(open.first_unseen(), unseen);
            }
        }
    }

    fn compare(&self) {
        let every: Vec<Told> = self.open.every().map(told).collect();
        assert!(every == self.has, "{} of {}", every.len(), self.has.len());
    }
}

async fn both(store: &Store) -> [Account; 2] {
    [
        store.account(ALICE).await.unwrap(),
        store.account(TWIN).await.unwrap(),
    ]
}

async fn add(store: &Store, messages: u32, rng: &mut Rng) {
    let seed = rng.u64(..);
    for account in both(store).await {
        let mut rng = Rng::with_seed(seed);
        let mut arrivals = Vec::new();
        for n in 0..messages {
            let mut one = arrival(store, format!("Subject: {n}\r\n\r\n").as_bytes()).await;
            if rng.u8(..) < 40 {
                one.flags.keywords.push(format!("k{}", rng.u8(0..4)).into());
            }
            arrivals.push(one);
        }
        account.append(inbox(&account), arrivals).await.unwrap();
    }
}

/// One change, the same for both.
async fn change(store: &Store, rng: &mut Rng) {
    let twin = store.account(TWIN).await.unwrap();
    let next = twin.snapshot().mailbox(inbox(&twin)).unwrap().uid_next().0;
    let first = rng.u32(1..next.max(2));
    let most = if rng.bool() { 3 } else { 700 };
    let last = first + rng.u32(0..most);
    let uids: Vec<Uid> = (first..=last).map(Uid).collect();
    let seed = rng.u64(..);
    match rng.u8(0..4) {
        0 => add(store, Rng::with_seed(seed).u32(1..40), rng).await,
        1 | 2 => {
            let change = FlagChange {
                action: [FlagAction::Add, FlagAction::Remove][rng.usize(0..2)],
                flags: Flags {
                    system: [SystemFlags::SEEN, SystemFlags::FLAGGED][rng.usize(0..2)],
                    keywords: vec![format!("k{}", rng.u8(0..6)).into()],
                },
                unchanged_since: None,
            };
            for account in both(store).await {
                let stored = account.store(inbox(&account), &uids, &change).await;
                stored.unwrap();
            }
        }
        _ => {
            for account in both(store).await {
                let account = &account;
                account.expunge(inbox(account), Some(&uids)).await.unwrap();
            }
        }
    }
}

/// Opens the newest state, and reads no more of it than by chance.
async fn enter(store: &Store, rng: &mut Rng) -> Older {
    let [alice, twin] = both(store).await;
    let open = alice.enter_mailbox(inbox(&alice)).await.unwrap();
    let one = rng.u32(0..open.len().max(1));
    if rng.bool() {
        let wants = |some: &Stretch| some.indexes.contains(&one);
        alice.hold(&open, wants).await.unwrap();
    }
    let has = twin.open_mailbox(inbox(&twin)).await.unwrap();
    Older {
        open,
        has: has.every().map(told).collect(),
    }
}

#[test]
fn an_older_state_has_its_messages_whatever_checkpoints_write() {
    let mut rng = Rng::with_seed(7);
    run(async {
        for _ in 0..6 {
            let engine = engine();
            let store = Store::with_engine(engine.clone(), 1 << 20, clock);
            add(&store, rng.u32(300..2500), &mut rng).await;
            store.checkpoint().await.unwrap();
            drop(store);
            // Nothing of it is in memory.
            let store = Store::with_engine(engine.clone(), 1 << 20, clock);
            let mut older = vec![enter(&store, &mut rng).await];
            for _ in 0..60 {
                match rng.u8(0..6) {
                    0 => store.checkpoint().await.unwrap(),
                    1 => older.push(enter(&store, &mut rng).await),
                    2 => drop(older.swap_remove(rng.usize(0..older.len()))),
                    3 => older.iter().for_each(|it| it.compare_some(&mut rng)),
                    _ => change(&store, &mut rng).await,
                }
                if older.is_empty() {
                    older.push(enter(&store, &mut rng).await);
                }
            }
            store.checkpoint().await.unwrap();
            older.iter().for_each(Older::compare);
            let [alice, _] = both(&store).await;
            let whole = alice.whole().await.unwrap();
            assert_eq!(check::check(&whole), [] as [&str; 0]);
        }
    });
}
