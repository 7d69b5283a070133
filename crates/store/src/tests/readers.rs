//! `\Seen` of several readers of one account, against a model that anybody can check by reading it.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::{model::engine_in_memory, *};
use crate::{
    FlagAction, FlagChange, MetadataLimits, OpenMailbox, SHARED_SEEN, SystemFlags,
    account::RightsChange,
    check,
    checkpoint::{self, base},
    engine::Engine,
    metadata::Entry,
    past::{
        Retention,
        undelete::{Mode, Undelete, Wanted},
    },
    rights::{Actor, Person, Rights, Who},
};

/// The owner, and two others.
const PEOPLE: [Option<AccountId>; 3] = [None, Some(AccountId(0xb0b)), Some(AccountId(0xca51))];
const BOXES: [&str; 2] = ["INBOX", "Archive"];

/// A message, as the model has it.
#[derive(Debug, Clone)]
struct Mail {
    uid: u32,
    system: u8,
    mod_seq: u64,
    /// What each of the others has said of it last, and when.
    said: BTreeMap<AccountId, (bool, u64)>,
}

/// A mailbox, as the model has it.
#[derive(Debug, Clone)]
struct Folder {
    mails: Vec<Mail>,
    uid_next: u32,
    highest: u64,
    shared: bool,
    since: u64,
    recent_from: BTreeMap<Option<AccountId>, u32>,
}

struct World {
    rng: Rng,
    engine: Engine,
    store: Store,
    account: Account,
    folders: [Folder; 2],
    mod_seq: u64,
}

const SEEN: u8 = SystemFlags::SEEN.0;

impl Folder {
    fn new() -> Self {
        Self {
            mails: Vec::new(),
            uid_next: 1,
            highest: 1,
            shared: false,
            since: 0,
            recent_from: BTreeMap::new(),
        }
    }

    /// UID, flags and modseq of each message, as somebody is told of them.
    fn told(&self, who: Option<AccountId>) -> Vec<(u32, u8, u64)> {
        let told = self.mails.iter().map(|mail| {
            let Some(who) = who else {
                return (mail.uid, mail.system, mail.mod_seq);
            };
            let mod_seq = mail.mod_seq.max(self.since);
            if self.shared {
                return (mail.uid, mail.system, mod_seq);
            }
            let (seen, at) = mail.said.get(&who).copied().unwrap_or((false, 0));
            let system = mail.system & !SEEN | if seen { SEEN } else { 0 };
            (mail.uid, system, mod_seq.max(at))
        });
        told.collect()
    }

    /// HIGHESTMODSEQ: also of what has gone since.
    fn highest(&self, who: Option<AccountId>, said: &BTreeMap<AccountId, u64>) -> u64 {
        let own = who.and_then(|who| said.get(&who)).copied().unwrap_or(0);
        self.highest.max(if self.shared { 0 } else { own })
    }

    /// Places what somebody brings.
    fn place(&mut self, who: Option<AccountId>, mail: Mail, mod_seq: u64) {
        let mut mail = Mail {
            uid: self.uid_next,
            mod_seq,
            ..mail
        };
        if let (Some(who), false) = (who, self.shared) {
            if mail.system & SEEN != 0 {
                mail.said.insert(who, (true, mod_seq));
            }
            mail.system &= !SEEN;
        }
        self.uid_next += 1;
        self.highest = mod_seq;
        self.mails.push(mail);
    }
}

impl World {
    async fn new(seed: u64) -> Self {
        let engine = engine_in_memory();
        let store = Store::with_engine(engine.clone(), 1 << 20, clock);
        let account = store.account(ALICE).await.unwrap();
        for at in BOXES {
            let id = account.snapshot().named(&name(at)).unwrap().id();
            let everything = RightsChange::Replace(Rights::EVERY);
            let all = Who::Authenticated.into();
            account.change_rights(id, &all, everything).await.unwrap();
        }
        let mod_seq = account.snapshot().mod_seq().0;
        Self {
            rng: Rng::with_seed(seed),
            engine,
            store,
            account,
            folders: [Folder::new(), Folder::new()],
            mod_seq,
        }
    }

    fn hands(&self, who: Option<AccountId>) -> Account {
        let person = |account| Person {
            account,
            groups: Vec::new(),
            neighbour: true,
            administrator: false,
        };
        match who {
            None => self.account.clone(),
            Some(who) => {
                let actor = Actor::User(Arc::new(person(who)));
                self.account.acting_as("imap", actor)
            }
        }
    }

