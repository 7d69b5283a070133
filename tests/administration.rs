//! Administrators' verbs from outside: through the control socket and without a server, what is
//! printed, and exit codes.

use std::{
    fs,
    io::{Read, Write},
    net::Shutdown,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::PathBuf,
    process::Output,
};

use serde_json::Value;

use crate::chapar::{Chapar, PASSWORD, text};

/// A server with accounts, and a message in ann's INBOX.
fn with_mail() -> Chapar {
    let chapar = Chapar::with_accounts(&["ann", "bob"]);
    chapar
        .login("ann")
        .append("INBOX", "Subject: hello\r\n\r\nYou there?\r\n");
    chapar
}

fn socket(chapar: &Chapar) -> PathBuf {
    chapar.directory().join("data/control.sock")
}

/// What a verb says that does what it is asked.
fn ok(chapar: &Chapar, arguments: &[&str]) -> String {
    let done = chapar.run(arguments, "");
    assert_eq!(
        done.status.code(),
        Some(0),
        "{arguments:?}: {}",
        text(&done)
    );
    String::from_utf8(done.stdout).unwrap()
}

/// The objects that a verb prints.
fn objects(chapar: &Chapar, arguments: &[&str]) -> Vec<Value> {
    let said = ok(chapar, &[arguments, &["--json"]].concat());
    let lines = said.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")))
        .collect()
}

fn complains(done: &Output, code: i32, of: &str) {
    assert_eq!(done.status.code(), Some(code), "{}", text(done));
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(complaint.contains(of), "{of:?} is not in: {complaint}");
    assert_eq!(String::from_utf8_lossy(&done.stdout), "", "{complaint}");
}

#[test]
fn a_verb_says_the_same_with_and_without_a_server() {
    let mut chapar = with_mail();
    let verbs: [&[&str]; 4] = [
        &["account", "usage"],
        &["account", "usage", "ANN"],
        &["verify"],
        &[
            "verify",
            "--account",
            "ann",
            "--mailbox",
            "INBOX",
            "--quick",
        ],
    ];
    let ask = |chapar: &Chapar| verbs.map(|verb| (ok(chapar, verb), objects(chapar, verb)));
    let beside = ask(&chapar);
    let usage = &beside[0].1;
    assert_eq!(usage.len(), 3, "{usage:?}");
    assert_eq!(usage[0]["name"], "ann");
    assert_eq!(usage[0]["messages"], 1);
    assert_eq!(usage[1]["name"], "bob");
    assert_eq!(usage[2]["accounts"], 2);
    assert_eq!(beside[2].1.last().unwrap()["findings"], 0);
    assert!(beside[2].0.ends_with("all well\n"), "{}", beside[2].0);
    assert!(chapar.terminate().success());
    assert!(!socket(&chapar).exists());
    for (verb, (with, without)) in verbs.iter().zip(beside.iter().zip(&ask(&chapar))) {
        assert_eq!(with, without, "{verb:?}");
    }
}

#[test]
fn every_verb_prints_objects_and_is_written_down_as_done_by_who_asked() {
    let chapar = with_mail();
    let mut client = chapar.login("ann");
    client.ok("SELECT INBOX");
    client.ok("STORE 1 +FLAGS (\\Deleted)");
    client.ok("EXPUNGE");
    drop(client);
    let ask = |typed: &str| {
        let words: Vec<&str> = typed.split(' ').collect();
        objects(&chapar, &words)
    };
    for (typed, rows, (key, value)) in [
        ("undelete ann --list", 1, ("messages", 1)),
        ("history ann INBOX 1", 3, ("events", 3)),
        ("hold set ann INBOX", 0, ("held", 1)),
        ("hold list", 1, ("holds", 1)),
        ("hold lift ann INBOX --dry-run", 0, ("held", 0)),
        ("expiry show ann Trash", 1, ("mailboxes", 1)),
        ("partition list", 1, ("partitions", 1)),
        ("index update ann", 0, ("messages", 0)),
        ("index status ann", 1, ("accounts", 1)),
        ("history ann INBOX 9", 0, ("events", 0)),
    ] {
        let mut said = ask(typed);
        let summary = said.pop().unwrap();
        let number = summary[key].as_u64();
        let number = number.or_else(|| summary[key].as_bool().map(u64::from));
        assert_eq!(number, Some(value), "{typed}: {summary}");
        assert_eq!(said.len(), rows, "{typed}: {said:?}");
    }
    for typed in [
        "undelete ann INBOX 1",
        "expiry set ann Trash --age 30d --dry-run",
        "expire --dry-run",
        "restore ann INBOX --at 0 --dry-run",
        "compact --dry-run",
        "partition add other --dry-run",
        "index drop ann --dry-run",
    ] {
        assert!(!ask(typed).is_empty(), "{typed}");
    }
    let history = ask("history ann");
    let by = |what: &str| {
        let event = history.iter().find(|event| event["what"] == what);
        event.unwrap_or_else(|| panic!("{what}: {history:?}"))["by"].clone()
    };
    assert_eq!(by("expunged"), "imap ann 127.0.0.1");
    let me = by("undeleted");
    assert!(me.as_str().unwrap().starts_with("admin "), "{me}");
    assert_eq!(by("held"), me);
}

