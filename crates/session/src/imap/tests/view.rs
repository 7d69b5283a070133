//! The view: ghosts, numbers, and interleavings.

use imap::UidSet;
use store::{FlagAction, FlagChange, Flags, OpenMailbox, SystemFlags, Uid};

use super::{World, run};
use crate::imap::view::View;

impl World {
    pub(in crate::imap) async fn mailbox(&self) -> OpenMailbox {
        self.account.open_mailbox(self.inbox()).await.unwrap()
    }

    async fn flag(&self, uids: &[u32], flag: SystemFlags) {
        let uids: Vec<Uid> = uids.iter().copied().map(Uid).collect();
        let change = FlagChange {
            action: FlagAction::Add,
            flags: Flags {
                system: flag,
                keywords: Vec::new(),
            },
            unchanged_since: None,
        };
        let account = &self.account;
        account.store(self.inbox(), &uids, &change).await.unwrap();
    }

    pub(in crate::imap) async fn expunge(&self, uids: &[u32]) {
        self.flag(uids, SystemFlags::DELETED).await;
        let uids: Vec<Uid> = uids.iter().copied().map(Uid).collect();
        let account = &self.account;
        account.expunge(self.inbox(), Some(&uids)).await.unwrap();
    }
}

/// The view's messages by number must be these UIDs, whichever way they are asked for.
fn counts(view: &View, expected: &[u32]) {
    let walked: Vec<(u32, u32)> = view.messages().map(|(n, m)| (n, m.uid.0)).collect();
    let numbered: Vec<(u32, u32)> = (1..).zip(expected.iter().copied()).collect();
    assert_eq!(walked, numbered);
    assert_eq!(view.len(), u32::try_from(expected.len()).unwrap());
    assert_eq!(view.largest_uid(), expected.last().copied().unwrap_or(0));
    for &(number, uid) in &numbered {
        assert_eq!(view.uid_at(number), Some(Uid(uid)));
        assert_eq!(view.sequence_of(Uid(uid)), Some(number));
        assert_eq!(view.message(Uid(uid)).unwrap().uid, Uid(uid));
    }
    assert_eq!(view.uid_at(0), None);
    assert_eq!(view.uid_at(view.len() + 1), None);
    for uid in (0..40).filter(|uid| !expected.contains(uid)) {
        assert_eq!(view.sequence_of(Uid(uid)), None, "{uid}");
        assert!(view.message(Uid(uid)).is_none(), "{uid}");
    }
    for first in 0..expected.len() {
        // Every range begins and ends where it should.
        let set: UidSet = [(expected[first], 30)].into_iter().collect();
        let found: Vec<u32> = view.messages_in(&set).map(|(_, m)| m.uid.0).collect();
        assert_eq!(found, &expected[first..]);
        assert_eq!(view.count_in(&set), found.len() as u64);
    }
    // Places among every other UID, whoever still lives.
    let some: UidSet = expected.iter().copied().step_by(2).collect();
    let chosen: Vec<u32> = some.iter().collect();
    let set: UidSet = some.iter().chain([31, 33]).collect();
    assert_eq!(view.count_in(&set), chosen.len() as u64);
    for from in 0..=chosen.len() {
        for to in from..chosen.len() + 2 {
            let places = view.places_in(&set, from as u64..to as u64);
            let found: Vec<u32> = view.messages_in(&places).map(|(_, m)| m.uid.0).collect();
            assert_eq!(found, &chosen[from..to.min(chosen.len())], "{from}..{to}");
        }
    }
}

#[test]
fn ghosts_keep_their_numbers_until_buried() {
    run(async {
        let world = World::with_messages(6).await;
        let mut view = View::new(world.mailbox().await);
        counts(&view, &[1, 2, 3, 4, 5, 6]);
        world.expunge(&[2, 3, 6]).await;
        view.advance(&world.mailbox().await);
        counts(&view, &[1, 2, 3, 4, 5, 6]);
        assert!(view.is_ghost(Uid(3)) && !view.is_ghost(Uid(4)));
        // A second layer of ghosts, among and around the first.
        world.expunge(&[1, 4]).await;
        view.advance(&world.mailbox().await);
        counts(&view, &[1, 2, 3, 4, 5, 6]);
        assert_eq!(view.bury_last(), Some(6));
        counts(&view, &[1, 2, 3, 4, 5]);
        assert_eq!(view.bury_last(), Some(4));
        assert_eq!(view.bury_last(), Some(3));
        counts(&view, &[1, 2, 5]);
        assert_eq!(view.bury_all().ranges(), [(1, 2)]);
        counts(&view, &[5]);
        assert_eq!(view.bury_last(), None);
    });
}

#[test]
fn arrivals_have_no_number_until_announced() {
    run(async {
        let world = World::with_messages(2).await;
        let mut view = View::new(world.mailbox().await);
        world.deliver(2).await;
        world.expunge(&[1]).await;
        view.advance(&world.mailbox().await);
        counts(&view, &[1, 2]);
        assert!(view.has_unannounced());
        view.announce();
        counts(&view, &[1, 2, 3, 4]);
        assert_eq!(view.bury_last(), Some(1));
        counts(&view, &[2, 3, 4]);
    });
}