    fn id(&self, at: usize) -> MailboxId {
        let snapshot = self.account.snapshot();
        snapshot.named(&name(BOXES[at])).unwrap().id()
    }

    fn some_uids(&mut self, at: usize) -> Vec<Uid> {
        let share = self.rng.f64();
        let next = self.folders[at].uid_next;
        let uids = (1..=next).filter(|_| self.rng.f64() < share);
        uids.map(Uid).collect()
    }

    fn system(&mut self) -> SystemFlags {
        SystemFlags(self.rng.u8(..32))
    }

    async fn append(&mut self, who: Option<AccountId>, at: usize) {
        let mut arrivals = Vec::new();
        for n in 0..self.rng.usize(1..4) {
            let octets = format!("Message-ID: <{}.{n}@x>\r\n\r\n", self.mod_seq);
            let mut arrival = arrival(&self.store, octets.as_bytes()).await;
            arrival.flags.system = self.system();
            arrivals.push(arrival);
        }
        let to = self.id(at);
        self.hands(who).append(to, arrivals.clone()).await.unwrap();
        self.mod_seq += 1;
        for arrival in arrivals {
            let mail = Mail {
                uid: 0,
                system: arrival.flags.system.0,
                mod_seq: 0,
                said: BTreeMap::new(),
            };
            self.folders[at].place(who, mail, self.mod_seq);
        }
    }

    async fn store(&mut self, who: Option<AccountId>, at: usize) {
        let uids = self.some_uids(at);
        let actions = [FlagAction::Replace, FlagAction::Add, FlagAction::Remove];
        let change = FlagChange {
            action: actions[self.rng.usize(..3)],
            flags: Flags {
                system: self.system(),
                keywords: Vec::new(),
            },
            unchanged_since: (self.rng.u8(..3) == 0).then(|| ModSeq(self.rng.u64(..=self.mod_seq))),
        };
        let (hands, id) = (self.hands(who), self.id(at));
        let stored = hands.store(id, &uids, &change).await.unwrap();
        let (folder, next) = (&mut self.folders[at], self.mod_seq + 1);
        let (mut modified, mut any) = (Vec::new(), false);
        for (mail, (uid, told, mod_seq)) in folder.told(who).iter().enumerate() {
            if !uids.contains(&Uid(*uid)) {
                continue;
            }
            if change
                .unchanged_since
                .is_some_and(|since| *mod_seq > since.0)
            {
                modified.push(Uid(*uid));
                continue;
            }
            let given = change.flags.system.0;
            let system = match change.action {
                FlagAction::Replace => given,
                FlagAction::Add => told | given,
                FlagAction::Remove => told & !given,
            };
            let mail = &mut folder.mails[mail];
            let mut shared = system;
            if let (Some(who), false) = (who, folder.shared) {
                if (system ^ told) & SEEN != 0 {
                    mail.said.insert(who, (system & SEEN != 0, next));
                    any = true;
                }
                shared = system & !SEEN | mail.system & SEEN;
            }
            if shared != mail.system {
                (mail.system, mail.mod_seq) = (shared, next);
                folder.highest = next;
                any = true;
            }
        }
        assert_eq!(stored.modified, modified);
        self.mod_seq += u64::from(any);
    }

    async fn copy(&mut self, who: Option<AccountId>, from: usize, to: usize) {
        let (uids, moved) = (self.some_uids(from), self.rng.bool());
        let (hands, ids) = (self.hands(who), (self.id(from), self.id(to)));
        if moved {
            hands.move_to(ids.0, &uids, ids.1).await.unwrap();
        } else {
            hands.copy(ids.0, &uids, ids.1).await.unwrap();
        }
        let source = self.folders[from].clone();
        let told = source.told(who);
        let among = |mail: &Mail| uids.contains(&Uid(mail.uid));
        let all: Vec<_> = source.mails.iter().zip(&told).collect();
        let all: Vec<_> = all.into_iter().filter(|(mail, _)| among(mail)).collect();
        if all.is_empty() {
            return;
        }
        self.mod_seq += 1;
        for (mail, (_, system, _)) in all {
            let mut copy = Mail {
                said: BTreeMap::new(),
                ..mail.clone()
            };
            let target = &mut self.folders[to];
            if target.shared {
                copy.system = *system;
                target.place(None, copy, self.mod_seq);
                continue;
            }
            // Whose `\Seen` comes along besides the owner's.
            let others = PEOPLE.into_iter().flatten();
            for other in others.filter(|other| moved || Some(*other) == who) {
                // Of who has never said anything here nothing is known.
                let known = Some(other) == who || self.said_by(from).contains_key(&other);
                let told = source.told(Some(other));
                let (_, system, _) = told.iter().find(|(uid, ..)| *uid == mail.uid).unwrap();
                if system & SEEN != 0 && known {
                    copy.said.insert(other, (true, self.mod_seq));
                }
            }
            if !moved && who.is_some() {
                copy.system &= !SEEN;
            }
            self.folders[to].place(None, copy, self.mod_seq);
        }
        if moved {
            self.folders[from].highest = self.mod_seq;
            let last = source.mails.last().map_or(0, |mail| mail.uid);
            let gone = |mail: &Mail| mail.uid <= last && among(mail);
            self.folders[from].mails.retain(|mail| !gone(mail));
        }
    }

