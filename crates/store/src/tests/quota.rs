//! Quotas hold, whatever verb comes, whoever is first, and whatever fails.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use fastrand::Rng;

use super::*;
use crate::{
    FlagAction, FlagChange, MetadataLimits, SystemFlags,
    engine::{
        Engine,
        log::{
            Log,
            sim::{Fault, SimDisk, Unsynced},
        },
    },
    metadata::Entry,
    past::{Mode, Moment, Restore, Retention, Selection, Source, Target, Undelete, Wanted},
    quota::{Allotment, DomainQuota, Limits, QuotaRoot, Resource, Usage},
};

const BOB: AccountId = AccountId(0xb0b);
const EVE: AccountId = AccountId(0xe7e);

/// Messages are of this many octets.
const SIZE: usize = 1024;

fn messages(limit: u64) -> Limits {
    Limits {
        message: Some(limit),
        ..Limits::default()
    }
}

async fn letter(store: &Store) -> Result<Arrival, Error> {
    let mut incoming = store.receive().await?;
    let octets = format!("Subject: x\r\n\r\n{:1$}", "", SIZE - 14);
    incoming.write(octets.as_bytes()).await?;
    Ok(Arrival {
        message: incoming.finish().await?,
        trace: vec![],
        flags: Flags::default(),
        internal_date: None,
    })
}

async fn deliver(
    store: &Store,
    account: &Account,
    to: MailboxId,
    count: usize,
) -> Result<Vec<Uid>, Error> {
    let mut arrivals = Vec::new();
    for _ in 0..count {
        arrivals.push(letter(store).await?);
    }
    Ok(account.append(to, arrivals).await?.uids)
}

#[track_caller]
fn over<T: std::fmt::Debug>(outcome: Result<T, Error>, at: &QuotaRoot, of: Resource) {
    match outcome {
        Err(Error::OverQuota { root, resource }) => assert_eq!((&root, resource), (at, of)),
        other => panic!("{other:?}"),
    }
}

/// What the account's mailboxes use, counted by their messages.
async fn recount(account: &Account) -> Usage {
    let whole = account.whole().await.unwrap();
    whole.open().iter().fold(Usage::default(), |sum, mailbox| {
        sum.and(&Usage {
            octets: mailbox.every().map(|message| message.size).sum(),
            messages: mailbox.every().count() as u64,
            mailboxes: 1,
            annotation_octets: mailbox.usage().annotation_octets,
        })
    })
}

#[test]
fn every_way_in_is_held_to_the_same_limits() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        let (inbox, trash) = (inbox(&account), id(&account, "Trash"));
        let uids = deliver(&store, &account, inbox, 2).await.unwrap();
        account.set_quota(None, Some(messages(3))).await.unwrap();
        let at = QuotaRoot::Account;

        over(
            deliver(&store, &account, inbox, 2).await,
            &at,
            Resource::Message,
        );
        over(
            account.copy(inbox, &uids, trash).await,
            &at,
            Resource::Message,
        );
        account.copy(inbox, &uids[..1], trash).await.unwrap();
        over(
            deliver(&store, &account, trash, 1).await,
            &at,
            Resource::Message,
        );
        let one = Usage {
            messages: 1,
            ..Usage::default()
        };
        over(account.room(&name("x"), &one).await, &at, Resource::Message);

        // What makes no more.
        account.move_to(inbox, &uids[1..], trash).await.unwrap();
        let letter = letter(&store).await.unwrap();
        let replaced = account
            .replace((inbox, uids[0]), inbox, letter.into())
            .await;
        let here = replaced.unwrap().unwrap().uids;
        account
            .rename(&name("INBOX"), &name("moved"))
            .await
            .unwrap();
        assert_eq!(account.snapshot().usage(), recount(&account).await);

        // What is gone comes back only if there is room.
        let moved = id(&account, "moved");
        let flags = FlagChange {
            action: FlagAction::Add,
            flags: Flags {
                system: SystemFlags::DELETED,
                keywords: vec![],
            },
            unchanged_since: None,
        };
        let every: Vec<Uid> = (1..10).map(Uid).collect();
        account.store(moved, &every, &flags).await.unwrap();
        assert_eq!(
            account.expunge(moved, None).await.unwrap().len(),
            here.len()
        );
        deliver(&store, &account, inbox, 1).await.unwrap();
        let undelete = Undelete {
            which: Wanted::Mailbox(moved),
            into: None,
            retention: Retention {
                deleted_seconds: 1000,
            },
        };
        for mode in [Mode::DryRun, Mode::Do] {
            over(
                account.undelete(&undelete, mode).await,
                &at,
                Resource::Message,
            );
        }
        account.set_quota(None, Some(messages(4))).await.unwrap();
        account.undelete(&undelete, Mode::Do).await.unwrap();
        assert_eq!(account.snapshot().usage(), recount(&account).await);
        nothing_wrong(&store);
    });
}

