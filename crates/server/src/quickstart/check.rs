//! The proof that it works: a message in over LMTP, and out over IMAP.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::timeout;

use super::client::Client;
use crate::error::Error;

/// The welcome message, by which it is found again.
const MESSAGE_ID: &str = "<welcome@quickstart.chapar.invalid>";

/// How long a server on the same machine may take to answer all of it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the server is that checks itself.
#[derive(Debug)]
pub(super) struct Check<'a> {
    /// Its LMTP socket.
    pub(super) lmtp: PathBuf,
    /// Its IMAP listener with TLS from the beginning.
    pub(super) imaps: SocketAddr,
    /// Its certificate.
    pub(super) certificate: PathBuf,
    /// The account.
    pub(super) account: &'a str,
}

impl Check<'_> {
    /// Delivers a message, whose lines end in LF.
    pub(super) async fn deliver(&self, message: &str) -> Result<(), Error> {
        attempt("delivering over LMTP", async {
            let mut lmtp = Client::lmtp(&self.lmtp).await?;
            self.envelope(&mut lmtp).await?;
            lmtp.ask("DATA", b'3').await?;
            lmtp.text(message).await?;
            lmtp.ask("QUIT", b'2').await
        })
        .await
    }

    /// Asks whether a message would be taken, and delivers none.
    pub(super) async fn would_deliver(&self) -> Result<(), Error> {
        attempt("offering a message over LMTP", async {
            let mut lmtp = Client::lmtp(&self.lmtp).await?;
            self.envelope(&mut lmtp).await?;
            lmtp.ask("RSET", b'2').await?;
            lmtp.ask("QUIT", b'2').await
        })
        .await
    }

    async fn envelope(&self, lmtp: &mut Client<tokio::net::UnixStream>) -> io::Result<()> {
        lmtp.ask("MAIL FROM:<>", b'2').await?;
        lmtp.ask(&format!("RCPT TO:<{}>", self.account), b'2').await
    }

    /// Reads the welcome message in INBOX.
    pub(super) async fn read_back(&self, password: &str) -> Result<(), Error> {
        attempt("reading it back over IMAP", async {
            let mut imap = self.imap().await?;
            let login = format!("LOGIN \"{}\" \"{password}\"", self.account);
            imap.command(&login).await?;
            imap.command("SELECT INBOX").await?;
            let search = format!("UID SEARCH HEADER Message-ID \"{MESSAGE_ID}\"");
            let uid = last_number(&imap.command(&search).await?);
            let uid = uid.ok_or_else(|| io::Error::other("the message is not in INBOX"))?;
            let fetch = format!("UID FETCH {uid} BODY.PEEK[]");
            let lines = imap.command(&fetch).await?;
            if !lines.iter().any(|line| line == "Welcome!") {
                return Err(io::Error::other("the message is not what was delivered"));
            }
            imap.command("LOGOUT").await.map(drop)
        })
        .await
    }

    /// Asks for no more than a greeting and what is offered: nobody logs in.
    pub(super) async fn answers(&self) -> Result<(), Error> {
        attempt("speaking IMAP", async {
            let mut imap = self.imap().await?;
            imap.command("CAPABILITY").await?;
            imap.command("LOGOUT").await.map(drop)
        })
        .await
    }

    async fn imap(&self) -> io::Result<ImapClient> {
        Client::imap(self.imaps, &self.certificate).await
    }
}

type ImapClient = Client<tokio_rustls::client::TlsStream<tokio::net::TcpStream>>;

async fn attempt(
    doing: &'static str,
    conversation: impl Future<Output = io::Result<()>>,
) -> Result<(), Error> {
    let ended = timeout(PATIENCE, conversation).await;
    ended
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|source| Error::SelfTest { doing, source })
}

/// The last number of a SEARCH or ESEARCH response.
fn last_number(lines: &[String]) -> Option<u32> {
    let found = lines.iter().find(|line| line.contains("SEARCH"))?;
    found.rsplit([' ', ',', ':']).next()?.parse().ok()
}

/// The welcome message, made out for an account.
pub(super) fn welcome(account: &str, hostname: &str, config: &Path, socket: &Path) -> String {
    let now = session::lmtp::date(store::clock::system());
    include_str!("welcome.txt")
        .replace("DATE", &now)
        .replace("HOSTNAME", hostname)
        .replace("ACCOUNT", account)
        .replace("CONFIG", &config.display().to_string())
        .replace("SOCKET", &socket.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uid_is_found_in_either_response() {
        for (line, expected) in [
            ("* SEARCH 7", Some(7)),
            ("* SEARCH 3 9", Some(9)),
            ("* ESEARCH (TAG \"c3\") UID ALL 4:6", Some(6)),
            ("* SEARCH", None),
            ("* 1 EXISTS", None),
        ] {
            assert_eq!(last_number(&[line.to_owned()]), expected, "{line}");
        }
    }

    #[test]
    fn the_welcome_message_can_be_sent_as_it_is() {
        let message = welcome("joe", "mail.example", Path::new("/c"), Path::new("/s"));
        assert!(message.contains(MESSAGE_ID));
        assert!(message.ends_with('\n') && message.contains("\nWelcome!\n"));
        assert!(!message.lines().any(|line| line.starts_with('.')));
        for left in ["HOSTNAME", "ACCOUNT", "CONFIG", "SOCKET", "DATE"] {
            assert!(!message.contains(left), "{left}");
        }
    }
}
