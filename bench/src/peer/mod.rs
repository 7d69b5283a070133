//! The servers that are compared: how each is set up, started, stopped and given accounts.

pub(crate) mod chapar;
pub(crate) mod cyrus;
pub(crate) mod dovecot;

use std::{
    fs::{self, File},
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    failure::{Failure, Result},
    results::Server,
};

/// The password of every account.
pub(crate) const PASSWORD: &str = "correct-horse-battery";

/// Where a server listens; all on loopback.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    /// IMAP in clear.
    pub(crate) imap: SocketAddr,
    /// IMAP with TLS from the beginning.
    pub(crate) imaps: SocketAddr,
    /// LMTP.
    pub(crate) lmtp: SocketAddr,
}

impl Addresses {
    /// Three ports that nobody listens on now.
    pub(crate) fn free() -> Result<Self> {
        // All three are held until all are known: else two could be the same.
        let listen = || TcpListener::bind("127.0.0.1:0");
        let held = [listen()?, listen()?, listen()?];
        let [imap, imaps, lmtp] = held.each_ref().map(TcpListener::local_addr);
        Ok(Self {
            imap: imap?,
            imaps: imaps?,
            lmtp: lmtp?,
        })
    }
}

/// A server with a directory of its own. What it has stored stays there from run to run.
pub(crate) trait Peer: Send + Sync {
    /// What the tables call it.
    fn name(&self) -> &str;

    /// Program and version, as the program or its package says.
    fn version(&self) -> String;

    /// Whether it is a Chapar.
    fn ours(&self) -> bool {
        false
    }

    /// What is saved of it with the results.
    fn description(&self) -> Server {
        Server {
            name: self.name().to_owned(),
            version: self.version(),
            ours: self.ours(),
        }
    }

    /// Where it keeps everything.
    fn directory(&self) -> &Path;

    /// Where it listens, once it has been started.
    fn addresses(&self) -> Addresses;

    /// Starts it and waits until it listens.
    fn start(&mut self) -> Result<()>;

    /// Stops it as its administrator would, and waits for its end.
    fn stop(&mut self) -> Result<()>;

    /// The process above all others of it, while it runs.
    fn process(&self) -> Option<u32>;

    /// Makes accounts, each with [`PASSWORD`] and an INBOX; those that are there stay. The server runs.
    fn add_accounts(&mut self, names: &[String]) -> Result<()>;

    /// The address at which LMTP takes mail for an account.
    fn recipient(&self, account: &str) -> String {
        account.to_owned()
    }

