//! What systemd is told: ready, reloading, stopping, alive. Without systemd all of it does nothing.

use std::time::Duration;

use sd_notify::NotifyState;

/// All listeners listen.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Connections are being finished.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says that the event loop turns, for ever, if the unit has `WatchdogSec=`: twice
/// in each interval.
pub(crate) async fn watchdog() {
    let Some(interval) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let mut ticks = tokio::time::interval((interval / 2).max(Duration::from_millis(100)));
    loop {
        ticks.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd can't be told");
    }
}
