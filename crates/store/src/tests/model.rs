//! Random verbs against a mailbox model that anybody can check by reading it.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use super::*;
use crate::{
    AnnotationChange, AnnotationLimits, FlagAction, FlagChange, Metadata, MetadataLimits,
    SystemFlags, Whose,
    annotation::Setting,
    check,
    checkpoint::{self, base},
    engine::{Engine, EngineOptions},
    metadata::Entry,
    quota::{Limits, Quota, QuotaRoot, RootState, Usage},
    store::Store,
};

/// A message, as the model has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mail {
    uid: u32,
    system: u8,
    keywords: BTreeSet<String>,
    size: u64,
    mod_seq: u64,
    annotations: BTreeMap<(String, Whose), Vec<u8>>,
}

/// A mailbox, as the model has it.
#[derive(Debug, Clone, Default)]
struct Folder {
    id: u64,
    uid_validity: u32,
    uid_next: u32,
    mails: Vec<Mail>,
    gone: Vec<(u64, u32)>,
    recent_from: u32,
    highest: u64,
    metadata: BTreeMap<String, Vec<u8>>,
}

/// An account, as the model has it.
#[derive(Debug, Default)]
struct Model {
    folders: BTreeMap<String, Folder>,
    subscribed: BTreeSet<String>,
    used_validities: BTreeSet<u32>,
    mod_seq: u64,
    metadata: BTreeMap<String, Vec<u8>>,
    /// Quota roots; that of the account is called by no name.
    quotas: BTreeMap<String, Quota>,
}

const ENTRIES: [&str; 3] = ["/private/comment", "/shared/comment", "internal/x"];
const NAMES: [&str; 7] = ["INBOX", "Trash", "a", "a/b", "a/b/c", "d", "INBOX/x"];
const KEYWORDS: [&str; 4] = ["$Forwarded", "$forwarded", "work", "Ärger"];

struct World {
    rng: Rng,
    engine: Engine,
    store: Store,
    account: Account,
    model: Model,
}

