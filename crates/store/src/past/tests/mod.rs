//! The past, against somebody who remembers everything.

mod crash;
mod expiry;
mod restore;
mod verbs;

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use fastrand::Rng;

use super::*;
use crate::{
    Account, Arrival, EmailId, FlagAction, FlagChange, Flags, MailboxId, ModSeq, Snapshot, Store,
    SystemFlags, Timestamp, Uid,
    tests::{ALICE, model::engine_in_memory, name, nothing_wrong, receive, run},
};

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(1_800_000_000) };
}

fn ticking() -> Timestamp {
    Timestamp {
        unix: NOW.get(),
        zone_minutes: 0,
    }
}

fn pass(seconds: i64) {
    NOW.set(NOW.get() + seconds);
}

const DAY: i64 = 86_400;

/// A message as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mail {
    email: EmailId,
    system: u8,
    keywords: BTreeSet<String>,
    internal_date: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Folder {
    name: String,
    held: bool,
    subscribed: bool,
    mails: BTreeMap<Uid, Mail>,
}

/// A whole account at a time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Seen {
    mod_seq: u64,
    time: i64,
    held: bool,
    folders: BTreeMap<MailboxId, Folder>,
}

impl Seen {
    fn of(snapshot: &Snapshot) -> Self {
        let folders = snapshot.mailboxes().map(|(name, mailbox)| {
            let open = mailbox.in_memory().unwrap();
            let mails = open.every().map(|message| {
                let keywords = message.keywords.iter();
                let mail = Mail {
                    email: message.email,
                    system: message.system.0,
                    keywords: keywords
                        .map(|k| mailbox.keywords()[*k as usize].to_string())
                        .collect(),
                    internal_date: message.internal_date,
                };
                (message.uid, mail)
            });
            let folder = Folder {
                name: name.to_string(),
                held: mailbox.held(),
                subscribed: snapshot.subscriptions().contains(name),
                mails: mails.collect(),
            };
            (mailbox.id(), folder)
        });
        Self {
            mod_seq: snapshot.mod_seq().0,
            time: NOW.get(),
            held: snapshot.held(),
            folders: folders.collect(),
        }
    }

    fn emails(&self, id: MailboxId, names: &[&str]) -> BTreeSet<EmailId> {
        let folders = self.folders.iter();
        let folders = folders.filter(|(i, f)| **i == id || names.contains(&&*f.name));
        let mails = folders.flat_map(|(_, folder)| folder.mails.values());
        mails.map(|mail| mail.email).collect()
    }
}

struct World {
    rng: Rng,
    store: Store,
    account: Account,
    seen: Vec<Seen>,
    /// Messages that were found gone, and that were brought back: this test is about some.
    found: Cell<usize>,
    back: usize,
}

const NAMES: [&str; 6] = ["INBOX", "Trash", "a", "a/b", "d", "Sent"];

impl World {
    async fn new(seed: u64) -> Self {
        let store = Store::with_engine(engine_in_memory(), 1 << 20, ticking);
        let account = store.account(ALICE).await.unwrap().acting("test");
        let mut world = Self {
            rng: Rng::with_seed(seed),
            store,
            account,
            seen: Vec::new(),
            found: Cell::new(0),
            back: 0,
        };
        world.remember();
        world
    }

    fn now(&self) -> &Seen {
        self.seen.last().unwrap()
    }

    fn remember(&mut self) {
        let seen = Seen::of(&run(self.account.whole()).unwrap());
        if self.seen.last().is_none_or(|s| s.mod_seq < seen.mod_seq) {
            self.seen.push(seen);
        }
    }

    fn existing(&mut self) -> MailboxId {
        let ids: Vec<_> = self.now().folders.keys().copied().collect();
        ids[self.rng.usize(..ids.len())]
    }

    fn some(&mut self, id: MailboxId) -> Vec<Uid> {
        let uids: Vec<Uid> = self.now().folders[&id].mails.keys().copied().collect();
        let share = self.rng.f64();
        uids.into_iter()
            .filter(|_| self.rng.f64() < share)
            .collect()
    }

    fn flags(&mut self) -> Flags {
        let keywords = ["work", "$Forwarded"].into_iter().map(Into::into);
        Flags {
            system: SystemFlags(self.rng.u8(..32)),
            keywords: keywords.filter(|_| self.rng.bool()).collect(),
        }
    }

    async fn append(&mut self) {
        let to = self.existing();
        for _ in 0..self.rng.usize(1..4) {
            let n = self.rng.u32(..1000);
            let octets = format!("Message-ID: <{n}@x>\r\nSubject: s{n}\r\n\r\nbody\r\n");
            let arrival = Arrival {
                message: receive(&self.store, octets.as_bytes()).await,
                trace: Vec::new(),
                flags: self.flags(),
                internal_date: Some(Timestamp {
                    unix: NOW.get() - i64::from(n),
                    zone_minutes: 60,
                }),
            };
            self.account.append(to, vec![arrival]).await.unwrap();
            self.remember();
        }
    }

