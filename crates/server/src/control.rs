//! The control socket: where administrators' verbs come in.
//!
//! The kernel says who asks. The user that the server runs as and root may have everything done, others what their
//! roles permit; the socket's permissions are its owner's only, unless the configuration opens it for these. Each
//! request has a thread of its own: verbs wait for the disk and for slow readers, and no session ever waits for a verb.

use std::{
    fs::File,
    future::Future,
    io::{self, BufReader, Write},
    os::{
        fd::AsRawFd,
        unix::{fs::PermissionsExt, net::UnixStream},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use admin::{
    Context, Failed, Outcome, Report, Request, Row, Sessions,
    wire::{self, Answer},
};
use auth::Roles;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::{
    net::UnixListener,
    runtime::Handle,
    sync::{Semaphore, watch},
    time::{sleep, timeout},
};

use crate::listen::OwnPath;

/// The longest path that every system takes for a socket, in octets.
const PATH_OCTETS_MAX: usize = 100;

/// Verbs that run at once, at most.
const VERBS_MAX: u32 = 32;

/// How long a client may take to say what it wants.
const REQUEST_TIME: Duration = Duration::from_secs(10);

/// How often it is looked whether a client is still there, and whether the server stops.
const LOOK: Duration = Duration::from_millis(200);

/// How often progress is told.
const PROGRESS: Duration = Duration::from_millis(200);

/// How long verbs have to end when the server stops.
const STOP_TIME: Duration = Duration::from_secs(5);

/// After how long it is tried again to open the socket.
const AGAIN: Duration = Duration::from_mins(1);

/// A socket that administrators' requests come in by.
#[derive(Debug)]
pub(crate) struct Control {
    path: PathBuf,
    /// The socket's permissions.
    mode: u32,
    context: Context,
    room: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
}

impl Control {
    pub(crate) fn new(path: PathBuf, mode: u32, context: Context) -> Self {
        Self {
            path,
            mode,
            context,
            room: Arc::new(Semaphore::new(VERBS_MAX as usize)),
            stopping: watch::Sender::new(false),
        }
    }

    /// Who is connected to the server.
    pub(crate) fn sessions(&self) -> Sessions {
        self.context.sessions.clone().unwrap_or_default()
    }

    /// Opens the socket. That mail is served matters more: if it can't be opened (the disk may be full), the
    /// log says so, and the server starts all the same.
    pub(crate) fn open(&self) -> Option<(UnixListener, OwnPath)> {
        let opened = listen(&self.path, self.mode).inspect_err(|source| {
            let path = self.path.display();
            tracing::error!("can't listen on {path}, for administrators: {source}");
        });
        opened.ok()
    }

    /// Serves requests; tries again now and then to open a socket that could not be opened.
    pub(crate) async fn serve(&self, opened: Option<(UnixListener, OwnPath)>) {
        let mut opened = opened;
        loop {
            match &opened {
                Some((listener, _path)) => self.accept(listener).await,
                None => sleep(AGAIN).await,
            }
            opened = self.open();
        }
    }

    /// Accepts connections.
    async fn accept(&self, listener: &UnixListener) -> ! {
        tracing::info!(socket = %self.path.display(), "listening for administrators");
        loop {
            let accepted = match listener.accept().await {
                Ok((socket, _)) => self.welcome(socket),
                Err(error) => Err(error),
            };
            if let Err(error) = accepted {
                tracing::warn!(%error, "can't take an administrator's request");
                sleep(LOOK).await;
            }
        }
    }

    fn welcome(&self, socket: tokio::net::UnixStream) -> io::Result<()> {
        let uid = socket.peer_cred()?.uid();
        let roles = self.roles(uid);
        let by = admin::acting(uid);
        let socket = socket.into_std()?;
        if roles.is_empty() {
            return turn_away(&socket, &by);
        }
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(REQUEST_TIME))?;
        let context = Context {
            by,
            roles,
            ..self.context.clone()
        };
        let desk = Desk {
            context,
            stopping: self.stopping.subscribe(),
            room: Arc::clone(&self.room),
        };
        let runtime = Handle::current();
        let thread = std::thread::Builder::new().name("administrator".to_owned());
        let caller = Caller::new(socket, desk.stopping.clone());
        thread.spawn(move || desk.serve(caller, &runtime))?;
        Ok(())
    }

    /// What a user of the machine may administer. Who could read and write the store anyway may do everything.
    fn roles(&self, uid: u32) -> Roles {
        if uid == 0 || uid == admin::uid() {
            return Roles::all();
        }
        self.context.directory.unix_user(&admin::user(uid))
    }

    /// Ends the verbs that run, where they are, and waits for that a while.
    pub(crate) async fn stop(&self) {
        self.stopping.send_replace(true);
        let empty = self.room.acquire_many(VERBS_MAX);
        if timeout(STOP_TIME, empty).await.is_err() {
            tracing::warn!("administrators' verbs are cut off");
        }
    }
}

/// Says no to somebody without any role, without a thread of their own and without waiting for them.
fn turn_away(socket: &UnixStream, by: &str) -> io::Result<()> {
    tracing::warn!(%by, "a request of somebody who has no role here");
    let why = format!("not permitted: {by} has no role here");
    let mut line = Vec::new();
    wire::write(&mut line, &Answer::Failed(Failed::because(why)))?;
    // They may be gone, or not read: so be it.
    let _ = (&*socket).write(&line);
    Ok(())
}

/// A request as it is logged.
fn masked(request: &Request) -> Result<String, Failed> {
    let mut asked = serde_json::to_value(request)?;
    if let Some(password) = asked.get_mut("password")
        && !password.is_null()
    {
        *password = "…".into();
    }
    Ok(asked.to_string())
}

/// Listens. The socket is made beside its place and moved there, so that it never has other
/// permissions, and takes the place of one that nobody answers at.
fn listen(path: &Path, mode: u32) -> io::Result<(UnixListener, OwnPath)> {
    if connect(path).is_ok() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    let new = path.with_extension("new");
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = short(&new, |new| UnixListener::bind(new))?;
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(mode))?;
    std::fs::rename(&new, path)?;
    Ok((listener, OwnPath(path.to_owned())))
}

