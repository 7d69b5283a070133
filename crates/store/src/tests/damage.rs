//! Damage: found, named, and no more costly than it must be.

use super::*;
use crate::{
    check,
    checkpoint::base,
    engine::{Engine, EngineOptions},
    verify::{Finding, verify},
};

pub(super) fn engine() -> Engine {
    let options = EngineOptions {
        directory: None,
        segment_bytes: 4 << 20,
    };
    run(Engine::open(options)).unwrap()
}

fn store(engine: &Engine) -> Store {
    Store::with_engine(engine.clone(), 1 << 20, clock)
}

/// Some hundred messages, some expunged, some with keywords.
async fn fill(store: &Store) -> Account {
    let account = store.account(ALICE).await.unwrap();
    let mut arrivals = Vec::new();
    for n in 0..600 {
        let octets = format!("Message-ID: <{n}@x>\r\nSubject: {n}\r\n\r\nbody {n}\r\n");
        let mut arrival = arrival(store, octets.as_bytes()).await;
        if n % 7 == 0 {
            arrival.flags.system = crate::SystemFlags::DELETED;
            arrival.flags.keywords.push(format!("k{}", n % 5).into());
        }
        arrivals.push(arrival);
    }
    account.append(inbox(&account), arrivals).await.unwrap();
    account
        .expunge(inbox(&account), Some(&[Uid(1), Uid(8)]))
        .await
        .unwrap();
    account
}

#[test]
fn a_damaged_checkpoint_is_folded_again() {
    run(async {
        let engine = engine();
        let first = store(&engine);
        fill(&first).await;
        first.checkpoint().await.unwrap();
        let count = engine.checkpoint_scan(vec![]).await.unwrap().len();
        // A header, chunks of three hundred and something, an expunge, thread keys.
        assert!(count >= 6, "{count}");
        for n in 0..count {
            for kind in 0..4 {
                let before = store(&engine).account(ALICE).await.unwrap();
                let before = before.whole().await.unwrap();
                let entries = engine.checkpoint_scan(vec![]).await.unwrap();
                assert_eq!(entries.len(), count);
                let (key, value) = entries[n].clone();
                let wrong = damaged(&value, kind);
                engine
                    .checkpoint_put(vec![(key, wrong)], None)
                    .await
                    .unwrap();
                let again = store(&engine);
                let account = again.account(ALICE).await.unwrap();
                let whole = account.whole().await.unwrap();
                assert_eq!(check::difference(&before, &whole), None);
                let threads = base::threads(&account.shared, whole.mod_seq());
                assert_eq!(threads.await.unwrap().len(), 600);
                assert!(account.shared.kept().is_none(), "entry {n}, {kind}");
                // It is put right with the next one.
                account.subscribe(&name("x")).await.unwrap();
                account.unsubscribe(&name("x")).await.unwrap();
                again.checkpoint().await.unwrap();
                let account = store(&engine).account(ALICE).await.unwrap();
                assert!(account.shared.kept().is_some(), "entry {n}, {kind}");
            }
        }
    });
}

/// A value, changed, cut, emptied or gone.
fn damaged(value: &[u8], kind: u8) -> Option<Vec<u8>> {
    let half = value.len() / 2;
    match kind {
        0 => {
            let mut flipped = value.to_vec();
            flipped[half] ^= 4;
            Some(flipped)
        }
        1 => Some(value[..half].to_vec()),
        2 => Some(vec![]),
        _ => None,
    }
}

