//! A past state comes back, and nothing is lost by it.

use super::*;
use crate::AccountId;

/// A message, wherever it is: what it holds, its flags, its date.
type Content = ([u8; 32], u8, BTreeSet<String>, Timestamp);

/// What every mailbox holds, by its name, in no order.
async fn contents(account: &Account, snapshot: &Snapshot) -> BTreeMap<String, Vec<Content>> {
    let mut contents = BTreeMap::new();
    for (name, mailbox) in snapshot.mailboxes() {
        let open = mailbox.in_memory().unwrap();
        let mut there = Vec::new();
        for message in open.every() {
            let email = account.email(&message).await.unwrap();
            let keywords = message.keywords.iter();
            let keywords = keywords.map(|k| mailbox.keywords()[*k as usize].to_string());
            there.push((
                *email.blake3(),
                message.system.0,
                keywords.collect(),
                message.internal_date,
            ));
        }
        there.sort();
        contents.insert(name.to_string(), there);
    }
    contents
}

async fn now(account: &Account) -> BTreeMap<String, Vec<Content>> {
    contents(account, &account.whole().await.unwrap()).await
}

fn every(contents: &BTreeMap<String, Vec<Content>>) -> BTreeSet<[u8; 32]> {
    contents
        .values()
        .flatten()
        .map(|content| content.0)
        .collect()
}

async fn restore(account: &Account, source: &Source, target: Target) -> Restored {
    let restore = Restore {
        selection: Selection::Account,
        target,
    };
    let before = account.snapshot().mod_seq();
    let quiet = &mut |_| {};
    let dry = account.restore(source, &restore, Mode::DryRun, quiet).await;
    assert_eq!(account.snapshot().mod_seq(), before);
    let restored = account
        .restore(source, &restore, Mode::Do, quiet)
        .await
        .unwrap();
    let dry = dry.unwrap();
    assert_eq!(dry.moved, restored.moved);
    assert!(dry == restored);
    assert_eq!(restored.lost, []);
    let again = account
        .restore(source, &restore, Mode::Do, quiet)
        .await
        .unwrap();
    for mailbox in &again.mailboxes {
        let did = (mailbox.placed, mailbox.flagged, mailbox.aside);
        assert_eq!(did, (0, 0, 0), "{mailbox:?}");
        assert!(!mailbox.made);
    }
    assert_eq!(again.moved, []);
    restored
}

#[test]
fn a_past_state_comes_beside_into_or_in_place() {
    for seed in 0..2 * sweep() {
        run(async {
            let mut world = World::new(200 + seed).await;
            for step in 0..120 {
                world.step().await;
                if step % 20 != 19 {
                    continue;
                }
                let past = world.rng.usize(1..world.seen.len());
                let past = Moment::ModSeq(ModSeq(world.seen[past].mod_seq));
                let source = Source::as_of(&world.account, past).await.unwrap();
                let was = contents(&world.account, source.state()).await;
                let before = now(&world.account).await;
                match step / 20 % 3 {
                    0 => {
                        let root = name(&format!("Restored {step}"));
                        restore(&world.account, &source, Target::Beside(root.clone())).await;
                        let mut after = now(&world.account).await;
                        for (of, contents) in was {
                            let there = after.remove(&format!("{root}/{of}"));
                            assert!(there == Some(contents), "{of}");
                        }
                        after.remove(root.as_str());
                        assert!(after == before, "seed {seed}");
                    }
                    1 => {
                        restore(&world.account, &source, Target::Missing).await;
                        let after = now(&world.account).await;
                        for (of, contents) in &was {
                            let there = every(&BTreeMap::from([(of.clone(), after[of].clone())]));
                            assert!(contents.iter().all(|c| there.contains(&c.0)), "{of}");
                        }
                        for (of, contents) in &before {
                            assert!(contents.iter().all(|c| after[of].contains(c)), "{of}");
                        }
                    }
                    _ => {
                        let root = name(&format!("Aside {step}"));
                        restore(&world.account, &source, Target::InPlace(root.clone())).await;
                        let after = now(&world.account).await;
                        for (of, contents) in &was {
                            assert!(&after[of] == contents, "{of}");
                        }
                        let above = |of: &str| was.keys().any(|w| w.starts_with(&format!("{of}/")));
                        for of in after.keys().filter(|of| !was.contains_key(*of)) {
                            assert!(of.starts_with(root.as_str()) || above(of), "{of}");
                        }
                        assert!(every(&before).is_subset(&every(&after)));
                    }
                }
                world.remember();
            }
            world.compare(Retention::default()).await;
            elsewhere(&world).await;
            nothing_wrong(&world.store);
        });
    }
}