/// Connects to the control socket of a server.
///
/// # Errors
/// The system's reason: there is none, nobody answers, it is not for this user.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    short(path, |path| UnixStream::connect(path))
}

/// Reaches a socket by a path that is short enough for the system.
fn short<T>(path: &Path, reach: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if path.as_os_str().len() > PATH_OCTETS_MAX => {
            let folder = File::open(folder)?;
            reach(
                Path::new(&format!("/proc/self/fd/{}", folder.as_raw_fd()))
                    .join(name)
                    .as_path(),
            )
        }
        _ => reach(path),
    }
}

/// Where one request is heard and answered.
struct Desk {
    context: Context,
    stopping: watch::Receiver<bool>,
    room: Arc<Semaphore>,
}

impl Desk {
    fn serve(self, mut caller: Caller, runtime: &Handle) {
        let _alarm = Alarm;
        let answer = match caller.request() {
            Ok(None) => return,
            Ok(Some(request)) => match self.room.try_acquire() {
                Ok(_room) => runtime.block_on(self.perform(&request, &mut caller)),
                Err(_) => Err(Failed::because(format!(
                    "busy: {VERBS_MAX} requests are running already"
                ))),
            },
            Err(failed) => Err(failed),
        };
        caller.answer(&match answer {
            Ok(outcome) => Answer::Done(outcome),
            Err(failed) => Answer::Failed(failed),
        });
    }