#[test]
fn damage_that_is_met_late_costs_nobody_anything() {
    run(async {
        let engine = engine();
        let store = store(&engine);
        let account = fill(&store).await;
        let (inbox, snapshot) = (inbox(&account), account.snapshot());
        let trash = snapshot.named(&name("Trash")).unwrap().id();
        let some: Vec<Uid> = (1..500).map(Uid).collect();
        account.copy(inbox, &some, trash).await.unwrap();
        let before = account.whole().await.unwrap();
        let mails = |open: &crate::OpenMailbox| -> Vec<(Uid, u64, Vec<u32>)> {
            let messages = open.every();
            messages
                .map(|m| (m.uid, m.size, m.keywords.to_vec()))
                .collect()
        };
        let expected: Vec<_> = before.open().iter().map(mails).collect();
        let ids: Vec<MailboxId> = before.open().iter().map(|open| open.id()).collect();
        store.checkpoint().await.unwrap();
        let held = account.open_mailbox(inbox).await.unwrap();
        drop(before);
        let now = account.snapshot();
        assert!(now.mailbox(inbox).unwrap().in_memory().is_some());
        assert!(now.mailbox(trash).unwrap().in_memory().is_none());
        for (key, value) in engine.checkpoint_scan(vec![b'd']).await.unwrap() {
            let put = vec![(key, damaged(&value, 0))];
            engine.checkpoint_put(put, None).await.unwrap();
        }
        // A reply finds its conversation though the keys are damaged.
        let reply = b"Message-ID: <r@x>\r\nIn-Reply-To: <300@x>\r\nSubject: Re: 300\r\n\r\n";
        let placed = account.append(trash, vec![arrival(&store, reply).await]);
        let uid = placed.await.unwrap().uids[0];
        let there = account.open_mailbox(trash).await.unwrap();
        let answered = held.get(Uid(301)).unwrap();
        assert_eq!(there.get(uid).unwrap().thread, answered.thread);
        account.expunge(inbox, Some(&[Uid(15)])).await.unwrap();
        for (id, expected) in ids.into_iter().zip(&expected) {
            let open = account.open_mailbox(id).await.unwrap();
            let mut found = mails(&open);
            found.retain(|(it, ..)| *it != uid || id != trash);
            let gone = |it: &&(Uid, _, _)| id != inbox || it.0 != Uid(15);
            assert!(found.iter().eq(expected.iter().filter(gone)), "{id}");
        }
        // What was held is as it was.
        assert!(held.get(Uid(15)).is_some());
        nothing_wrong(&store);
        store.checkpoint().await.unwrap();
        let again = self::store(&engine).account(ALICE).await.unwrap();
        assert!(again.shared.kept().is_some());
        let (ours, again) = (account.whole().await, again.whole().await);
        assert_eq!(check::difference(&ours.unwrap(), &again.unwrap()), None);
    });
}

#[test]
fn an_old_value_among_new_ones_is_noticed_or_harmless() {
    run(async {
        let engine = engine();
        let first = store(&engine);
        let account = fill(&first).await;
        first.checkpoint().await.unwrap();
        let old = engine.checkpoint_scan(vec![]).await.unwrap();
        let snapshot = account.snapshot();
        let mailbox = account.open_mailbox(inbox(&account)).await.unwrap();
        let uids: Vec<Uid> = mailbox.range(Uid(1), Uid(400)).map(|m| m.uid).collect();
        let trash = snapshot.named(&name("Trash")).unwrap().id();
        account.move_to(mailbox.id(), &uids, trash).await.unwrap();
        first.checkpoint().await.unwrap();
        for (key, value) in old {
            let now = engine.checkpoint_get(key.clone()).await.unwrap();
            let put = vec![(key.clone(), Some(value))];
            engine.checkpoint_put(put, None).await.unwrap();
            let again = store(&engine).account(ALICE).await.unwrap();
            let (ours, again) = (account.whole().await, again.whole().await);
            assert_eq!(check::difference(&ours.unwrap(), &again.unwrap()), None);
            engine.checkpoint_put(vec![(key, now)], None).await.unwrap();
        }
    });
}

