//! An LMTP session: RFC 2033, with RFC 5321 for what it does not change.
//!
//! How an MTA hands mail over. A message goes into the store as it arrives, piece by
//! piece, and is never whole in memory; after its end every accepted recipient
//! has a reply of its own.

mod command;
mod deliver;
mod path;
mod reply;
mod settings;
mod trace;
mod transaction;
mod unstuff;

#[cfg(test)]
mod tests;

use std::{mem, time::Duration};

use crate::{FLUSH_AT, Gone, Next, Outlet, Peer, Services, Tls};
use command::{Chunk, Command};
pub(crate) use reply::{Reply, refusal};
pub use settings::{OverQuota, Settings};
pub use trace::date;
use transaction::Transaction;
use unstuff::{Found, Unstuff};

/// How long a client may be silent: RFC 5321 §4.5.3.2.7.
const PATIENCE: Duration = Duration::from_mins(5);

/// One client's session.
#[derive(Debug)]
pub struct Session {
    services: Services,
    peer: Peer,
    /// What LHLO said; commands that need one wait for it.
    client: Option<String>,
    transaction: Option<Transaction>,
    input: Input,
    /// The beginning of a command line whose end has not come.
    line: Vec<u8>,
    /// Commands in a row that made no sense.
    bad_commands: u32,
    /// The server is stopping: nothing begins any more.
    stopping: bool,
}

/// What the next octets are.
#[derive(Debug)]
enum Input {
    /// A command.
    Command,
    /// The rest of a command line that is too long.
    Overlong,
    /// A message, after DATA.
    Data(Unstuff),
    /// A piece of a message, after BDAT.
    Chunk(Pending),
}

/// A BDAT chunk on its way.
#[derive(Debug)]
struct Pending {
    /// Octets to come.
    left: u64,
    /// Whether it is the last.
    chunk: Chunk,
    /// Why its octets are thrown away, if they are. RFC 3030 §2: they are to be read all the same.
    refused: Option<Reply>,
}

impl Session {
    /// A session that has not greeted yet.
    #[must_use]
    pub fn new(services: Services, peer: Peer) -> Self {
        Self {
            services,
            peer,
            client: None,
            transaction: None,
            input: Input::Command,
            line: Vec::new(),
            bad_commands: 0,
            stopping: false,
        }
    }

    /// Sends the greeting.
    ///
    /// # Errors
    /// [`Gone`]
    #[expect(clippy::unused_async, reason = "the drivers' contract")]
    pub async fn greet(&mut self, out: &mut impl Outlet) -> Result<Next, Gone> {
        let greeting = format!("220 {} LMTP Chapar\r\n", self.services.hostname);
        out.buffer().extend_from_slice(greeting.as_bytes());
        Ok(Next::Wait)
    }

    /// Takes what the client sent, and answers every command that is complete.
    ///
    /// # Errors
    /// [`Gone`]
    pub async fn receive(&mut self, octets: &[u8], out: &mut impl Outlet) -> Result<Next, Gone> {
        let mut rest = octets;
        while !rest.is_empty() {
            let next = match &mut self.input {
                Input::Command | Input::Overlong => self.line(&mut rest, out).await?,
                Input::Data(_) => self.text(&mut rest, out).await?,
                Input::Chunk(_) => self.chunk(&mut rest, out).await?,
            };
            if next != Next::Wait {
                // RFC 3207 §4.2: what follows STARTTLS in clear text was never said.
                return Ok(next);
            }
            if out.buffer().len() >= FLUSH_AT {
                out.flush().await?;
            }
        }
        Ok(Next::Wait)
    }

    /// TLS is on (after [`Next::StartTls`]). RFC 3207 §4.2: all begins anew.
    pub fn secured(&mut self, tls: Tls) {
        self.peer.tls = Some(tls);
        self.client = None;
        self.transaction = None;
        self.line = Vec::new();
    }

    /// How long the client may be silent from now on.
    #[must_use]
    pub fn patience(&self) -> Duration {
        PATIENCE
    }

    /// The client was silent for longer: says so.
    ///
    /// # Errors
    /// [`Gone`]
    #[expect(clippy::unused_async, reason = "the drivers' contract")]
    pub async fn timed_out(&mut self, out: &mut impl Outlet) -> Result<Next, Gone> {
        reply::TIMED_OUT.write(out.buffer());
        Ok(Next::Close)
    }

    /// The server is stopping: says so, at once or when the message that is on its way has
    /// been delivered.
    ///
    /// # Errors
    /// [`Gone`]
    #[expect(clippy::unused_async, reason = "the drivers' contract")]
    pub async fn stopping(&mut self, out: &mut impl Outlet) -> Result<Next, Gone> {
        self.stopping = true;
        if self.is_busy() {
            return Ok(Next::Wait);
        }
        reply::STOPPING.write(out.buffer());
        Ok(Next::Close)
    }

