//! Quota roots that fill up: whoever asked is told when the use of one crosses a threshold upwards.
//!
//! Told is what a batch has done, whatever verb it was of, when it is durable; of a domain, when it is
//! queued, since accounts write there at once and only the pool knows the order. What others have done to the
//! limits is no crossing: who lowers them knows.

use std::sync::{Mutex, OnceLock, PoisonError};

use tokio::sync::mpsc;

use super::{QuotaRoot, Resource, RootState};
use crate::id::AccountId;

/// The most crossings that wait for whoever is told: beyond, they are not told.
const CROSSINGS_MAX: usize = 1000;

/// The use of a quota root has crossed a threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossed {
    /// Whose account the root is of; of a domain, one of those that use it.
    pub account: AccountId,
    /// The root.
    pub root: QuotaRoot,
    /// Of which resource it uses that much.
    pub resource: Resource,
    /// The highest threshold that was crossed, in percent of the limit.
    pub percent: u8,
    /// What is used now, in the resource's units.
    pub used: u64,
    /// What may be.
    pub limit: u64,
}

/// Who is told of what.
#[derive(Debug, Default)]
pub(crate) struct Filling {
    told: OnceLock<(Vec<u8>, mpsc::Sender<Crossed>)>,
    /// Some were not told.
    missed: Mutex<bool>,
}

impl Filling {
    /// Has crossings of these percentages told, to whoever asks first.
    pub(crate) fn watch(&self, percents: &[u8]) -> mpsc::Receiver<Crossed> {
        let (sender, receiver) = mpsc::channel(CROSSINGS_MAX);
        let _ = self.told.set((percents.to_vec(), sender));
        receiver
    }

    /// Whether anybody wants to know.
    pub(crate) fn is_watched(&self) -> bool {
        self.told.get().is_some()
    }

    /// What an account has done has brought a root from one state to another.
    pub(crate) fn tell(&self, account: AccountId, before: &RootState, after: &RootState) {
        let Some((percents, sender)) = self.told.get() else {
            return;
        };
        for crossed in crossed(account, (before, after), percents) {
            let sent = sender.try_send(crossed).is_ok();
            let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
            if !sent && !*missed {
                tracing::warn!("more quota roots fill up than can be told");
            }
            *missed = !sent;
        }
    }
}

/// What was crossed between two states of a root, of each resource once.
fn crossed<'a>(
    account: AccountId,
    (before, after): (&'a RootState, &'a RootState),
    percents: &'a [u8],
) -> impl Iterator<Item = Crossed> + 'a {
    let same = before.quota == after.quota;
    let limits = after.quota.limits.every().filter(move |_| same);
    limits.filter_map(move |(resource, limit)| {
        let used = after.usage.of(resource);
        let (was, is) = (
            percent(before.usage.of(resource), limit),
            percent(used, limit),
        );
        let crossed = |threshold: &&u8| (was + 1..=is).contains(&u64::from(**threshold));
        let percent = *percents.iter().filter(crossed).max()?;
        Some(Crossed {
            account,
            root: after.root.clone(),
            resource,
            percent,
            used,
            limit,
        })
    })
}

/// How many percent of a limit are used, rounded down. Of nothing everything is.
pub(super) fn percent(used: u64, limit: u64) -> u64 {
    let percent = (u128::from(used) * 100).checked_div(limit.into());
    percent.map_or(100, |percent| u64::try_from(percent).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::{Limits, Quota, Usage};

    fn state(messages: u64, limit: u64) -> RootState {
        let mut limits = Limits::default();
        limits.set(Resource::Message, Some(limit));
        RootState {
            root: QuotaRoot::Account,
            quota: Quota {
                limits,
                administered: true,
            },
            usage: Usage {
                messages,
                ..Usage::default()
            },
        }
    }

    #[test]
    fn a_threshold_is_crossed_once_and_upwards_only() {
        for (before, after, expected) in [
            (0, 79, None),
            (79, 80, Some(80)),
            (80, 81, None),
            (81, 80, None),
            (10, 96, Some(95)),
            (94, 100, Some(95)),
            (100, 130, None),
            (95, 10, None),
        ] {
            let (before, after) = (state(before, 100), state(after, 100));
            let told: Vec<_> = crossed(AccountId(1), (&before, &after), &[80, 95])
                .map(|it| it.percent)
                .collect();
            let expected: Vec<u8> = expected.into_iter().collect();
            assert_eq!(told, expected, "{before:?} to {after:?}");
        }
        let lowered = (&state(50, 100), &state(50, 50));
        assert_eq!(crossed(AccountId(1), lowered, &[80]).count(), 0);
    }

    #[test]
    fn what_nobody_takes_is_not_kept_without_end() {
        let filling = Filling::default();
        let mut told = filling.watch(&[50]);
        for _ in 0..CROSSINGS_MAX + 10 {
            filling.tell(AccountId(1), &state(0, 2), &state(1, 2));
        }
        let mut count = 0;
        while told.try_recv().is_ok() {
            count += 1;
        }
        assert_eq!(count, CROSSINGS_MAX);
    }
}
