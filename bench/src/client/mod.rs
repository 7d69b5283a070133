//! The clients: blocking, and cheap enough not to be what is measured.

pub(crate) mod imap;
pub(crate) mod lmtp;
pub(crate) mod tls;

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use rustls::{ClientConnection, StreamOwned};

use tls::Deflated;

/// Longer than anything that is measured takes: who waits so long, waits in vain.
const PATIENCE: Duration = Duration::from_mins(10);

/// A connection, in clear, with TLS, compressed, or both.
pub(crate) enum Stream {
    /// In clear.
    Plain(TcpStream),
    /// With TLS.
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// Compressed (RFC 4978), above either.
    Deflated(Box<Deflated>),
    /// What is left while one kind becomes another.
    Closed,
}

impl Stream {
    /// A connection in clear.
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self::Plain(socket))
    }

    /// Only the socket, kept open; what TLS and compression kept for it is gone. For thousands of
    /// sessions that stay connected and say nothing any more.
    pub(crate) fn into_socket(self) -> Option<TcpStream> {
        match self {
            Self::Plain(socket) => Some(socket),
            Self::Tls(tls) => Some(tls.into_parts().1),
            Self::Deflated(deflated) => deflated.into_below().into_socket(),
            Self::Closed => None,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
            Self::Deflated(deflated) => deflated.read(buffer),
            Self::Closed => Ok(0),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(octets),
            Self::Tls(tls) => tls.write(octets),
            Self::Deflated(deflated) => deflated.write(octets),
            Self::Closed => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(tls) => tls.flush(),
            Self::Deflated(deflated) => deflated.flush(),
            Self::Closed => Ok(()),
        }
    }
}
