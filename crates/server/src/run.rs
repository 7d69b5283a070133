//! A server as a process: signals, systemd, and the store's housekeeping.

use std::{sync::Arc, time::Duration};

use admin::log::Lately;
use auth::{Authenticator, Directory};
use rustix::process::{Resource, getrlimit, setrlimit};
use session::Services;
use store::{
    CompactOptions, IndexOptions, IndexRound, Store,
    archive::{ArchiveRule, Archived, Archiver},
    past::{Expired, Expirer, Mode},
    search::WAITING_MAX,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, interval_at},
};

use crate::{
    config::Config, control::Control, error::Error, log::start_log, notify, server::Server,
    settings::Settings, warnings,
};

/// How often it is looked whether a checkpoint is due.
const CHECKPOINT_LOOK: Duration = Duration::from_secs(10);

/// Log that is as much as a start may have to read, in octets: a second or so of a disk.
const CHECKPOINT_OCTETS: u64 = 256 << 20;

/// How long after the start space is given back for the first time: whoever restarts a server
/// every night has it done all the same, and not in everybody's way.
const COMPACT_AFTER: Duration = Duration::from_mins(10);

/// How long after its start a server first looks for old mail: a restart is busy enough.
const ARCHIVE_AFTER: Duration = Duration::from_mins(5);

/// How long after the start accounts are indexed for the first time.
const INDEX_AFTER: Duration = Duration::from_mins(1);

/// How long after the start all accounts are looked at for that.
const INDEX_ALL_AFTER: Duration = Duration::from_mins(10);

/// How often it is looked whether accounts that are in use have something to index.
const INDEX_LOOK: Duration = Duration::from_secs(30);

/// How often all accounts are looked at for that.
const INDEX_ALL: Duration = Duration::from_hours(24);

/// How old a checkpoint may get while mail comes in.
const CHECKPOINT_EVERY: Duration = Duration::from_mins(5);

/// Serves by a configuration until SIGTERM or SIGINT: what `chapar serve` does.
///
/// # Errors
/// [`Error`]: why it did not start, or what the store could not write when it closed.
pub async fn run(config: &Config) -> Result<(), Error> {
    let lately = start_log(config.log_format, &config.log_level);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    take_files();
    let services = open(config).await?;
    let control = control(config, &services, lately);
    let settings = config.settings.clone();
    serve(services, settings, control, async |_: &Server| Ok(())).await
}

/// Lets the process have as many files as the system grants it: a connection is one, and what it has at first is
/// often a thousand.
fn take_files() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "no more files than at first");
    }
}

/// What sessions work with, opened: the store and the accounts.
///
/// # Errors
/// [`Error::Store`], [`Error::Accounts`].
pub(crate) async fn open(config: &Config) -> Result<Services, Error> {
    let directory = Directory::open(config.accounts.clone(), config.domains.clone())?;
    let directory = Arc::new(directory);
    let trusted = config.trusted.clone();
    let auth = Authenticator::with_brake(
        Arc::clone(&directory),
        config.brake,
        Arc::new(move |address| trusted.iter().any(|network| network.contains(address))),
    );
    let store = Store::open(store::Options {
        directory: Some(config.data.clone()),
        message_bytes_max: config.message_bytes_max,
        clock: store::clock::system,
    })
    .await?;
    store.allot(config.allotment(&directory));
    if let Some(partition) = &config.partition {
        let begin = store.begin_accounts_in(partition);
        begin.inspect_err(|error| {
            tracing::error!(setting = "partition.default", partition = &**partition, %error);
        })?;
    }
    Ok(Services {
        store,
        auth,
        limits: config.limits,
        hostname: Arc::clone(&config.hostname),
        plaintext_login: config.plaintext_login,
        imap: Arc::clone(&config.imap),
        lmtp: Arc::clone(&config.lmtp),
        undelete: config.users_undelete.then_some(store::past::Retention {
            deleted_seconds: config.retention.deleted.as_secs(),
        }),
        site: Arc::clone(&config.site),
    })
}