#[test]
fn a_removed_account_is_still_known_by_its_id() {
    let chapar = with_mail();
    let usage = objects(&chapar, &["account", "usage", "ann"]);
    let id = usage[0]["account"].as_str().unwrap();
    assert_eq!(
        objects(&chapar, &["account", "show", "ann"])[0]["account"],
        id
    );
    assert_eq!(objects(&chapar, &["account", "list"])[1]["name"], "bob");
    ok(&chapar, &["account", "remove", "ann", "--yes"]);
    let usage = objects(&chapar, &["account", "usage", id]);
    assert_eq!(
        (&usage[0]["name"], &usage[0]["messages"]),
        (&Value::Null, &Value::from(1))
    );
    complains(
        &chapar.run(&["account", "usage", "ann"], ""),
        1,
        "there is no account \"ann\"",
    );
    complains(
        &chapar.run(&["account", "usage", "A77"], ""),
        1,
        "there is no account \"A77\"",
    );
}

#[test]
fn what_can_not_be_done_says_why_and_exits_accordingly() {
    let mut chapar = with_mail();
    for _ in ["with a server", "without"] {
        for (code, arguments, of) in [
            (1, &["account", "usage", "zoe"][..], "no account \"zoe\""),
            (1, &["verify", "--account", "zoe"], "no account \"zoe\""),
            (
                1,
                &["verify", "--account", "ann", "--mailbox", "a//b"],
                "empty level",
            ),
            (1, &["verify", "--partition", "b"], "no partition \"b\""),
            (2, &["verify", "--mailbox", "INBOX"], "--account"),
            (2, &["verify", "--fast"], "unexpected argument"),
        ] {
            complains(&chapar.run(arguments, ""), code, of);
        }
        chapar.kill();
    }
    fs::remove_dir_all(chapar.directory().join("data")).unwrap();
    complains(
        &chapar.run(&["account", "usage"], ""),
        1,
        "data: No such file",
    );
}

#[test]
fn a_server_that_does_not_answer_keeps_the_store_and_can_be_verified() {
    let chapar = with_mail();
    fs::remove_file(socket(&chapar)).unwrap();
    let done = chapar.run(&["account", "usage"], "");
    complains(&done, 1, "in use by");
    complains(&done, 1, "control.sock does not answer: No such file");
    assert!(ok(&chapar, &["verify"]).ends_with("all well\n"));
}

#[test]
fn a_lost_key_keeps_nobody_from_administering() {
    let mut chapar = with_mail();
    chapar.kill();
    fs::remove_file(chapar.directory().join("key.pem")).unwrap();
    complains(
        &chapar.run(&["config", "check"], ""),
        1,
        "key.pem: No such file",
    );
    assert_eq!(objects(&chapar, &["account", "usage"]).len(), 3);
}

#[test]
fn the_socket_is_its_owners_and_survives_a_crash() {
    let mut chapar = with_mail();
    let mode = fs::metadata(socket(&chapar)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    chapar.kill();
    assert!(socket(&chapar).exists());
    // Nobody answers there.
    assert_eq!(objects(&chapar, &["account", "usage"]).len(), 3);
    chapar.start();
    assert_eq!(objects(&chapar, &["account", "usage"]).len(), 3);
    let mut by_hand = UnixStream::connect(socket(&chapar)).unwrap();
    by_hand
        .write_all(b"{\"verb\": \"verify\", \"quik\": true}")
        .unwrap();
    by_hand.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    by_hand.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("unknown field `quik`"), "{answer}");
    assert!(answer.contains("\"code\":2"), "{answer}");
}