impl World {
    async fn new(seed: u64, engine: Engine) -> Self {
        let store = Store::with_engine(engine.clone(), 1 << 20, clock);
        let account = store.account(ALICE).await.unwrap();
        let mut world = Self {
            rng: Rng::with_seed(seed),
            engine,
            store,
            account,
            model: Model::default(),
        };
        world.model.mod_seq = 1;
        for name in ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"] {
            world.made(name);
            world.model.subscribed.insert(name.to_owned());
        }
        world
    }

    fn made(&mut self, made: &str) {
        let snapshot = self.account.snapshot();
        let mailbox = snapshot.named(&name(made)).expect(made);
        let uid_validity = mailbox.uid_validity().0;
        assert!(self.model.used_validities.last() < Some(&uid_validity));
        self.model.used_validities.insert(uid_validity);
        let folder = Folder {
            id: mailbox.id().0,
            uid_validity,
            uid_next: 1,
            recent_from: 1,
            highest: self.model.mod_seq,
            ..Folder::default()
        };
        self.model.folders.insert(made.to_owned(), folder);
    }

    fn pick(&mut self) -> &'static str {
        NAMES[self.rng.usize(..NAMES.len())]
    }

    /// A folder that exists.
    fn existing(&mut self) -> (String, MailboxId) {
        let names: Vec<_> = self.model.folders.keys().cloned().collect();
        let name = names[self.rng.usize(..names.len())].clone();
        let id = MailboxId(self.model.folders[&name].id);
        (name, id)
    }

    fn some_uids(&mut self, folder: &str) -> Vec<Uid> {
        let next = self.model.folders[folder].uid_next;
        let share = self.rng.f64();
        (1..next + 2)
            .filter(|_| self.rng.f64() < share)
            .map(Uid)
            .collect()
    }

    fn flags(&mut self) -> Flags {
        let mut keywords: Vec<Arc<str>> = Vec::new();
        for keyword in KEYWORDS {
            let known = keywords.iter().any(|k| k.eq_ignore_ascii_case(keyword));
            if self.rng.u8(..4) == 0 && !known {
                keywords.push(keyword.into());
            }
        }
        Flags {
            system: SystemFlags(self.rng.u8(..32)),
            keywords,
        }
    }

    fn folder(&mut self, name: &str) -> &mut Folder {
        self.model.folders.get_mut(name).unwrap()
    }

    fn bump(&mut self) -> u64 {
        self.model.mod_seq += 1;
        self.model.mod_seq
    }

    async fn append(&mut self) {
        let (to, id) = self.existing();
        let count = self.rng.usize(1..4) * if self.rng.u8(..20) == 0 { 200 } else { 1 };
        let mut arrivals = Vec::new();
        for n in 0..count {
            let id = self.rng.u32(..50);
            let octets = format!("Message-ID: <{id}@x>\r\nSubject: {n}\r\n\r\nbody\r\n");
            let mut arrival = arrival(&self.store, octets.as_bytes()).await;
            arrival.flags = self.flags();
            arrivals.push(arrival);
        }
        let placed = self.account.append(id, arrivals.clone()).await.unwrap();
        let mod_seq = self.bump();
        let folder = self.folder(&to);
        assert_eq!(placed.uid_validity.0, folder.uid_validity);
        for (arrival, uid) in arrivals.into_iter().zip(placed.uids) {
            assert_eq!(uid.0, folder.uid_next);
            folder.place(Mail {
                uid: 0,
                system: arrival.flags.system.0,
                keywords: lower(&arrival.flags),
                size: arrival.message.size() + arrival.trace.len() as u64,
                mod_seq,
                annotations: BTreeMap::new(),
            });
        }
    }

    async fn copy(&mut self) {
        let ((from, from_id), (to, to_id)) = (self.existing(), self.existing());
        let uids = self.some_uids(&from);
        let moved = self.rng.bool();
        let copied = if moved {
            self.account.move_to(from_id, &uids, to_id).await.unwrap()
        } else {
            self.account.copy(from_id, &uids, to_id).await.unwrap()
        };
        let mails = self.folder(&from).with(&uids);
        assert_eq!(copied.uids.len(), mails.len());
        if mails.is_empty() {
            return;
        }
        let mod_seq = self.bump();
        let old: BTreeSet<u32> = mails.iter().map(|mail| mail.uid).collect();
        for (mut mail, (was, new)) in mails.into_iter().zip(copied.uids) {
            assert_eq!(was.0, mail.uid);
            if !moved {
                let theirs = |whose: &Whose| !matches!(whose, Whose::Private(_));
                mail.annotations.retain(|(_, whose), _| theirs(whose));
            }
            let folder = self.folder(&to);
            assert_eq!(new.0, folder.uid_next);
            folder.place(Mail { mod_seq, ..mail });
        }
        if moved {
            self.folder(&from)
                .remove(mod_seq, |mail| old.contains(&mail.uid));
        }
    }

    async fn store_flags(&mut self) {
        let (name, id) = self.existing();
        let uids = self.some_uids(&name);
        let actions = [FlagAction::Replace, FlagAction::Add, FlagAction::Remove];
        let change = FlagChange {
            action: actions[self.rng.usize(..3)],
            flags: self.flags(),
            unchanged_since: (self.rng.u8(..3) == 0)
                .then(|| ModSeq(self.rng.u64(..=self.model.mod_seq))),
        };
        let stored = self.account.store(id, &uids, &change).await.unwrap();
        let next = self.model.mod_seq + 1;
        let folder = self.folder(&name);
        let (mut modified, mut gone, mut any) = (Vec::new(), Vec::new(), false);
        for uid in uids {
            let Some(mail) = folder.mails.iter_mut().find(|m| m.uid == uid.0) else {
                gone.push(uid);
                continue;
            };
            if change
                .unchanged_since
                .is_some_and(|since| mail.mod_seq > since.0)
            {
                modified.push(uid);
                continue;
            }
            let before = mail.clone();
            let (system, keywords) = (change.flags.system.0, lower(&change.flags));
            match change.action {
                FlagAction::Replace => (mail.system, mail.keywords) = (system, keywords),
                FlagAction::Add => {
                    mail.system |= system;
                    mail.keywords.extend(keywords);
                }
                FlagAction::Remove => {
                    mail.system &= !system;
                    mail.keywords.retain(|k| !keywords.contains(k));
                }
            }
            if *mail != before {
                mail.mod_seq = next;
                folder.highest = next;
                any = true;
            }
        }
        assert_eq!((stored.modified, stored.gone), (modified, gone));
        if any {
            self.bump();
        }
    }

    async fn annotate(&mut self) {
        let (name, id) = self.existing();
        let uids = self.some_uids(&name);
        let bob = Whose::Private(AccountId(0xb0b));
        let mut settings = Vec::new();
        for _ in 0..self.rng.usize(1..3) {
            let value = (self.rng.u8(..3) > 0).then(|| vec![self.rng.u8(..3); self.rng.usize(..3)]);
            settings.push(Setting {
                entry: ["/comment", "/1/comment"][self.rng.usize(..2)].into(),
                whose: [Whose::Own, bob, Whose::Shared][self.rng.usize(..3)],
                value: value.map(Into::into),
            });
        }
        let change = AnnotationChange {
            settings: settings.clone(),
            unchanged_since: None,
            limits: AnnotationLimits::default(),
        };
        self.account.annotate(id, &uids, &change).await.unwrap();
        let next = self.model.mod_seq + 1;
        let (folder, mut any) = (self.folder(&name), false);
        for mail in folder
            .mails
            .iter_mut()
            .filter(|m| uids.contains(&Uid(m.uid)))
        {
            let before = mail.annotations.clone();
            for Setting {
                entry,
                whose,
                value,
            } in &settings
            {
                let key = (entry.to_string(), *whose);
                match value {
                    Some(value) => drop(mail.annotations.insert(key, value.to_vec())),
                    None => drop(mail.annotations.remove(&key)),
                }
            }
            if mail.annotations != before {
                mail.mod_seq = next;
                folder.highest = next;
                any = true;
            }
        }
        if any {
            self.bump();
        }
    }

    async fn expunge(&mut self) {
        let (name, id) = self.existing();
        let among = self.rng.bool().then(|| self.some_uids(&name));
        let gone = self.account.expunge(id, among.as_deref()).await.unwrap();
        let next = self.model.mod_seq + 1;
        let removed = self.folder(&name).remove(next, |mail| {
            let named = among
                .as_ref()
                .is_none_or(|uids| uids.contains(&Uid(mail.uid)));
            named && mail.system & 4 != 0
        });
        assert_eq!(gone.iter().map(|uid| uid.0).collect::<Vec<_>>(), removed);
        if !removed.is_empty() {
            self.bump();
        }
    }

    async fn create(&mut self) {
        let made = self.pick();
        let outcome = self.account.create(&name(made), None).await;
        if self.model.folders.contains_key(made) {
            assert!(matches!(outcome, Err(Error::AlreadyExists)));
            return;
        }
        outcome.unwrap();
        self.bump();
        self.made_above(made);
        self.made(made);
    }

    fn made_above(&mut self, made: &str) {
        for (end, _) in made.match_indices('/') {
            if !self.model.folders.contains_key(&made[..end]) {
                self.made(&made[..end]);
            }
        }
    }

    async fn delete(&mut self) {
        let gone = self.pick();
        let outcome = self.account.delete(&name(gone)).await;
        if gone == "INBOX" {
            assert!(matches!(outcome, Err(Error::NotPermitted(_))));
        } else if self.model.folders.remove(gone).is_some() {
            outcome.unwrap();
            self.bump();
        } else {
            assert!(matches!(outcome, Err(Error::NoSuchMailbox)));
        }
    }

    async fn rename(&mut self) {
        let (from, to) = (self.pick(), self.pick());
        let outcome = self.account.rename(&name(from), &name(to)).await;
        let folders = &self.model.folders;
        let exists = |name: &str| folders.contains_key(name);
        if from == "INBOX" {
            if exists(to) {
                return assert!(matches!(outcome, Err(Error::AlreadyExists)));
            }
            outcome.unwrap();
            let mod_seq = self.bump();
            self.made_above(to);
            self.made(to);
            let mut metadata = self.folder("INBOX").metadata.clone();
            metadata.remove("internal/x");
            self.folder(to).metadata = metadata;
            let mails = self.folder("INBOX").mails.clone();
            for mail in mails {
                self.folder(to).place(Mail { mod_seq, ..mail });
            }
            self.folder("INBOX").remove(mod_seq, |_| true);
            return;
        }
        let below = format!("{from}/");
        let moved: Vec<String> = folders
            .keys()
            .filter(|name| *name == from || name.starts_with(&below))
            .cloned()
            .collect();
        let target = |name: &String| format!("{to}{}", &name[from.len()..]);
        let clash = moved
            .iter()
            .map(target)
            .any(|name| exists(&name) && !moved.contains(&name));
        match outcome {
            Err(Error::NoSuchMailbox) => assert!(!exists(from)),
            Err(Error::AlreadyExists) => assert!(exists(to) || clash),
            Err(Error::NotPermitted(_)) => assert!(to.starts_with(&below)),
            Err(error) => panic!("{error}"),
            Ok(()) => {
                assert!(exists(from) && !exists(to) && !clash && !to.starts_with(&below));
                self.bump();
                self.rename_quotas(from, to);
                let taken: Vec<_> = moved
                    .iter()
                    .map(|name| (target(name), self.model.folders.remove(name).unwrap()))
                    .collect();
                // Those above the new name are made while the old ones are still there.
                let shown = to.to_owned();
                self.model.folders.extend(taken);
                for (end, _) in shown.match_indices('/') {
                    if !self.model.folders.contains_key(&shown[..end]) {
                        self.made(&shown[..end]);
                    }
                }
            }
        }
    }

    async fn subscribe(&mut self) {
        let which = self.pick();
        let changed = if self.rng.bool() {
            self.account.subscribe(&name(which)).await.unwrap();
            self.model.subscribed.insert(which.to_owned())
        } else {
            self.account.unsubscribe(&name(which)).await.unwrap();
            self.model.subscribed.remove(which)
        };
        if changed {
            self.bump();
        }
    }

    async fn set_metadata(&mut self) {
        let (name, id) = self.existing();
        let mailbox = self.rng.bool().then_some(id);
        let mut entries = Vec::new();
        for _ in 0..self.rng.usize(1..3) {
            let value = self.rng.bool().then(|| vec![self.rng.u8(..3)]);
            entries.push(Entry {
                name: ENTRIES[self.rng.usize(..3)].into(),
                value: value.map(Into::into),
            });
        }
        let limits = MetadataLimits::default();
        let changed = self.account.set_metadata(mailbox, None, &entries, limits);
        let changed = changed.await.unwrap();
        let model = match mailbox {
            Some(_) => &mut self.folder(&name).metadata,
            None => &mut self.model.metadata,
        };
        let (mut any, before) = (false, model.clone());
        for Entry { name, value } in entries {
            let value = value.map(|value| value.to_vec());
            any |= model.get(&*name) != value.as_ref();
            match value {
                Some(value) => drop(model.insert(name.to_string(), value)),
                None => drop(model.remove(&*name)),
            }
        }
        assert_eq!(changed, *model != before);
        if any {
            self.bump();
        }
    }

    /// Roots that were at `from` and below it go along, unless there is one already.
    fn rename_quotas(&mut self, from: &str, to: &str) {
        let below = format!("{from}/");
        let before = self.model.quotas.clone();
        for (name, quota) in &before {
            if name == from || name.starts_with(&below) {
                let new = format!("{to}{}", &name[from.len()..]);
                if !before.contains_key(&new) {
                    self.model.quotas.remove(name);
                    self.model.quotas.insert(new, *quota);
                }
            }
        }
    }

    async fn set_quota(&mut self) {
        let which = if self.rng.u8(..4) == 0 {
            ""
        } else {
            self.pick()
        };
        // Limits that nothing comes up to; what they refuse is tested apart.
        let quota = (self.rng.u8(..3) > 0).then(|| Quota {
            limits: Limits {
                storage: self.rng.bool().then(|| self.rng.u64(1 << 40..1 << 62)),
                message: self.rng.bool().then_some(1 << 40),
                ..Limits::default()
            },
            administered: true,
        });
        let root = (!which.is_empty()).then(|| name(which));
        let limits = quota.map(|quota| quota.limits);
        let changed = self.account.set_quota(root.as_ref(), limits).await.unwrap();
        let before = match quota {
            Some(quota) => self.model.quotas.insert(which.to_owned(), quota),
            None => self.model.quotas.remove(which),
        };
        assert_eq!(changed, before != quota);
        if changed {
            self.bump();
        }
    }

    /// What is used at each root, counted.
    fn compare_quotas(&self) {
        let expected: BTreeMap<String, (Quota, Usage)> = self
            .model
            .quotas
            .iter()
            .map(|(root, quota)| (root.clone(), (*quota, self.model.used(root))))
            .collect();
        let states = self.account.every_quota_root().into_iter();
        let kept = states.map(|RootState { root, quota, usage }| match root {
            QuotaRoot::Name(name) => (name.to_string(), (quota, usage)),
            _ => (String::new(), (quota, usage)),
        });
        assert_eq!(kept.collect::<BTreeMap<_, _>>(), expected);
        assert_eq!(self.account.snapshot().usage(), self.model.used(""));
    }

    async fn claim(&mut self) {
        let (name, id) = self.existing();
        let before = self.account.snapshot().mod_seq();
        let next = self.folder(&name).uid_next;
        let below = self.rng.u32(1..=next);
        let claimed = self.account.claim_recent(id, Uid(below)).await;
        let folder = self.folder(&name);
        let from = folder.recent_from;
        let some = folder.mails.iter().any(|m| (from..below).contains(&m.uid));
        if below > from {
            assert_eq!(claimed, from..below);
        } else {
            assert!(claimed.is_empty());
        }
        if some {
            folder.recent_from = below;
            self.bump();
            self.account.changed(before).await;
        }
    }

    async fn step(&mut self) {
        match self.rng.u8(..24) {
            0..5 => self.append().await,
            5..8 => self.copy().await,
            8..12 => self.store_flags().await,
            12..14 => self.expunge().await,
            14 => self.create().await,
            15 => self.delete().await,
            16 => self.rename().await,
            17 => self.subscribe().await,
            18 => self.claim().await,
            19 => self.set_metadata().await,
            20 | 21 => self.annotate().await,
            22 => self.set_quota().await,
            _ if self.rng.bool() => self.store.checkpoint().await.unwrap(),
            _ => self.reopen().await,
        }
    }

    /// The same log, read by a store that has seen nothing of it.
    async fn reopen(&mut self) {
        let before = self.account.whole().await.unwrap();
        if self.rng.bool() {
            // Another form of the same: nothing but the log.
            let folded = checkpoint::fold(&self.engine, ALICE).await.unwrap();
            assert_eq!(folded.wrong, []);
            assert_eq!(check::difference(&before, &folded.state.snapshot), None);
            let at = before.mod_seq();
            let threads = base::threads(&self.account.shared, at).await.unwrap();
            let mut expected = folded.state.threads.learned(at);
            expected.sort_unstable();
            assert_eq!(threads, expected);
            let entries: Vec<_> = base::entries(ALICE, &before, &threads).collect();
            let entries: Vec<_> = entries.iter().map(|(k, v)| (&k[..], &v[..])).collect();
            let again = base::assemble(&entries).unwrap();
            assert_eq!(check::difference(&before, &again.snapshot), None);
            assert_eq!(again.threads.learned(at), threads);
        }
        self.store = Store::with_engine(self.engine.clone(), 1 << 20, clock);
        self.account = self.store.account(ALICE).await.unwrap();
        assert_eq!(
            check::difference(&before, &self.account.whole().await.unwrap()),
            None
        );
    }

    async fn compare(&self) {
        let snapshot = self.account.snapshot();
        assert_eq!(self.account.check().await.unwrap(), Vec::<String>::new());
        assert_eq!(snapshot.mod_seq().0, self.model.mod_seq);
        let names: Vec<_> = snapshot.mailboxes().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, self.model.folders.keys().collect::<Vec<_>>());
        let subscribed: Vec<_> = snapshot
            .subscriptions()
            .iter()
            .map(MailboxName::as_str)
            .collect();
        assert_eq!(subscribed, self.model.subscribed.iter().collect::<Vec<_>>());
        assert_eq!(plain(snapshot.metadata()), self.model.metadata);
        self.compare_quotas();
        for mailbox in self.account.whole().await.unwrap().open() {
            self.model.folders[mailbox.name().as_str()].compare(mailbox);
        }
    }
}