    async fn expunge(&mut self) {
        let id = self.existing();
        let uids = self.some(id);
        let change = FlagChange {
            action: FlagAction::Add,
            flags: Flags {
                system: SystemFlags::DELETED,
                keywords: Vec::new(),
            },
            unchanged_since: None,
        };
        self.account.store(id, &uids, &change).await.unwrap();
        self.remember();
        self.account.expunge(id, Some(&uids)).await.unwrap();
    }

    async fn step(&mut self) {
        let pick = NAMES[self.rng.usize(..NAMES.len())];
        let (from, to) = (self.existing(), self.existing());
        let uids = self.some(from);
        match self.rng.u8(..20) {
            0..5 => self.append().await,
            5..7 => drop(self.account.copy(from, &uids, to).await.unwrap()),
            7..9 => drop(self.account.move_to(from, &uids, to).await.unwrap()),
            9 => {
                let change = FlagChange {
                    action: FlagAction::Replace,
                    flags: self.flags(),
                    unchanged_since: None,
                };
                self.account.store(from, &uids, &change).await.unwrap();
            }
            10..13 => self.expunge().await,
            13 => drop(self.account.create(&name(pick), None).await),
            14 => drop(self.account.delete(&name(pick)).await),
            15 => {
                let to = NAMES[self.rng.usize(..NAMES.len())];
                drop(self.account.rename(&name(pick), &name(to)).await);
            }
            16 => {
                let on = self.rng.bool().then_some(from);
                let held = self.rng.u8(..3) == 0;
                self.account.set_hold(on, held).await.unwrap();
            }
            17 => self.store.checkpoint().await.unwrap(),
            _ => self.undelete().await,
        }
        self.remember();
        pass(self.rng.i64(0..DAY / 2));
    }

    /// What is gone, by mailbox and UID, as anybody would find it who had watched.
    fn gone(&self, retention: Retention) -> BTreeMap<(MailboxId, Uid), Mail> {
        let horizon = NOW.get() - i64::try_from(retention.deleted_seconds).unwrap();
        let last = |id| self.seen.iter().rev().find_map(|s| s.folders.get(&id));
        let mut gone = BTreeMap::new();
        let mut deleted = BTreeMap::new();
        for pair in self.seen.windows(2) {
            let (before, after) = (&pair[0], &pair[1]);
            for (id, folder) in &before.folders {
                if !after.folders.contains_key(id) {
                    deleted.insert(*id, after.time);
                }
                for (uid, mail) in &folder.mails {
                    let there = after.folders.get(id);
                    if there.is_some_and(|folder| folder.mails.contains_key(uid)) {
                        continue;
                    }
                    let moved = after.folders.iter().any(|(id, folder)| {
                        let had = before.folders.get(id);
                        folder.mails.iter().any(|(uid, m)| {
                            m.email == mail.email
                                && had.is_none_or(|had| !had.mails.contains_key(uid))
                        })
                    });
                    if !moved {
                        gone.insert((*id, *uid), (mail.clone(), after.time));
                    }
                }
            }
        }
        let now = self.now();
        gone.retain(|(id, _), (mail, time)| {
            let folder = last(*id).unwrap();
            let kept = now.held || folder.held;
            let there = deleted.get(id).is_none_or(|time| kept || *time >= horizon);
            let other = deleted.get(id).map_or_else(String::new, |time| {
                format!("{} (deleted {})", folder.name, gone::moment(*time))
            });
            let present = now.emails(*id, &[&folder.name, &other]);
            (kept || *time >= horizon) && there && !present.contains(&mail.email)
        });
        gone.into_iter()
            .map(|(key, (mail, _))| (key, mail))
            .collect()
    }

    async fn compare(&self, retention: Retention) {
        let gone = self.account.gone(retention).await.unwrap();
        let mut found = BTreeMap::new();
        for mailbox in &gone.mailboxes {
            let here = self.now().folders.contains_key(&mailbox.id);
            assert_eq!(here, mailbox.deleted.is_none(), "{}", mailbox.name);
            for message in &mailbox.messages {
                assert!(["test", "expiry"].contains(&&*message.ended.by));
                let mail = Mail {
                    email: message.email,
                    system: message.flags.system.0,
                    keywords: message
                        .flags
                        .keywords
                        .iter()
                        .map(ToString::to_string)
                        .collect(),
                    internal_date: message.internal_date,
                };
                found.insert((mailbox.id, message.uid), mail);
                let email = self.account.gone_email(message).await.unwrap();
                assert_eq!(email.size(), message.size);
            }
        }
        self.found.set(self.found.get() + found.len());
        assert_eq!(found, self.gone(retention));
    }

