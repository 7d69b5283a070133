//! Listening sockets: made here, or passed in by systemd.

use std::{
    collections::HashMap,
    env, fs, io,
    net::{IpAddr, SocketAddr},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
};

use listenfd::ListenFd;
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_keepalive};
use session::postfix::Dialect;
use tokio::net::{TcpListener, TcpSocket, UnixListener};

use crate::{
    error::Error,
    settings::{Address, Listen, Security, Speaks},
    stream::Socket,
};

/// Connections that wait to be accepted, at most.
const BACKLOG: u32 = 1024;

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Listening {
    Tcp(TcpListener),
    Unix {
        listener: UnixListener,
        /// Held for what its end does.
        _path: Option<OwnPath>,
    },
}

/// The path of a Unix socket that was made here, and goes when it does.
#[derive(Debug)]
pub(crate) struct OwnPath(pub(crate) PathBuf);

impl Drop for OwnPath {
    fn drop(&mut self) {
        // It may be gone already, and a stale one is no harm.
        let _ = fs::remove_file(&self.0);
    }
}

impl Listening {
    /// The next connection, and its address if it has one.
    pub(crate) async fn accept(&self) -> io::Result<(Socket, Option<IpAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (socket, address) = listener.accept().await?;
                socket.set_nodelay(true)?;
                // A client that has vanished without a word is found out after hours, not never.
                set_socket_keepalive(&socket, true)?;
                Ok((Socket::Tcp(socket), Some(address.ip().to_canonical())))
            }
            Self::Unix { listener, .. } => {
                let (socket, _) = listener.accept().await?;
                Ok((Socket::Unix(socket), None))
            }
        }
    }

    /// Its TCP address: the port that was chosen, if none was given.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix { .. } => None,
        }
    }
}

/// Sockets passed in by systemd, by name.
pub(crate) struct Passed {
    sockets: ListenFd,
    places: HashMap<String, Vec<usize>>,
}

impl Passed {
    /// None.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self {
            sockets: ListenFd::empty(),
            places: HashMap::new(),
        }
    }

    /// Takes what this process was started with.
    pub(crate) fn take() -> Self {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let sockets = ListenFd::from_env();
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, name) in names.split(':').take(sockets.len()).enumerate() {
            places.entry(name.to_owned()).or_default().push(place);
        }
        Self { sockets, places }
    }

    /// What is to be done with the sockets, by their names.
    pub(crate) fn listeners(&self) -> Result<Vec<Listen>, Error> {
        self.places.keys().map(|name| by_name(name)).collect()
    }

    /// Every socket of a name: a unit with several `ListenStream=` has several.
    fn named(&mut self, name: &str) -> Result<Vec<Listening>, Error> {
        let places = self
            .places
            .remove(name)
            .ok_or_else(|| Error::NotPassed(name.to_owned()))?;
        places
            .into_iter()
            .map(|place| Ok(self.at(place)?))
            .collect()
    }

    fn at(&mut self, place: usize) -> io::Result<Listening> {
        if let Ok(Some(listener)) = self.sockets.take_tcp_listener(place) {
            listener.set_nonblocking(true)?;
            return Ok(Listening::Tcp(TcpListener::from_std(listener)?));
        }
        match self.sockets.take_unix_listener(place)? {
            Some(listener) => {
                listener.set_nonblocking(true)?;
                let listener = UnixListener::from_std(listener)?;
                Ok(Listening::Unix {
                    listener,
                    _path: None,
                })
            }
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// What a passed socket is for.
fn by_name(name: &str) -> Result<Listen, Error> {
    let (speaks, security) = match name {
        "imap" => (Speaks::Imap, Security::StartTls),
        "imaps" => (Speaks::Imap, Security::Tls),
        "lmtp" => (Speaks::Lmtp, Security::StartTls),
        "socketmap" => (Speaks::Postfix(Dialect::Socketmap), Security::StartTls),
        "tcp-table" => (Speaks::Postfix(Dialect::TcpTable), Security::StartTls),
        "policy" => (Speaks::Postfix(Dialect::Policy), Security::StartTls),
        _ => return Err(Error::PassedName(name.to_owned())),
    };
    Ok(Listen {
        speaks,
        security,
        address: Address::Passed(name.to_owned()),
    })
}

/// Listens on an address.
pub(crate) fn listen(address: &Address, passed: &mut Passed) -> Result<Vec<Listening>, Error> {
    match address {
        Address::Tcp(address) => match tcp(*address) {
            Ok(listener) => Ok(vec![Listening::Tcp(listener)]),
            Err(source) => Err(Error::Listen {
                address: *address,
                source,
            }),
        },
        Address::Unix { path, mode } => match unix(path, *mode) {
            Ok(listener) => Ok(vec![Listening::Unix {
                listener,
                _path: Some(OwnPath(path.clone())),
            }]),
            Err(source) => Err(Error::Socket {
                path: path.clone(),
                source,
            }),
        },
        Address::Passed(name) => passed.named(name),
    }
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => {
            let socket = TcpSocket::new_v6()?;
            set_ipv6_v6only(&socket, true)?;
            socket
        }
    };
    // A restart need not wait for the connections of the process before to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn unix(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path) => {
            fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        other => other?,
    };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

/// Whether a path is a socket that a process left behind when it died.
fn is_stale(path: &Path) -> bool {
    matches!(UnixStream::connect(path), Err(error) if error.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stale_unix_socket_is_replaced_and_a_live_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lmtp.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let address = Address::Unix {
            path: path.clone(),
            mode: 0o660,
        };
        let first = listen(&address, &mut Passed::none()).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        let second = listen(&address, &mut Passed::none());
        assert!(matches!(second, Err(Error::Socket { .. })), "{second:?}");
        drop(first);
        assert!(!path.exists());
    }

    #[test]
    fn a_passed_socket_is_known_by_its_name() {
        let imaps = by_name("imaps").unwrap();
        assert_eq!(
            (imaps.speaks, imaps.security),
            (Speaks::Imap, Security::Tls)
        );
        assert!(matches!(by_name("unknown"), Err(Error::PassedName(_))));
    }

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let any = Address::Tcp("127.0.0.1:0".parse().unwrap());
        let first = listen(&any, &mut Passed::none()).unwrap();
        let taken = first[0].address().unwrap();
        let second = listen(&Address::Tcp(taken), &mut Passed::none());
        let why = second.unwrap_err().to_string();
        assert!(why.contains(&taken.to_string()), "{why}");
    }
}