#[test]
fn a_damaged_message_is_named_and_the_others_are_served() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        directory: Some(directory.path().to_owned()),
        message_bytes_max: 1 << 20,
        clock,
    };
    run(async {
        let store = Store::open(options.clone()).await.unwrap();
        let account = store.account(ALICE).await.unwrap();
        let texts = ["the first", "the second", "the third"];
        for text in texts {
            let octets = format!("Subject: x\r\n\r\n{text} message\r\n");
            let arrival = arrival(&store, octets.as_bytes()).await;
            account
                .append(inbox(&account), vec![arrival])
                .await
                .unwrap();
        }
        assert_eq!(nothing_wrong(&store).messages, 3);
        store.close().await.unwrap();
    });
    let mut findings: Vec<Finding> = Vec::new();
    let summary = verify(directory.path(), Depth::Content, &mut |f| findings.push(f)).unwrap();
    assert_eq!((summary.messages, &findings[..]), (3, &[][..]));

    damage(directory.path(), b"the second message");
    verify(directory.path(), Depth::Records, &mut |f| findings.push(f)).unwrap();
    let named: Vec<_> = findings.iter().map(|f| (f.account, f.uid)).collect();
    // The record in its file, and the message that it was of.
    assert_eq!(
        named,
        [(None, None), (Some(ALICE), Some(Uid(2)))],
        "{findings:?}"
    );
    assert!(findings[0].file.ends_with(".log") && findings[0].offset > 0);
    assert_eq!(findings[1].mailbox, Some(name("INBOX")));

    run(async {
        let store = Store::open(options).await.unwrap();
        let account = store.account(ALICE).await.unwrap();
        let mailbox = account.open_mailbox(inbox(&account)).await.unwrap();
        for message in mailbox.range(Uid(1), Uid(3)) {
            let email = account.email(&message).await.unwrap();
            let mut octets = b"before".to_vec();
            let span = Span {
                start: 0,
                end: u64::MAX,
            };
            match email.read(span, &mut octets).await {
                Ok(()) => assert_ne!(message.uid, Uid(2)),
                Err(Error::Corrupt { .. }) => assert_eq!(message.uid, Uid(2)),
                Err(error) => panic!("{error}"),
            }
            assert_eq!(octets == b"before", message.uid == Uid(2));
        }
        store.close().await.unwrap();
    });
}

/// Flips a bit of what is written somewhere in the log.
fn damage(directory: &std::path::Path, what: &[u8]) {
    let mut found = 0;
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|e| e == "log") {
                let mut octets = std::fs::read(&path).unwrap();
                let mut places = octets.windows(what.len());
                if let Some(at) = places.position(|octets| octets == what) {
                    octets[at] ^= 1;
                    std::fs::write(&path, octets).unwrap();
                    found += 1;
                }
            }
        }
    }
    assert_eq!(found, 1);
}

#[test]
fn an_account_that_a_newer_program_wrote_to_is_refused_and_left_as_it_is() {
    run(async {
        let engine = engine();
        let first = store(&engine);
        let seq = first.account(ALICE).await.unwrap().snapshot().mod_seq().0 + 1;
        let bob = AccountId(0xb0b);
        first.account(bob).await.unwrap();
        // Version 1, number, time, by nobody; a change of kind 100, which must be understood.
        let known = [1, u8::try_from(seq).unwrap(), 0, 0];
        let batch = [&known[..], &[100, 1, 0]].concat();
        let (answer, done) = std::sync::mpsc::channel();
        let told = Box::new(move |outcome: Result<_, Error>| answer.send(outcome).unwrap());
        engine
            .append(engine.begin(), ALICE, seq, &batch, told)
            .unwrap();
        done.recv().unwrap().unwrap();
        let again = store(&engine);
        for _ in 0..2 {
            let refused = again.account(ALICE).await;
            let named = format!("batch {seq} of account {ALICE}: it takes a newer program");
            assert!(
                matches!(&refused, Err(Error::OutOfService(what)) if **what == *named),
                "{refused:?}"
            );
        }
        let other = again.account(bob).await.unwrap();
        other.subscribe(&name("x")).await.unwrap();
    });
}
