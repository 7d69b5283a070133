//! A `chapar serve` of one test: its own directory, ports, accounts; killed when dropped.

use std::{
    fs,
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use crate::connection::Connection;

/// The password of every test account.
pub(crate) const PASSWORD: &str = "correct-horse";

/// A server process with its directory.
pub(crate) struct Chapar {
    directory: PathBuf,
    /// Holds the directory until the end.
    temporary: Option<tempfile::TempDir>,
    process: Option<Child>,
    /// Set for the server, besides what this process has.
    pub(crate) environment: Vec<(&'static str, &'static str)>,
    /// A program that runs the server, and its arguments; none, if empty.
    pub(crate) under: Vec<String>,
    pub(crate) imap: SocketAddr,
    pub(crate) imaps: SocketAddr,
    pub(crate) lmtp: SocketAddr,
}

impl Chapar {
    /// A running server with these accounts.
    pub(crate) fn with_accounts(accounts: &[&str]) -> Self {
        let mut chapar = Self::prepare("");
        for account in accounts {
            chapar.add_account(account);
        }
        chapar.start();
        chapar
    }

    /// A running server with these settings, `key.of.it = value` each, and no accounts.
    pub(crate) fn with_settings(settings: &[String]) -> Self {
        let mut chapar = Self::prepare("");
        let mut table: toml::Table = fs::read_to_string(chapar.config())
            .unwrap()
            .parse()
            .unwrap();
        for setting in settings {
            merge(&mut table, setting.parse().unwrap());
        }
        fs::write(chapar.config(), table.to_string()).unwrap();
        chapar.start();
        chapar
    }

    /// A directory with a configuration, nothing started; `extra` is added to it.
    pub(crate) fn prepare(extra: &str) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut chapar = Self::prepare_in(temporary.path(), extra);
        chapar.temporary = Some(temporary);
        chapar
    }

    /// The same in a directory that stays.
    pub(crate) fn prepare_in(directory: &Path, extra: &str) -> Self {
        let [imap, imaps, lmtp] = free_ports();
        let chapar = Self {
            directory: directory.to_owned(),
            temporary: None,
            process: None,
            environment: Vec::new(),
            under: Vec::new(),
            imap,
            imaps,
            lmtp,
        };
        make_certificate(directory);
        fs::write(chapar.config(), chapar.configuration(extra)).unwrap();
        chapar
    }

    fn configuration(&self, extra: &str) -> String {
        let Self {
            imap, imaps, lmtp, ..
        } = self;
        let d = self.directory.display();
        format!(
            r#"
hostname = "mail.example.test"
data = "{d}/data"
domains = ["example.test"]

[imap]
listen = ["{imap}"]
listen-tls = ["{imaps}"]

[lmtp]
unix = "{d}/lmtp.sock"
unix-mode = "0666"
listen = ["{lmtp}"]
allow = ["127.0.0.0/8"]

[tls]
certificate = "{d}/cert.pem"
key = "{d}/key.pem"

[login]
plaintext = true
{extra}
"#
        )
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.directory.join("chapar.toml")
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn lmtp_socket(&self) -> PathBuf {
        self.directory.join("lmtp.sock")
    }

    /// Runs a verb of the command line on this server's configuration.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = command()
            .args(arguments)
            .arg("--config")
            .arg(self.config())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }

    pub(crate) fn add_account(&self, name: &str) {
        let done = self.run(&["account", "add", name, "--password-stdin"], PASSWORD);
        assert!(done.status.success(), "account add {name}: {}", text(&done));
    }

    /// Starts the process and waits until it listens.
    pub(crate) fn start(&mut self) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.directory.join("log"))
            .unwrap();
        let child = command_under(&self.under)
            .arg("serve")
            .arg("--config")
            .arg(self.config())
            .envs(self.environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(child);
        let give_up = Instant::now() + Duration::from_mins(1);
        while TcpStream::connect(self.imap).is_err() || TcpStream::connect(self.lmtp).is_err() {
            if let Some(status) = self.process.as_mut().unwrap().try_wait().unwrap() {
                panic!("chapar serve ended with {status}:\n{}", self.log());
            }
            assert!(
                Instant::now() < give_up,
                "chapar serve does not listen:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Everything it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// Kills it at once, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.process.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to stop, and gives its exit status.
    pub(crate) fn terminate(&mut self) -> std::process::ExitStatus {
        self.signal("-TERM");
        self.process.take().unwrap().wait().unwrap()
    }

    /// Sends it a signal: `-STOP`.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        let mut kill = Command::new("kill");
        assert!(kill.args([signal, &pid]).status().unwrap().success());
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// A new IMAP connection, past its greeting.
    pub(crate) fn connect(&self) -> Connection {
        let mut connection = Connection::open(self.imap);
        connection.read_line();
        connection
    }

    /// A new IMAP connection, logged in.
    pub(crate) fn login(&self, account: &str) -> Connection {
        let mut connection = self.connect();
        connection.ok(&format!("LOGIN {account} {PASSWORD}"));
        connection
    }

    /// Walks the store and panics if anything in it is wrong.
    pub(crate) fn verify(&self) {
        let done = self.run(&["verify"], "");
        assert!(done.status.success(), "verify: {}", text(&done));
    }
}

impl Drop for Chapar {
    /// Every test is a consistency test: the store must verify at its end.
    fn drop(&mut self) {
        self.kill();
        if !std::thread::panicking() && self.directory.join("data").exists() {
            self.verify();
        } else if std::thread::panicking() {
            eprintln!("--- log of the server:\n{}", self.log());
        }
    }
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_chapar"))
}

/// The same, run by another program.
fn command_under(under: &[String]) -> Command {
    let Some((program, arguments)) = under.split_first() else {
        return command();
    };
    let mut command = Command::new(program);
    command.args(arguments).arg(env!("CARGO_BIN_EXE_chapar"));
    command
}

/// Puts the values of `from` into `into`, table by table.
fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// What a command printed, for a failed assertion.
pub(crate) fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Ports that were free a moment ago.
pub(crate) fn free_ports<const N: usize>() -> [SocketAddr; N] {
    let held: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    std::array::from_fn(|i| held[i].local_addr().unwrap())
}

/// A self-signed certificate for localhost, by openssl.
fn make_certificate(directory: &Path) {
    let done = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "30",
        ])
        .args([
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ])
        .arg("-keyout")
        .arg(directory.join("key.pem"))
        .arg("-out")
        .arg(directory.join("cert.pem"))
        .output()
        .unwrap();
    assert!(done.status.success(), "openssl: {}", text(&done));
}