#[test]
fn the_socket_is_where_the_configuration_says() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("admin.sock");
    let extra = format!("[control]\nsocket = \"{}\"\n", place.display());
    let mut chapar = Chapar::prepare(&extra);
    chapar.add_account("ann");
    chapar.start();
    assert!(place.exists() && !socket(&chapar).exists());
    // Through it: the store is the server's.
    assert_eq!(objects(&chapar, &["account", "usage"]).len(), 2);
}

#[test]
fn progress_is_told_on_standard_error_if_asked_for() {
    let chapar = with_mail();
    for (arguments, told) in [(&["verify"][..], false), (&["verify", "--progress"], true)] {
        let done = chapar.run(arguments, "");
        assert!(done.status.success());
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(said.starts_with("octets "), told, "{said:?}");
    }
}

#[test]
fn an_account_goes_to_another_partition_while_a_client_has_it_open() {
    let mut chapar = with_mail();
    let disk = chapar.directory().join("disk");
    let path = disk.to_str().unwrap();
    // Who has been seen has a place.
    chapar.login("bob");
    let mut ann = chapar.login("ann");
    ann.ok("SELECT INBOX");
    ok(&chapar, &["partition", "add", "slow", "--path", path]);
    let planned = objects(&chapar, &["account", "move", "ann", "slow", "--dry-run"]);
    let (messages, dry_run) = (&planned[0]["messages"], &planned[0]["dry_run"]);
    assert_eq!((messages, dry_run), (&1.into(), &true.into()));
    let moved = objects(&chapar, &["account", "move", "ann", "slow"]);
    assert_eq!(moved[0]["messages"], 1);
    // The same connection goes on.
    let fetched = ann.ok("FETCH 1 BODY[TEXT]").join("\n");
    assert!(fetched.contains("You there?"), "{fetched}");
    ann.ok("STORE 1 +FLAGS (\\Flagged)");
    assert_eq!(ann.append("INBOX", "Subject: again\r\n\r\nYes.\r\n"), 2);
    let listed = objects(&chapar, &["partition", "list"]);
    let (name, accounts) = (&listed[1]["name"], &listed[1]["accounts"]);
    assert_eq!((name, accounts), (&"slow".into(), &1.into()));
    let refused = chapar.run(&["partition", "remove", "slow"], "");
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("accounts that need partition slow: 1"));
    drop(ann);
    assert!(chapar.terminate().success());

    // The disk is not mounted.
    let away = chapar.directory().join("away");
    fs::rename(&disk, &away).unwrap();
    fs::create_dir(&disk).unwrap();
    chapar.start();
    let said = chapar.connect().command(&format!("LOGIN ann {PASSWORD}"));
    assert!(said.last().unwrap().contains(" NO "), "{said:?}");
    chapar.login("bob").ok("SELECT INBOX");
    let verified = chapar.run(&["verify", "--quick"], "");
    assert_eq!(verified.status.code(), Some(3), "{}", text(&verified));
    assert!(text(&verified).contains("partition slow"));
    assert_eq!(fs::read_dir(&disk).unwrap().count(), 0);
    fs::remove_dir(&disk).unwrap();
    fs::rename(&away, &disk).unwrap();
    ok(&chapar, &["partition", "reopen", "slow"]);
    let selected = chapar.login("ann").ok("SELECT INBOX").join("\n");
    assert!(selected.contains("2 EXISTS"), "{selected}");
}