#[test]
fn mailboxes_and_metadata_are_limited_too() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        let limits = Limits {
            mailbox: Some(8),
            annotation_storage: Some(1),
            ..Limits::default()
        };
        account.set_quota(None, Some(limits)).await.unwrap();
        over(
            account.create(&name("a/b/c"), None).await,
            &QuotaRoot::Account,
            Resource::Mailbox,
        );
        account.create(&name("a/b"), None).await.unwrap();
        over(
            account.rename(&name("a/b"), &name("c/b")).await,
            &QuotaRoot::Account,
            Resource::Mailbox,
        );
        account.rename(&name("a"), &name("d")).await.unwrap();
        let set = async |octets: usize| {
            let entry = Entry {
                name: "/shared/comment".into(),
                value: (octets > 0).then(|| vec![b'x'; octets].into()),
            };
            let limits = MetadataLimits::default();
            account
                .set_metadata(Some(inbox(&account)), None, &[entry], limits)
                .await
        };
        set(1024).await.unwrap();
        over(
            set(1025).await,
            &QuotaRoot::Account,
            Resource::AnnotationStorage,
        );
        set(0).await.unwrap();
        assert_eq!(account.snapshot().usage().annotation_octets, 0);
    });
}

#[test]
fn all_roots_on_the_way_up_hold_and_go_with_their_mailboxes() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        let below = account.create(&name("a/b/c"), None).await.unwrap();
        let root = |of: &str| QuotaRoot::Name(name(of));
        account
            .set_quota(Some(&name("a/b/c")), Some(messages(9)))
            .await
            .unwrap();
        account
            .set_quota(Some(&name("a")), Some(messages(1)))
            .await
            .unwrap();
        let uids = deliver(&store, &account, below, 1).await.unwrap();
        over(
            deliver(&store, &account, below, 1).await,
            &root("a"),
            Resource::Message,
        );
        let inbox = inbox(&account);
        deliver(&store, &account, inbox, 1).await.unwrap();
        over(
            account.move_to(inbox, &[Uid(1)], below).await,
            &root("a"),
            Resource::Message,
        );
        let roots = account.quota_roots(&name("a/b/c/not/there"));
        let roots: Vec<_> = roots
            .into_iter()
            .map(|state| (state.root, state.usage.messages))
            .collect();
        assert_eq!(roots, [(root("a/b/c"), 1), (root("a"), 1)]);

        // A root outlives its mailbox, so that nobody gets rid of it by DELETE.
        account.delete(&name("a")).await.unwrap();
        over(
            deliver(&store, &account, below, 1).await,
            &root("a"),
            Resource::Message,
        );
        account.rename(&name("a/b"), &name("z")).await.unwrap();
        let roots: Vec<_> = account
            .every_quota_root()
            .into_iter()
            .map(|state| (state.root, state.usage.messages))
            .collect();
        assert_eq!(roots, [(root("a"), 0), (root("z/c"), 1)]);
        deliver(&store, &account, below, 8).await.unwrap();
        over(
            account.copy(below, &uids, below).await,
            &root("z/c"),
            Resource::Message,
        );

        // A limit below the use refuses more, and nothing else.
        account
            .set_quota(Some(&name("z/c")), Some(messages(0)))
            .await
            .unwrap();
        account.move_to(below, &uids, inbox).await.unwrap();
        over(
            account.move_to(inbox, &[Uid(2)], below).await,
            &root("z/c"),
            Resource::Message,
        );
        account.set_quota(Some(&name("z/c")), None).await.unwrap();
        account.move_to(inbox, &[Uid(2)], below).await.unwrap();
    });
}