#[test]
fn what_came_and_went_unannounced_was_never_there() {
    run(async {
        let world = World::with_messages(1).await;
        let mut view = View::new(world.mailbox().await);
        world.deliver(2).await;
        view.advance(&world.mailbox().await);
        world.expunge(&[2]).await;
        view.advance(&world.mailbox().await);
        assert!(!view.has_ghosts());
        counts(&view, &[1]);
        view.announce();
        counts(&view, &[1, 3]);
        world.deliver(1).await;
        world.expunge(&[4]).await;
        view.advance(&world.mailbox().await);
        assert!(!view.has_unannounced());
        view.announce();
        counts(&view, &[1, 3]);
    });
}

#[test]
fn an_empty_mailbox_and_one_of_ghosts() {
    run(async {
        let world = World::new().await;
        let mut view = View::new(world.mailbox().await);
        counts(&view, &[]);
        world.deliver(2).await;
        view.advance(&world.mailbox().await);
        view.announce();
        world.expunge(&[1, 2]).await;
        view.advance(&world.mailbox().await);
        counts(&view, &[1, 2]);
        assert_eq!(view.bury_all().ranges(), [(1, 2)]);
        counts(&view, &[]);
    });
}

#[test]
fn flags_are_told_once_and_not_of_the_gone_or_the_new() {
    run(async {
        let world = World::with_messages(4).await;
        let mut view = View::new(world.mailbox().await);
        let untold = |view: &View| -> Vec<u32> { view.untold().map(|(_, m)| m.uid.0).collect() };
        world.flag(&[1, 2, 3], SystemFlags::SEEN).await;
        world.expunge(&[2]).await;
        world.deliver(1).await;
        view.advance(&world.mailbox().await);
        assert_eq!(untold(&view), [1, 3]);
        view.aware_of(Uid(3));
        assert_eq!(untold(&view), [1]);
        // Changed again: what the client is aware of is no longer so.
        world.flag(&[3], SystemFlags::FLAGGED).await;
        view.advance(&world.mailbox().await);
        assert_eq!(untold(&view), [1, 3]);
        assert!(view.complete_to() < world.mailbox().await.highest_mod_seq());
        view.flags_told();
        assert_eq!(untold(&view), [] as [u32; 0]);
        assert!(view.complete_to() < world.mailbox().await.highest_mod_seq());
        view.bury_all();
        view.announce();
        view.flags_told();
        assert_eq!(view.complete_to(), world.mailbox().await.highest_mod_seq());
        assert!(!view.has_news());
    });
}

#[test]
fn an_older_snapshot_changes_nothing() {
    run(async {
        let world = World::with_messages(2).await;
        let old = world.mailbox().await;
        let mut view = View::new(old.clone());
        world.expunge(&[1]).await;
        view.advance(&world.mailbox().await);
        view.advance(&old);
        assert!(view.is_ghost(Uid(1)));
        counts(&view, &[1, 2]);
    });
}

#[test]
fn recent_counts_ghosts_and_only_what_is_announced() {
    run(async {
        let world = World::with_messages(3).await;
        let mut view = View::new(world.mailbox().await);
        view.make_recent(2..4);
        assert_eq!(view.recent(), 2);
        assert!(!view.is_recent(Uid(1)) && view.is_recent(Uid(3)));
        world.expunge(&[3]).await;
        world.deliver(2).await;
        view.advance(&world.mailbox().await);
        view.make_recent(4..5);
        assert_eq!(view.recent(), 2);
        view.announce();
        assert_eq!(view.recent(), 3);
        view.bury_all();
        assert_eq!(view.recent(), 2);
        assert!(!view.is_recent(Uid(5)));
    });
}

#[test]
fn random_interleavings_agree_with_a_list() {
    run(async {
        for seed in 1..60_u32 {
            let world = World::with_messages(5).await;
            let mut view = View::new(world.mailbox().await);
            // What the client counts, kept the naive way.
            let mut model: Vec<u32> = vec![1, 2, 3, 4, 5];
            let mut state = seed;
            let mut random = |below: u32| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) % below
            };
            for _ in 0..12 {
                match random(5) {
                    0 => drop(world.deliver(1).await),
                    1 => world.expunge(&[random(12) + 1]).await,
                    2 => view.advance(&world.mailbox().await),
                    3 => {
                        view.advance(&world.mailbox().await);
                        let next = model.last().map_or(1, |uid| uid + 1);
                        let new = world.mailbox().await;
                        let from = Uid(next);
                        let seen = view.mailbox().uid_next();
                        view.announce();
                        let news = new.range(from, Uid(u32::MAX));
                        model.extend(news.map(|m| m.uid.0).filter(|uid| *uid < seen.0));
                        model.dedup();
                    }
                    _ => {
                        while let Some(number) = view.bury_last() {
                            let index = usize::try_from(number - 1).unwrap();
                            let gone = model.remove(index);
                            assert!(
                                world.mailbox().await.get(Uid(gone)).is_none(),
                                "seed {seed}"
                            );
                        }
                    }
                }
                counts(&view, &model);
            }
        }
    });
}