    async fn perform(&self, request: &Request, caller: &mut Caller) -> Result<Outcome, Failed> {
        let began = Instant::now();
        let by = &self.context.by;
        let asked = masked(request)?;
        if let Err(failed) = self.context.permits(request) {
            tracing::warn!(%by, %asked, why = failed.why, "an administrator's request is refused");
            return Err(failed);
        }
        tracing::info!(%by, %asked, "an administrator's request");
        let end = self.end(request.changes(), caller);
        let done = tokio::select! {
            biased;
            why = end => Err(Failed::because(why)),
            done = request.run(&self.context, caller) => done,
        };
        let seconds = began.elapsed().as_secs();
        match &done {
            Ok(Outcome { code, .. }) => tracing::info!(%by, %asked, code, seconds, "done"),
            Err(Failed { why, .. }) => tracing::info!(%by, %asked, %why, seconds, "not done"),
        }
        done
    }

    /// Waits until there is a reason to end a verb before its time.
    fn end(&self, changes: bool, caller: &Caller) -> impl Future<Output = &'static str> + use<> {
        let stopping = self.stopping.clone();
        let socket = Arc::clone(&caller.socket);
        async move {
            loop {
                if *stopping.borrow() {
                    return "the server is stopping";
                }
                if !changes && has_hung_up(&socket) {
                    return "nobody waits for the answer";
                }
                sleep(LOOK).await;
            }
        }
    }
}

/// Whoever asks, at the other end of a connection.
struct Caller {
    socket: Arc<UnixStream>,
    stopping: watch::Receiver<bool>,
    gone: bool,
    told: Option<Instant>,
}

impl Caller {
    fn new(socket: UnixStream, stopping: watch::Receiver<bool>) -> Self {
        Self {
            socket: Arc::new(socket),
            stopping,
            gone: false,
            told: None,
        }
    }

    /// What is asked for; `None` of somebody who only looked whether we answer.
    fn request(&mut self) -> Result<Option<Request>, Failed> {
        let mut input = BufReader::new(&*self.socket);
        let line = wire::read(&mut input, wire::REQUEST_OCTETS_MAX).map_err(|error| {
            Failed::misunderstood(match error.kind() {
                io::ErrorKind::FileTooLarge => "the request is too long".to_owned(),
                io::ErrorKind::WouldBlock => "no request came".to_owned(),
                _ => format!("the request can't be read: {error}"),
            })
        })?;
        if line.is_empty() {
            return Ok(None);
        }
        let version = env!("CARGO_PKG_VERSION");
        self.answer(&Answer::Begun {
            version: version.to_owned(),
        });
        let request = serde_json::from_slice(&line);
        request.map(Some).map_err(|error| {
            Failed::misunderstood(format!(
                "the request is not understood by this server, of version {version}: {error}"
            ))
        })
    }

    fn answer(&mut self, answer: &Answer) {
        let socket = &mut &*self.socket;
        if !self.gone && wire::write(socket, answer).is_err() {
            self.gone = true;
        }
    }
}

impl Report for Caller {
    fn row(&mut self, row: Row) {
        self.answer(&Answer::Row(row));
    }

    fn progress(&mut self, done: u64, total: u64, what: &str) {
        if self.told.is_some_and(|told| told.elapsed() < PROGRESS) {
            return;
        }
        self.told = Some(Instant::now());
        let what = what.to_owned();
        self.answer(&Answer::Progress { done, total, what });
    }

    fn note(&mut self, text: &str) {
        self.answer(&Answer::Note(text.to_owned()));
    }

    fn gone(&mut self) -> bool {
        self.gone = self.gone || has_hung_up(&self.socket);
        self.gone || *self.stopping.borrow()
    }
}

/// Whether the other end is closed, and not only done with speaking.
fn has_hung_up(socket: &UnixStream) -> bool {
    let mut looked = [PollFd::new(socket, PollFlags::empty())];
    let at_once = Timespec::default();
    poll(&mut looked, Some(&at_once)).is_ok_and(|ready| ready > 0)
}