    /// When each reader last said anything of a mailbox, whatever became of it.
    fn said_by(&self, at: usize) -> BTreeMap<AccountId, u64> {
        let snapshot = self.account.snapshot();
        let mailbox = snapshot.mailbox(self.id(at)).unwrap();
        let readers = mailbox.readers();
        readers.map(|(id, _, mod_seq)| (id, mod_seq.0)).collect()
    }

    async fn expunge(&mut self, who: Option<AccountId>, at: usize) {
        let gone = self.hands(who).expunge(self.id(at), None).await.unwrap();
        if gone.is_empty() {
            return;
        }
        self.mod_seq += 1;
        let folder = &mut self.folders[at];
        folder.mails.retain(|mail| mail.system & 4 == 0);
        folder.highest = self.mod_seq;
    }

    /// What went last comes back, and nobody has to read it again.
    async fn undelete(&mut self, at: usize) {
        let folder = &self.folders[at];
        let Some(mail) = folder.mails.last().cloned() else {
            return;
        };
        let id = self.id(at);
        let change = FlagChange {
            action: FlagAction::Add,
            flags: Flags {
                system: SystemFlags::DELETED,
                keywords: Vec::new(),
            },
            unchanged_since: None,
        };
        let uid = Uid(mail.uid);
        self.account.store(id, &[uid], &change).await.unwrap();
        self.account.expunge(id, Some(&[uid])).await.unwrap();
        let undelete = Undelete {
            which: Wanted::Messages(id, vec![uid]),
            into: None,
            retention: Retention::default(),
        };
        let undeleted = self.account.undelete(&undelete, Mode::Do).await.unwrap();
        self.mod_seq = self.account.snapshot().mod_seq().0;
        let folder = &mut self.folders[at];
        folder.mails.pop();
        folder.highest = self.mod_seq;
        if undeleted.back.is_empty() {
            // A copy of it is there still.
            return;
        }
        let said = mail
            .said
            .iter()
            .filter(|(_, (seen, _))| *seen && !folder.shared);
        let said = said.map(|(who, _)| (*who, (true, self.mod_seq))).collect();
        let system = mail.system & !4;
        folder.place(
            None,
            Mail {
                system,
                said,
                ..mail
            },
            self.mod_seq,
        );
    }

    async fn share(&mut self, at: usize) {
        let shared = self.rng.bool();
        let entry = Entry {
            name: SHARED_SEEN.into(),
            value: shared.then(|| b"true"[..].into()),
        };
        let limits = MetadataLimits::default();
        let (mailbox, entries) = (Some(self.id(at)), [entry]);
        let set = self.account.set_metadata(mailbox, None, &entries, limits);
        if set.await.unwrap() {
            self.mod_seq += 1;
            let folder = &mut self.folders[at];
            folder.shared = shared;
            (folder.since, folder.highest) = (self.mod_seq, self.mod_seq);
        }
    }

    async fn claim(&mut self, who: Option<AccountId>, at: usize) {
        let before = self.account.snapshot().mod_seq();
        let below = self.rng.u32(1..=self.folders[at].uid_next);
        let claimed = self.hands(who).claim_recent(self.id(at), Uid(below)).await;
        let folder = &mut self.folders[at];
        let from = folder.recent_from.get(&who).copied().unwrap_or(1);
        assert_eq!(claimed, from..below.max(from));
        if folder.mails.iter().any(|m| claimed.contains(&m.uid)) {
            folder.recent_from.insert(who, below);
            self.mod_seq += 1;
            self.account.changed(before).await;
        }
    }

