//! Mail out and in again: what comes back is what went.

use std::{fmt::Write as _, fs, sync::Arc};

use clap::Parser;
use mail::Span;
use store::{
    AccountId, Arrival, AsWas, Flags, MadeAs, MailboxName, Role, Store, SystemFlags, Timestamp,
    Uid, UidValidity, verify::Depth,
};

use super::context;
use crate::{Context, Heard, Outcome, Request};

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    request: Request,
}

async fn ask(context: &Context, line: &str) -> (Outcome, Heard) {
    let words = ["chapar"].into_iter().chain(line.split(' '));
    let mut heard = Heard::default();
    let request = Line::parse_from(words).request;
    let outcome = request.run(context, &mut heard).await;
    (
        outcome.unwrap_or_else(|failed| panic!("{line}: {failed:?}")),
        heard,
    )
}

/// Content with everything that makes trouble somewhere.
fn content(random: &mut fastrand::Rng) -> Vec<u8> {
    let pieces: [&[u8]; 12] = [
        b"\r\n",
        b"\r\n",
        b"From joe Mon Jan  3 09:15:00 2000\r\n",
        b">From here on\r\n",
        b"Subject: x\r\n",
        b"Status: RO\r\n",
        b"X-UID: 7\r\n",
        b"\0\xff\xe9 8 bit",
        b" folded\r\n",
        b"a\rb",
        b"bare\n",
        b"\r\r\n",
    ];
    let mut content = Vec::new();
    for _ in 0..random.usize(..12) {
        content.extend_from_slice(random.choice(pieces).unwrap());
    }
    if random.u8(..60) == 0 {
        content.resize(content.len() + (1 << 20), b'y');
    }
    content
}

const ANN: AccountId = AccountId(0xa);

/// An account with mail of every kind.
async fn fill(store: &Store) {
    let mut random = fastrand::Rng::with_seed(21);
    let validity = |n| UidValidity(n);
    let made = |name: &str, role, n| MadeAs {
        name: MailboxName::new(name).unwrap(),
        role,
        uid_validity: validity(n),
    };
    let mailboxes = [
        made("INBOX", None, 1000),
        made("Sent", Some(Role::Sent), 1001),
        made("v1.2", None, 1002),
        made("v1.2/\u{e9}: & ~", None, 1003),
        made("archive", None, 1004),
        made("ARCHIVE", None, 1005),
        made("empty", None, 1006),
    ];
    let account = store.account_as(ANN, &mailboxes).await.unwrap();
    for name in ["INBOX", "v1.2/\u{e9}: & ~", "no such mailbox"] {
        account
            .subscribe(&MailboxName::new(name).unwrap())
            .await
            .unwrap();
    }
    for made in mailboxes
        .iter()
        .filter(|made| made.name.as_str() != "empty")
    {
        let id = account.snapshot().named(&made.name).unwrap().id();
        let mut uid = 0;
        let mut messages = Vec::new();
        for _ in 0..random.usize(3..14) {
            uid += random.u32(1..5);
            let mut incoming = store.receive().await.unwrap();
            incoming.write(&content(&mut random)).await.unwrap();
            let mut keywords: Vec<Arc<str>> =
                vec!["$Work".into(), "Later".into(), "$Forwarded".into()];
            keywords.retain(|_| random.bool());
            let trace = if random.bool() {
                &b"Return-Path: <joe@example.org>\r\n"[..]
            } else {
                b""
            };
            messages.push(AsWas {
                arrival: Arrival {
                    message: incoming.finish().await.unwrap(),
                    trace: trace.to_vec(),
                    flags: Flags {
                        system: SystemFlags(random.u8(..32)),
                        keywords,
                    },
                    internal_date: Some(Timestamp {
                        unix: random.i64(-1_000_000..2_000_000_000),
                        zone_minutes: random.i16(-720..720),
                    }),
                },
                uid: Some(Uid(uid)),
                save_date: Some(random.i64(0..2_000_000_000)),
                annotations: Vec::new(),
            });
        }
        account.append_as(id, messages).await.unwrap();
        account
            .skip_uids(id, Uid(uid + random.u32(1..100)))
            .await
            .unwrap();
    }
}