#[test]
fn what_was_expunged_is_listed_brought_back_and_told() {
    let mut chapar = with_mail();
    let mut ann = chapar.login("ann");
    ann.ok("SELECT INBOX");
    ann.ok("STORE 1 +FLAGS.SILENT (\\Deleted \\Seen)");
    ann.ok("EXPUNGE");
    let listed = objects(&chapar, &["undelete", "ann", "--list"]);
    let [message, sum] = &listed[..] else {
        panic!("{listed:?}");
    };
    assert_eq!(message["subject"], "hello");
    assert_eq!(message["mailbox"], "INBOX");
    assert_eq!(message["uid"], 1);
    assert!(message["by"].as_str().unwrap().starts_with("imap ann "));
    assert_eq!(sum["messages"], 1);
    let complaint = chapar.run(&["undelete", "ann"], "");
    complains(&complaint, 2, "--list shows what there is");
    // Once beside the server, once more without it: it is there.
    let back = objects(&chapar, &["undelete", "ann", "INBOX", "1"]);
    assert_eq!(
        (&back[0]["to_uid"], &back[0]["what"]),
        (&2.into(), &"back".into())
    );
    ann.ok("NOOP");
    let fetched = ann.ok("FETCH 1 (UID FLAGS)").join("\n");
    assert!(fetched.contains("UID 2 FLAGS (\\Seen"), "{fetched}");
    drop(ann);
    assert!(chapar.terminate().success());
    let again = objects(&chapar, &["undelete", "ann", "INBOX", "1"]);
    assert_eq!(again[0]["what"], "there already");
    let told = objects(&chapar, &["history", "ann", "INBOX", "1"]);
    let what: Vec<_> = told
        .iter()
        .filter_map(|event| event["what"].as_str())
        .collect();
    assert_eq!(what, ["arrived", "flags", "expunged", "undeleted"]);
    assert!(told[3]["by"].as_str().unwrap().starts_with("admin "));
    let restored = objects(&chapar, &["restore", "ann", "--at", "0", "--dry-run"]);
    let sum = restored.last().unwrap();
    assert_eq!((&sum["placed"], &sum["dry_run"]), (&1.into(), &true.into()));
    ok(&chapar, &["verify"]);
}

#[test]
fn messages_are_found_and_changed_beside_a_server_and_without_one() {
    let mut chapar = with_mail();
    let mut ann = chapar.login("ann");
    ann.append(
        "INBOX",
        "Subject: =?utf-8?Q?gr=C3=BCn_two?=\r\n\r\nYes.\r\n",
    );
    ann.ok("SELECT INBOX");
    for beside in [true, false] {
        let found = ok(
            &chapar,
            &["search", "ann", "INBOX", "SUBJECT", "gr\u{fc}n two"],
        );
        assert_eq!(
            found,
            "INBOX  2\nfound: messages 1, mailboxes 1, accounts 1\n"
        );
        let found = objects(&chapar, &["search", "--all", "*", "ALL"]);
        assert_eq!(
            (&found[0]["name"], &found[0]["uids"]),
            (&"ann".into(), &"1:2".into())
        );
        let text = ok(
            &chapar,
            &["fetch", "ann", "INBOX", "1", "--fields", "uid,text"],
        );
        assert!(
            text.starts_with("uid: 1\ntext:\nSubject: hello\n\nYou there?\n"),
            "{text}"
        );
        let wrong = chapar.run(&["expunge", "ann", "INBOX", "FROM", "x", "UNSEN"], "");
        complains(
            &wrong,
            2,
            "unknown search key\n  FROM x UNSEN\n         ^\n",
        );
        let flags = ["flags", "ann", "INBOX", "1", "--replace"];
        let which = if beside { "\\Flagged" } else { "$Away" };
        let changed = objects(&chapar, &[&flags[..], &[which]].concat());
        assert_eq!(changed[1]["messages"], 1);
        let shown = objects(&chapar, &["fetch", "ann", "INBOX", "1"]);
        assert_eq!(shown[0]["flags"], serde_json::json!([which]));
        if beside {
            // Who has the mailbox open is told.
            let told = ann.ok("NOOP").join("\n");
            assert!(told.contains("FLAGS (\\Flagged"), "{told}");
            ann.ok("LOGOUT");
            assert!(chapar.terminate().success());
        }
    }
    let moved = objects(
        &chapar,
        &["move", "ann", "INBOX", "2", "--to", "Kept/2026", "--create"],
    );
    assert_eq!(
        (&moved[0]["to_mailbox"], &moved[0]["to_uids"]),
        (&"Kept/2026".into(), &"1".into())
    );
    let gone = objects(&chapar, &["expunge", "--all", "INBOX", "KEYWORD", "$Away"]);
    assert_eq!(
        (&gone[0]["uids"], &gone[1]["dry_run"]),
        (&"1".into(), &false.into())
    );
    ok(&chapar, &["verify"]);
}

