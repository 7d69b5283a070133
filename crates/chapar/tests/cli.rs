//! The command line from outside: the built program, what it prints, and its exit codes.

#![expect(
    clippy::unwrap_used,
    reason = "a test that finds something else than it expects fails"
)]

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// A directory with a configuration.
struct Place {
    directory: tempfile::TempDir,
}

/// What a command did.
#[derive(Debug)]
struct Done {
    code: Option<i32>,
    said: String,
    complained: String,
}

impl Place {
    fn new(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("chapar.toml"), config).unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chapar"));
        command.args(arguments).current_dir(self.directory.path());
        command
    }

    fn run(&self, arguments: &[&str], input: &str) -> Done {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended without reading.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        done(child.wait_with_output().unwrap())
    }

    /// Runs a command that works; gives what it prints.
    fn ok(&self, arguments: &[&str], input: &str) -> String {
        let done = self.run(arguments, input);
        assert_eq!(done.code, Some(0), "{arguments:?}: {done:?}");
        done.said
    }

    /// Runs a command that does not; gives what it complains of.
    fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let done = self.run(arguments, "");
        assert_eq!(done.code, Some(code), "{arguments:?}: {done:?}");
        assert_eq!(done.said, "", "{arguments:?}");
        done.complained
    }
}

fn done(output: Output) -> Done {
    Done {
        code: output.status.code(),
        said: String::from_utf8(output.stdout).unwrap(),
        complained: String::from_utf8(output.stderr).unwrap(),
    }
}

const CONFIG: &str = "data = \"data\"\ndomains = [\"example.org\"]\n[lmtp]\nunix = \"lmtp\"\n";

#[test]
fn an_account_lives() {
    let place = Place::new(CONFIG);
    let add = |name| place.ok(&["account", "add", name, "--password-stdin"], "secret\n");
    assert_eq!(add("Joe"), "added joe\n");
    assert_eq!(add("ann@example.org"), "added ann@example.org\n");
    assert_eq!(place.ok(&["account", "list"], ""), "ann@example.org\njoe\n");
    place.ok(&["account", "passwd", "joe", "--password-stdin"], "other");
    place.ok(&["account", "disable", "joe"], "");
    let list = place.ok(&["account", "list"], "");
    assert_eq!(list, "ann@example.org\njoe  (disabled)\n");
    assert!(
        place
            .ok(&["account", "show", "joe"], "")
            .contains("disabled")
    );
    place.ok(&["account", "enable", "joe"], "");
    place.ok(&["account", "suppress", "joe", "qresync", "IDLE"], "");
    let shown = place.ok(&["account", "show", "joe"], "");
    assert!(shown.contains("QRESYNC IDLE"), "{shown}");
    place.ok(&["account", "suppress", "joe"], "");
    let shown = place.ok(&["account", "show", "joe"], "");
    assert!(!shown.contains("suppressed"), "{shown}");
    place.ok(&["account", "rename", "joe", "jo"], "");
    let shown = place.ok(&["account", "show", "jo"], "");
    let id = shown.split_whitespace().find(|w| w.starts_with('A'));
    let id = id.unwrap();
    let removed = place.ok(&["account", "remove", "jo", "--yes"], "");
    assert!(removed.contains(id), "{removed}");
    let back = ["account", "add", "joe", "--password-stdin", "--id", id];
    place.ok(&back, "secret\n");
    assert!(place.ok(&["account", "show", "joe"], "").contains(id));
    let file = fs::read_to_string(place.path("data/accounts.toml")).unwrap();
    assert!(
        !file.contains("secret\n") && !file.contains("other"),
        "{file}"
    );
}

