//! The events of RFC 5423 in the log: what an operator reads who has asked for them.

use crate::chapar::Chapar;

#[test]
fn each_is_logged_once_with_its_parameters() {
    let mut chapar = Chapar::with_settings(&["log.level = \"info,events=debug\"".to_owned()]);
    chapar.add_account("ann");
    let mut client = chapar.login("ann");
    client.append("INBOX", "Subject: secret\r\n\r\nsecret\r\n");
    client.ok("CREATE \"a b\"");
    client.ok("SELECT INBOX");
    client.ok("STORE 1 +FLAGS (\\Seen $Work)");
    client.ok("MOVE 1 \"a b\"");
    client.ok("LOGOUT");
    chapar.terminate();
    let log = chapar.log();
    let events: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("events: "))
        .collect();
    for (parts, times) in [
        (
            &[
                "event=\"Login\"",
                "service=\"imap\"",
                "user=\"ann\"",
                "clientIP=",
            ][..],
            1,
        ),
        (
            &[
                "event=\"MessageAppend\"",
                "service=\"imap\"",
                "user=\"ann\"",
                "uidset=\"1\"",
            ],
            2,
        ),
        (
            &["event=\"MessageAppend\"", "mailboxID=\"/a%20b;UIDVALIDITY="],
            1,
        ),
        (
            &[
                "event=\"MailboxCreate\"",
                "user=\"ann\"",
                "mailboxID=\"/a%20b;",
            ],
            1,
        ),
        (
            &[
                "event=\"MessageRead\"",
                "mailboxID=\"/INBOX;",
                "uidset=\"1\"",
                "messages=1",
            ],
            1,
        ),
        (&["event=\"FlagsSet\"", "flagNames=\"$Work\"", "modseq="], 1),
        (
            &["event=\"MessageExpunge\"", "uidset=\"1\"", "messages=0"],
            1,
        ),
        (&["event=\"Logout\"", "user=\"ann\"", "why=closed"], 1),
        (&["secret"], 0),
    ] {
        let found = events.iter();
        let found = found.filter(|line| parts.iter().all(|part| line.contains(part)));
        assert_eq!(found.count(), times, "{parts:?} in {events:#?}");
    }
}