#[test]
fn limits_come_back_with_the_account_but_never_over_others() {
    run(async {
        let (store, other) = (memory(), memory());
        let account = store.account(ALICE).await.unwrap();
        deliver(&store, &account, inbox(&account), 2).await.unwrap();
        // Fewer than there are: what comes back is not refused for the limits that come with it.
        account.set_quota(None, Some(messages(1))).await.unwrap();
        let trash = name("Trash");
        account
            .set_quota(Some(&trash), Some(messages(7)))
            .await
            .unwrap();
        let moment = Moment::ModSeq(account.snapshot().mod_seq());
        let source = Source::as_of(&account, moment).await.unwrap();
        let restore = Restore {
            selection: Selection::Account,
            target: Target::InPlace(name("Before")),
        };
        let again = other.account(ALICE).await.unwrap();
        let mut told = |_| {};
        let all = again.restore(&source, &restore, Mode::Do, &mut told);
        all.await.unwrap();
        assert_eq!(again.every_quota_root(), account.every_quota_root());

        // What is set since then stays.
        again.set_quota(None, Some(messages(9))).await.unwrap();
        let all = again.restore(&source, &restore, Mode::Do, &mut told);
        all.await.unwrap();
        let limits = again.quota_root(None).unwrap().quota.limits;
        assert_eq!(limits, messages(9));
    });
}

fn id(account: &Account, of: &str) -> MailboxId {
    account.snapshot().named(&name(of)).unwrap().id()
}

/// A domain of two accounts; one who comes and goes.
#[derive(Debug, Default)]
struct Domain {
    limits: Mutex<Limits>,
    accounts: Mutex<Vec<AccountId>>,
    generation: AtomicU64,
}

impl Allotment for Domain {
    fn of_account(&self, _: AccountId) -> Limits {
        Limits::default()
    }

    fn domain_of(&self, account: AccountId) -> Option<DomainQuota> {
        let limits = *self.limits.lock().unwrap();
        let there = self.accounts.lock().unwrap().contains(&account);
        let name = "example.test".into();
        there.then_some(DomainQuota { name, limits })
    }

    fn accounts_of(&self, _: &str) -> Vec<AccountId> {
        self.accounts.lock().unwrap().clone()
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }
}

fn limited(store: &Store, limit: u64, accounts: &[AccountId]) -> Arc<Domain> {
    let domain = Arc::new(Domain {
        limits: Mutex::new(messages(limit)),
        accounts: Mutex::new(accounts.to_vec()),
        generation: AtomicU64::new(1),
    });
    store.allot(domain.clone());
    domain
}

/// What the store keeps for the domain.
async fn pooled(store: &Store, domain: &Domain) -> Usage {
    let quota = DomainQuota {
        name: "example.test".into(),
        limits: *domain.limits.lock().unwrap(),
    };
    store.domain_quota(&quota).await.usage
}

async fn counted(store: &Store, domain: &Domain) -> Usage {
    let mut sum = Usage::default();
    let accounts = domain.accounts.lock().unwrap().clone();
    for account in accounts {
        sum = sum.and(&recount(&store.account(account).await.unwrap()).await);
    }
    sum
}

#[test]
fn the_accounts_of_a_domain_share_its_limits() {
    run(async {
        let store = memory();
        let domain = limited(&store, 3, &[ALICE, BOB]);
        let at = QuotaRoot::Domain("example.test".into());
        let (alice, bob) = (
            store.account(ALICE).await.unwrap(),
            store.account(BOB).await.unwrap(),
        );
        let eve = store.account(EVE).await.unwrap();
        deliver(&store, &alice, inbox(&alice), 2).await.unwrap();
        over(
            deliver(&store, &bob, inbox(&bob), 2).await,
            &at,
            Resource::Message,
        );
        deliver(&store, &bob, inbox(&bob), 1).await.unwrap();
        over(
            deliver(&store, &alice, inbox(&alice), 1).await,
            &at,
            Resource::Message,
        );
        // Who is of another is not held to them.
        deliver(&store, &eve, inbox(&eve), 5).await.unwrap();
        assert_eq!(
            pooled(&store, &domain).await,
            counted(&store, &domain).await
        );

        // One account's room is the other's.
        alice.remove(inbox(&alice), &[Uid(1)]).await.unwrap();
        deliver(&store, &bob, inbox(&bob), 1).await.unwrap();

        // Who comes into the domain brings what they have, and takes it along.
        domain.accounts.lock().unwrap().push(EVE);
        domain.generation.fetch_add(1, Ordering::Relaxed);
        assert_eq!(pooled(&store, &domain).await.messages, 8);
        over(
            deliver(&store, &bob, inbox(&bob), 1).await,
            &at,
            Resource::Message,
        );
        domain
            .accounts
            .lock()
            .unwrap()
            .retain(|it| *it != EVE && *it != ALICE);
        domain.generation.fetch_add(1, Ordering::Relaxed);
        deliver(&store, &bob, inbox(&bob), 1).await.unwrap();
        assert_eq!(
            pooled(&store, &domain).await,
            counted(&store, &domain).await
        );
    });
}

