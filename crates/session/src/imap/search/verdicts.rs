//! What is known of up to 64 messages at once, and which of them match.

use std::iter;

/// What is known of up to 64 messages: a bit for each that matches, and one for each that does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Verdicts {
    /// Those that match.
    pub(super) yes: u64,
    /// Those that don't.
    pub(super) no: u64,
}

impl Verdicts {
    /// Messages of which it can tell.
    pub(super) const MAX: usize = 64;

    /// Those of so many of which nothing is known: places, ascending.
    pub(super) fn untold(self, messages: usize) -> impl Iterator<Item = usize> {
        let mut left = self.open(messages);
        iter::from_fn(move || {
            let at = usize::try_from(left.trailing_zeros()).ok()?;
            let next = (left != 0).then_some(at);
            left &= left.wrapping_sub(1);
            next
        })
    }

    /// The bits of so many messages.
    pub(super) fn all(messages: usize) -> u64 {
        u64::MAX.unbounded_shr(u64::BITS.saturating_sub(u32::try_from(messages).unwrap_or(0)))
    }

    /// What is known of one.
    pub(super) fn of(self, at: usize) -> Option<bool> {
        let has = |bits: u64| bits >> at & 1 == 1;
        has(self.yes | self.no).then(|| has(self.yes))
    }

    /// Of which of so many messages nothing is known.
    pub(super) fn open(self, messages: usize) -> u64 {
        Self::all(messages) & !(self.yes | self.no)
    }

    /// This is known of one, of which nothing was.
    pub(super) fn tell(&mut self, at: usize, answer: Option<bool>) {
        match answer {
            Some(true) => self.yes |= 1 << at,
            Some(false) => self.no |= 1 << at,
            None => {}
        }
    }
}

/// Which of up to 64 messages match, and how well.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matching {
    yes: u64,
    /// 0 without FUZZY.
    scores: [u8; Verdicts::MAX],
}

impl Matching {
    /// Those of which that is known, all with this score.
    pub(super) fn known(verdicts: Verdicts, score: u8) -> Self {
        Self {
            yes: verdicts.yes,
            scores: [score; Verdicts::MAX],
        }
    }

    /// So many, without scores.
    pub(super) fn all(messages: usize) -> Self {
        let yes = Verdicts::all(messages);
        Self::known(Verdicts { yes, no: 0 }, 0)
    }

    /// One more.
    pub(super) fn add(&mut self, at: usize, score: u8) {
        self.yes |= 1 << at;
        if let Some(it) = self.scores.get_mut(at) {
            *it = score;
        }
    }

    /// How many.
    pub(super) const fn len(&self) -> usize {
        self.yes.count_ones() as usize
    }

    /// Those of these messages, with their scores.
    pub(super) fn of<'a, T>(&self, messages: &'a [T]) -> impl Iterator<Item = (&'a T, u8)> {
        let (yes, scores) = (self.yes, self.scores);
        let all = messages.iter().zip(scores).enumerate();
        let is_one = move |(at, _): &(usize, _)| yes >> at & 1 == 1;
        all.filter(is_one).map(|(_, it)| it)
    }
    /// The same by runs of neighbours.
    pub(super) fn runs<'a, T>(
        &'a self,
        messages: &'a [T],
    ) -> impl Iterator<Item = (&'a [T], &'a [u8])> {
        let mut left = self.yes;
        iter::from_fn(move || {
            let start = left.trailing_zeros();
            let end = start + left.unbounded_shr(start).trailing_ones();
            left &= u64::MAX.unbounded_shl(end);
            let run = start as usize..end as usize;
            let some = messages.get(run.clone()).filter(|some| !some.is_empty());
            some.zip(self.scores.get(run))
        })
    }
}
