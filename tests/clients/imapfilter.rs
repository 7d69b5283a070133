//! `imapfilter`: searches, flags, copies and moves by rules.

use std::{fs, process::Command};

use super::run;
use crate::chapar::{Chapar, PASSWORD};

#[test]
fn imapfilter_sorts_mail_by_rules() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let mut ann = chapar.login("ann");
    for n in 0..30 {
        let list = if n % 3 == 0 {
            "List-Id: <rust.example.test>\r\n"
        } else {
            ""
        };
        ann.append("INBOX", &format!("From: a{n}@example.test\r\n{list}Subject: rule {n}\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\nText {n}\r\n"));
    }
    let directory = chapar.directory();
    fs::create_dir_all(directory.join(".imapfilter")).unwrap();
    let rules = format!(
        r"
options.timeout = 30
options.create = true
options.starttls = false
a = IMAP {{ server = 'localhost', port = {port}, username = 'ann', password = '{PASSWORD}', }}
a:create_mailbox('Lists/Rust')
a:subscribe_mailbox('Lists/Rust')
listed = a.INBOX:contain_field('List-Id', 'rust.example.test')
print('listed ' .. #listed)
listed:move_messages(a['Lists/Rust'])
some = a.INBOX:contain_subject('rule 1') * a.INBOX:contain_body('Text 1') * a.INBOX:is_unseen()
print('some ' .. #some)
some:mark_seen()
some:add_flags({{ 'Sorted' }})
a.INBOX:contain_from('a29@'):copy_messages(a['Lists/Rust'])
a.INBOX:is_smaller(100000):contain_subject('rule 2'):mark_flagged()
a.INBOX:contain_subject('rule 28'):delete_messages()
exist, unread = a['Lists/Rust']:check_status()
print('there ' .. exist)
mailboxes, folders = a:list_all()
print('mailboxes ' .. #mailboxes)
print('subject ' .. a.INBOX[2]:fetch_field('Subject'))
",
        port = chapar.imap.port(),
    );
    fs::write(directory.join("rules.lua"), rules).unwrap();
    let said = run(Command::new("timeout")
        .args(["60", "imapfilter", "-c"])
        .arg(directory.join("rules.lua"))
        .env("HOME", directory));
    for line in ["listed 10", "some 8", "there 11", "Subject: rule 1"] {
        assert!(said.contains(line), "{line:?} is not in {said}");
    }
    ann.ok("SELECT INBOX");
    assert!(ann.ok("STATUS INBOX (MESSAGES)")[0].contains("MESSAGES 19"));
    let sorted = ann.ok("SEARCH KEYWORD Sorted SEEN")[0].clone();
    assert_eq!(sorted.split(' ').count(), 2 + 8, "{sorted}");
}
