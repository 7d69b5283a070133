//! Bulletin boards: shared mailboxes that anyone may post to by mail, and that many read, each with their
//! own `\Seen`.

use std::{fs, process::Command};

use super::{
    super::run,
    Postfix,
    asking::{Asked, look_up},
    open_to_all,
};
use crate::chapar::{Chapar, PASSWORD, text};

const READERS: [&str; 4] = ["ann", "bob", "cat", "dan"];

/// A server with a board that everybody reads and posts to, and one that only the staff reads.
fn boards() -> Asked {
    let asked = Asked::start(&[&READERS[..], &["root"]].concat());
    let chapar = &asked.chapar;
    for words in [
        &["role", "grant", "root", "administrator"][..],
        &["address", "set", "board@example.test", "Board"],
        &["address", "set", "staff", "Staff"],
    ] {
        let done = chapar.run(words, "");
        assert!(done.status.success(), "{words:?}: {}", text(&done));
    }
    let mut root = chapar.login("root");
    root.ok("CREATE \"Shared Folders/Board/Announce\"");
    root.ok("SETACL \"Shared Folders/Board\" anyone lrsp");
    root.ok("SETACL \"Shared Folders/Board/Announce\" anyone lrs");
    root.ok("SETACL \"Shared Folders/Board/Announce\" anonymous p");
    root.ok("CREATE \"Shared Folders/Staff\"");
    root.ok("SETACL \"Shared Folders/Staff\" ann lrsp");
    root.ok("DELETEACL \"Shared Folders/Staff\" anyone");
    asked
}

/// `STATUS` of the board as a reader sees it.
fn status(chapar: &Chapar, reader: &str) -> String {
    let mut connection = chapar.login(reader);
    let said = connection.ok("STATUS \"Shared Folders/Board\" (MESSAGES UNSEEN)");
    said[0].rsplit_once('(').unwrap().1.to_owned()
}

#[test]
fn a_board_is_posted_to_by_mail_and_read_by_many() {
    let asked = boards();
    let chapar = &asked.chapar;
    let temporary = tempfile::tempdir().unwrap();
    open_to_all(temporary.path());
    let postfix = Postfix::start_with(temporary.path(), &asked.documented());
    let mut idle = chapar.login("dan");
    idle.ok("SELECT \"Shared Folders/Board\"");
    for address in [
        "board@example.test",
        "+Board@example.test",
        "post+board@example.test",
        "board+announce@example.test",
        "post+Board.Announce@example.test",
    ] {
        let subject = format!("Subject: to {address}");
        // In quotes, which mean the same: swaks takes `+` for the beginning of an option.
        let to = address.replace("+Board@", "\"+Board\"@");
        let done = postfix.swaks(&["--to", &to, "--header", &subject, "--body", "posted"]);
        assert!(done.status.success(), "{address}: {}", text(&done));
    }
    for (mailbox, messages) in [("Board", 3), ("Board/Announce", 2)] {
        let mailbox = format!("\"Shared Folders/{mailbox}\"");
        super::wait_for(chapar, "cat", &mailbox, messages, &postfix);
    }
    // Who has it open is told.
    let told = idle.ok("NOOP").join("\n");
    assert!(told.contains("* 3 EXISTS"), "{told}");
    // Ann's reading is hers alone.
    assert!(curl(chapar, "ann", "Shared%20Folders/Board;MAILINDEX=1").contains("posted"));
    assert!(status(chapar, "ann").starts_with("MESSAGES 3 UNSEEN 2)"));
    for reader in ["bob", "cat"] {
        assert!(
            status(chapar, reader).starts_with("MESSAGES 3 UNSEEN 3)"),
            "{reader}"
        );
    }
    // All at once, each by mutt, which opens the mailbox by its own name and copies everything out.
    std::thread::scope(|scope| {
        for reader in READERS {
            scope.spawn(move || mutt_copies_out(chapar, reader));
        }
    });
    // They may read it and not change it.
    let mut bob = chapar.login("bob");
    bob.ok("SELECT \"Shared Folders/Board\"");
    for command in [
        "STORE 1 +FLAGS (\\Deleted)",
        "SETACL \"Shared Folders/Board\" bob lrswipkxtea",
        "DELETE \"Shared Folders/Board\"",
    ] {
        let refused = bob.command(command).pop().unwrap();
        assert!(refused.contains(" NO [NOPERM]"), "{command}: {refused}");
    }
}