    /// LMTP knows no logins.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        None
    }

    /// Whether a message is on its way.
    fn is_busy(&self) -> bool {
        match &self.input {
            Input::Data(_) | Input::Chunk(_) => true,
            Input::Command | Input::Overlong => self
                .transaction
                .as_ref()
                .is_some_and(Transaction::has_begun),
        }
    }

    /// Takes octets up to the end of a command line, and runs the command if it is there.
    async fn line(&mut self, rest: &mut &[u8], out: &mut impl Outlet) -> Result<Next, Gone> {
        let end = rest.iter().position(|&o| o == b'\n').map(|at| at + 1);
        let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
        *rest = after;
        if self.line.len() + piece.len() > self.services.limits.lmtp_line_bytes_max {
            self.input = Input::Overlong;
            self.line = Vec::new();
        }
        let complete = end.is_some();
        if matches!(self.input, Input::Overlong) {
            if complete {
                self.input = Input::Command;
                return Ok(self.answer(reply::LINE_TOO_LONG, out));
            }
        } else if complete && self.line.is_empty() {
            return self.run(piece, out).await;
        } else {
            self.line.extend_from_slice(piece);
            if complete {
                let line = mem::take(&mut self.line);
                return self.run(&line, out).await;
            }
        }
        Ok(Next::Wait)
    }

    /// Runs a command: which is permitted when.
    async fn run(&mut self, line: &[u8], out: &mut impl Outlet) -> Result<Next, Gone> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let command = match command::parse(line) {
            Ok(command) => command,
            Err(reply) => return Ok(self.answer(reply, out)),
        };
        let reply = match command {
            Command::Lhlo(client) => return Ok(self.lhlo(client, out)),
            Command::Bdat(size, chunk) => return self.bdat(size, chunk, out).await,
            Command::Lost => {
                reply::BAD_ARGUMENT.write(out.buffer());
                return Ok(Next::Close);
            }
            Command::Quit => {
                reply::BYE.write(out.buffer());
                return Ok(Next::Close);
            }
            Command::StartTls => match self.start_tls() {
                Ok(()) => {
                    reply::START_TLS.write(out.buffer());
                    return Ok(Next::StartTls);
                }
                Err(reply) => reply,
            },
            Command::Rset => {
                self.transaction = None;
                reply::OK
            }
            Command::Mail(mail) => self.mail(mail),
            Command::Rcpt(rcpt) => self.rcpt(rcpt).await,
            Command::Data => self.data().await,
            Command::Helo => reply::NOT_SMTP,
            Command::Noop => reply::OK,
            Command::Vrfy => reply::CANNOT_VERIFY,
            Command::Help => reply::HELP,
        };
        Ok(self.answer(reply, out))
    }

    /// Sends a reply, and counts those that the client should not have asked for.
    fn answer(&mut self, reply: Reply, out: &mut impl Outlet) -> Next {
        reply.write(out.buffer());
        if self.stopping && !self.is_busy() {
            reply::STOPPING.write(out.buffer());
            return Next::Close;
        }
        if !reply.is_protest() {
            self.bad_commands = 0;
            return Next::Wait;
        }
        self.bad_commands += 1;
        if self.bad_commands < self.services.limits.bad_commands_max {
            return Next::Wait;
        }
        reply::TOO_MANY_ERRORS.write(out.buffer());
        Next::Close
    }

    /// RFC 5321 §4.1.4: LHLO also resets.
    fn lhlo(&mut self, client: String, out: &mut impl Outlet) -> Next {
        self.client = Some(client);
        self.transaction = None;
        self.bad_commands = 0;
        let hostname = &self.services.hostname;
        let size = self.services.store.message_bytes_max();
        let start_tls = match self.peer.tls {
            None if self.peer.can_start_tls => "250-STARTTLS\r\n",
            _ => "",
        };
        let ignore_quota = if self.may_ignore_quotas() {
            "250-IGNOREQUOTA\r\n"
        } else {
            ""
        };
        let lines = format!(
            "250-{hostname}\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n\
             250-BINARYMIME\r\n250-CHUNKING\r\n250-SMTPUTF8\r\n{start_tls}{ignore_quota}250 SIZE {size}\r\n"
        );
        out.buffer().extend_from_slice(lines.as_bytes());
        Next::Wait
    }

    /// As with Cyrus, who may open the Unix socket is trusted with more than one who comes over the network.
    fn may_ignore_quotas(&self) -> bool {
        self.peer.address.is_none()
    }

    fn start_tls(&self) -> Result<(), Reply> {
        match self.peer.tls {
            Some(_) => Err(reply::HAS_TLS),
            None if self.peer.can_start_tls => Ok(()),
            None => Err(reply::NOT_OFFERED),
        }
    }

    fn mail(&mut self, mail: command::Mail) -> Reply {
        if self.client.is_none() {
            return reply::SAY_LHLO;
        }
        if self.transaction.is_some() {
            return reply::NESTED_MAIL;
        }
        // RFC 1870 §6.1: better now than after all of it has come.
        let max = self.services.store.message_bytes_max();
        if mail.size.is_some_and(|size| size > max) {
            return reply::TOO_BIG;
        }
        self.transaction = Some(Transaction::new(mail));
        reply::SENDER_OK
    }

    async fn rcpt(&mut self, rcpt: command::Rcpt) -> Reply {
        if rcpt.ignore_quota && !self.may_ignore_quotas() {
            return reply::BAD_PARAMETER;
        }
        match &mut self.transaction {
            Some(transaction) => transaction.rcpt(rcpt, &self.services).await,
            None => reply::NO_SENDER,
        }
    }

    async fn data(&mut self) -> Reply {
        let Some(transaction) = &mut self.transaction else {
            return reply::NO_SENDER;
        };
        match transaction.data(&self.services).await {
            Ok(()) => {
                self.input = Input::Data(Unstuff::default());
                reply::GO_AHEAD
            }
            Err(reply) => reply,
        }
    }

    /// Takes octets of a message up to its end, and delivers it if it is there.
    async fn text(&mut self, rest: &mut &[u8], out: &mut impl Outlet) -> Result<Next, Gone> {
        let (Input::Data(unstuff), Some(transaction)) = (&mut self.input, &mut self.transaction)
        else {
            self.input = Input::Command;
            return Ok(Next::Wait);
        };
        while let Some(found) = unstuff.next(rest) {
            match found {
                Found::Text(text) => transaction.write(text, unstuff.is_ended_by(rest)).await,
                Found::End => return self.deliver(out).await,
            }
        }
        Ok(Next::Wait)
    }

    /// Begins a chunk. One that is out of order is read and thrown away.
    async fn bdat(&mut self, size: u64, chunk: Chunk, out: &mut impl Outlet) -> Result<Next, Gone> {
        let refused = match &mut self.transaction {
            Some(transaction) => transaction.bdat(&self.services).await.err(),
            None => Some(reply::NO_SENDER),
        };
        self.input = Input::Chunk(Pending {
            left: size,
            chunk,
            refused,
        });
        // A chunk of no octets is complete already.
        self.chunk(&mut &[][..], out).await
    }

    /// Takes octets of a chunk, and answers it if they are all there.
    async fn chunk(&mut self, rest: &mut &[u8], out: &mut impl Outlet) -> Result<Next, Gone> {
        let Input::Chunk(pending) = &mut self.input else {
            return Ok(Next::Wait);
        };
        let length = usize::try_from(pending.left).map_or(rest.len(), |left| left.min(rest.len()));
        let (octets, after) = rest.split_at(length);
        *rest = after;
        pending.left -= length as u64;
        if let (None, Some(transaction)) = (pending.refused, &mut self.transaction) {
            let last = pending.chunk == Chunk::Last && pending.left == 0;
            transaction.write(octets, last).await;
        }
        if pending.left > 0 {
            return Ok(Next::Wait);
        }
        let (chunk, refused) = (pending.chunk, pending.refused);
        self.input = Input::Command;
        match (&self.transaction, refused, chunk) {
            // RFC 2033 §4.3: a reply per recipient, and there was none.
            (Some(transaction), _, Chunk::Last) if transaction.has_nobody() => {
                self.deliver(out).await
            }
            (_, Some(reply), _) => Ok(self.answer(reply, out)),
            (Some(_), None, Chunk::Last) => self.deliver(out).await,
            (Some(transaction), None, Chunk::More) => Ok(self.answer(transaction.so_far(), out)),
            (None, None, _) => Ok(self.answer(reply::NO_SENDER, out)),
        }
    }

    /// The message is complete: delivers it, with a reply for every recipient.
    async fn deliver(&mut self, out: &mut impl Outlet) -> Result<Next, Gone> {
        self.input = Input::Command;
        self.bad_commands = 0;
        if let (Some(transaction), Some(client)) = (self.transaction.take(), &self.client) {
            let from = transaction::Origin {
                services: &self.services,
                peer: &self.peer,
                client,
            };
            transaction.deliver(from, out).await?;
        }
        if self.stopping {
            reply::STOPPING.write(out.buffer());
            return Ok(Next::Close);
        }
        Ok(Next::Wait)
    }
}