#[test]
fn mailboxes_are_made_and_go_beside_a_server_and_without_one() {
    let mut chapar = with_mail();
    let mut ann = chapar.login("ann");
    for beside in [true, false] {
        let name = if beside { "Work/Gr\u{fc}n" } else { "Work/Rot" };
        let made = objects(&chapar, &["mailbox", "create", "ann", name, "--subscribe"]);
        assert_eq!(
            (&made[0]["mailbox"], &made[1]["mailboxes"]),
            (&name.into(), &1.into())
        );
        let listed = objects(&chapar, &["mailbox", "list", "ann", "Work/%"]);
        assert_eq!(
            (&listed[0]["mailbox"], &listed[0]["subscribed"]),
            (&name.into(), &true.into())
        );
        let status = objects(&chapar, &["mailbox", "status", "--all", "INBOX"]);
        assert_eq!(
            (&status[0]["messages"], &status[0]["uid_next"]),
            (&1.into(), &2.into())
        );
        let said = ok(&chapar, &["mailbox", "rename", "ann", name, "Work/Now"]);
        assert!(
            said.ends_with("renamed: mailboxes 1, accounts 1\n"),
            "{said}"
        );
        if beside {
            let said = ann.ok("LSUB \"\" Work/*").join("\n");
            assert!(said.contains("Work/Now"), "{said}");
        }
        let gone = [
            "mailbox",
            "delete",
            "ann",
            "Work",
            "--below",
            "--unsubscribe",
        ];
        let planned = objects(&chapar, &[&gone[..], &["--dry-run"]].concat());
        assert_eq!(
            (&planned[0]["mailbox"], planned.len()),
            (&"Work/Now".into(), 3)
        );
        assert_eq!(objects(&chapar, &gone)[2]["mailboxes"], 2);
        complains(
            &chapar.run(&["mailbox", "delete", "ann", "Work"], ""),
            1,
            "\"Work\"",
        );
        ok(&chapar, &["mailbox", "create", "@", "board"]);
        let board = objects(&chapar, &["mailbox", "list", "--shared"]);
        assert_eq!((&board[0]["name"], board.len()), (&"@".into(), 2));
        ok(&chapar, &["mailbox", "delete", "@", "board"]);
        if beside {
            ann.ok("LOGOUT");
            assert!(chapar.terminate().success());
        }
    }
    ok(&chapar, &["verify"]);
}

#[test]
fn rights_quotas_and_metadata_are_set_beside_a_server_and_without_one() {
    let mut chapar = with_mail();
    for (beside, rights, limit) in [(true, "lr", "1"), (false, "lrs", "2")] {
        let set = objects(&chapar, &["acl", "set", "ann", "INBOX", "bob", rights]);
        let entry = serde_json::json!({ "identifier": "bob", "rights": rights });
        assert_eq!(set[0]["acl"][1], entry, "{set:?}");
        let told = objects(&chapar, &["acl", "rights", "ann", "INBOX", "bob"]);
        assert_eq!(told[0]["rights"], rights);
        let nobody = chapar.run(&["acl", "set", "ann", "INBOX", "zoe", "lr"], "");
        complains(&nobody, 1, "zoe");
        ok(&chapar, &["quota", "set", "ann", "--messages", limit]);
        let shown = objects(&chapar, &["quota", "show", "ann", "INBOX"]);
        assert_eq!(shown[0]["limit"].to_string(), limit);
        ok(
            &chapar,
            &["metadata", "set", "ann", "INBOX", "comment", limit],
        );
        let shown = objects(&chapar, &["metadata", "show", "ann"]);
        assert_eq!(
            (&shown[0]["entry"], &shown[0]["value"]),
            (&"/shared/comment".into(), &limit.into())
        );
        if beside {
            let mut ann = chapar.login("ann");
            let quota = ann.ok("GETQUOTAROOT INBOX").join("\n");
            assert!(quota.contains("(MESSAGE 1 1)"), "{quota}");
            let comment = ann.ok("GETMETADATA INBOX /shared/comment").join("\n");
            assert!(comment.contains("/shared/comment"), "{comment}");
            let mut bob = chapar.login("bob");
            let opened = bob.ok("EXAMINE \"Other Users/ann\"").join("\n");
            assert!(opened.contains("* 1 EXISTS"), "{opened}");
            ann.ok("LOGOUT");
            bob.ok("LOGOUT");
            assert!(chapar.terminate().success());
        }
    }
    ok(&chapar, &["verify"]);
}
