//! The store's format: what the documents say suffices to read it, and what earlier programs
//! wrote stays readable.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    chapar::{Chapar, PASSWORD, text},
    clients::run,
    connection::Connection,
};

fn tests() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests"))
}

/// What the reader that was written from the documents says of a store.
fn read_store(directory: &Path) -> String {
    run(Command::new("python3")
        .arg(tests().join("reader/read_store.py"))
        .arg(directory))
}

/// What an IMAP client sees.
fn list_by_imap(chapar: &Chapar, account: &str) -> String {
    run(Command::new("python3")
        .arg(tests().join("reader/list_by_imap.py"))
        .arg(chapar.imap.port().to_string())
        .args([account, PASSWORD]))
}

/// The same of a store of one account, without the account's id.
fn only_account(listing: &str) -> String {
    let begin = listing.find(": {").expect("an account") + 2;
    let end = listing.rfind("\n}").expect("its end");
    let lines = listing[begin..end].lines();
    let lines = lines.map(|line| line.strip_prefix(' ').unwrap_or(line));
    lines.fold(String::new(), |all, line| all + line + "\n")
}

/// That two listings are the same; else, where they begin to differ.
fn same(found: &str, expected: &str, who: &str) {
    let mut lines = found.lines().zip(expected.lines()).enumerate();
    let different = lines.find(|(_, (found, expected))| found != expected);
    assert_eq!(different, None, "{who} differs in this line");
    assert_eq!(found.lines().count(), expected.lines().count(), "{who}");
}

/// Everything that a batch can say of mailboxes and messages, said once at least.
fn live(chapar: &Chapar) {
    let mut ann = chapar.login("ann");
    for n in 0..5 {
        append(&mut ann, "INBOX", &format!("(\\Seen key{n})"), 200 * n);
    }
    // In several pieces.
    append(&mut ann, "INBOX", "()", 300_000);
    for command in [
        "CREATE work",
        "CREATE work/new",
        "RENAME work done",
        "SUBSCRIBE done/new",
        "UNSUBSCRIBE Junk",
        "CREATE \"&AOQ-rger\"",
        "DELETE done",
        "SELECT INBOX",
        "STORE 1:2 +FLAGS (\\Deleted \\Flagged other)",
        "STORE 3 -FLAGS (\\Seen key2)",
        "STORE 2:3 ANNOTATION (/comment (value.priv \"mine\" value.shared \"ours\"))",
        "STORE 3 ANNOTATION (/1/comment (value.shared \"gone\") /comment (value.priv NIL))",
        "COPY 2:4 done/new",
        "MOVE 5 Trash",
        "UID EXPUNGE 1",
        "SETMETADATA INBOX (/private/comment \"one\" /shared/Comment \"two\")",
        "SETMETADATA done/new (/shared/comment \"kept\" /private/x NIL)",
        "SETMETADATA \"\" (/private/filters/values/read \"SEEN\")",
        "LOGOUT",
    ] {
        ann.ok(command);
    }
    // What lies elsewhere, and a whole state in one place.
    for verb in [
        &["partition", "add", "archive"][..],
        &["mailbox", "move", "ann", "Trash", "archive"],
        &["account", "move", "ann", "archive"],
        &["mailbox", "move", "ann", "done/new", "default"],
        &["hold", "set", "ann", "Sent"],
    ] {
        let done = chapar.run(verb, "");
        assert!(done.status.success(), "{verb:?}: {}", text(&done));
    }
    let mut ann = chapar.login("ann");
    append(&mut ann, "INBOX", "(late)", 50);
    append(&mut ann, "done/new", "()", 60);
    ann.ok("SELECT done/new");
    ann.ok("STORE 1 -FLAGS (other)");
    ann.ok("STORE 2 ANNOTATION (/1/comment (value.shared NIL) /altsubject (value.priv \"late\"))");
    ann.ok("SETMETADATA INBOX (/private/comment NIL /shared/comment \"later\")");
    ann.ok("LOGOUT");
}

