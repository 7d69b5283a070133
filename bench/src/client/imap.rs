//! An IMAP client (RFC 9051) that reads as fast as it can and understands as little as it must:
//! where a response ends, and whether the command was done.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use memchr::memchr;

use super::{
    Stream,
    tls::{Deflated, Tls},
};
use crate::failure::{Failure, Result};

/// What a command gave, besides what was looked at on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Untagged responses, but for `OK`: a server may say at any time that it is still there.
    pub(crate) responses: u64,
    /// Octets in all, literals included.
    pub(crate) octets: u64,
}

/// A connection to an IMAP server.
pub(crate) struct Imap {
    stream: Stream,
    buffer: Vec<u8>,
    /// Where in `buffer` there is something that has not been looked at, from and to.
    waiting: (usize, usize),
    tags: u32,
    output: Vec<u8>,
}

impl Imap {
    /// Connects in clear and reads the greeting.
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        Self::over(Stream::connect(address)?)
    }

    /// Connects with TLS from the beginning and reads the greeting.
    pub(crate) fn connect_tls(address: SocketAddr, tls: &Tls) -> Result<Self> {
        let Some(socket) = Stream::connect(address)?.into_socket() else {
            return Err(Failure::Broken("no socket".to_owned()));
        };
        Self::over(tls.open(socket)?)
    }

    fn over(stream: Stream) -> Result<Self> {
        let mut client = Self {
            stream,
            buffer: vec![0; 4096],
            waiting: (0, 0),
            tags: 0,
            output: Vec::new(),
        };
        let (from, to) = client.response()?;
        let greeting = client.buffer.get(from..to).unwrap_or_default();
        if !greeting.starts_with(b"* OK") && !greeting.starts_with(b"* PREAUTH") {
            return Err(Failure::refused(b"(greeting)", greeting));
        }
        Ok(client)
    }

    /// Logs in by LOGIN.
    pub(crate) fn login(&mut self, account: &str, password: &str) -> Result<()> {
        self.command(&format!("LOGIN {account} {password}"))?;
        Ok(())
    }

    /// Turns on COMPRESS (RFC 4978).
    pub(crate) fn compress(&mut self) -> Result<()> {
        match self.command("COMPRESS DEFLATE") {
            Err(Failure::Refused { said, .. }) => return Err(Failure::NotOffered(said)),
            other => other?,
        };
        let below = std::mem::replace(&mut self.stream, Stream::Closed);
        self.stream = Stream::Deflated(Box::new(Deflated::new(below)));
        Ok(())
    }

    /// Does a command; what it answers is counted and forgotten. An answer other than OK is a failure.
    pub(crate) fn command(&mut self, command: &str) -> Result<Answer> {
        self.look(command, |_| {})
    }

    /// Does a command, and shows every untagged response, literals and all, without its last CRLF.
    pub(crate) fn look(&mut self, command: &str, see: impl FnMut(&[u8])) -> Result<Answer> {
        let tag = self.send(command)?;
        self.finish(tag, command, see)
    }

    /// Every untagged response to a command.
    pub(crate) fn collect(&mut self, command: &str) -> Result<Vec<Vec<u8>>> {
        let mut responses = Vec::new();
        self.look(command, |response| responses.push(response.to_vec()))?;
        Ok(responses)
    }

    /// Sends a command without waiting for its answer, and gives its tag for [`Self::finish`].
    /// Without CRLF at its end; there may be literals in it, non-synchronizing ones (`{n+}`).
    pub(crate) fn send(&mut self, command: &str) -> Result<u32> {
        self.send_parts(&[command.as_bytes()])
    }

    /// The same of a command in pieces, which go out in one write.
    pub(crate) fn send_parts(&mut self, parts: &[&[u8]]) -> Result<u32> {
        self.tags += 1;
        self.output.clear();
        write!(self.output, "{} ", self.tags)?;
        for part in parts {
            self.output.extend_from_slice(part);
        }
        self.output.extend_from_slice(b"\r\n");
        self.stream.write_all(&self.output)?;
        self.stream.flush()?;
        Ok(self.tags)
    }

    /// Reads to the answer of the command that was sent with this tag; those before it have to be
    /// finished already.
    pub(crate) fn finish(
        &mut self,
        tag: u32,
        asked: &str,
        mut see: impl FnMut(&[u8]),
    ) -> Result<Answer> {
        let mut answer = Answer::default();
        let expected = tag.to_string();
        loop {
            let (from, to) = self.response()?;
            let response = self.buffer.get(from..to).unwrap_or_default();
            answer.octets += (to - from) as u64 + 2;
            if response.starts_with(b"* ") {
                answer.responses += u64::from(!response.starts_with(b"* OK "));
                see(response);
            } else if let Some(rest) = response.strip_prefix(expected.as_bytes()) {
                let good = rest
                    .get(..4)
                    .is_some_and(|s| s.eq_ignore_ascii_case(b" OK "));
                return if good {
                    Ok(answer)
                } else {
                    Err(Failure::refused(asked.as_bytes(), response))
                };
            } else if !response.starts_with(b"+") {
                return Err(Failure::refused(asked.as_bytes(), response));
            }
        }
    }

    /// Says IDLE (RFC 2177) and waits until the server does.
    pub(crate) fn idle(&mut self) -> Result<u32> {
        let tag = self.send("IDLE")?;
        self.await_response(|response| response.starts_with(b"+"))?;
        Ok(tag)
    }

    /// Ends IDLE.
    pub(crate) fn done(&mut self, tag: u32) -> Result<Answer> {
        self.stream.write_all(b"DONE\r\n")?;
        self.stream.flush()?;
        self.finish(tag, "IDLE", |_| {})
    }

    /// Reads until a response comes that is wanted.
    pub(crate) fn await_response(&mut self, wanted: impl Fn(&[u8]) -> bool) -> Result<()> {
        loop {
            let (from, to) = self.response()?;
            if wanted(self.buffer.get(from..to).unwrap_or_default()) {
                return Ok(());
            }
        }
    }

    /// Appends messages to a mailbox in one command: APPEND, or MULTIAPPEND (RFC 3502) if there are
    /// several. Uses non-synchronizing literals (RFC 7888), which every server here has.
    pub(crate) fn append(&mut self, mailbox: &str, messages: &[&[u8]]) -> Result<()> {
        let mut heads = Vec::with_capacity(messages.len());
        for message in messages {
            heads.push(format!(" (\\Seen) {{{}+}}\r\n", message.len()));
        }
        let name = format!("APPEND \"{mailbox}\"");
        let mut parts: Vec<&[u8]> = vec![name.as_bytes()];
        for (head, message) in heads.iter().zip(messages) {
            parts.push(head.as_bytes());
            parts.push(message);
        }
        let tag = self.send_parts(&parts)?;
        self.finish(tag, &name, |_| {})?;
        Ok(())
    }

    /// Logs out and closes.
    pub(crate) fn logout(mut self) -> Result<()> {
        self.command("LOGOUT")?;
        Ok(())
    }

    /// Only the socket, kept open: see [`Stream::into_socket`].
    pub(crate) fn into_socket(self) -> Option<TcpStream> {
        self.stream.into_socket()
    }

    /// Where in the buffer the next whole response is, without its CRLF, its literals within.
    fn response(&mut self) -> Result<(usize, usize)> {
        // How far the response has been looked through, from its beginning.
        let mut seen = 0;
        loop {
            let (from, to) = self.waiting;
            let rest = self.buffer.get(from + seen..to).unwrap_or_default();
            let Some(at) = memchr(b'\n', rest) else {
                self.fill(0)?;
                continue;
            };
            let line = rest.get(..at).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if let Some(literal) = literal(line) {
                seen += at + 1 + literal;
                let have = to - from;
                if have < seen {
                    self.fill(seen - have)?;
                }
                continue;
            }
            let end = from + seen + line.len();
            self.waiting.0 = from + seen + at + 1;
            return Ok((from, end));
        }
    }

    /// Reads more; at least `missing` octets, and something in any case.
    fn fill(&mut self, missing: usize) -> Result<()> {
        let (from, to) = self.waiting;
        if from > 0 {
            self.buffer.copy_within(from..to, 0);
            self.waiting = (0, to - from);
        }
        let wanted = self.waiting.1 + missing.max(1);
        if wanted > self.buffer.len() || self.waiting.1 * 2 > self.buffer.len() {
            // What comes in quantity is read in large pieces; thousands of idle clients have small ones.
            let size = wanted.next_power_of_two().max(self.buffer.len() * 2);
            self.buffer.resize(size.max(65536), 0);
        }
        while self.waiting.1 < wanted {
            let free = self.buffer.get_mut(self.waiting.1..).unwrap_or_default();
            let n = self.stream.read(free)?;
            if n == 0 {
                return Err(Failure::refused(b"(waiting)", b"(closed the connection)"));
            }
            self.waiting.1 += n;
        }
        Ok(())
    }
}

/// The length of the literal that a line announces at its end: `{n}`, or `~{n}` for BINARY.
fn literal(line: &[u8]) -> Option<usize> {
    let digits = line.strip_suffix(b"}")?;
    let open = memchr::memrchr(b'{', digits)?;
    std::str::from_utf8(digits.get(open + 1..)?)
        .ok()?
        .parse()
        .ok()
}