#[test]
fn a_closed_mailbox_takes_no_posts_and_shows_itself_to_nobody() {
    let asked = boards();
    let chapar = &asked.chapar;
    let temporary = tempfile::tempdir().unwrap();
    open_to_all(temporary.path());
    let postfix = Postfix::start_with(temporary.path(), &asked.documented());
    for address in ["staff@example.test", "post+staff@example.test"] {
        let refused = text(&postfix.swaks(&["--to", address]));
        assert!(
            refused.contains(&format!("550 5.7.1 <{address}>")),
            "{refused}"
        );
    }
    let refused = text(&postfix.swaks(&["--to", "post+nosuch@example.test"]));
    assert!(
        refused.contains("550 5.1.1 <post+nosuch@example.test>"),
        "{refused}"
    );
    let directory = chapar.directory().display();
    let table = |name| format!("socketmap:unix:{directory}/socketmap.sock:{name}");
    for (key, recipients, deliverable) in [
        ("board@example.test", Some("board@example.test"), true),
        ("+board@example.test", Some("+board"), true),
        ("staff@example.test", Some("staff"), false),
        ("+nosuch@example.test", None, false),
    ] {
        let found = look_up(&postfix, &table("recipients"), key);
        assert_eq!(
            found.as_ref().map(Option::as_deref),
            Ok(recipients),
            "{key}"
        );
        let found = look_up(&postfix, &table("deliverable"), key);
        let takes = found.is_ok_and(|found| found.is_some());
        assert_eq!(takes, deliverable, "{key}");
    }
    // To who has no right to it, it is as if it were not there; and then it is opened.
    let mut bob = chapar.login("bob");
    let refused = bob
        .command("SELECT \"Shared Folders/Staff\"")
        .pop()
        .unwrap();
    assert!(refused.contains("NO [NONEXISTENT]"), "{refused}");
    let mut root = chapar.login("root");
    root.ok("SETACL \"Shared Folders/Staff\" anonymous p");
    assert!(postfix.inject(&["--to", "staff@example.test"]));
    super::wait_for(chapar, "ann", "\"Shared Folders/Staff\"", 1, &postfix);
}

fn curl(chapar: &Chapar, reader: &str, path: &str) -> String {
    run(Command::new("curl")
        .args(["-sS", "--max-time", "60", "--user"])
        .arg(format!("{reader}:{PASSWORD}"))
        .arg("--cacert")
        .arg(chapar.directory().join("cert.pem"))
        .arg(format!("imaps://localhost:{}/{path}", chapar.imaps.port())))
}

/// mutt opens the board and copies every message of it into a file.
fn mutt_copies_out(chapar: &Chapar, reader: &str) {
    let directory = chapar.directory().join(format!("mutt-{reader}"));
    fs::create_dir(&directory).unwrap();
    let (rc, out) = (directory.join("muttrc"), directory.join("out.mbox"));
    let settings = format!(
        "set ssl_starttls=no\nset ssl_force_tls=yes\nset certificate_file={cert}\nset ssl_verify_host=no\n\
         set imap_user={reader}\nset imap_pass={PASSWORD}\nset header_cache=\"\"\nset confirmappend=no\nset confirmcreate=no\n\
         set move=no\nset delete=no\nset wait_key=no\nset quit=yes\nset mbox_type=mbox\nset folder={folder}\n",
        cert = chapar.directory().join("cert.pem").display(),
        folder = directory.display(),
    );
    fs::write(&rc, settings).unwrap();
    let keys = format!(
        "push <tag-pattern>.<enter><tag-prefix><copy-message><kill-line>{}<enter><quit>",
        out.display()
    );
    // mutt insists on a terminal: script gives it one.
    let mutt = format!(
        "mutt -n -F {} -e '{keys}' -f imaps://{reader}@localhost:{}/Shared%20Folders/Board",
        rc.display(),
        chapar.imaps.port(),
    );
    let said = run(Command::new("timeout")
        .args(["60", "script", "-qec", &mutt, "/dev/null"])
        .env("TERM", "xterm")
        .env("HOME", &directory));
    let copied = fs::read_to_string(&out).unwrap_or_else(|e| panic!("{e}: mutt said {said:?}"));
    for address in [
        "board@example.test",
        "+Board@example.test",
        "post+board@example.test",
    ] {
        assert!(
            copied.contains(&format!("Subject: to {address}\n")),
            "{reader} has not got what was sent to {address}"
        );
    }
}
