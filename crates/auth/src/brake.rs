//! What slows down guessing, and can never lock out the operator.
//!
//! Failures are counted per account and network (a single IPv4 address, an IPv6 /64), and per
//! network over all accounts. Each count fades with time; one that has reached its limit refuses,
//! without a look at the password. A failure that is not the first is answered late.
//!
//! Nobody is ever refused from a trusted network or a Unix socket, only answered late; and a
//! stranger's failures never count against the owner who comes from elsewhere. What strangers send
//! takes no space here: an account is counted under a number made of its name.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How hard the brake is.
#[derive(Debug, Clone, Copy)]
pub struct Hardness {
    /// Failures, for one account from one network, after which it is refused. People mistype, and
    /// programs with an old password try it some times on each of their connections.
    pub failures_per_account: u32,
    /// Failures, from one network over all accounts, after which it is refused. A whole office
    /// may be behind one address.
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

/// By how much each failure after the first is answered later than the one before.
const DELAY_STEP: Duration = Duration::from_millis(250);

/// How long the answer to a failure is held back at most.
const DELAY_MAX: Duration = Duration::from_secs(2);

/// Counters held at most, some megabytes; past that those with the fewest failures go first.
const COUNTERS_MAX: usize = 1 << 16;

/// The counters.
#[derive(Debug)]
pub struct Brake {
    hardness: Hardness,
    hasher: RandomState,
    counters: Mutex<HashMap<Key, Counter>>,
}

/// A network (`None`: a Unix socket), and an account or all of them.
type Key = (Option<IpAddr>, Option<u64>);

/// Failures as of a time.
#[derive(Debug, Clone, Copy)]
struct Counter {
    failures: u32,
    at: Instant,
}

impl Counter {
    /// What is left of it. The last failure counts as long as any of it is left.
    fn now(self, now: Instant, forget_after: Duration) -> u32 {
        let passed = now.saturating_duration_since(self.at).as_millis();
        let forgotten = passed / forget_after.as_millis().max(1);
        let forgotten = u32::try_from(forgotten).unwrap_or(u32::MAX);
        self.failures.saturating_sub(forgotten)
    }
}

impl Brake {
    /// A brake that has seen nothing.
    #[must_use]
    pub fn new(hardness: Hardness) -> Self {
        Self {
            hardness,
            hasher: RandomState::new(),
            counters: Mutex::default(),
        }
    }

    /// Whether somebody who is not trusted may try at all.
    #[must_use]
    pub fn permits(&self, peer: IpAddr, user: &str, now: Instant) -> bool {
        let [by_network, by_account] = self.keys(Some(peer), user);
        let counters = self.counters();
        let failures = |key| {
            counters
                .get(key)
                .map_or(0, |counter| counter.now(now, self.hardness.forget_after))
        };
        failures(&by_account) < self.hardness.failures_per_account
            && failures(&by_network) < self.hardness.failures_per_network
    }

    /// A try has failed. Says for how long to hold the answer back; that is nothing for the
    /// first failure.
    pub fn failed(&self, peer: Option<IpAddr>, user: &str, now: Instant) -> Duration {
        let [by_network, by_account] = self.keys(peer, user);
        let mut counters = self.counters();
        self.count(&mut counters, by_network, now);
        let failures = self.count(&mut counters, by_account, now);
        let delay = DELAY_STEP.saturating_mul(failures.saturating_sub(1));
        delay.min(DELAY_MAX)
    }

    /// A try has succeeded: this account's failures from there are forgotten. Those of the network
    /// are not, or an account of one's own would be a licence to guess.
    pub fn succeeded(&self, peer: Option<IpAddr>, user: &str) {
        let [_, by_account] = self.keys(peer, user);
        self.counters().remove(&by_account);
    }

    fn count(&self, counters: &mut HashMap<Key, Counter>, key: Key, now: Instant) -> u32 {
        if counters.len() >= COUNTERS_MAX && !counters.contains_key(&key) {
            self.make_room(counters, now);
        }
        let counter = counters.entry(key).or_insert(Counter {
            failures: 0,
            at: now,
        });
        let left = counter.now(now, self.hardness.forget_after);
        if left != counter.failures || left == 0 {
            counter.at = now;
        }
        counter.failures = left.saturating_add(1);
        counter.failures
    }

