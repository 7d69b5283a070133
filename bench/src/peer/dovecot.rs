//! Dovecot, as Debian packages it, with one of its three mailbox formats.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use super::{
    Addresses, PASSWORD, Peer, await_listening, make_certificate, output, packaged, spawn,
    terminate,
};
use crate::failure::{Failure, Result};

/// How Dovecot keeps mailboxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A file for every message, flags in its name; the format that most sites have.
    Maildir,
    /// A file for every message, flags in the index.
    Sdbox,
    /// Files of many messages each.
    Mdbox,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Maildir => "dovecot-maildir",
            Self::Sdbox => "dovecot-sdbox",
            Self::Mdbox => "dovecot-mdbox",
        }
    }

    fn location(self) -> &'static str {
        match self {
            Self::Maildir => "maildir:~/Maildir",
            Self::Sdbox => "sdbox:~/sdbox",
            Self::Mdbox => "mdbox:~/mdbox",
        }
    }
}

/// The numeric user that all mail belongs to; nobody has to have it.
const OWNER: u32 = 5000;

/// A Dovecot with a directory of its own.
pub(crate) struct Dovecot {
    format: Format,
    directory: PathBuf,
    addresses: Addresses,
    process: Option<Child>,
}

impl Dovecot {
    /// One with that format; what it stores is below `directory`.
    pub(crate) fn new(format: Format, directory: &Path) -> Result<Self> {
        Ok(Self {
            format,
            directory: directory.to_owned(),
            addresses: Addresses::free()?,
            process: None,
        })
    }

    /// The name of the server with that format.
    pub(crate) fn name_of(format: Format) -> &'static str {
        format.name()
    }

    /// What Debian's files in `/etc/dovecot` come to, but for: where things are, accounts in a file,
    /// limits, logins in clear, COMPRESS, and no vsz limit, which mailboxes of 1,000,000 messages meet.
    fn configuration(&self) -> String {
        let Addresses { imap, imaps, lmtp } = self.addresses;
        let d = self.directory.display();
        let location = self.format.location();
        let (imap, imaps, lmtp) = (imap.port(), imaps.port(), lmtp.port());
        format!(
            r#"base_dir = {d}/run
state_dir = {d}/state
log_path = {d}/log
protocols = imap lmtp
listen = 127.0.0.1
hostname = mail.example.test
ssl = yes
ssl_cert = <{d}/cert.pem
ssl_key = <{d}/key.pem
disable_plaintext_auth = no
default_process_limit = 20000
default_client_limit = 60000
default_vsz_limit = 0
mail_max_userip_connections = 0
mail_location = {location}
mail_privileged_group = mail
auth_username_format = %n
passdb {{
  driver = passwd-file
  args = {d}/users
}}
userdb {{
  driver = static
  args = uid={OWNER} gid={OWNER} home={d}/mail/%n
}}
namespace inbox {{
  inbox = yes
  mailbox Drafts {{
    special_use = \Drafts
  }}
  mailbox Junk {{
    special_use = \Junk
  }}
  mailbox Trash {{
    special_use = \Trash
  }}
  mailbox Sent {{
    special_use = \Sent
  }}
  mailbox "Sent Messages" {{
    special_use = \Sent
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 20000
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
protocol imap {{
  mail_plugins = imap_zlib
}}
"#
        )
    }
}

impl Peer for Dovecot {
    fn name(&self) -> &str {
        self.format.name()
    }

    fn version(&self) -> String {
        packaged("Dovecot", "dovecot-imapd")
    }

    fn directory(&self) -> &Path {
        &self.directory
    }

    fn addresses(&self) -> Addresses {
        self.addresses
    }

    fn start(&mut self) -> Result<()> {
        make_certificate(&self.directory)?;
        let mail = self.directory.join("mail");
        fs::create_dir_all(&mail).map_err(Failure::at(&mail))?;
        std::os::unix::fs::chown(&mail, Some(OWNER), Some(OWNER)).map_err(Failure::at(&mail))?;
        let users = self.directory.join("users");
        if !users.exists() {
            fs::write(&users, "").map_err(Failure::at(&users))?;
        }
        let file = self.directory.join("dovecot.conf");
        fs::write(&file, self.configuration()).map_err(Failure::at(&file))?;
        let mut command = Command::new("dovecot");
        command.arg("-F").arg("-c").arg(&file);
        let child = self.process.insert(spawn(&self.directory, &mut command)?);
        await_listening(child, &self.directory, self.addresses)
    }

    fn stop(&mut self) -> Result<()> {
        self.process
            .take()
            .map_or(Ok(()), |mut child| terminate(&mut child))
    }

    fn process(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Passwords are hashed as `doveadm pw` does it by itself: bcrypt of cost 5. All accounts have
    /// the same hash. INBOX is there when it is first asked for.
    fn add_accounts(&mut self, names: &[String]) -> Result<()> {
        let file = self.directory.join("users");
        let mut users = fs::read_to_string(&file).map_err(Failure::at(&file))?;
        let known = |users: &str, name: &str| {
            let mut names = users.lines().filter_map(|line| line.split(':').next());
            names.any(|known| known == name)
        };
        let new: Vec<&String> = names.iter().filter(|name| !known(&users, name)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let hash = output(Command::new("doveadm").args(["pw", "-p", PASSWORD]))?;
        for name in new {
            let _ = writeln!(users, "{name}:{hash}");
        }
        // It is read again when its time of change is another: a file of its own makes sure of that.
        let beside = self.directory.join("users.new");
        fs::write(&beside, users).map_err(Failure::at(&beside))?;
        fs::rename(&beside, &file).map_err(Failure::at(&file))
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}