/// Several at once on two accounts of a domain, on a disk that may fail: no more than the limit ever comes in,
/// what failed is given back, and all sums are what is there; also after a restart.
fn endure(seed: u64, fault: Fault, unsynced: Unsynced) {
    const LIMIT: u64 = 12;
    let context = format!("seed {seed}, {fault:?}");
    let disk = SimDisk::new();
    let open = |disk: &SimDisk| {
        let log = Log::open(disk.clone(), 1 << 20).unwrap();
        let store = Store::with_engine(Engine::Sim(log), 1 << 20, clock);
        let domain = limited(&store, LIMIT, &[ALICE, BOB]);
        (store, domain)
    };
    let (store, domain) = open(&disk);
    run(store.account(ALICE)).unwrap();
    run(store.account(BOB)).unwrap();
    disk.arm(fault);
    let refused = AtomicU64::new(0);
    thread::scope(|scope| {
        for thread in 0..3 {
            let (store, refused) = (&store, &refused);
            scope.spawn(move || {
                let mut rng = Rng::with_seed(seed * 3 + thread);
                for _ in 0..20 {
                    if let Err(Error::OverQuota { .. }) = run(one(store, &mut rng)) {
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    run(store.settle());
    // A disk that has failed may not let anybody look: then only what is kept can be compared.
    let kept = async || {
        let accounts = [store.account(ALICE).await, store.account(BOB).await];
        let usages = accounts
            .into_iter()
            .map(|it| it.map(|it| it.snapshot().usage()));
        usages.collect::<Result<Vec<_>, _>>()
    };
    if let Ok(usages) = run(kept()) {
        let sum = usages.iter().fold(Usage::default(), |sum, it| sum.and(it));
        assert_eq!(run(pooled(&store, &domain)), sum, "{context}");
        assert!(sum.messages <= LIMIT, "{context}");
    }
    if let Fault::Never = fault {
        assert!(refused.into_inner() > 0, "{context}");
    }
    drop(store);
    let disk = disk.restart(unsynced, &mut Rng::with_seed(seed));
    let (store, domain) = open(&disk);
    // Before any account is opened.
    let pool = run(pooled(&store, &domain));
    assert_eq!(pool, run(counted(&store, &domain)), "{context}");
    assert!(pool.messages <= LIMIT, "{context}");
    for account in [ALICE, BOB] {
        let account = run(store.account(account)).unwrap();
        assert_eq!(
            account.snapshot().usage(),
            run(recount(&account)),
            "{context}"
        );
    }
    nothing_wrong(&store);
}

async fn one(store: &Store, rng: &mut Rng) -> Result<(), Error> {
    let account = store.account(if rng.bool() { ALICE } else { BOB }).await?;
    let snapshot = account.snapshot();
    let named = |of: &str| snapshot.named(&name(of)).unwrap().clone();
    let (from, to) = (named("INBOX"), named("Trash"));
    let uids: Vec<Uid> = (1..from.uid_next().0)
        .filter(|_| rng.u8(..3) == 0)
        .map(Uid)
        .collect();
    match rng.u8(..8) {
        0..4 => deliver(store, &account, from.id(), rng.usize(1..3))
            .await
            .map(drop),
        4 => account.copy(from.id(), &uids, to.id()).await.map(drop),
        5 => account.move_to(from.id(), &uids, to.id()).await.map(drop),
        6 => account.remove(from.id(), &uids).await.map(drop),
        _ => store.checkpoint().await,
    }
}

#[test]
fn no_two_share_the_last_of_the_room_and_what_fails_is_given_back() {
    for seed in 0..12 {
        endure(seed, Fault::Never, Unsynced::Lost);
        let at = seed * 3 + 1;
        endure(seed, Fault::Error(at), Unsynced::Torn);
        endure(seed, Fault::Crash(at), Unsynced::Lost);
        endure(seed, Fault::Full(at, at + 6), Unsynced::Kept);
    }
}
