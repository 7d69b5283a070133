//! Cyrus, as Debian packages it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use super::{
    Addresses, PASSWORD, Peer, await_listening, make_certificate, output, output_given, packaged,
    spawn, terminate,
};
use crate::{
    client::imap::Imap,
    failure::{Failure, Result},
};

/// The account that makes the others.
const ADMINISTRATOR: &str = "cyrus";

/// The realm of the accounts: the server's name.
const REALM: &str = "mail.example.test";

/// A Cyrus with a directory of its own.
pub(crate) struct Cyrus {
    /// Where its `imapd` is.
    imapd: PathBuf,
    directory: PathBuf,
    addresses: Addresses,
    process: Option<Child>,
    accounts: BTreeSet<String>,
}

impl Cyrus {
    /// What tables call it.
    pub(crate) const NAME: &str = "cyrus";

    /// One that stores below `directory`; `peers` is where its package was unpacked.
    pub(crate) fn new(peers: &Path, directory: &Path) -> Result<Self> {
        let unpacked = peers.join("cyrus/usr/lib/cyrus/bin/imapd");
        let installed = PathBuf::from("/usr/lib/cyrus/bin/imapd");
        Ok(Self {
            imapd: if unpacked.exists() {
                unpacked
            } else {
                installed
            },
            directory: directory.to_owned(),
            addresses: Addresses::free()?,
            process: None,
            accounts: BTreeSet::new(),
        })
    }

    /// Debian's `imapd.conf`, but for: where things are, names as the others have them (`/`, and no
    /// `INBOX.` before them), accounts in a file, and its notifications of what came in.
    fn settings(&self) -> String {
        let d = self.directory.display();
        format!(
            "configdirectory: {d}/config
proc_path: {d}/run/proc
mboxname_lockpath: {d}/run/lock
defaultpartition: default
partition-default: {d}/mail
altnamespace: yes
unixhierarchysep: yes
lmtp_downcase_rcpt: yes
admins: {ADMINISTRATOR}
allowanonymouslogin: no
popminpoll: 1
autocreate_quota: 0
umask: 077
sieveusehomedir: false
sievedir: {d}/sieve
hashimapspool: true
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {d}/sasldb2
sasl_mech_list: PLAIN
sasl_auto_transition: no
servername: {REALM}
tls_server_cert: {d}/cert.pem
tls_server_key: {d}/key.pem
tls_client_ca_dir: /etc/ssl/certs
tls_session_timeout: 1440
lmtpsocket: {d}/run/lmtp
idlesocket: {d}/run/idle
notifysocket: {d}/run/notify
syslog_prefix: cyrus
"
        )
    }

    /// Debian's `cyrus.conf`, but for: IMAP with TLS, LMTP over TCP, IDLE by notification instead of
    /// looking once a minute, no limits that would be met, and nothing that the benchmark does not use.
    fn services(&self) -> String {
        let Addresses { imap, imaps, lmtp } = self.addresses;
        let d = self.directory.display();
        let imapd = self.imapd.display();
        let idled = self.imapd.with_file_name("idled");
        let idled = idled.display();
        format!(
            r#"START {{
  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -C {d}/imapd.conf -r"
}}
DAEMON {{
  idled cmd="{idled} -C {d}/imapd.conf"
}}
SERVICES {{
  imap cmd="{imapd} -C {d}/imapd.conf -U 30" listen="{imap}" prefork=0 maxchild=20000
  imaps cmd="{imapd} -C {d}/imapd.conf -s -U 30" listen="{imaps}" prefork=0 maxchild=20000
  lmtp cmd="/usr/lib/cyrus/bin/lmtpd -C {d}/imapd.conf -a" listen="{lmtp}" prefork=0 maxchild=20000
  notify cmd="/usr/lib/cyrus/bin/notifyd -C {d}/imapd.conf" listen="{d}/run/notify" proto="udp" prefork=1
}}
EVENTS {{
  checkpoint cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -C {d}/imapd.conf -c" period=30
}}
"#
        )
    }

    /// Sets a password in the file of accounts.
    fn set_password(&self, name: &str) -> Result<()> {
        let file = self.directory.join("sasldb2");
        let mut command = Command::new("saslpasswd2");
        command
            .args(["-p", "-c", "-u", REALM, "-f"])
            .arg(&file)
            .arg(name);
        output_given(&mut command, PASSWORD)?;
        Ok(())
    }
}

impl Peer for Cyrus {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn version(&self) -> String {
        packaged("Cyrus IMAP", "cyrus-common")
    }

    fn directory(&self) -> &Path {
        &self.directory
    }

    fn addresses(&self) -> Addresses {
        self.addresses
    }

    fn start(&mut self) -> Result<()> {
        make_certificate(&self.directory)?;
        let d = &self.directory;
        // As Debian's package makes them when it is installed.
        for below in [
            "config/socket",
            "config/db",
            "config/log",
            "config/msg",
            "config/user",
            "config/quota",
            "mail",
            "run/proc",
            "run/lock",
            "sieve",
        ] {
            let below = d.join(below);
            fs::create_dir_all(&below).map_err(Failure::at(&below))?;
        }
        for (file, text) in [
            ("imapd.conf", self.settings()),
            ("cyrus.conf", self.services()),
        ] {
            let file = d.join(file);
            fs::write(&file, text).map_err(Failure::at(&file))?;
        }
        if !d.join("sasldb2").exists() {
            self.set_password(ADMINISTRATOR)?;
        }
        for below in [
            "config", "run", "sieve", "mail", "sasldb2", "key.pem", "cert.pem",
        ] {
            let given = if below == "mail" { "-h" } else { "-R" };
            output(
                Command::new("chown")
                    .args([given, "cyrus:mail"])
                    .arg(d.join(below)),
            )?;
        }
        let mut command = Command::new("/usr/lib/cyrus/bin/master");
        command
            .arg("-C")
            .arg(d.join("imapd.conf"))
            .arg("-M")
            .arg(d.join("cyrus.conf"))
            .arg("-p")
            .arg(d.join("run/master.pid"));
        let child = self.process.insert(spawn(d, &mut command)?);
        await_listening(child, d, self.addresses)
    }

    fn stop(&mut self) -> Result<()> {
        self.process
            .take()
            .map_or(Ok(()), |mut child| terminate(&mut child))
    }

    fn process(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    fn add_accounts(&mut self, names: &[String]) -> Result<()> {
        let new: Vec<&String> = names
            .iter()
            .filter(|name| !self.accounts.contains(*name))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut administrator = Imap::connect(self.addresses.imap)?;
        administrator.login(ADMINISTRATOR, PASSWORD)?;
        let there = administrator.collect("LIST \"\" \"user/%\"")?;
        let there: BTreeSet<String> = there
            .iter()
            .filter_map(|line| {
                let line = String::from_utf8_lossy(line).into_owned();
                let (_, name) = line.rsplit_once("user/")?;
                Some(name.trim_end_matches('"').to_owned())
            })
            .collect();
        for name in new {
            if !there.contains(name) {
                self.set_password(name)?;
                administrator.command(&format!("CREATE user/{name}"))?;
            }
            self.accounts.insert(name.clone());
        }
        administrator.logout()
    }
}

impl Drop for Cyrus {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}