fn plain(metadata: &Metadata) -> BTreeMap<String, Vec<u8>> {
    let all = metadata.of(None);
    all.map(|(name, value)| (name.to_owned(), value.to_vec()))
        .collect()
}

fn annotations(mailbox: &crate::Mailbox, uid: Uid) -> BTreeMap<(String, Whose), Vec<u8>> {
    let them = mailbox.annotations().of(uid).iter();
    them.map(|it| ((it.entry.to_string(), it.whose), it.value.to_vec()))
        .collect()
}

fn lower(flags: &Flags) -> BTreeSet<String> {
    let lower = |keyword: &Arc<str>| keyword.to_ascii_lowercase();
    flags.keywords.iter().map(lower).collect()
}

impl Model {
    /// What mailboxes of a name and below it use; of no name: all.
    fn used(&self, root: &str) -> Usage {
        let below = format!("{root}/");
        let under = |name: &str| root.is_empty() || name == root || name.starts_with(&below);
        let folders = self.folders.iter().filter(|(name, _)| under(name));
        folders.fold(Usage::default(), |sum, (_, folder)| {
            let metadata = folder.metadata.iter();
            let annotations = folder.mails.iter().flat_map(|mail| &mail.annotations);
            let annotations = annotations.map(|(_, value)| value.len());
            sum.and(&Usage {
                octets: folder.mails.iter().map(|mail| mail.size).sum(),
                messages: folder.mails.len() as u64,
                mailboxes: 1,
                annotation_octets: metadata
                    .map(|(_, v)| v.len())
                    .chain(annotations)
                    .sum::<usize>() as u64,
            })
        })
    }
}