/// Logs a panic. Who asked sees that the connection ends without an answer.
struct Alarm;

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("an administrator's verb panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::Shutdown,
        os::unix::fs::MetadataExt,
    };

    use auth::Directory;
    use store::Store;

    use super::*;

    /// A desk at a socket, over a store in memory.
    async fn desk(path: &Path) -> Arc<Control> {
        let store = Store::open(store::Options {
            directory: None,
            message_bytes_max: 1 << 20,
            clock: store::clock::system,
        });
        let accounts = path.with_extension("toml");
        let context = Context {
            store: store.await.unwrap(),
            directory: Arc::new(Directory::open(accounts, Vec::new()).unwrap()),
            data: path.to_owned(),
            retention: admin::Retention::default(),
            expiry: store::past::Rules::default(),
            archive: None,
            by: "admin".into(),
            roles: auth::Roles::all(),
            sessions: None,
            lately: None,
            running: admin::Running::default(),
        };
        let control = Arc::new(Control::new(path.to_owned(), 0o600, context));
        let serving = Arc::clone(&control);
        let opened = control.open();
        tokio::spawn(async move { serving.serve(opened).await });
        control
    }

    /// Everything that is answered to a line.
    async fn ask(path: &Path, line: &str) -> Vec<Answer> {
        let (path, line) = (path.to_owned(), line.to_owned());
        let asked = tokio::task::spawn_blocking(move || {
            let mut socket = connect(&path).unwrap();
            // What is refused half way is not read to its end.
            let _ = socket.write_all(line.as_bytes());
            let _ = socket.shutdown(Shutdown::Write);
            // Then the connection is reset, once the answer has been read.
            let mut answers = Vec::new();
            let _ = socket.read_to_end(&mut answers);
            String::from_utf8(answers).unwrap()
        });
        let answers = asked.await.unwrap();
        let answers = answers.lines();
        answers
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    const USAGE: &str = "{\"verb\":\"account\",\"do\":\"usage\"}\n";

    #[tokio::test]
    async fn a_request_is_answered_to_its_end_and_a_malformed_one_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        let control = desk(&path).await;
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let Some(Answer::Done(outcome)) = ask(&path, USAGE).await.pop() else {
            panic!("no outcome");
        };
        assert_eq!(outcome.code, 0);
        let long = format!("{{\"verb\":\"{}", "x".repeat(2 << 20));
        for (line, why) in [
            ("{}", "missing field `verb`"),
            ("{\"verb\":\"dance\"}", "unknown variant `dance`"),
            ("hello\n", "expected value"),
            (&long, "too long"),
        ] {
            let answers = ask(&path, line).await;
            let Some(Answer::Failed(failed)) = answers.last() else {
                panic!("{answers:?}");
            };
            assert_eq!(failed.code, Failed::MISUNDERSTOOD);
            assert!(failed.why.contains(why), "{failed:?}");
        }
        assert_eq!(ask(&path, "").await, []);
        let alone = control.context.alone("compact").unwrap();
        let compact = "{\"verb\":\"compact\",\"dry_run\":true}";
        let busy = ask(&path, compact).await;
        assert!(matches!(busy.last(), Some(Answer::Failed(failed)) if failed.why.contains("busy")));
        drop(alone);
        let free = ask(&path, compact).await;
        assert!(matches!(free.last(), Some(Answer::Done(_))), "{free:?}");
        control.stop().await;
        let stopped = ask(&path, USAGE).await;
        assert!(
            matches!(&*stopped, [Answer::Begun { .. }, Answer::Failed(failed)] if failed.why.contains("stopping"))
        );
    }

    #[tokio::test]
    async fn a_socket_that_nobody_answers_at_is_replaced_however_long_its_path() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("x".repeat(150));
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("control.sock");
        let (first, kept) = listen(&path, 0o600).unwrap();
        assert_eq!(
            listen(&path, 0o600).unwrap_err().kind(),
            io::ErrorKind::AddrInUse
        );
        drop(first);
        let (_second, _path) = listen(&path, 0o600).unwrap();
        connect(&path).unwrap();
        drop(kept);
    }

    #[test]
    fn who_has_done_speaking_still_listens() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        assert!(!has_hung_up(&ours));
        theirs.shutdown(Shutdown::Write).unwrap();
        assert!(!has_hung_up(&ours));
        drop(theirs);
        assert!(has_hung_up(&ours));
    }
}