    /// Brings something back, twice, and sees that just that came back, once.
    async fn undelete(&mut self) {
        let retention = Retention::default();
        let gone = self.account.gone(retention).await.unwrap();
        if gone.mailboxes.is_empty() {
            return;
        }
        let from = &gone.mailboxes[self.rng.usize(..gone.mailboxes.len())];
        let which = match self.rng.u8(..3) {
            0 => Wanted::Since(NOW.get() - self.rng.i64(0..3 * DAY)),
            1 => Wanted::Mailbox(from.id),
            _ => {
                let uids = from.messages.iter().map(|m| m.uid);
                Wanted::Messages(from.id, uids.filter(|_| self.rng.bool()).collect())
            }
        };
        let undelete = Undelete {
            which,
            into: (self.rng.u8(..3) == 0).then(|| name("a/back")),
            retention,
        };
        let before = self.now().clone();
        let rehearsed = self
            .account
            .undelete(&undelete, Mode::DryRun)
            .await
            .unwrap();
        assert_eq!(
            Seen::of(&run(self.account.whole()).unwrap()).folders,
            before.folders
        );
        let undeleted = self.account.undelete(&undelete, Mode::Do).await.unwrap();
        assert_eq!(undeleted, rehearsed);
        self.remember();
        self.back += undeleted.back.len();
        self.came_back(&before, &gone, &undeleted);
        let again = self.account.undelete(&undelete, Mode::Do).await.unwrap();
        assert_eq!((again.back, again.made), (vec![], vec![]), "{undelete:?}");
        assert_eq!(
            again.present.len(),
            undeleted.back.len() + undeleted.present.len()
        );
    }

    fn came_back(&self, before: &Seen, gone: &Gone, undeleted: &Undeleted) {
        assert_eq!(undeleted.lost, []);
        let mut expected = before.folders.clone();
        for (id, folder) in &self.now().folders {
            expected.entry(*id).or_insert_with(|| Folder {
                mails: BTreeMap::new(),
                ..folder.clone()
            });
        }
        for back in &undeleted.back {
            let was = gone.mailbox(back.was.mailbox);
            // Of what was in its mailbox already and comes into another, `gone` says nothing.
            let Some(message) = was.and_then(|was| was.get(back.was.uid)) else {
                let now = &self.now().folders[&back.mailbox].mails[&back.uid];
                let folder = expected.get_mut(&back.mailbox).unwrap();
                folder.mails.insert(back.uid, now.clone());
                continue;
            };
            let mail = Mail {
                email: message.email,
                system: message.flags.system.0 & !SystemFlags::DELETED.0,
                keywords: message
                    .flags
                    .keywords
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                internal_date: message.internal_date,
            };
            let folder = expected.get_mut(&back.mailbox).unwrap();
            let last = folder
                .mails
                .last_key_value()
                .map_or(Uid(0), |(uid, _)| *uid);
            assert!(back.uid > last);
            assert!(folder.mails.values().all(|m| m.email != mail.email));
            folder.mails.insert(back.uid, mail);
        }
        assert_eq!(self.now().folders, expected);
    }
}

/// How much more than usual is tried.
fn sweep() -> u64 {
    let sweep = std::env::var("SWEEP");
    sweep.ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

#[test]
fn what_is_gone_and_what_was_is_what_a_witness_says() {
    for seed in 0..3 * sweep() {
        run(async {
            let mut world = World::new(seed).await;
            for step in 0..120 {
                world.step().await;
                if step % 10 == 0 {
                    world.compare(Retention::default()).await;
                    let days = world.rng.u64(1..6);
                    let deleted_seconds = days * u64::try_from(DAY).unwrap();
                    world.compare(Retention { deleted_seconds }).await;
                }
            }
            for seen in world.seen.iter().step_by(7) {
                let moments = [
                    Moment::ModSeq(ModSeq(seen.mod_seq)),
                    Moment::Time(seen.time),
                ];
                let past = world.account.as_of(moments[0]).await.unwrap();
                assert_eq!(Seen::of(&past).folders, seen.folders, "seed {seed}");
                let past = world.account.as_of(moments[1]).await.unwrap();
                let at = |s: &&Seen| s.time <= seen.time;
                let last = world.seen.iter().rev().find(at).unwrap();
                assert_eq!(Seen::of(&past).folders, last.folders, "seed {seed}");
            }
            nothing_wrong(&world.store);
            let (found, back) = (world.found.get(), world.back);
            assert!(found > 10 && back > 0, "{found} {back}");
        });
    }
}
