//! Standard output that may close: `chapar account list | head -1` is no error, and a server
//! whose terminal has gone goes on serving.

use std::io::{self, ErrorKind, Stdout, Write};

/// Says on standard error what is wrong. If that can't be written either, nobody is there to be told.
pub(crate) fn complain(what: &str) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// Standard output, for people and for scripts.
pub(crate) struct Screen {
    out: Stdout,
    closed: bool,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self {
            out: io::stdout(),
            closed: false,
        }
    }

    /// Whether nobody reads any more.
    pub(crate) fn closed(&self) -> bool {
        self.closed
    }
}

impl Write for Screen {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self.out.write(octets) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(octets.len())
            }
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.out.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            flushed => flushed,
        }
    }
}