    /// How long a session has to be at rest until the server has given back what it wants to.
    fn rest(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// Whether it has an index of text, which it makes in the background otherwise.
    fn indexes(&self) -> bool {
        false
    }

    /// Indexes what is not indexed yet of an account, and waits until that is done.
    fn index(&self, _account: &str) -> Result<()> {
        Ok(())
    }

    /// Throws the index of an account away.
    fn drop_index(&self, _account: &str) -> Result<()> {
        Ok(())
    }

    /// Whether every connection has processes of its own: thousands of them are then too many for
    /// a machine of usual size.
    fn process_per_session(&self) -> bool {
        true
    }
}

/// Makes a server's directory, empty unless the same version was in it before: what another has
/// stored may be laid out otherwise, and would not be what this one makes of the same mail.
pub(crate) fn settle_in(peer: &dyn Peer) -> Result<()> {
    let directory = peer.directory();
    let (file, version) = (directory.join("version"), peer.version());
    if fs::read_to_string(&file).is_ok_and(|before| before == version) {
        return Ok(());
    }
    if directory.exists() {
        fs::remove_dir_all(directory).map_err(Failure::at(directory))?;
    }
    fs::create_dir_all(directory).map_err(Failure::at(directory))?;
    fs::write(&file, version).map_err(Failure::at(&file))
}

/// Starts a program that stays in the foreground, with what it says in `log` of its directory. One that a run
/// has left there that was killed is ended first.
fn spawn(directory: &Path, command: &mut Command) -> Result<Child> {
    let left = directory.join("process");
    if let Ok(Some(process)) = fs::read_to_string(&left).map(|pid| pid.parse().ok()) {
        end_what_was_left(directory, process);
    }
    let path = directory.join("log");
    let log = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(Failure::at(&path))?;
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    let name = command.get_program().to_string_lossy().into_owned();
    let child = command
        .spawn()
        .map_err(|e| Failure::Broken(format!("{name}: {e}; if it is missing, run bench/peers")))?;
    fs::write(&left, child.id().to_string()).map_err(Failure::at(&left))?;
    Ok(child)
}

/// Ends a process if it is a server of that directory: numbers of processes are used again.
fn end_what_was_left(directory: &Path, process: u32) {
    let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let wanted = directory.as_os_str().as_encoded_bytes();
    if memchr::memmem::find(&command, wanted).is_none() {
        return;
    }
    signal(process);
    let alive = format!("/proc/{process}");
    for _ in 0..1000 {
        if !Path::new(&alive).exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Asks a process to end.
fn signal(process: u32) {
    if let Some(pid) = rustix::process::Pid::from_raw(process.cast_signed()) {
        // If it is gone already, there is nothing to be done.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

/// Waits until something listens at all of the addresses.
fn await_listening(child: &mut Child, directory: &Path, addresses: Addresses) -> Result<()> {
    let give_up = Instant::now() + Duration::from_mins(2);
    for address in [addresses.imap, addresses.imaps, addresses.lmtp] {
        while TcpStream::connect(address).is_err() {
            let ended = child.try_wait()?;
            if ended.is_some() || Instant::now() > give_up {
                let log = fs::read_to_string(directory.join("log")).unwrap_or_default();
                let end: Vec<&str> = log.lines().rev().take(10).collect();
                return Err(Failure::Broken(format!(
                    "{} does not listen at {address} ({ended:?}):\n{}",
                    directory.display(),
                    end.into_iter().rev().collect::<Vec<_>>().join("\n")
                )));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    Ok(())
}

/// Asks a process to end, and waits until it has.
fn terminate(child: &mut Child) -> Result<()> {
    signal(child.id());
    let give_up = Instant::now() + Duration::from_secs(30);
    while child.try_wait()?.is_none() {
        if Instant::now() > give_up {
            child.kill()?;
            child.wait()?;
            return Err(Failure::Broken("it did not end, and was killed".to_owned()));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// What a program prints, or why it failed.
fn output(command: &mut Command) -> Result<String> {
    output_given(command, "")
}

/// The same, of a program that reads this.
fn output_given(command: &mut Command, input: &str) -> Result<String> {
    let name = format!("{command:?}");
    let failed = |why: &dyn std::fmt::Display| Failure::Broken(format!("{name}: {why}"));
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| failed(&e))?;
    if let Some(mut reader) = child.stdin.take()
        && !input.is_empty()
    {
        reader.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output().map_err(|e| failed(&e))?;
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A program and the version of its Debian package, or how to get it.
fn packaged(program: &str, package: &str) -> String {
    let show = ["--show", "--showformat=${Version}", package];
    output(Command::new("dpkg-query").args(show)).map_or_else(
        |_| format!("{program}, which is not installed: run bench/peers"),
        |version| format!("{program}, Debian's {package} {version}"),
    )
}

/// A certificate for `mail.example.test` in a directory: `cert.pem` and `key.pem`, of the same kind
/// for all: the handshake's cost is mostly that of its signature.
fn make_certificate(directory: &Path) -> Result<()> {
    let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    if certificate.exists() && key.exists() {
        return Ok(());
    }
    let mut openssl = Command::new("openssl");
    openssl
        .args(["req", "-x509", "-nodes", "-days", "3650"])
        .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        .args(["-subj", "/CN=mail.example.test"])
        .args(["-addext", "subjectAltName=DNS:mail.example.test"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    output(&mut openssl)?;
    Ok(())
}