impl Folder {
    fn place(&mut self, mail: Mail) {
        let uid = self.uid_next;
        self.uid_next += 1;
        self.highest = mail.mod_seq;
        self.mails.push(Mail { uid, ..mail });
    }

    fn with(&self, uids: &[Uid]) -> Vec<Mail> {
        let among = |mail: &&Mail| uids.contains(&Uid(mail.uid));
        self.mails.iter().filter(among).cloned().collect()
    }

    fn remove(&mut self, mod_seq: u64, which: impl Fn(&Mail) -> bool) -> Vec<u32> {
        let gone: Vec<u32> = self
            .mails
            .iter()
            .filter(|m| which(m))
            .map(|m| m.uid)
            .collect();
        self.mails.retain(|mail| !gone.contains(&mail.uid));
        self.gone.extend(gone.iter().map(|uid| (mod_seq, *uid)));
        if !gone.is_empty() {
            self.highest = mod_seq;
        }
        gone
    }

    fn compare(&self, mailbox: &crate::OpenMailbox) {
        assert_eq!(mailbox.id().0, self.id);
        assert_eq!(mailbox.uid_validity().0, self.uid_validity);
        assert_eq!(mailbox.uid_next().0, self.uid_next);
        assert_eq!(mailbox.highest_mod_seq().0, self.highest);
        assert_eq!(plain(mailbox.metadata()), self.metadata);
        let as_mail = |message: crate::Message<'_>| Mail {
            uid: message.uid.0,
            system: message.system.0,
            keywords: message
                .keywords
                .iter()
                .map(|i| mailbox.keywords()[*i as usize].to_ascii_lowercase())
                .collect(),
            size: message.size,
            mod_seq: message.mod_seq.0,
            annotations: annotations(mailbox, message.uid),
        };
        let mails: Vec<Mail> = (0..mailbox.len())
            .map(|index| as_mail(mailbox.at(index).unwrap()))
            .collect();
        assert_eq!(mails, self.mails);
        for since in [
            0,
            self.highest / 2,
            self.highest.saturating_sub(2),
            self.highest,
        ] {
            let changed: Vec<Mail> = mailbox.changed_since(ModSeq(since)).map(as_mail).collect();
            let expected: Vec<Mail> = self
                .mails
                .iter()
                .filter(|m| m.mod_seq > since)
                .cloned()
                .collect();
            assert_eq!(changed, expected);
            let gone: BTreeSet<u32> = mailbox
                .expunged_since(ModSeq(since))
                .unwrap()
                .into_iter()
                .flat_map(|(first, last)| first.0..=last.0)
                .collect();
            let expected = self.gone.iter().filter(|g| g.0 > since).map(|g| g.1);
            assert_eq!(gone, expected.collect());
        }
        assert_eq!(mailbox.at(mailbox.len()), None);
        let (some, next) = (Uid(self.uid_next / 3), Uid(self.uid_next));
        let within = mailbox.range(some, next).map(as_mail);
        assert!(within.eq(self.mails.iter().filter(|m| m.uid >= some.0).cloned()));
    }
}

pub(crate) fn engine_in_memory() -> Engine {
    let options = EngineOptions {
        directory: None,
        segment_bytes: 4 << 20,
    };
    run(Engine::open(options)).unwrap()
}

#[test]
fn random_verbs_do_what_the_model_does() {
    for seed in 0..6 {
        run(async {
            let mut world = World::new(seed, engine_in_memory()).await;
            for step in 0..150 {
                world.step().await;
                assert_eq!(
                    world.account.snapshot().mod_seq().0,
                    world.model.mod_seq,
                    "seed {seed}, step {step}"
                );
                if step % 3 == 0 {
                    world.compare().await;
                }
            }
            world.reopen().await;
            world.compare().await;
            nothing_wrong(&world.store);
        });
    }
}
