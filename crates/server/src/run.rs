//! A server as a process: signals, systemd, and the store's housekeeping.

use session::Services;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{error::Error, notify, server::Server, settings::Settings};

/// Serves until SIGTERM or SIGINT, then stops and closes the store. `ready` is called
/// once every listener listens.
///
/// # Errors
/// [`Error`]: why it did not start, or what the store could not write when it closed.
pub async fn serve(
    services: Services,
    settings: Settings,
    ready: impl FnOnce(&Server),
) -> Result<(), Error> {
    let mut signals = Signals::new()?;
    let server = Server::start(&services, &settings)?;
    notify::ready();
    ready(&server);
    let watchdog = tokio::spawn(notify::watchdog());
    while let Wanted::Reload = signals.next().await {
        if let Some(certificate) = server.certificate() {
            certificate.reload();
        }
    }
    notify::stopping();
    server.stop().await;
    watchdog.abort();
    services.store.close().await?;
    tracing::info!("stopped");
    Ok(())
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
