//! `offlineimap`: keeps two sides in step by UID, flag by flag and folder by folder; a second run
//! must find nothing to do.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::run;
use crate::chapar::{Chapar, PASSWORD};

fn sync(chapar: &Chapar, directory: &Path) -> String {
    let d = directory.display();
    let configuration = format!(
        "[general]
accounts = t
ui = basic
metadata = {d}/state

[Account t]
localrepository = l
remoterepository = r

[Repository l]
type = Maildir
localfolders = {d}/mail

[Repository r]
type = IMAP
remotehost = localhost
remoteport = {port}
remoteuser = ann
remotepass = {PASSWORD}
ssl = yes
sslcacertfile = {cert}
",
        port = chapar.imaps.port(),
        cert = chapar.directory().join("cert.pem").display(),
    );
    let rc = directory.join("offlineimaprc");
    fs::write(&rc, configuration).unwrap();
    run(Command::new("offlineimap").args(["-o", "-1", "-c"]).arg(rc))
}

/// The message files of one folder of the Maildir, sorted.
fn messages(directory: &Path, folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for part in ["cur", "new"] {
        let part = directory.join("mail").join(folder).join(part);
        files.extend(fs::read_dir(part).unwrap().map(|e| e.unwrap().path()));
    }
    files.sort();
    files
}

#[test]
fn offlineimap_keeps_both_sides_in_step() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path();
    let mut ann = chapar.login("ann");
    ann.ok("CREATE Work/2024");
    for n in 0..60 {
        let folder = if n % 3 == 0 { "Work/2024" } else { "INBOX" };
        ann.append(folder, &format!("From: a@example.test\r\nSubject: off {n}\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <{n}@off.test>\r\n\r\nText {n}\r\n"));
    }
    ann.ok("SELECT INBOX");
    ann.ok("STORE 1:10 +FLAGS (\\Seen \\Flagged)");
    let said = sync(&chapar, directory);
    assert!(said.contains("Finished account"), "{said}");
    assert_eq!(messages(directory, "INBOX").len(), 40);
    assert_eq!(messages(directory, "Work.2024").len(), 20);
    let flagged = messages(directory, "INBOX");
    let flagged = flagged
        .iter()
        .filter(|f| f.to_string_lossy().ends_with("FS"));
    assert_eq!(flagged.count(), 10);

    // Here one is deleted and one answered; there some go, and one comes.
    let local = messages(directory, "Work.2024");
    fs::remove_file(&local[0]).unwrap();
    let answered = local[1].to_string_lossy().replace("/new/", "/cur/");
    let answered = answered.split(":2,").next().unwrap().to_owned() + ":2,RS";
    fs::rename(&local[1], answered).unwrap();
    ann.ok("STORE 1:5 +FLAGS (\\Deleted)");
    ann.ok("EXPUNGE");
    ann.append("INBOX", "Subject: late\r\n\r\nlate\r\n");
    sync(&chapar, directory);
    assert_eq!(messages(directory, "INBOX").len(), 36);
    ann.ok("SELECT Work/2024");
    assert_eq!(ann.ok("SEARCH ANSWERED SEEN")[0].split(' ').count(), 3);
    assert!(ann.ok("STATUS INBOX (MESSAGES)")[0].contains("MESSAGES 36"));
    assert!(ann.ok("STATUS Work/2024 (MESSAGES)")[0].contains("MESSAGES 19"));

    let again = sync(&chapar, directory);
    for word in ["Copy message", "Deleting", "Adding flags"] {
        assert!(
            !again.contains(word),
            "the third run did something: {again}"
        );
    }
}