#[test]
fn what_can_not_be_done_says_why() {
    let place = Place::new(CONFIG);
    place.ok(&["account", "add", "joe", "--password-stdin"], "secret");
    for (code, arguments, says) in [
        (
            1,
            &["account", "add", "ann", "--password-stdin"][..],
            "password is empty",
        ),
        (1, &["account", "add", "ann"], "--password-stdin"),
        (
            1,
            &["account", "add", "ann", "--password-stdin", "--id", "17"],
            "no account's id",
        ),
        (
            1,
            &["account", "passwd", "ann", "--password-stdin"],
            "no account \"ann\"",
        ),
        (1, &["account", "show", "ann"], "no account \"ann\""),
        (1, &["account", "disable", "ann"], "no account \"ann\""),
        (
            1,
            &["account", "suppress", "joe", "NOSUCH"],
            "no such capability",
        ),
        (1, &["account", "rename", "joe", "@"], "user@domain"),
        (1, &["account", "remove", "joe"], "--yes"),
        (
            2,
            &["account", "add", "ann", "--password", "x"],
            "--password",
        ),
        (2, &["accounts"], "account"),
        (2, &[], "Usage"),
        (
            1,
            &["account", "list", "--config", "nowhere.toml"],
            "nowhere.toml: error: there is no",
        ),
        (1, &["verify", "--account", "ann"], "no account \"ann\""),
    ] {
        let said = place.fails(code, arguments);
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
    for (name, says) in [("JOE", "there is an account \"joe\""), ("a b", "space")] {
        let done = place.run(&["account", "add", name, "--password-stdin"], "secret");
        assert_eq!(done.code, Some(1), "{done:?}");
        assert!(done.complained.contains(says), "{done:?}");
    }
    assert_eq!(place.ok(&["account", "list"], ""), "joe\n");
}

#[test]
fn a_configuration_is_found_or_asked_for() {
    let place = Place::new(CONFIG);
    let checked = place.ok(&["config", "check"], "");
    assert!(checked.starts_with("chapar.toml: good"), "{checked}");
    fs::rename(place.path("chapar.toml"), place.path("other.toml")).unwrap();
    if !PathBuf::from("/etc/chapar/chapar.toml").exists() {
        let said = place.fails(1, &["config", "check"]);
        assert!(said.contains("--config FILE"), "{said}");
    }
    place.ok(&["config", "check", "--config", "other.toml"], "");
    place.ok(&["--config", "other.toml", "account", "list"], "");
}

#[test]
fn every_problem_is_reported_at_once() {
    let place = Place::new(
        "hostnam = \"x\"\n[imap]\nlisten = [\"here\", \"[::1]:143\"]\n[lmtp]\nlisten = [\"127.0.0.1:24\"]\n",
    );
    for arguments in [
        &["config", "check"][..],
        &["config", "show"],
        &["serve"],
        &["account", "list"],
        &["verify"],
    ] {
        let said = place.fails(1, arguments);
        for expected in [
            "chapar.toml:1:1: error: unknown setting `hostnam`; did you mean `hostname`?",
            "chapar.toml:3:11: error: `imap.listen` wants",
            "chapar.toml:5:1: error: `lmtp.listen` needs `lmtp.allow`",
            "error: `data` must be given",
        ] {
            assert!(said.contains(expected), "{expected} is not in\n{said}");
        }
    }
}

#[test]
fn a_configuration_is_shown_as_it_can_be_written() {
    let place = Place::new(&format!("{CONFIG}[limits]\nmessage = 1048576\n"));
    let written = place.ok(&["config", "show"], "");
    assert_eq!(written.lines().count(), 4, "{written}");
    assert!(
        written.contains("limits.message = \"1MiB\"  # chapar.toml:6\n"),
        "{written}"
    );
    let effective = place.ok(&["config", "show", "--effective"], "");
    assert!(
        effective.contains("limits.idle = \"31m\"  # default\n"),
        "{effective}"
    );
    fs::write(place.path("again.toml"), &effective).unwrap();
    let again = place.ok(
        &["config", "show", "--effective", "--config", "again.toml"],
        "",
    );
    let values = |shown: &str| -> Vec<String> {
        let lines = shown
            .lines()
            .map(|line| line.split("  #").next().unwrap().to_owned());
        lines.collect()
    };
    assert_eq!(values(&again), values(&effective));
}

#[test]
fn output_that_nobody_reads_is_no_error() {
    let place = Place::new(CONFIG);
    let mut child = place
        .command(&["config", "show", "--effective"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut complained = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut complained)
        .unwrap();
    assert!(child.wait().unwrap().success(), "{complained}");
    assert_eq!(complained, "");
}

#[test]
fn help_is_there_for_everything() {
    let place = Place::new("");
    for (arguments, says) in [
        (&["--help"][..], "quickstart"),
        (&["serve", "--help"], "SIGTERM"),
        (&["account", "--help"], "passwd"),
        (&["account", "add", "--help"], "standard input"),
        (&["config", "show", "--help"], "where it comes from"),
        (&["verify", "--help"], "JSON"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let said = place.ok(arguments, "");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}

/// A server; killed when dropped.
struct Serving(Child);

impl Serving {
    fn start(place: &Place) -> Self {
        Self::start_logging(place, &place.path("log"))
    }

    fn start_logging(place: &Place, log: &Path) -> Self {
        let child = place
            .command(&["serve"])
            .stdin(Stdio::null())
            .stderr(fs::File::create(log).unwrap())
            .spawn();
        let mut serving = Self(child.unwrap());
        let give_up = Instant::now() + Duration::from_mins(1);
        while UnixStream::connect(place.path("lmtp")).is_err() {
            let log = || fs::read_to_string(place.path("log")).unwrap_or_default();
            assert!(serving.0.try_wait().unwrap().is_none(), "ended: {}", log());
            assert!(Instant::now() < give_up, "does not listen: {}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
        serving
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Delivers a message over LMTP; panics unless it is taken.
fn deliver(place: &Place, to: &str, marked: &str) {
    let mut socket = UnixStream::connect(place.path("lmtp")).unwrap();
    let message = format!(
        "LHLO test\r\nMAIL FROM:<>\r\nRCPT TO:<{to}>\r\nDATA\r\nSubject: x\r\n\r\n{marked}\r\n.\r\nQUIT\r\n"
    );
    socket.write_all(message.as_bytes()).unwrap();
    let mut replies = String::new();
    socket.read_to_string(&mut replies).unwrap();
    assert!(replies.contains("\r\n354 "), "{replies}");
    let after = replies.split("\r\n354 ").nth(1).unwrap();
    assert!(after.contains("\r\n250 "), "{replies}");
}

#[test]
fn a_log_that_can_not_be_written_stops_nothing() {
    let place = Place::new(CONFIG);
    let mut serving = Serving::start_logging(&place, Path::new("/dev/full"));
    place.ok(&["account", "add", "joe", "--password-stdin"], "secret");
    deliver(&place, "joe@example.org", "hello");
    assert!(place.ok(&["account", "usage"], "").contains("messages 1"));
    assert!(serving.0.try_wait().unwrap().is_none());
}

#[test]
fn a_running_server_notices_accounts_and_verify_names_damage() {
    let place = Place::new(CONFIG);
    let nothing = place.fails(1, &["verify"]);
    assert!(nothing.contains("data: "), "{nothing}");
    let serving = Serving::start(&place);
    for name in ["joe", "ann"] {
        place.ok(&["account", "add", name, "--password-stdin"], "secret");
    }
    deliver(&place, "joe@example.org", "MARK-1");
    deliver(&place, "ann+x@example.org", "MARK-2");
    let verified = place.ok(&["verify"], "");
    assert!(verified.contains("accounts 2,") && verified.contains("all well"));
    drop(serving);
    damage(&place, b"MARK-1");
    let damaged = place.run(&["verify"], "");
    assert_eq!(damaged.code, Some(3), "{damaged:?}");
    assert!(damaged.said.contains("account joe (A"), "{damaged:?}");
    assert!(
        damaged.said.contains(", mailbox INBOX, UID 1: "),
        "{damaged:?}"
    );
    let json = place.run(&["verify", "--json", "--account", "joe"], "");
    assert_eq!(json.code, Some(3), "{json:?}");
    let (findings, summary): (Vec<_>, Vec<_>) = json
        .said
        .lines()
        .partition(|line| line.starts_with("{\"partition\":"));
    let says = format!("\"findings\":{}}}", findings.len());
    assert!(
        summary.len() == 1 && summary[0].ends_with(&says),
        "{json:?}"
    );
    let joes = "\"name\":\"joe\",\"mailbox\":\"INBOX\",\"uid\":1,";
    assert!(findings.iter().any(|f| f.contains(joes)), "{json:?}");
    let anns = place.run(&["verify", "--account", "ann"], "");
    assert!(!anns.said.contains("UID 1"), "{anns:?}");
    place.ok(&["account", "remove", "joe", "--yes"], "");
    let nobodys = place.run(&["verify"], "");
    assert!(nobodys.said.contains(", account A"), "{nobodys:?}");
}

/// Flips a bit of the last octet of a mark in the log.
fn damage(place: &Place, mark: &[u8]) {
    for entry in fs::read_dir(place.path("data/partitions/default/log")).unwrap() {
        let path = entry.unwrap().path();
        let mut octets = fs::read(&path).unwrap();
        if let Some(at) = octets.windows(mark.len()).position(|window| window == mark) {
            *octets.get_mut(at + mark.len() - 1).unwrap() ^= 1;
            fs::write(&path, octets).unwrap();
            return;
        }
    }
    panic!("the mark is not in the log");
}
