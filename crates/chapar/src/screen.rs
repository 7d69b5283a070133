//! Standard output that may close: `chapar account list | head -1` is no error, and a server
//! whose terminal has gone goes on serving.

use std::io::{self, ErrorKind, Stdout, Write};

/// Standard output, for people and for scripts.
pub(crate) struct Screen(Stdout);

impl Screen {
    pub(crate) fn new() -> Self {
        Self(io::stdout())
    }
}

impl Write for Screen {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self.0.write(octets) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(octets.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}