/// Where administrators ask for things.
pub(crate) fn control(config: &Config, services: &Services, lately: Lately) -> Control {
    let sessions = admin::Sessions::default();
    let those = sessions.clone();
    let directory = services.auth.directory();
    // However it was done: by a verb, or by an administrator's DELETE or RENAME over IMAP.
    directory.on_farewell(move |account, new| match new {
        Some(new) => those.renamed(account, new),
        None => those.end_those_of(account),
    });
    let context = admin::Context {
        store: services.store.clone(),
        directory: Arc::clone(directory),
        data: config.data.clone(),
        retention: config.retention,
        expiry: config.settings.expiry.clone(),
        archive: config.settings.archive.clone(),
        by: "admin".into(),
        roles: auth::Roles::all(),
        sessions: Some(sessions),
        lately: Some(lately),
        running: admin::Running::default(),
    };
    Control::new(config.control.clone(), config.control_mode, context)
}

/// Serves until SIGTERM or SIGINT, then stops and closes the store. `ready` is called
/// once every listener listens, and can still call it off.
///
/// # Errors
/// [`Error`]: why it did not start, what `ready` says, or what the store could not
/// write when it closed.
pub(crate) async fn serve(
    services: Services,
    settings: Settings,
    control: Control,
    ready: impl AsyncFnOnce(&Server) -> Result<(), Error>,
) -> Result<(), Error> {
    let ended = match Signals::new() {
        Ok(mut signals) => until_told(&services, &settings, control, &mut signals, ready).await,
        Err(error) => Err(error),
    };
    let closed = services.store.close().await;
    ended?;
    closed?;
    tracing::info!("stopped");
    Ok(())
}

async fn until_told(
    services: &Services,
    settings: &Settings,
    control: Control,
    signals: &mut Signals,
    ready: impl AsyncFnOnce(&Server) -> Result<(), Error>,
) -> Result<(), Error> {
    // Before mail is served: whoever sees the server run can administer it.
    let opened = control.open();
    let server = Server::start(services, settings, control.sessions())?;
    let called = ready(&server).await;
    let control = Arc::new(control);
    // They end with it.
    let mut beside = JoinSet::new();
    if called.is_ok() {
        notify::ready();
        beside.spawn(notify::watchdog());
        beside.spawn(checkpoints(services.store.clone()));
        beside.spawn(expiry(services.store.clone(), settings.clone()));
        if let Some(rule) = settings.archive.clone() {
            let every = settings.archive_every;
            beside.spawn(archive(services.store.clone(), rule, every));
        }
        if !settings.quota_mails.is_empty() {
            let crossings = services.store.watch_quotas(&settings.quota_mails);
            beside.spawn(warnings::write(services.clone(), crossings));
        }
        if settings.compact {
            beside.spawn(compaction(services.store.clone(), settings.clone()));
        }
        if settings.index {
            beside.spawn(indexing(services.store.clone(), settings.index_rate));
        }
        let desk = Arc::clone(&control);
        beside.spawn(async move { desk.serve(opened).await });
        while let Wanted::Reload = signals.next().await {
            if let Some(certificate) = server.certificate() {
                certificate.reload();
            }
        }
        notify::stopping();
    }
    tokio::join!(server.stop(), control.stop());
    called
}

/// Writes checkpoints now and then: they bound how long a recovery takes, and nothing else.
async fn checkpoints(store: Store) {
    // For tests that kill a server while it writes one.
    let hurry = std::env::var_os("CHAPAR_TEST_HURRY").is_some();
    let mut looks = interval(if hurry {
        Duration::from_millis(20)
    } else {
        CHECKPOINT_LOOK
    });
    let mut last = Instant::now();
    loop {
        looks.tick().await;
        let octets = store.bytes_since_checkpoint();
        let due = hurry || octets >= CHECKPOINT_OCTETS || last.elapsed() >= CHECKPOINT_EVERY;
        if octets == 0 || !due {
            continue;
        }
        last = Instant::now();
        if let Err(error) = store.checkpoint().await {
            tracing::warn!(%error, "no checkpoint written; the next start would take longer");
        }
    }
}

