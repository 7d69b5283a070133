//! A server from nothing, that tests itself: `chapar quickstart`.
//!
//! What it needs it makes, what is there it keeps. It proves that it works the way it
//! will be used: over its own sockets.

mod check;
mod client;
mod files;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use session::Services;

use crate::{
    config::{Config, machine_name},
    error::Error,
    log::{Format, start_log},
    run::{control, open, serve},
    server::Server,
    settings::{Address, Security, Settings, Speaks},
};
use check::Check;
use files::Files;

/// The account that it makes.
const ACCOUNT: &str = "me";

/// Makes what is missing in `directory`, serves, tests itself, says on `out` what to type into a
/// mail client, and goes on serving until SIGINT or SIGTERM.
///
/// # Errors
/// [`Error`]: what is in the way.
pub async fn quickstart(directory: &Path, out: &mut (impl Write + Send)) -> Result<(), Error> {
    let files = Files::prepare(directory)?;
    let hostname = machine_name();
    files.write_config(&hostname)?;
    files.write_certificate(&hostname)?;
    // The problems of a server that runs in front of somebody belong on the screen.
    let lately = start_log(Format::Text, "warn");
    let config = Config::read(&files.config()).map_err(Error::Config)?;
    let services = open(&config).await?;
    let control = control(&config, &services, lately);
    let start = Start {
        files: &files,
        services,
        settings: config.settings,
    };
    let ready = async |server: &Server| start.first_steps(server, out).await;
    let (services, settings) = (start.services.clone(), start.settings.clone());
    let ended = serve(services, settings, control, ready).await;
    if let Err(Error::Listen { address, source }) = &ended
        && source.kind() == io::ErrorKind::AddrInUse
    {
        let config = files.config();
        writeln!(
            out,
            "Something else is listening on {address}. Write another port for it into\n\
             {}, and run quickstart again.",
            config.display()
        )?;
    }
    ended
}

/// A server that has just started.
struct Start<'a> {
    files: &'a Files,
    services: Services,
    settings: Settings,
}

impl Start<'_> {
    /// Makes the account, tests the server, says how to use it. Not before every listener
    /// listens: a password that nobody was shown would be lost.
    async fn first_steps(&self, server: &Server, out: &mut impl Write) -> Result<(), Error> {
        let directory = self.services.auth.directory();
        let mut password = None;
        if directory.account(ACCOUNT).is_none() {
            let made = files::password()?;
            directory.add(ACCOUNT, made.as_bytes())?;
            password = Some(made);
        }
        self.instruct(server, password.as_deref(), out)?;
        self.check(server, password.as_deref(), out).await?;
        writeln!(
            out,
            "\nServing. Ctrl-C stops it; quickstart again goes on with what is there."
        )?;
        Ok(())
    }

    async fn check(
        &self,
        server: &Server,
        password: Option<&str>,
        out: &mut impl Write,
    ) -> Result<(), Error> {
        let (Some(lmtp), Some(imaps), Some((certificate, _))) = (
            self.lmtp_socket(),
            server.address(Speaks::Imap, Security::Tls),
            &self.settings.certificate,
        ) else {
            writeln!(
                out,
                "Not tested: that needs LMTP on a Unix socket, and IMAP with TLS."
            )?;
            return Ok(());
        };
        let check = Check {
            lmtp: lmtp.clone(),
            imaps,
            certificate: certificate.clone(),
            account: ACCOUNT,
        };
        if let Some(password) = password {
            let hostname = &self.services.hostname;
            let message = check::welcome(ACCOUNT, hostname, &self.files.config(), &lmtp);
            check.deliver(&message).await?;
            check.read_back(password).await?;
            writeln!(
                out,
                "Tested: a welcome message went in over LMTP and came out over IMAP."
            )?;
        } else {
            check.would_deliver().await?;
            check.answers().await?;
            writeln!(
                out,
                "Tested: LMTP would take a message, IMAP answers in TLS."
            )?;
        }
        Ok(())
    }

    fn lmtp_socket(&self) -> Option<PathBuf> {
        self.settings.listen.iter().find_map(|l| match &l.address {
            Address::Unix { path, .. } if l.speaks == Speaks::Lmtp => Some(path.clone()),
            _ => None,
        })
    }

    fn instruct(
        &self,
        server: &Server,
        password: Option<&str>,
        out: &mut impl Write,
    ) -> Result<(), Error> {
        writeln!(
            out,
            "Chapar is running. In a mail client, set up an account by hand:\n"
        )?;
        writeln!(out, "  IMAP server   localhost")?;
        for (security, name) in [(Security::Tls, "SSL/TLS"), (Security::StartTls, "STARTTLS")] {
            if let Some(address) = server.address(Speaks::Imap, security) {
                writeln!(out, "  port          {}, {name}", address.port())?;
            }
        }
        writeln!(out, "  user          {ACCOUNT}")?;
        match password {
            Some(password) => writeln!(
                out,
                "  password      {password}   (shown this once: only a hash of it is kept)"
            )?,
            None => writeln!(out, "  password      as it was shown the first time")?,
        }
        writeln!(
            out,
            "\nThe certificate is self-signed: the client will ask whether to trust it.\n\
             Everything is in {}; the configuration is {}.\n",
            self.files.directory.display(),
            self.files.config().display()
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quickstart from beginning to end, on ports that the system chooses: what it says.
    async fn run_once(directory: &Path) -> String {
        let files = Files::prepare(directory).unwrap();
        files.write_certificate("localhost").unwrap();
        let config = Config::read(&files.config()).unwrap();
        let start = Start {
            files: &files,
            services: open(&config).await.unwrap(),
            settings: config.settings,
        };
        let server =
            Server::start(&start.services, &start.settings, admin::Sessions::default()).unwrap();
        let mut said = Vec::new();
        start.first_steps(&server, &mut said).await.unwrap();
        server.stop().await;
        start.services.store.close().await.unwrap();
        String::from_utf8(said).unwrap()
    }

    #[tokio::test]
    async fn it_proves_itself_the_first_time_and_makes_nothing_the_second() {
        let temporary = tempfile::tempdir().unwrap();
        let files = Files::prepare(temporary.path()).unwrap();
        files.write_config("localhost").unwrap();
        let text = std::fs::read_to_string(files.config()).unwrap();
        let text = text
            .replace("127.0.0.1:1143", "127.0.0.1:0")
            .replace("127.0.0.1:1993", "127.0.0.1:0")
            .replace("127.0.0.1:1124", "127.0.0.1:0");
        std::fs::write(files.config(), text).unwrap();

        let first = run_once(temporary.path()).await;
        assert!(first.contains("came out over IMAP"), "{first}");
        assert!(first.contains("shown this once"), "{first}");
        let accounts = || std::fs::read(temporary.path().join("data/accounts.toml")).unwrap();
        let made = accounts();

        let second = run_once(temporary.path()).await;
        assert!(second.contains("LMTP would take a message"), "{second}");
        assert!(
            second.contains("as it was shown the first time"),
            "{second}"
        );
        assert_eq!(accounts(), made);
    }
}
