//! A plain connection that shows every byte: no client library in between.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Long enough for a busy machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to the server, a line at a time.
pub(crate) struct Connection {
    reader: BufReader<TcpStream>,
    tags: u32,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            reader: BufReader::new(stream),
            tags: 0,
        }
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).unwrap();
    }

    /// Sends bytes, if the other side still takes them.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// The next line without its CRLF; bytes above 127 as they are, if UTF-8.
    pub(crate) fn read_line(&mut self) -> String {
        self.try_read_line()
            .expect("the server closed the connection")
    }

    /// The next line; `None` at the end of the stream or if the connection broke.
    pub(crate) fn try_read_line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        match self.reader.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => {
                let line = line.strip_suffix(b"\n").unwrap_or(&line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                Some(String::from_utf8_lossy(line).into_owned())
            }
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {
                Some(format!("(nothing for {PATIENCE:?})"))
            }
            Err(e) => panic!("waiting for a line: {e}"),
        }
    }

    pub(crate) fn read_exact(&mut self, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; n];
        self.reader.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Sends a command under a tag of its own; gives the lines of the answer, the tagged one last.
    pub(crate) fn command(&mut self, command: &str) -> Vec<String> {
        let tag = self.start(command);
        self.finish(&tag)
    }

    /// Sends a command and gives its tag.
    pub(crate) fn start(&mut self, command: &str) -> String {
        self.tags += 1;
        let tag = format!("t{}", self.tags);
        self.send(format!("{tag} {command}\r\n").as_bytes());
        tag
    }

    /// Reads up to the answer with that tag.
    pub(crate) fn finish(&mut self, tag: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.read_line();
            assert!(!line.starts_with("(nothing"), "waiting for {tag}: {line}");
            let last = line.starts_with(&format!("{tag} "));
            lines.push(line);
            if last {
                return lines;
            }
        }
    }

    /// A command that must be answered OK.
    pub(crate) fn ok(&mut self, command: &str) -> Vec<String> {
        let lines = self.command(command);
        let last = lines.last().unwrap();
        assert!(last.split(' ').nth(1) == Some("OK"), "{command}: {last}");
        lines
    }

    /// Appends a message with a literal that needs no continuation; gives its UID.
    pub(crate) fn append(&mut self, mailbox: &str, message: &str) -> u32 {
        let lines = self.ok(&format!(
            "APPEND {mailbox} {{{}+}}\r\n{message}",
            message.len()
        ));
        code_numbers(lines.last().unwrap(), "APPENDUID")[1]
    }
}

/// The numbers of a response code: `OK [APPENDUID 1 2] …` gives 1 and 2.
pub(crate) fn code_numbers(line: &str, code: &str) -> Vec<u32> {
    let rest = line
        .split(&format!("[{code} "))
        .nth(1)
        .unwrap_or_else(|| panic!("no {code} in {line}"));
    rest.split(']')
        .next()
        .unwrap()
        .split(' ')
        .map(|n| n.parse().unwrap())
        .collect()
}