fn append(connection: &mut Connection, to: &str, flags: &str, octets: usize) {
    let mail = format!(
        "Message-ID: <{octets}@x>\r\nSubject: of {octets}\r\n\r\n{}\r\n",
        "x".repeat(octets)
    );
    let date = "17-Jul-1996 02:44:25 -0700";
    let length = mail.len();
    let begin = format!("a APPEND {to} {flags} \"{date}\" {{{length}+}}\r\n");
    connection.send(begin.as_bytes());
    connection.send(mail.as_bytes());
    connection.send(b"\r\n");
    let answer = connection.read_line();
    assert!(answer.starts_with("a OK"), "{answer}");
}

#[test]
fn clients_see_what_the_documents_say_is_there() {
    let mut chapar = Chapar::with_accounts(&["ann"]);
    live(&chapar);
    let seen = list_by_imap(&chapar, "ann");
    assert!(seen.contains("\"/comment shared\": \"ours\""), "{seen}");
    assert!(chapar.terminate().success());
    let read = read_store(&chapar.directory().join("data"));
    same(&only_account(&read), &seen, "a new store");
}

/// Stores that earlier programs have written, each with what was in it.
fn kept() -> Vec<PathBuf> {
    let stores = fs::read_dir(tests().join("stores")).unwrap();
    let mut kept: Vec<PathBuf> = stores.map(|entry| entry.unwrap().path()).collect();
    kept.sort();
    kept
}

#[test]
fn every_store_ever_written_opens_with_all_that_was_in_it() {
    let kept = kept();
    assert!(!kept.is_empty());
    for store in kept {
        let mut chapar = Chapar::prepare("");
        let data = chapar.directory().join("data");
        copy(&store.join("data"), &data);
        let expected = fs::read_to_string(store.join("listing.json")).unwrap();
        same(&only_account(&read_store(&data)), &expected, "the reader");
        for _ in 0..2 {
            chapar.start();
            same(&list_by_imap(&chapar, "ann"), &expected, "a client");
            chapar.verify();
            assert!(chapar.terminate().success());
        }
        // It is no museum: it can be written to.
        chapar.start();
        append(&mut chapar.login("ann"), "INBOX", "()", 7);
        assert!(chapar.terminate().success());
        // And all that can be rebuilt from the log can be rebuilt from an old one.
        for partition in fs::read_dir(data.join("partitions")).unwrap() {
            fs::remove_dir_all(partition.unwrap().path().join("checkpoint")).unwrap();
        }
        chapar.start();
        assert!(list_by_imap(&chapar, "ann").len() > expected.len());
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Makes the store that later programs have to open. Run it when the format gets a new
/// number, and keep the ones before:
/// `cargo test -p chapar --test system make_a_store_to_keep -- --ignored`
#[test]
#[ignore = "writes tests/stores/new"]
fn make_a_store_to_keep() {
    let mut chapar = Chapar::with_accounts(&["ann"]);
    live(&chapar);
    let seen = list_by_imap(&chapar, "ann");
    assert!(chapar.terminate().success(), "{}", chapar.log());
    let store = tests().join("stores/new");
    let data = store.join("data");
    copy(&chapar.directory().join("data"), &data);
    fs::write(store.join("listing.json"), seen).unwrap();
    // What a disk allocates in advance, and who had the store open, is no part of it.
    for left in ["accounts.lock", "store.lock"] {
        let _ = fs::remove_file(data.join(left));
    }
    for partition in ["default", "archive"] {
        let partition = data.join("partitions").join(partition);
        for left in ["lease", "log/reserve.new"] {
            let _ = fs::remove_file(partition.join(left));
        }
        for entry in fs::read_dir(partition.join("log")).unwrap() {
            let path = entry.unwrap().path();
            let mut octets = fs::read(&path).unwrap();
            let used = octets.iter().rposition(|octet| *octet != 0).unwrap() + 1;
            octets.truncate(used.next_multiple_of(8));
            fs::write(&path, octets).unwrap();
        }
    }
    let done = Command::new("du").arg("-sh").arg(&store).output().unwrap();
    println!("{}", text(&done));
}
