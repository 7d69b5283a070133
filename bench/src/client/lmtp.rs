//! An LMTP client (RFC 2033) that talks as Postfix does: the envelope in one go, where the server
//! has PIPELINING.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
};

use memchr::memmem;

use super::Stream;
use crate::failure::{Failure, Result};

/// A connection over which messages are delivered, one after the other.
pub(crate) struct Lmtp {
    reader: BufReader<Stream>,
    line: Vec<u8>,
    output: Vec<u8>,
}

impl Lmtp {
    /// Connects and says LHLO.
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let mut client = Self {
            reader: BufReader::with_capacity(1024, Stream::connect(address)?),
            line: Vec::new(),
            output: Vec::new(),
        };
        client.expect(b"220", b"(greeting)")?;
        client
            .output
            .extend_from_slice(b"LHLO client.example.test\r\n");
        client.send()?;
        client.expect(b"250", b"LHLO")?;
        Ok(client)
    }

    /// Delivers a message, with CRLF at the ends of its lines, to every recipient; returns when
    /// each of them has been answered 250.
    pub(crate) fn deliver(&mut self, recipients: &[String], message: &[u8]) -> Result<()> {
        self.output
            .extend_from_slice(b"MAIL FROM:<sender@example.org>\r\n");
        for recipient in recipients {
            write!(self.output, "RCPT TO:<{recipient}>\r\n")?;
        }
        self.output.extend_from_slice(b"DATA\r\n");
        self.send()?;
        self.expect(b"250", b"MAIL")?;
        for recipient in recipients {
            self.expect(b"250", recipient.as_bytes())?;
        }
        self.expect(b"354", b"DATA")?;
        self.stuff(message);
        self.send()?;
        for recipient in recipients {
            self.expect(b"250", recipient.as_bytes())?;
        }
        Ok(())
    }

    /// Ends the connection in the way that it should.
    pub(crate) fn quit(mut self) -> Result<()> {
        self.output.extend_from_slice(b"QUIT\r\n");
        self.send()?;
        self.expect(b"221", b"QUIT")
    }

    /// The message with its leading dots doubled (RFC 5321 §4.5.2) and its end.
    fn stuff(&mut self, message: &[u8]) {
        let mut rest = message;
        if rest.first() == Some(&b'.') {
            self.output.push(b'.');
        }
        while let Some(at) = memmem::find(rest, b"\n.") {
            let (line, more) = rest.split_at(at + 1);
            self.output.extend_from_slice(line);
            self.output.push(b'.');
            rest = more;
        }
        self.output.extend_from_slice(rest);
        if !message.ends_with(b"\r\n") {
            self.output.extend_from_slice(b"\r\n");
        }
        self.output.extend_from_slice(b".\r\n");
    }

    fn send(&mut self) -> Result<()> {
        self.reader.get_mut().write_all(&self.output)?;
        self.output.clear();
        Ok(())
    }

    fn expect(&mut self, code: &[u8], asked: &[u8]) -> Result<()> {
        loop {
            self.line.clear();
            if self.reader.read_until(b'\n', &mut self.line)? == 0 {
                return Err(Failure::refused(asked, b"(closed the connection)"));
            }
            if !self.line.starts_with(code) {
                return Err(Failure::refused(asked, &self.line));
            }
            if self.line.get(3) != Some(&b'-') {
                return Ok(());
            }
        }
    }
}
