//! `mbsync` (isync): the best witness for UIDs, UIDVALIDITY, UIDPLUS and flags. Some
//! thousand messages both ways; a second run must find nothing to do.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use super::run;
use crate::chapar::{Chapar, PASSWORD};

/// Messages per folder; three folders.
const MESSAGES: usize = 1000;

fn sync(chapar: &Chapar, directory: &Path) {
    let d = directory.display();
    let configuration = format!(
        "IMAPAccount t
Host localhost
Port {port}
User ann
Pass {PASSWORD}
SSLType IMAPS
CertificateFile {cert}
AuthMechs *
PipelineDepth 50

IMAPStore r
Account t

MaildirStore l
Path {d}/mail/
Inbox {d}/mail/INBOX
SubFolders Verbatim

Channel c
Far :r:
Near :l:
Patterns *
Create Both
Expunge Both
SyncState *
",
        port = chapar.imaps.port(),
        cert = chapar.directory().join("cert.pem").display(),
    );
    fs::create_dir_all(directory.join("mail")).unwrap();
    fs::write(directory.join("mbsyncrc"), configuration).unwrap();
    run(Command::new("mbsync")
        .arg("-c")
        .arg(directory.join("mbsyncrc"))
        .arg("c"));
}

/// Every message file of the Maildir, with its flags.
fn maildir(directory: &Path) -> BTreeMap<String, u64> {
    let mut files = BTreeMap::new();
    let mut folders = vec![directory.join("mail")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if entry.path().parent().unwrap().ends_with("cur")
                || entry.path().parent().unwrap().ends_with("new")
            {
                files.insert(
                    entry.path().display().to_string(),
                    entry.metadata().unwrap().len(),
                );
            }
        }
    }
    files
}

fn state(chapar: &Chapar) -> Vec<String> {
    let mut ann = chapar.login("ann");
    let mut state = ann.ok(
        "LIST \"\" * RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED HIGHESTMODSEQ))",
    );
    state.pop();
    state.sort();
    state
}

#[test]
fn mbsync_goes_both_ways_and_then_finds_nothing_to_do() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let temporary = tempfile::tempdir().unwrap();
    let mut ann = chapar.login("ann");
    ann.ok("CREATE work/projects");
    for mailbox in ["INBOX", "Archive", "work/projects"] {
        for n in 0..MESSAGES {
            let flags = if n % 3 == 0 { "(\\Seen)" } else { "()" };
            let message = format!(
                "From: a@example.test\r\nSubject: {mailbox} {n}\r\nMessage-ID: <{n}.{mailbox}@x>\r\n\r\nText {n}\r\n"
            );
            ann.start(&format!(
                "APPEND {mailbox} {flags} {{{}+}}\r\n{message}",
                message.len()
            ));
        }
    }
    ann.finish(&format!("t{}", 2 + 3 * MESSAGES));

    sync(&chapar, temporary.path());
    let first = maildir(temporary.path());
    assert_eq!(first.len(), 3 * MESSAGES, "every message is here");
    let before = state(&chapar);
    sync(&chapar, temporary.path());
    assert_eq!(
        maildir(temporary.path()),
        first,
        "the second run changed nothing here"
    );
    assert_eq!(state(&chapar), before, "nor on the server");

    // New here, changed here, gone here; flagged there, expunged there.
    let inbox = temporary.path().join("mail/INBOX");
    for n in 0..200 {
        fs::write(
            inbox.join(format!("new/{n}.local")),
            format!("From: l@example.test\r\nSubject: local {n}\r\n\r\nHere {n}\r\n"),
        )
        .unwrap();
    }
    let unseen = first
        .keys()
        .find(|f| f.contains("/INBOX/") && f.ends_with(":2,"))
        .expect("a message without flags")
        .clone();
    fs::rename(&unseen, format!("{unseen}F")).unwrap();
    let gone = first.keys().find(|f| f.contains("/Archive/")).unwrap();
    fs::remove_file(gone).unwrap();
    ann.ok("SELECT work/projects");
    ann.ok("STORE 1:10 +FLAGS.SILENT (\\Deleted)");
    ann.ok("STORE 11:20 +FLAGS.SILENT (\\Flagged)");
    ann.ok("EXPUNGE");
    sync(&chapar, temporary.path());
    let counts: Vec<String> = ["INBOX", "Archive", "work/projects"]
        .iter()
        .map(|m| ann.ok(&format!("STATUS {m} (MESSAGES)"))[0].clone())
        .collect();
    assert!(counts[0].contains("MESSAGES 1200"), "{counts:?}");
    assert!(counts[1].contains("MESSAGES 999"), "{counts:?}");
    assert!(counts[2].contains("MESSAGES 990"), "{counts:?}");
    ann.ok("SELECT INBOX");
    assert_ne!(
        ann.ok("SEARCH FLAGGED")[0],
        "* SEARCH",
        "the flag set here is there"
    );
    let settled = maildir(temporary.path());
    assert_eq!(settled.len(), 1200 + 999 + 990);
    let before = state(&chapar);
    sync(&chapar, temporary.path());
    assert_eq!(
        (maildir(temporary.path()), state(&chapar)),
        (settled, before),
        "and again nothing to do"
    );
}
