//! Old mail goes to the archive partition, and nothing else does.

use super::*;
use crate::{
    MetadataLimits,
    archive::{ARCHIVE_AFTER, ArchiveRule, Archived, Archiver},
    engine::{AnyDisk, Partitions, log::sim::SimDisk},
    metadata::Entry,
    past::Mode,
};

const DAY: i64 = 86_400;

/// Delivers a message that came so many days ago.
async fn deliver(store: &Store, account: &Account, to: &str, days: i64) {
    let octets = format!("Subject: {days}\r\n\r\nbody\r\n");
    let mut arrival = arrival(store, octets.as_bytes()).await;
    arrival.internal_date = Some(Timestamp {
        unix: clock().unix - days * DAY,
        zone_minutes: 0,
    });
    let to = account.snapshot().named(&name(to)).unwrap().id();
    account.append(to, vec![arrival]).await.unwrap();
}

/// In which partition each message of a mailbox lies; all of them can be read.
async fn places(account: &Account, of: &str) -> Vec<u16> {
    let id = account.snapshot().named(&name(of)).unwrap().id();
    let open = account.open_mailbox(id).await.unwrap();
    let mut places = Vec::new();
    for message in open.every() {
        let email = account.email(&message).await.unwrap();
        let mut octets = Vec::new();
        let span = Span {
            start: 0,
            end: u64::MAX,
        };
        email.read(span, &mut octets).await.unwrap();
        assert!(octets.ends_with(b"body\r\n"));
        places.push(message.record.partition());
    }
    places
}

/// A round; what went of which mailbox.
async fn round(
    archiver: &mut Archiver,
    store: &Store,
    days: Option<i64>,
    mode: Mode,
) -> Vec<(String, u64)> {
    let mut told = Vec::new();
    let rule = ArchiveRule {
        partition: "slow".into(),
        age_seconds: days.map(|days| (days * DAY).unsigned_abs()),
    };
    let mut report = |archived: Archived| {
        assert_eq!(archived.damaged, 0);
        told.push((archived.name.to_string(), archived.messages));
    };
    let done = archiver.round(store, &rule, mode, &mut report);
    done.await.unwrap();
    told
}

async fn say(account: &Account, of: Option<&str>, value: Option<&str>) {
    let snapshot = account.snapshot();
    let of = of.map(|of| snapshot.named(&name(of)).unwrap().id());
    let entries = [Entry {
        name: ARCHIVE_AFTER.into(),
        value: value.map(|value| value.as_bytes().into()),
    }];
    let limits = MetadataLimits::default();
    let set = account.set_metadata(of, None, &entries, limits);
    set.await.unwrap();
}

fn went(of: &str, messages: u64) -> Vec<(String, u64)> {
    vec![(of.to_owned(), messages)]
}

#[test]
fn what_is_old_goes_and_stays_readable() {
    run(async {
        let disk = AnyDisk::Sim(Arc::new(SimDisk::new()));
        let partitions = Partitions::open_on(disk, 64 << 10).unwrap();
        let store = Store::with_partitions(partitions, 1 << 20, clock);
        store.add_partition("slow", None).unwrap();
        let account = store.account(ALICE).await.unwrap();
        for days in [400, 10, 366, 365, 364] {
            deliver(&store, &account, "INBOX", days).await;
        }
        let mut archiver = Archiver::new();
        let before = places(&account, "INBOX").await;
        let year = Some(365);
        let planned = round(&mut archiver, &store, year, Mode::DryRun).await;
        assert_eq!(planned, went("INBOX", 3));
        assert_eq!(places(&account, "INBOX").await, before);
        let state = account.snapshot();
        let id = inbox(&account);
        let highest = state.mailbox(id).unwrap().highest_mod_seq();
        let going = round(&mut Archiver::new(), &store, year, Mode::Do).await;
        assert_eq!(going, went("INBOX", 3));
        assert_eq!(places(&account, "INBOX").await, [1, 0, 1, 1, 0]);
        // Clients notice nothing.
        let now = account.snapshot();
        assert_eq!(now.mailbox(id).unwrap().highest_mod_seq(), highest);
        let mut archiver = Archiver::new();
        for _ in 0..2 {
            assert_eq!(round(&mut archiver, &store, year, Mode::Do).await, []);
        }
        // What comes is looked at, however old it is; and so is all by another rule.
        deliver(&store, &account, "INBOX", 1000).await;
        assert_eq!(
            round(&mut archiver, &store, year, Mode::Do).await,
            went("INBOX", 1)
        );
        assert_eq!(
            round(&mut archiver, &store, Some(20), Mode::Do).await,
            went("INBOX", 1)
        );
        assert_eq!(places(&account, "INBOX").await, [1, 0, 1, 1, 1, 1]);
        nothing_wrong(&store);
    });
}

#[test]
fn metadata_says_where_another_age_counts() {
    run(async {
        let disk = AnyDisk::Sim(Arc::new(SimDisk::new()));
        let partitions = Partitions::open_on(disk, 64 << 10).unwrap();
        let store = Store::with_partitions(partitions, 1 << 20, clock);
        store.add_partition("slow", None).unwrap();
        let account = store.account(ALICE).await.unwrap();
        for made in ["lists", "lists/a", "lists/b"] {
            let _ = account.create(&name(made), None).await;
            deliver(&store, &account, made, 100).await;
        }
        deliver(&store, &account, "INBOX", 100).await;
        let mut archiver = Archiver::new();
        // No rule at all.
        assert_eq!(round(&mut archiver, &store, None, Mode::Do).await, []);
        say(&account, None, Some("50")).await;
        say(&account, Some("lists"), Some("never")).await;
        say(&account, Some("lists/b"), Some("100d")).await;
        let mut told = round(&mut archiver, &store, Some(1), Mode::Do).await;
        told.sort();
        assert_eq!(told, [went("INBOX", 1), went("lists/b", 1)].concat());
        // What is no number moves nothing.
        say(&account, Some("lists"), Some("soon")).await;
        assert_eq!(round(&mut archiver, &store, Some(1), Mode::Do).await, []);
        say(&account, Some("lists"), None).await;
        let told = round(&mut archiver, &store, Some(1), Mode::Do).await;
        assert_eq!(told, [went("lists", 1), went("lists/a", 1)].concat());
        let rule = ArchiveRule {
            partition: "none".into(),
            age_seconds: None,
        };
        let refused = archiver.round(&store, &rule, Mode::Do, &mut |_| {}).await;
        assert!(matches!(refused, Err(Error::NotPermitted(_))));
        nothing_wrong(&store);
    });
}
