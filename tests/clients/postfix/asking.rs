//! What Postfix asks before it takes mail, with the lines of `docs/postfix.md` in its configuration.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use super::{Postfix, open_to_all, wait_for};
use crate::chapar::{Chapar, free_ports, text};

/// A server that answers on Unix sockets and by TCP.
pub(super) struct Asked {
    pub(super) chapar: Chapar,
    socketmap: SocketAddr,
    tcp_table: SocketAddr,
    policy: SocketAddr,
}

impl Asked {
    pub(super) fn start(accounts: &[&str]) -> Self {
        Self::start_with(accounts, "")
    }

    /// With further lines of configuration.
    fn start_with(accounts: &[&str], lines: &str) -> Self {
        let [socketmap, tcp_table, policy] = free_ports();
        let lines = format!(
            r#"
postfix.socketmap = "socketmap.sock"
postfix.policy = "policy.sock"
postfix.unix-mode = "0666"
postfix.socketmap-listen = ["{socketmap}"]
postfix.tcp-table-listen = ["{tcp_table}"]
postfix.policy-listen = ["{policy}"]
{lines}
"#
        );
        let settings: Vec<String> = lines.lines().map(str::to_owned).collect();
        let chapar = Chapar::with_settings(&settings);
        for account in accounts {
            chapar.add_account(account);
        }
        open_to_all(chapar.directory());
        Self {
            chapar,
            socketmap,
            tcp_table,
            policy,
        }
    }

    /// The lines of `docs/postfix.md` for `main.cf`, with this server's sockets for `/run/chapar`.
    pub(super) fn documented(&self) -> String {
        let document =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/postfix.md"))
                .unwrap();
        let block = document
            .split("```")
            .find(|block| block.contains("virtual_mailbox_domains"))
            .unwrap();
        block.replace("/run/chapar", self.chapar.directory().to_str().unwrap())
    }
}

/// What a table of Postfix has under a key, if anything; an error, if it says that it can't tell.
pub(super) fn look_up(postfix: &Postfix, table: &str, key: &str) -> Result<Option<String>, String> {
    let done = Command::new("postmap")
        .arg("-c")
        .arg(postfix.directory.join("conf"))
        .args(["-q", key, table])
        .output()
        .unwrap();
    let said = text(&done);
    match done.status.code() {
        Some(0) => Ok(Some(said.trim().to_owned())),
        Some(1) if said.is_empty() => Ok(None),
        _ => Err(said),
    }
}

#[test]
fn postmap_finds_recipients_by_every_kind_of_table() {
    let asked = Asked::start(&["ann", "bob@other.test"]);
    let temporary = tempfile::tempdir().unwrap();
    open_to_all(temporary.path());
    let postfix = Postfix::start_with(temporary.path(), &asked.documented());
    let directory = asked.chapar.directory().display();
    for table in [
        format!("socketmap:unix:{directory}/socketmap.sock:recipients"),
        format!("socketmap:unix:{directory}/socketmap.sock:cyrus"),
        format!("socketmap:inet:{}:recipients", asked.socketmap),
        format!("tcp:{}", asked.tcp_table),
    ] {
        for (key, account) in [
            ("ann@example.test", Some("ann")),
            ("Ann+Lists@Example.Test", Some("ann")),
            ("ann", Some("ann")),
            ("ann@elsewhere.test", None),
            ("a%n b@example.test", None),
            ("bob@other.test", Some("bob@other.test")),
            ("nobody@example.test", None),
        ] {
            let found = look_up(&postfix, &table, key);
            assert_eq!(
                found.as_ref().map(Option::as_deref),
                Ok(account),
                "{key} in {table}"
            );
        }
    }
    let domains = format!("socketmap:unix:{directory}/socketmap.sock:domains");
    for (domain, found) in [
        ("example.test", true),
        ("other.test", true),
        ("example.org", false),
    ] {
        let found_there = look_up(&postfix, &domains, domain).unwrap();
        assert_eq!(found_there.is_some(), found, "{domain}");
    }
    let wrong = format!("socketmap:unix:{directory}/socketmap.sock:other");
    let why = look_up(&postfix, &wrong, "ann").unwrap_err();
    assert!(why.contains("no table of that name"), "{why}");
}

#[test]
fn mail_for_nobody_is_refused_while_its_sender_is_there() {
    let asked = Asked::start(&["ann"]);
    let temporary = tempfile::tempdir().unwrap();
    open_to_all(temporary.path());
    let over_tcp = format!(
        "virtual_mailbox_domains = example.test
virtual_mailbox_maps = tcp:{}
virtual_transport = lmtp:inet:{}
smtpd_recipient_restrictions =
    reject_unauth_destination
    reject_unlisted_recipient
    check_policy_service inet:{}
",
        asked.tcp_table, asked.chapar.lmtp, asked.policy
    );
    for (messages, lines) in (1..).zip([asked.documented(), over_tcp]) {
        let folder = temporary.path().join(messages.to_string());
        fs::create_dir(&folder).unwrap();
        let postfix = Postfix::start_with(&folder, &lines);
        assert!(postfix.inject(&["--to", "ann+lists@example.test"]));
        wait_for(&asked.chapar, "ann", "INBOX", messages, &postfix);
        let refused = text(&postfix.swaks(&["--to", "nobody@example.test"]));
        assert!(
            refused.contains("550 5.1.1 <nobody@example.test>"),
            "{refused}"
        );
        assert!(!postfix.log().contains("bounce"), "{}", postfix.log());
        assert!(!postfix.log().contains("warning"), "{}", postfix.log());
    }
}

/// The policy service refuses at RCPT, so nothing is queued and nothing bounces.
#[test]
fn mail_without_room_is_refused_while_its_sender_is_there() {
    let permanent = "lmtp.over-quota = \"permanent\"";
    for (setting, reply) in [("", "452 4.2.2"), (permanent, "552 5.2.2")] {
        let asked = Asked::start_with(&["ann", "bob"], setting);
        let temporary = tempfile::tempdir().unwrap();
        open_to_all(temporary.path());
        let postfix = Postfix::start_with(temporary.path(), &asked.documented());
        let set = |limit: &[&str]| {
            let done = asked
                .chapar
                .run(&[&["quota", "set", "ann"], limit].concat(), "");
            assert!(done.status.success(), "{}", text(&done));
        };
        set(&["--messages", "1"]);
        assert!(postfix.inject(&["--to", "ann@example.test"]));
        wait_for(&asked.chapar, "ann", "INBOX", 1, &postfix);
        let refused = text(&postfix.swaks(&["--to", "ann+lists@example.test"]));
        let said = format!("{reply} <ann+lists@example.test>");
        assert!(refused.contains(&said), "{refused}");
        assert!(postfix.inject(&["--to", "bob@example.test"]));
        // A size is known once the message has come: there is room for a small one, and not for a large one.
        set(&["--storage", "64KiB"]);
        let large = "x".repeat(1000).repeat(100);
        let refused = text(&postfix.swaks(&["--to", "ann@example.test", "--body", &large]));
        let said = format!("{reply} <END-OF-MESSAGE>");
        assert!(refused.contains(&said), "{refused}");
        assert!(postfix.inject(&["--to", "ann@example.test"]));
        wait_for(&asked.chapar, "ann", "INBOX", 2, &postfix);
        assert!(
            !postfix.log().contains("status=bounced"),
            "{}",
            postfix.log()
        );
        assert!(
            !postfix.log().contains("status=deferred"),
            "{}",
            postfix.log()
        );
    }
}
