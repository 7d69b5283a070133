//! Trace fields that delivery puts before a message: RFC 5321 §4.4, RFC 5322 §3.6.7.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
};

use mail::date::{civil_from_days, month_name};
use store::Timestamp;

use crate::{Peer, Services};

/// What the trace fields of all recipients of a message have in common.
#[derive(Debug)]
pub(super) struct Trace {
    /// The transaction's id, in the fields and in the log.
    pub(super) id: String,
    /// Who delivers, for the account's history.
    pub(super) by: String,
    /// The lines of `Received` up to the recipient.
    received: String,
    /// Its date, with what stands around it.
    date: String,
}

/// Transactions since the process began.
static TRANSACTIONS: AtomicU64 = AtomicU64::new(0);

impl Trace {
    /// For a message that a client has just sent.
    pub(super) fn new(services: &Services, peer: &Peer, client: &str, utf8: bool) -> Self {
        let now = (services.store.clock())();
        let number = TRANSACTIONS.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:x}.{number:x}", now.unix);
        let from = match peer.address.map(|a| a.to_canonical()) {
            None => String::new(),
            Some(IpAddr::V4(address)) => format!(" ([{address}])"),
            Some(IpAddr::V6(address)) => format!(" ([IPv6:{address}])"),
        };
        let with = protocol(peer, utf8);
        let hostname = &services.hostname;
        let received =
            format!("Received: from {client}{from}\r\n\tby {hostname} with {with} id {id}");
        let date = format!(";\r\n\t{}\r\n", date(now));
        let by = format!("lmtp {client} {peer}");
        Self {
            id,
            by,
            received,
            date,
        }
    }

    /// The fields for one recipient, given the paths as the client wrote them.
    pub(super) fn fields(&self, from: &[u8], to: &[u8]) -> Vec<u8> {
        [
            b"Return-Path: <",
            from,
            b">\r\nDelivered-To: ",
            to,
            b"\r\n",
            self.received.as_bytes(),
            b"\r\n\tfor <",
            to,
            b">",
            self.date.as_bytes(),
        ]
        .concat()
    }
}

/// RFC 3848, RFC 6531 §4.3.
fn protocol(peer: &Peer, utf8: bool) -> &'static str {
    match (utf8, &peer.tls) {
        (false, None) => "LMTP",
        (false, Some(_)) => "LMTPS",
        (true, None) => "UTF8LMTP",
        (true, Some(_)) => "UTF8LMTPS",
    }
}

/// A date as RFC 5322 §3.3 wants it.
#[must_use]
pub fn date(time: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let local = time.unix.saturating_add(i64::from(time.zone_minutes) * 60);
    let (days, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
    // A clock that is millions of years off is not worth an error here.
    let days = i32::try_from(days).unwrap_or_default();
    let (year, month, day) = civil_from_days(days);
    let weekday = usize::try_from(days.rem_euclid(7)).unwrap_or_default();
    let zone = time.zone_minutes.unsigned_abs();
    format!(
        "{}, {day} {} {year} {:02}:{:02}:{:02} {}{:02}{:02}",
        DAYS.get(weekday).copied().unwrap_or_default(),
        month_name(month),
        second / 3600,
        second / 60 % 60,
        second % 60,
        if time.zone_minutes < 0 { '-' } else { '+' },
        zone / 60,
        zone % 60,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (unix, zone_minutes, expected) in [
            (0, 0, "Thu, 1 Jan 1970 00:00:00 +0000"),
            (951_782_400, 0, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (951_868_799, 60, "Wed, 1 Mar 2000 00:59:59 +0100"),
            (1_709_251_200, -330, "Thu, 29 Feb 2024 18:30:00 -0530"),
            (4_107_542_400, 0, "Mon, 1 Mar 2100 00:00:00 +0000"),
            (-1, 0, "Wed, 31 Dec 1969 23:59:59 +0000"),
        ] {
            let time = Timestamp { unix, zone_minutes };
            assert_eq!(date(time), expected);
        }
    }

    #[test]
    fn the_protocol_is_named_as_registered() {
        let tls = Peer {
            tls: Some(crate::Tls::default()),
            ..Peer::default()
        };
        assert_eq!(protocol(&Peer::default(), false), "LMTP");
        assert_eq!(protocol(&tls, true), "UTF8LMTPS");
    }
}
