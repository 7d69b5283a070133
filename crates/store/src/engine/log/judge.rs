//! What of a log was promised: told from what its records and gaps are.
//!
//! A commit record closes its group and names the group's first LSN. When it was written,
//! everything before that LSN was durable. So:
//!
//! * a gap before the start of some later commit's group is **damage**: the log had been there;
//! * a gap in the group of the last commit, or after it, is a **torn tail**: that
//!   group's sync had not returned, nothing in it was acknowledged;
//! * a segment that has a successor was durable as a whole before the successor was made.

use super::format::{RecordHeader, Type};

/// A thing found in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// A whole record.
    Record(RecordHeader),
    /// Octets that are no whole record.
    Bad {
        lsn: u64,
        end: u64,
        header: Option<RecordHeader>,
    },
}

impl Event {
    pub(crate) fn lsn(&self) -> u64 {
        match self {
            Self::Record(header) => header.lsn,
            Self::Bad { lsn, .. } => *lsn,
        }
    }
}

/// Holds back what is not yet known to have been durable.
#[derive(Debug)]
pub(crate) struct Judge {
    pending: Vec<Event>,
    end: u64,
}

impl Judge {
    /// From `start` on; everything before it was durable.
    pub(crate) fn new(start: u64) -> Self {
        Self {
            pending: Vec::new(),
            end: start,
        }
    }

    /// The next event; `accept` gets, in order, what is certain by it.
    pub(crate) fn see(&mut self, event: Event, accept: &mut dyn FnMut(Event)) {
        let Event::Record(
            commit @ RecordHeader {
                kind: Type::Commit, ..
            },
        ) = event
        else {
            self.pending.push(event);
            return;
        };
        let start = commit.account;
        let durable = self.pending.partition_point(|event| event.lsn() < start);
        for event in self.pending.drain(..durable) {
            accept(event);
        }
        self.end = self.end.max(start.min(commit.lsn));
        let whole = self
            .pending
            .iter()
            .all(|event| matches!(event, Event::Record(_)))
            && self.pending.first().map_or(commit.lsn, Event::lsn) == self.end;
        self.pending.push(event);
        if whole {
            self.pending.drain(..).for_each(accept);
            self.end = commit.end();
        }
    }

    /// The segment has a successor, which begins at `until`.
    pub(crate) fn sealed(&mut self, until: u64, accept: &mut dyn FnMut(Event)) {
        self.pending.drain(..).for_each(accept);
        self.end = self.end.max(until);
    }

    /// Where what was promised ends.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Whether something follows that end.
    pub(crate) fn has_tail(&self) -> bool {
        !self.pending.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: Type, lsn: u64, account: u64) -> Event {
        Event::Record(RecordHeader {
            kind,
            length: 0,
            body_sum: 0,
            lsn,
            account,
            seq: 0,
        })
    }
    fn batch(lsn: u64) -> Event {
        record(Type::Batch, lsn, 1)
    }
    fn commit(lsn: u64, start: u64) -> Event {
        record(Type::Commit, lsn, start)
    }
    fn bad(lsn: u64) -> Event {
        Event::Bad {
            lsn,
            end: lsn + 40,
            header: None,
        }
    }

    #[test]
    fn a_gap_is_damage_only_if_a_later_group_proves_it_was_durable() {
        // What is seen, which LSNs are accepted, where the log ends, whether a tail is left.
        type Case = (&'static str, Vec<Event>, Vec<u64>, u64, bool);
        let cases: Vec<Case> = vec![
            ("nothing", vec![], vec![], 40, false),
            (
                "one group",
                vec![batch(40), commit(80, 40)],
                vec![40, 80],
                120,
                false,
            ),
            ("no commit", vec![batch(40)], vec![], 40, true),
            (
                "torn in the only group",
                vec![batch(40), bad(80), commit(120, 40)],
                vec![],
                40,
                true,
            ),
            (
                "the first record of the last group torn",
                vec![batch(40), commit(80, 40), bad(120), commit(160, 120)],
                vec![40, 80],
                120,
                true,
            ),
            (
                "damage in a group before the last",
                vec![bad(40), commit(80, 40), batch(120), commit(160, 120)],
                vec![40, 80, 120, 160],
                200,
                false,
            ),
            (
                "a damaged commit",
                vec![batch(40), bad(80), batch(120), commit(160, 120)],
                vec![40, 80, 120, 160],
                200,
                false,
            ),
            (
                "damage, then a torn group",
                vec![bad(40), commit(80, 40), bad(120), commit(160, 120)],
                vec![40, 80],
                120,
                true,
            ),
        ];
        for (name, events, accepted, end, tail) in cases {
            let mut judge = Judge::new(40);
            let mut seen = Vec::new();
            for event in events {
                judge.see(event, &mut |event| seen.push(event.lsn()));
            }
            assert_eq!(seen, accepted, "{name}");
            assert_eq!(judge.end(), end, "{name}");
            assert_eq!(judge.has_tail(), tail, "{name}");
        }
    }

    #[test]
    fn a_group_may_begin_with_a_commit_that_closed_an_empty_one() {
        let mut judge = Judge::new(40);
        for event in [commit(40, 40), batch(80), commit(120, 40)] {
            judge.see(event, &mut |_| {});
        }
        assert_eq!((judge.end(), judge.has_tail()), (160, false));
    }

    #[test]
    fn a_successor_proves_all_of_a_segment() {
        let mut judge = Judge::new(40);
        let mut seen = Vec::new();
        judge.see(bad(40), &mut |event| seen.push(event.lsn()));
        judge.sealed(80, &mut |event| seen.push(event.lsn()));
        assert_eq!((seen, judge.end(), judge.has_tail()), (vec![40], 80, false));
    }
}