/// Everything that is to come back, as text.
async fn everything(store: &Store, id: AccountId, uids: bool) -> String {
    let account = store.account(id).await.unwrap();
    let snapshot = account.snapshot();
    let mut text = format!("{:?}\n", snapshot.subscriptions());
    for (name, mailbox) in snapshot.mailboxes() {
        let open = account.open_mailbox(mailbox.id()).await.unwrap();
        write!(text, "{name} {:?}", mailbox.role()).unwrap();
        if uids {
            write!(text, " {} {}", mailbox.uid_validity(), mailbox.uid_next()).unwrap();
        }
        text.push('\n');
        for message in open.every() {
            let email = account.email(&message).await.unwrap();
            let mut octets = Vec::new();
            let span = Span {
                start: 0,
                end: u64::MAX,
            };
            email.read(span, &mut octets).await.unwrap();
            let keywords = message
                .keywords
                .iter()
                .map(|at| open.keywords()[*at as usize].to_string());
            let mut keywords: Vec<String> = keywords.collect();
            keywords.sort();
            if uids {
                write!(text, "{} ", message.uid).unwrap();
            }
            writeln!(
                text,
                "{:?} {keywords:?} {:?} {} {} {}",
                message.system,
                message.internal_date,
                message.save_date,
                email.trace_len(),
                blake3::hash(&octets)
            )
            .unwrap();
        }
    }
    text
}

fn nothing_wrong(store: &Store) {
    let mut findings = Vec::new();
    store
        .verify(Depth::Content, &mut |finding| findings.push(finding))
        .unwrap();
    assert_eq!(findings, []);
}

#[tokio::test]
async fn what_is_exported_comes_back_by_its_manifest() {
    let directory = tempfile::tempdir().unwrap();
    let context = context(directory.path()).await;
    let root = directory.path().display();
    fill(&context.store).await;
    let (all, but_uids) = (
        everything(&context.store, ANN, true).await,
        everything(&context.store, ANN, false).await,
    );
    let mut count = 0;
    for format in ["maildir", "mbox", "mboxcl2", "eml"] {
        let export = format!("export Aa --to {root}/{format} --format {format}");
        let (exported, heard) = ask(&context, &export).await;
        assert_eq!(exported.code, 0, "{heard:?}");
        for keep in ["", " --keep-uids"] {
            count += 1;
            let name = format!("n{count}");
            let account = context
                .directory
                .add(&name, b"a password of some length")
                .unwrap();
            let to = AccountId(account.id);
            let import = format!("import {name} --from {root}/{format}/Aa{keep}");
            for (flag, imports) in [(" --dry-run", true), ("", true), ("", false)] {
                let (outcome, heard) = ask(&context, &format!("{import}{flag}")).await;
                assert_eq!(outcome.code, 0, "{format}{keep}: {heard:?}");
                let sum = &outcome.summary.object;
                assert_eq!(sum["imported"] != 0, imports, "{format}{keep}: {sum:?}");
                assert_eq!(sum["present"] != 0, !imports, "{format}{keep}: {sum:?}");
            }
            let got = everything(&context.store, to, !keep.is_empty()).await;
            if keep.is_empty() {
                // A new account has the usual mailboxes besides.
                let got: Vec<&str> = got.lines().collect();
                for line in but_uids.lines().skip(1) {
                    assert!(got.contains(&line), "{format}: {line}\n{got:#?}");
                }
            } else {
                assert_eq!(got, all, "{format}");
            }
        }
    }
    nothing_wrong(&context.store);
}

#[tokio::test]
async fn what_others_write_is_imported_and_what_differs_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let context = context(directory.path()).await;
    context
        .directory
        .add("ann", b"a password of some length")
        .unwrap();
    let root = directory.path();
    let maildir = root.join("Maildir");
    for path in ["cur", "new", ".Sent Items/cur", ".Work&AC4-x/new"] {
        fs::create_dir_all(maildir.join(path)).unwrap();
    }
    for (file, text) in [
        ("cur/1.a:2,FSab", "Subject: one\n\nx\n"),
        ("new/2.b", "Subject: two\r\n\r\nx\r\n"),
        (".Sent Items/cur/3.c:2,S", "Subject: three\n"),
        (".Work&AC4-x/new/4.d", ""),
        ("dovecot-keywords", "0 $Work\n1 no atom\n"),
        ("subscriptions", "Work&AC4-x\nGone\n"),
    ] {
        fs::write(maildir.join(file), text).unwrap();
    }
    let import = format!("import ann --from {}", maildir.display());
    let (outcome, heard) = ask(&context, &import).await;
    assert_eq!(outcome.code, 0, "{heard:?}");
    assert_eq!(outcome.summary.object["imported"], 4, "{heard:?}");
    let account = context.account("ann").await.unwrap();
    let snapshot = account.snapshot();
    let of = |name: &str| {
        snapshot
            .named(&MailboxName::new(name).unwrap())
            .map(|it| it.len())
    };
    assert_eq!(
        [of("INBOX"), of("Sent"), of("Work.x"), of("Sent Items")],
        [Some(2), Some(1), Some(1), None]
    );
    let subscribed: Vec<String> = snapshot
        .subscriptions()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(subscribed.contains(&"Gone".to_owned()) && subscribed.contains(&"Work.x".to_owned()));
    let open = account
        .open_mailbox(snapshot.named(&MailboxName::inbox()).unwrap().id())
        .await
        .unwrap();
    let first = open.at(0).unwrap();
    assert_eq!(first.system, SystemFlags::FLAGGED.with(SystemFlags::SEEN));
    assert_eq!(open.keywords().len(), 1);
    let (again, _) = ask(&context, &import).await;
    assert_eq!(
        (
            again.summary.object["imported"].as_u64(),
            again.summary.object["present"].as_u64()
        ),
        (Some(0), Some(4))
    );
}

