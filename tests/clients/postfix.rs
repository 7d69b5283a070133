//! A Postfix of the test's own, with `virtual_transport = lmtp:…`: mail injected with
//! `swaks` over SMTP arrives in the right mailboxes.

mod asking;
mod boards;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use super::run;
use crate::chapar::Chapar;

/// A running Postfix instance, stopped when dropped.
struct Postfix {
    directory: PathBuf,
    port: u16,
}

impl Postfix {
    /// Starts an instance that hands mail for example.test to `transport`.
    fn start(directory: &Path, transport: &str) -> Self {
        Self::start_with(
            directory,
            &format!(
                "virtual_mailbox_domains = example.test
virtual_transport = {transport}
virtual_destination_recipient_limit = 50
"
            ),
        )
    }

    /// Starts an instance with further lines in `main.cf`.
    fn start_with(directory: &Path, lines: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let postfix = Self {
            directory: directory.to_owned(),
            port,
        };
        for folder in ["conf", "queue", "data"] {
            fs::create_dir_all(directory.join(folder)).unwrap();
        }
        run(Command::new("chown")
            .arg("postfix")
            .arg(directory.join("data")));
        fs::write(
            directory.join("conf/main.cf"),
            format!("{}{lines}", main_cf(directory)),
        )
        .unwrap();
        fs::write(directory.join("conf/master.cf"), master_cf(port)).unwrap();
        run(&mut postfix.command("start"));
        postfix
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new("postfix");
        command.arg("-c").arg(self.directory.join("conf")).arg(verb);
        command
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("data/mail.log")).unwrap_or_default()
    }

    /// Hands a message in over SMTP; `true` if every recipient was accepted.
    fn inject(&self, arguments: &[&str]) -> bool {
        self.swaks(arguments).status.success()
    }

    /// Hands a message in over SMTP, and gives the conversation.
    fn swaks(&self, arguments: &[&str]) -> Output {
        Command::new("swaks")
            .args([
                "--server",
                "127.0.0.1",
                "--port",
                &self.port.to_string(),
                "--from",
                "sender@example.org",
            ])
            .args(["--suppress-data", "--timeout", "30"])
            .args(arguments)
            .output()
            .unwrap()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ = self.command("stop").output();
    }
}

fn main_cf(directory: &Path) -> String {
    let d = directory.display();
    format!(
        "compatibility_level = 3.6
queue_directory = {d}/queue
data_directory = {d}/data
maillog_file = {d}/data/mail.log
maillog_file_prefixes = {d}
myhostname = mx.example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_relay_restrictions = reject_unauth_destination
recipient_delimiter = +
message_size_limit = 0
mailbox_size_limit = 0
virtual_mailbox_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
alias_maps =
alias_database =
notify_classes =
"
    )
}

/// Debian's own services, none of them in a chroot, and SMTP on a port of the test's.
fn master_cf(port: u16) -> String {
    let services = fs::read_to_string("/usr/share/postfix/master.cf.dist").unwrap();
    let mut ours = format!("127.0.0.1:{port} inet n - n - - smtpd\n");
    for line in services.lines().filter(|l| !l.starts_with('#')) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let continued = line.starts_with(' ');
        match fields[..] {
            ["smtp", "inet", ..] | [] => {}
            [name, kind, private, unprivileged, _, wakeup, limit, ..] if !continued => {
                let command = fields[7..].join(" ");
                ours.extend([
                    &*[
                        name,
                        kind,
                        private,
                        unprivileged,
                        "n",
                        wakeup,
                        limit,
                        &command,
                    ]
                    .join(" "),
                    "\n",
                ]);
            }
            _ => ours.extend([line, "\n"]),
        }
    }
    ours
}

fn open_to_all(directory: &Path) {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Waits until a mailbox has that many messages.
fn wait_for(chapar: &Chapar, account: &str, mailbox: &str, messages: u32, postfix: &Postfix) {
    let mut connection = chapar.login(account);
    let give_up = Instant::now() + Duration::from_mins(1);
    loop {
        let status = connection.ok(&format!("STATUS {mailbox} (MESSAGES)"));
        if status[0].ends_with(&format!("(MESSAGES {messages})")) {
            return;
        }
        assert!(
            Instant::now() < give_up,
            "{account} {mailbox}: {}\n{}",
            status[0],
            postfix.log()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn mail_injected_into_postfix_arrives_where_it_should() {
    let mut chapar = Chapar::with_accounts(&["ann", "bob"]);
    let temporary = tempfile::tempdir().unwrap();
    open_to_all(temporary.path());
    open_to_all(chapar.directory());
    for transport in [
        format!("lmtp:unix:{}", chapar.lmtp_socket().display()),
        format!("lmtp:inet:{}", chapar.lmtp),
    ] {
        let folder = temporary.path().join(if transport.contains("unix") {
            "unix"
        } else {
            "inet"
        });
        fs::create_dir(&folder).unwrap();
        let postfix = Postfix::start(&folder, &transport);
        let before = u32::from(!transport.contains("unix"));
        assert!(postfix.inject(&[
            "--to",
            "ann@example.test,bob@example.test,ann+Archive@example.test",
            "--body",
            "hello"
        ]));
        for (account, mailbox) in [("ann", "INBOX"), ("bob", "INBOX"), ("ann", "Archive")] {
            wait_for(&chapar, account, mailbox, before + 1, &postfix);
        }
        // Nobody of that name: Postfix gets 550 and bounces, at once.
        postfix.inject(&["--to", "nobody@example.test"]);
        let give_up = Instant::now() + Duration::from_secs(30);
        while !postfix.log().contains("550 5.1.1") {
            assert!(Instant::now() < give_up, "no bounce:\n{}", postfix.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    let mut ann = chapar.login("ann");
    ann.ok("SELECT INBOX");
    let header = ann
        .ok("FETCH 1 BODY.PEEK[HEADER.FIELDS (Return-Path Delivered-To Subject)]")
        .join("\n");
    assert!(
        header.contains("Return-Path: <sender@example.org>"),
        "{header}"
    );
    assert!(
        header.contains("Delivered-To: ann@example.test"),
        "{header}"
    );
    drop(ann);

    // While the store is away Postfix keeps the mail, and delivers it when it is back.
    chapar.kill();
    let folder = temporary.path().join("away");
    fs::create_dir(&folder).unwrap();
    let postfix = Postfix::start(&folder, &format!("lmtp:inet:{}", chapar.lmtp));
    assert!(postfix.inject(&["--to", "bob@example.test", "--body", "patience"]));
    chapar.start();
    wait_for(&chapar, "bob", "INBOX", 3, &postfix);
}