/// Lets mail go that has to go by itself, by the clock.
async fn expiry(store: Store, settings: Settings) {
    let mut rounds = interval(settings.expiry_every);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut expirer = Expirer::new();
    loop {
        rounds.tick().await;
        let mut report = |expired: Expired| {
            let Expired {
                account,
                name,
                messages,
                octets,
                ..
            } = expired;
            tracing::info!(%account, mailbox = %name, messages, octets, "expired");
        };
        let round = expirer.round(&store, &settings.expiry, Mode::Do, &mut report);
        if let Err(error) = round.await {
            tracing::warn!(%error, "not everything expired that has to; the next round tries again");
        }
    }
}

/// Moves old mail to the archive partition by the clock. Stopped in the middle, it goes on with the next round.
async fn archive(store: Store, rule: ArchiveRule, every: Duration) {
    let first = Instant::now() + ARCHIVE_AFTER.min(every);
    let mut rounds = interval_at(first, every);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut archiver = Archiver::new();
    loop {
        rounds.tick().await;
        let mut report = |archived: Archived| {
            let Archived {
                account,
                name,
                messages,
                octets,
                damaged,
            } = archived;
            tracing::info!(%account, mailbox = %name, messages, octets, damaged, "archived");
        };
        let round = archiver.round(&store, &rule, Mode::Do, &mut report);
        if let Err(error) = round.await {
            tracing::warn!(%error, "not all old mail is in the archive; the next round tries again");
        }
    }
}

/// Gives space back by the clock. Stopped in the middle, it has given back part.
async fn compaction(store: Store, settings: Settings) {
    let first = Instant::now() + COMPACT_AFTER.min(settings.compact_every);
    let mut rounds = interval_at(first, settings.compact_every);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let options = CompactOptions {
            mode: Mode::Do,
            now: (store.clock())().unix,
            retention: settings.retention,
            rate: Some(settings.compact_rate).filter(|rate| *rate > 0),
        };
        match store.compact(options, &mut |_| {}).await {
            Ok(done) => {
                let (freed, bases, kept) = (done.freed(), done.bases, done.kept.len());
                tracing::info!(freed, bases, kept, "compacted");
            }
            Err(error) => {
                tracing::warn!(%error, "not all space was given back; the next round tries again");
            }
        }
    }
}

/// Indexes the text of messages, a little at a time: searches are quicker for it, and find the same
/// without.
async fn indexing(store: Store, rate: u64) {
    let options = IndexOptions {
        rate: Some(rate).filter(|rate| *rate > 0),
        least: WAITING_MAX,
    };
    let mut looks = interval_at(Instant::now() + INDEX_AFTER, INDEX_LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut all = Instant::now() + INDEX_ALL_AFTER;
    loop {
        looks.tick().await;
        let round = if Instant::now() >= all {
            all = Instant::now() + INDEX_ALL;
            IndexRound::All
        } else {
            IndexRound::Open
        };
        match store.index_round(round, options).await {
            Ok(0) => {}
            Ok(messages) => tracing::info!(messages, "indexed"),
            Err(error) => tracing::warn!(%error, "not all is indexed; the next round tries again"),
        }
    }
}

/// The signals that mean something here.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What a signal asks for.
enum Wanted {
    Stop,
    Reload,
}

impl Signals {
    fn new() -> Result<Self, Error> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Wanted {
        tokio::select! {
            _ = self.terminate.recv() => Wanted::Stop,
            _ = self.interrupt.recv() => Wanted::Stop,
            _ = self.hangup.recv() => Wanted::Reload,
        }
    }
}