    async fn step(&mut self) {
        let who = PEOPLE[self.rng.usize(..3)];
        let (at, to) = (self.rng.usize(..2), self.rng.usize(..2));
        match self.rng.u8(..20) {
            0..4 => self.append(who, at).await,
            4..11 => self.store(who, at).await,
            11..14 => self.copy(who, at, to).await,
            14 => self.expunge(who, at).await,
            15 => self.undelete(at).await,
            16 => self.share(at).await,
            17 => self.claim(who, at).await,
            18 => self.store.checkpoint().await.unwrap(),
            _ => self.reopen().await,
        }
    }

    /// The same log, read by a store that has seen nothing of it; and as a base has it.
    async fn reopen(&mut self) {
        let before = self.account.whole().await.unwrap();
        let folded = checkpoint::fold(&self.engine, ALICE).await.unwrap();
        assert_eq!(folded.wrong, []);
        assert_eq!(check::difference(&before, &folded.state.snapshot), None);
        let entries: Vec<_> = base::entries(ALICE, &before, &[]).collect();
        let entries: Vec<_> = entries.iter().map(|(k, v)| (&k[..], &v[..])).collect();
        let again = base::assemble(&entries).unwrap();
        assert_eq!(check::difference(&before, &again.snapshot), None);
        self.store = Store::with_engine(self.engine.clone(), 1 << 20, clock);
        self.account = self.store.account(ALICE).await.unwrap();
        let after = self.account.whole().await.unwrap();
        assert_eq!(check::difference(&before, &after), None);
    }

    async fn compare(&self) {
        assert_eq!(self.account.check().await.unwrap(), Vec::<String>::new());
        assert_eq!(self.account.snapshot().mod_seq().0, self.mod_seq);
        for (at, folder) in self.folders.iter().enumerate() {
            for who in PEOPLE {
                let open = self.hands(who).open_mailbox(self.id(at)).await.unwrap();
                self.compare_one(who, at, folder, &open);
            }
        }
    }

    fn compare_one(&self, who: Option<AccountId>, at: usize, folder: &Folder, open: &OpenMailbox) {
        let as_told = |m: crate::Message<'_>| (m.uid.0, m.system.0, m.mod_seq.0);
        let told = folder.told(who);
        let every: Vec<_> = open.every().map(as_told).collect();
        assert_eq!(every, told, "{who:?}");
        let by_index = (0..).map_while(|index| open.at(index)).map(as_told);
        assert!(by_index.eq(told.iter().copied()));
        let by_uid = told.iter().filter_map(|(uid, ..)| open.get(Uid(*uid)));
        assert!(by_uid.map(as_told).eq(told.iter().copied()));
        let unseen = |(_, system, _): &&(u32, u8, u64)| system & SEEN == 0;
        let status = self.hands(who).status(open);
        let highest = folder.highest(who, &self.said_by(at));
        assert_eq!(status.highest_mod_seq.0, highest);
        assert_eq!(open.highest_mod_seq(), status.highest_mod_seq);
        assert_eq!(
            status.counters.unseen as usize,
            told.iter().filter(unseen).count()
        );
        let first = told.iter().position(|it| unseen(&it));
        assert_eq!(open.first_unseen().map(|index| index as usize), first);
        let from = folder.recent_from.get(&who).copied().unwrap_or(1);
        let recent = told.iter().filter(|(uid, ..)| *uid >= from).count();
        assert_eq!(status.recent as usize, recent, "{who:?}");
        for since in [0, highest / 2, highest - 1, highest] {
            let changed: Vec<_> = open.changed_since(ModSeq(since)).map(as_told).collect();
            let expected = told.iter().filter(|(.., at)| *at > since);
            assert!(
                changed.iter().eq(expected),
                "{who:?} since {since}: {changed:?}"
            );
        }
    }
}

#[test]
fn everybody_has_seen_what_they_have_seen() {
    for seed in 0..8 {
        run(async {
            let mut world = World::new(seed).await;
            for step in 0..120 {
                world.step().await;
                if step % 2 == 0 {
                    world.compare().await;
                }
            }
            world.reopen().await;
            world.compare().await;
            nothing_wrong(&world.store);
        });
    }
}
