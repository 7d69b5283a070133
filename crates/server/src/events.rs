//! Logging in and out, in the log, by the names of RFC 5423 §4.3: beside the store's events, and like those at the
//! target `events`, level `debug`.

use std::net::IpAddr;

use crate::connection::Disconnect;

/// Somebody has logged in.
pub(crate) fn login(user: &str, service: &str, address: Option<IpAddr>) {
    let client = address.map(tracing::field::display);
    tracing::debug!(target: "events", event = "Login", service, user, clientIP = client);
}

/// They have logged out, or their connection has ended.
pub(crate) fn logout(user: &str, service: &str, address: Option<IpAddr>, why: &Disconnect) {
    let client = address.map(tracing::field::display);
    tracing::debug!(target: "events", event = "Logout", service, user, clientIP = client, %why);
}