    /// Forgets what has faded; if that is not enough, half of all, those with the fewest
    /// failures: whoever has many addresses must not be able to wash one of them clean.
    fn make_room(&self, counters: &mut HashMap<Key, Counter>, now: Instant) {
        let forget_after = self.hardness.forget_after;
        counters.retain(|_, counter| counter.now(now, forget_after) > 0);
        let mut surplus = counters.len().saturating_sub(COUNTERS_MAX / 2);
        if surplus == 0 {
            return;
        }
        let mut failures: Vec<u32> = counters.values().map(|counter| counter.failures).collect();
        let (_, last_to_go, _) = failures.select_nth_unstable(surplus - 1);
        let last_to_go = *last_to_go;
        counters.retain(|_, counter| {
            let goes = surplus > 0 && counter.failures <= last_to_go;
            surplus -= usize::from(goes);
            !goes
        });
    }

    fn keys(&self, peer: Option<IpAddr>, user: &str) -> [Key; 2] {
        let network = peer.map(network);
        let account = self.hasher.hash_one(user);
        [(network, None), (network, Some(account))]
    }

    fn counters(&self) -> MutexGuard<'_, HashMap<Key, Counter>> {
        // A counter can't be left half-changed.
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address, as coarse as guessing is counted: itself, or its /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGER: &str = "203.0.113.7";

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn brake() -> Brake {
        Brake::new(Hardness {
            failures_per_account: 3,
            failures_per_network: 5,
            ..Hardness::default()
        })
    }

    fn fail(brake: &Brake, peer: &str, user: &str, times: u32, now: Instant) {
        for _ in 0..times {
            brake.failed(Some(address(peer)), user, now);
        }
    }

    #[test]
    fn who_may_try_after_failures() {
        for (peer, user, times, then, as_user, expected) in [
            (STRANGER, "joe", 2, STRANGER, "joe", true),
            (STRANGER, "joe", 3, STRANGER, "joe", false),
            (STRANGER, "joe", 3, STRANGER, "ann", true),
            (STRANGER, "joe", 5, STRANGER, "ann", false),
            (STRANGER, "joe", 9, "203.0.113.8", "joe", true),
            ("2001:db8::1", "joe", 3, "2001:db8::2", "joe", false),
            ("2001:db8::1", "joe", 3, "2001:db8:0:1::1", "joe", true),
            ("::ffff:203.0.113.7", "joe", 3, STRANGER, "joe", false),
        ] {
            let (brake, now) = (brake(), Instant::now());
            fail(&brake, peer, user, times, now);
            let found = brake.permits(address(then), as_user, now);
            assert_eq!(
                found, expected,
                "{times} by {peer} as {user}, then {then} as {as_user}"
            );
        }
    }

    #[test]
    fn answers_come_later_and_later_but_come() {
        let (brake, now) = (brake(), Instant::now());
        for peer in [None, Some(address("127.0.0.1"))] {
            let delays = [(); 3].map(|()| brake.failed(peer, "joe", now));
            assert_eq!(delays, [Duration::ZERO, DELAY_STEP, DELAY_STEP * 2]);
            for _ in 0..99 {
                assert!(brake.failed(peer, "joe", now) <= DELAY_MAX);
            }
        }
    }

    #[test]
    fn failures_are_forgotten_one_by_one() {
        let (brake, now) = (brake(), Instant::now());
        let may_try = |at| brake.permits(address(STRANGER), "joe", at);
        fail(&brake, STRANGER, "joe", 3, now);
        let minute = Duration::from_mins(1);
        assert!(!may_try(now + Duration::from_secs(59)));
        assert!(may_try(now + minute));
        fail(&brake, STRANGER, "joe", 1, now + minute);
        assert!(!may_try(now + minute));
        assert!(may_try(now + minute * 2));
    }

    #[test]
    fn success_clears_the_account_but_not_the_network() {
        let (brake, now) = (brake(), Instant::now());
        fail(&brake, STRANGER, "ann", 3, now);
        fail(&brake, STRANGER, "joe", 1, now);
        brake.succeeded(Some(address(STRANGER)), "joe");
        assert_eq!(
            brake.failed(Some(address(STRANGER)), "joe", now),
            Duration::ZERO
        );
        assert!(!brake.permits(address(STRANGER), "joe", now));
    }

    #[test]
    fn many_strangers_take_bounded_memory_and_wash_nobody_clean() {
        let (brake, now) = (brake(), Instant::now());
        fail(&brake, "198.51.100.1", "joe", 5, now);
        for n in 0..100_000_u32 {
            let peer = IpAddr::V4((0x0a00_0000 + n).into());
            brake.failed(Some(peer), "joe", now);
        }
        assert!(brake.counters().len() <= COUNTERS_MAX);
        assert!(!brake.permits(address("198.51.100.1"), "joe", now));
    }
}