#[tokio::test]
async fn what_was_changed_in_an_export_is_told_and_mended_by_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let context = context(directory.path()).await;
    context
        .directory
        .add("ann", b"a password of some length")
        .unwrap();
    let root = directory.path();
    let messages = "From a Mon Jan  3 09:15:00 2000\nSubject: x\n\nx\n\nFrom a Mon Jan  3 09:15:00 2000\nSubject: y\n\n";
    fs::write(root.join("INBOX"), messages).unwrap();
    ask(
        &context,
        &format!("import ann --from {}/INBOX", root.display()),
    )
    .await;
    fs::write(
        root.join("spool"),
        "From a Mon Jan  3 09:15:00 2000\nSubject: x\n\n>From b\n",
    )
    .unwrap();
    let (outcome, _) = ask(
        &context,
        &format!(
            "import ann --from {}/spool --into Old --format mbox",
            root.display()
        ),
    )
    .await;
    assert_eq!(
        (outcome.code, outcome.summary.object["imported"].as_u64()),
        (0, Some(1))
    );
    ask(&context, &format!("export ann --to {}/out", root.display())).await;
    let cur = root.join("out/ann/Maildir/cur");
    let mut files: Vec<_> = fs::read_dir(&cur)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    fs::write(&files[0], "Subject: other\n\nx\n").unwrap();
    fs::remove_file(&files[1]).unwrap();
    context
        .directory
        .add("bob", b"a password of some length")
        .unwrap();
    let (outcome, heard) = ask(
        &context,
        &format!("import bob --from {}/out/ann", root.display()),
    )
    .await;
    assert_eq!(
        (outcome.code, &outcome.summary.object["differences"]),
        (Outcome::DAMAGED, &2.into()),
        "{heard:?}"
    );
    // The export notices as well, and writes both again.
    let (outcome, _) = ask(&context, &format!("export ann --to {}/out", root.display())).await;
    assert_eq!(
        (outcome.code, outcome.summary.object["messages"].as_u64()),
        (0, Some(2))
    );
    nothing_wrong(&context.store);
}

#[tokio::test]
async fn what_is_damaged_is_named_and_all_else_exported() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let context = context(root).await;
    fill(&context.store).await;
    // In the middle of the log: something of somebody.
    let log = root.join("data/partitions/default/log/0000000001.log");
    let mut octets = fs::read(&log).unwrap();
    let at = octets
        .windows(10)
        .rposition(|at| at == b"From here ")
        .unwrap();
    octets[at] ^= 1;
    fs::write(&log, octets).unwrap();
    let export = format!("export --to {}/out --format mbox", root.display());
    let (outcome, heard) = ask(&context, &export).await;
    let sum = &outcome.summary.object;
    assert_eq!(
        (outcome.code, &sum["lost"]),
        (Outcome::DAMAGED, &1.into()),
        "{heard:?}"
    );
    let lost = heard
        .rows
        .iter()
        .find(|row| row.object.contains_key("what"))
        .unwrap();
    assert_eq!(lost.object["name"], "Aa");
    assert!(lost.object["mailbox"].is_string() && lost.object["uid"].is_u64());
    let (again, _) = ask(&context, &export).await;
    assert_eq!(
        (again.code, &again.summary.object["present"]),
        (Outcome::DAMAGED, &sum["messages"])
    );
    context
        .directory
        .add("bob", b"a password of some length")
        .unwrap();
    let (imported, _) = ask(
        &context,
        &format!("import bob --from {}/out/Aa", root.display()),
    )
    .await;
    assert_eq!(imported.summary.object["imported"], sum["messages"]);
    assert_eq!(
        (imported.code, &imported.summary.object["differences"]),
        (Outcome::DAMAGED, &1.into())
    );
}
