//! What slows down guessing, and can never lock out the operator.
//!
//! Failures are counted per account and network (a single IPv4 address, an IPv6 /64), and per
//! network over all accounts. Each count fades with time. Past a number of free tries a login
//! waits; past a larger one it is refused without a look at the password. Nobody is ever refused
//! from a trusted network or a Unix socket, and a stranger's failures never count against the
//! owner who comes from elsewhere.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How hard the brake is.
#[derive(Debug, Clone, Copy)]
pub struct Hardness {
    /// Failures, for one account from one network, after which it is refused.
    pub failures_per_account: u32,
    /// Failures, from one network over all accounts, after which it is refused.
    pub failures_per_network: u32,
    /// The time after which one failure is forgotten.
    pub forget_after: Duration,
}

impl Default for Hardness {
    fn default() -> Self {
        Self {
            failures_per_account: 10,
            failures_per_network: 100,
            forget_after: Duration::from_mins(1),
        }
    }
}

/// Counters held at most; past that the most faded go first.
const COUNTERS_MAX: usize = 50_000;

/// The counters.
#[derive(Debug)]
pub struct Brake {
    hardness: Hardness,
    counters: Mutex<HashMap<Key, Counter>>,
}

/// A network, and an account or all of them.
type Key = (Network, Option<Box<str>>);

/// An address, as coarse as guessing is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    V4([u8; 4]),
    V6([u16; 4]),
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    failures: f64,
    at: Instant,
}

impl Counter {
    fn now(self, now: Instant, forget_after: Duration) -> f64 {
        let faded = now.saturating_duration_since(self.at).as_secs_f64()
            / forget_after.as_secs_f64().max(0.001);
        (self.failures - faded).max(0.0)
    }
}

impl Brake {
    /// A brake that has seen nothing.
    #[must_use]
    pub fn new(hardness: Hardness) -> Self {
        Self {
            hardness,
            counters: Mutex::default(),
        }
    }

    /// Whether a try may be made at all.
    #[must_use]
    pub fn permits(&self, peer: IpAddr, user: &str, now: Instant) -> bool {
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let network = Network::of(peer);
        let failures = |key: &Key| {
            counters
                .get(key)
                .map_or(0.0, |c| c.now(now, self.hardness.forget_after))
        };
        // A count fades from the moment it is made: the last one counts while any of it is left.
        let exhausted = |failures: f64, limit: u32| failures > f64::from(limit) - 1.0;
        !exhausted(
            failures(&(network, Some(user.into()))),
            self.hardness.failures_per_account,
        ) && !exhausted(
            failures(&(network, None)),
            self.hardness.failures_per_network,
        )
    }

    /// A try has failed.
    pub fn failed(&self, peer: IpAddr, user: &str, now: Instant) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.len() >= COUNTERS_MAX {
            let forget_after = self.hardness.forget_after;
            counters.retain(|_, c| c.now(now, forget_after) > 0.0);
            if counters.len() >= COUNTERS_MAX {
                counters.clear();
            }
        }
        let network = Network::of(peer);
        for key in [(network, Some(user.into())), (network, None)] {
            let counter = counters.entry(key).or_insert(Counter {
                failures: 0.0,
                at: now,
            });
            *counter = Counter {
                failures: counter.now(now, self.hardness.forget_after) + 1.0,
                at: now,
            };
        }
    }

    /// A try has succeeded: this account's failures from there are forgotten.
    pub fn succeeded(&self, peer: IpAddr, user: &str) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.remove(&(Network::of(peer), Some(user.into())));
    }
}

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4.octets()),
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn guessing_is_refused_and_forgotten() {
        let brake = Brake::new(Hardness {
            failures_per_account: 3,
            failures_per_network: 5,
            ..Hardness::default()
        });
        let now = Instant::now();
        let (stranger, owner) = (address("192.0.2.7"), address("198.51.100.1"));
        for _ in 0..3 {
            assert!(brake.permits(stranger, "ann", now));
            brake.failed(stranger, "ann", now);
        }
        assert!(!brake.permits(stranger, "ann", now), "enough");
        assert!(
            brake.permits(owner, "ann", now),
            "the owner comes from elsewhere"
        );
        assert!(
            brake.permits(stranger, "bob", now),
            "another account, for now"
        );
        brake.failed(stranger, "bob", now);
        brake.failed(stranger, "carl", now);
        assert!(
            !brake.permits(stranger, "dora", now),
            "the network as a whole"
        );
        let later = now + Duration::from_mins(2);
        assert!(brake.permits(stranger, "ann", later));
    }

    #[test]
    fn a_network_is_an_address_or_a_64() {
        let brake = Brake::new(Hardness {
            failures_per_account: 1,
            ..Hardness::default()
        });
        let now = Instant::now();
        brake.failed(address("2001:db8:0:1::5"), "ann", now);
        assert!(!brake.permits(address("2001:db8:0:1:9:9:9:9"), "ann", now));
        assert!(brake.permits(address("2001:db8:0:2::5"), "ann", now));
        brake.failed(address("::ffff:192.0.2.7"), "bob", now);
        assert!(!brake.permits(address("192.0.2.7"), "bob", now));
        brake.succeeded(address("192.0.2.7"), "bob");
        assert!(brake.permits(address("192.0.2.7"), "bob", now));
    }
}
