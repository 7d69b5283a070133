//! Chapar: its default configuration but for addresses, limits that many clients from one machine would
//! meet, and when the text of messages is indexed: not by the clock, which would add to whatever is
//! measured then, but when a workload asks for it.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use super::{
    Addresses, PASSWORD, Peer, await_listening, make_certificate, output, output_given, spawn,
    terminate,
};
use crate::{
    client::imap::Imap,
    failure::{Failure, Result},
};

/// One program, with a directory of its own.
pub(crate) struct Chapar {
    name: String,
    program: PathBuf,
    directory: PathBuf,
    addresses: Addresses,
    process: Option<Child>,
    accounts: BTreeSet<String>,
}

impl Chapar {
    /// The server of that program; what it stores is below `directory`.
    pub(crate) fn new(name: &str, program: &Path, directory: &Path) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            program: program.to_owned(),
            directory: directory.to_owned(),
            addresses: Addresses::free()?,
            process: None,
            accounts: BTreeSet::new(),
        })
    }

    fn configuration(&self) -> String {
        let Addresses { imap, imaps, lmtp } = self.addresses;
        let d = self.directory.display();
        format!(
            r#"hostname = "mail.example.test"
data = "{d}/data"
domains = ["example.test"]
[imap]
listen = ["{imap}"]
listen-tls = ["{imaps}"]
[lmtp]
listen = ["{lmtp}"]
allow = ["127.0.0.0/8"]
[tls]
certificate = "{d}/cert.pem"
key = "{d}/key.pem"
[login]
plaintext = true
[limits]
connections = 50000
connections-per-account = 50000
[search]
index = false
[log]
level = "warn"
"#
        )
    }

    fn configured(&self) -> PathBuf {
        self.directory.join("chapar.toml")
    }

    fn accounts_file(&self) -> PathBuf {
        self.directory.join("data/accounts.toml")
    }

    /// Has the server do a verb.
    fn verb(&self, verb: &[&str]) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args(verb).arg("--config").arg(self.configured());
        output(&mut command)?;
        Ok(())
    }

    /// Makes one account by the command line.
    fn add_by_verb(&self, name: &str) -> Result<()> {
        let mut command = Command::new(&self.program);
        command
            .args(["account", "add", name, "--password-stdin", "--config"])
            .arg(self.configured());
        output_given(&mut command, PASSWORD)?;
        Ok(())
    }
}

impl Peer for Chapar {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> String {
        output(Command::new(&self.program).arg("--version")).unwrap_or_else(|e| e.to_string())
    }

    fn ours(&self) -> bool {
        true
    }

    fn directory(&self) -> &Path {
        &self.directory
    }

    fn addresses(&self) -> Addresses {
        self.addresses
    }

    fn start(&mut self) -> Result<()> {
        make_certificate(&self.directory)?;
        let file = self.configured();
        fs::write(&file, self.configuration()).map_err(Failure::at(&file))?;
        let mut command = Command::new(&self.program);
        command.arg("serve").arg("--config").arg(&file);
        let child = self.process.insert(spawn(&self.directory, &mut command)?);
        await_listening(child, &self.directory, self.addresses)
    }

    fn stop(&mut self) -> Result<()> {
        self.process
            .take()
            .map_or(Ok(()), |mut c| terminate(&mut c))
    }

    fn process(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// The first is made by the command line. Every other gets the same hash, written into the
    /// file of accounts by hand, as the manual permits: a thousand times Argon2id is not what is
    /// measured.
    fn add_accounts(&mut self, names: &[String]) -> Result<()> {
        let file = self.accounts_file();
        if let Ok(text) = fs::read_to_string(&file) {
            let known = text.lines().filter_map(|line| line.strip_prefix("name = "));
            self.accounts
                .extend(known.map(|name| name.trim_matches('"').to_owned()));
        }
        let new: Vec<&String> = names
            .iter()
            .filter(|name| !self.accounts.contains(*name))
            .collect();
        let (Some(first), Some(last)) = (new.first(), new.last()) else {
            return Ok(());
        };
        self.add_by_verb(first)?;
        let mut text = fs::read_to_string(&file).map_err(Failure::at(&file))?;
        let made = text
            .rsplit("[[account]]")
            .next()
            .unwrap_or_default()
            .to_owned();
        for name in new.get(1..).unwrap_or_default() {
            text.push_str("\n[[account]]\n");
            for line in made.lines().filter(|line| !line.is_empty()) {
                let line = match line.split_once(" = ") {
                    Some(("name", _)) => format!("name = \"{name}\""),
                    Some(("id", _)) => format!("id = \"A{:016x}\"", fastrand::u64(..)),
                    _ => line.to_owned(),
                };
                let _ = writeln!(text, "{line}");
            }
        }
        let beside = file.with_extension("new");
        fs::write(&beside, text).map_err(Failure::at(&beside))?;
        fs::rename(&beside, &file).map_err(Failure::at(&file))?;
        self.accounts.extend(new.iter().map(|&name| name.clone()));
        // The server notices the file by itself, at the latest after some seconds.
        for _ in 0..200 {
            let known = Imap::connect(self.addresses.imap)
                .and_then(|mut client| client.login(last, PASSWORD));
            if known.is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(Failure::Broken(format!(
            "the server does not notice {last}"
        )))
    }

    fn recipient(&self, account: &str) -> String {
        format!("{account}@example.test")
    }

    fn rest(&self) -> Duration {
        Duration::from_secs(7)
    }

    fn indexes(&self) -> bool {
        true
    }

    fn index(&self, account: &str) -> Result<()> {
        self.verb(&["index", "update", account])
    }

    fn drop_index(&self, account: &str) -> Result<()> {
        self.verb(&["index", "drop", account])
    }

    fn process_per_session(&self) -> bool {
        false
    }
}

impl Drop for Chapar {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}