/// Into another store, where nothing of it is, and into another account, where something else is.
async fn elsewhere(world: &World) {
    let past = Moment::Time(NOW.get());
    let source = Source::as_of(&world.account, past).await.unwrap();
    let was = now(&world.account).await;
    let other = Store::with_engine(engine_in_memory(), 10, ticking);
    let account = other.account(ALICE).await.unwrap();
    restore(&account, &source, Target::InPlace(name("Other"))).await;
    let mut after = now(&account).await;
    for (of, contents) in &was {
        assert!(after.remove(of).as_ref() == Some(contents), "{of}");
    }
    // What is left moved aside, or stands above what came: without messages.
    assert!(after.values().all(Vec::is_empty));
    nothing_wrong(&other);

    let neighbour = world.store.account(AccountId(0xb0b)).await.unwrap();
    restore(&neighbour, &source, Target::Beside(name("R"))).await;
    let after = now(&neighbour).await;
    for (of, contents) in was {
        assert!(after.get(&format!("R/{of}")) == Some(&contents), "{of}");
    }
}

#[test]
fn single_messages_and_mailboxes_come_back_and_no_others() {
    run(async {
        let mut world = World::new(300).await;
        world.append().await;
        world.append().await;
        world.append().await;
        let full = world.now().clone();
        let (id, folder) = full
            .folders
            .iter()
            .find(|(_, f)| f.mails.len() > 1)
            .unwrap();
        let uids: Vec<Uid> = folder.mails.keys().copied().collect();
        let moment = Moment::ModSeq(ModSeq(full.mod_seq));
        pass(60 * DAY);
        let trash = world
            .account
            .snapshot()
            .named(&name("Archive"))
            .unwrap()
            .id();
        if *id != trash {
            world.account.move_to(*id, &uids, trash).await.unwrap();
        }
        let source = Source::as_of(&world.account, moment).await.unwrap();
        let mut what = Restore {
            selection: Selection::Messages(name(&folder.name), vec![uids[0], Uid(77)]),
            target: Target::Beside(name("R")),
        };
        let quiet = &mut |_| {};
        let restored = world
            .account
            .restore(&source, &what, Mode::Do, quiet)
            .await
            .unwrap();
        assert_eq!(restored.mailboxes.len(), 1);
        assert_eq!(restored.mailboxes[0].placed, 1);
        what.selection = Selection::Mailbox(name(&folder.name));
        let restored = world
            .account
            .restore(&source, &what, Mode::Do, quiet)
            .await
            .unwrap();
        assert_eq!(restored.mailboxes[0].placed + 1, folder.mails.len() as u64);
        assert_eq!(restored.mailboxes[0].present, 1);
        what.selection = Selection::Mailbox(name("nowhere"));
        let none = world.account.restore(&source, &what, Mode::Do, quiet).await;
        assert!(matches!(none, Err(crate::Error::NoSuchMailbox)));
        what.selection = Selection::Messages(name(&folder.name), uids);
        what.target = Target::InPlace(name("Aside"));
        let none = world.account.restore(&source, &what, Mode::Do, quiet).await;
        assert!(matches!(none, Err(crate::Error::NotPermitted(_))));
        let began = Source::as_of(&world.account, Moment::Time(0))
            .await
            .unwrap();
        what.selection = Selection::Account;
        let none = world.account.restore(&began, &what, Mode::Do, quiet).await;
        assert!(matches!(none, Err(crate::Error::NoSuchMailbox)));
    });
}
