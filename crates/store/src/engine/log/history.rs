//! An account's batches, a page at a time.
//!
//! Where they are stands in the index, for those after the checkpoint, and in the checkpoint for
//! those before. What the checkpoint says of places is derived and believed only if the record
//! there says the same; where it says nothing, that part of the log is walked.

use std::{ops::ControlFlow, sync::PoisonError, sync::atomic::Ordering};

use super::{
    disk::Disk,
    format::Type,
    index::{Answer, Place},
    scan::{Found, scan},
    shared::Shared,
};
use crate::{engine::Ref, error::Error, id::AccountId};

/// Batches with their numbers.
type Batches = Vec<(u64, Vec<u8>)>;

impl<D: Disk> Shared<D> {
    /// See [`crate::engine::Engine::batches_page`]; waits for the disk.
    pub(crate) fn batches_page(
        &self,
        account: AccountId,
        after: u64,
        octets_max: usize,
    ) -> Result<Batches, Error> {
        let mut wanted = octets_max;
        loop {
            let checkpointed = self.derived(|it| it.head(account))?;
            let answer = {
                let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
                index.opened(account, checkpointed);
                index.ask(account, after, wanted)
            };
            self.queue().heads.entry(account).or_insert(answer.last);
            let (batches, end) = self.page(account, after, wanted, &answer)?;
            if end || !batches.is_empty() {
                return Ok(batches);
            }
            // Nothing is where it is said to be: it lies before the next that is.
            wanted = wanted.saturating_mul(2).saturating_add(1);
        }
    }

    /// One page, and whether nothing follows it.
    fn page(
        &self,
        account: AccountId,
        after: u64,
        octets_max: usize,
        answer: &Answer,
    ) -> Result<(Batches, bool), Error> {
        let covered = answer.checkpointed;
        let (mut before, mut places) = (None, Vec::new());
        if after < covered {
            let first = answer.batches.first().map_or(u64::MAX, |place| place.seq);
            let end = first.min(covered.saturating_add(1));
            (before, places) = self.derived(|it| it.places(account, after + 1..end, octets_max))?;
        }
        let mut octets: usize = places.iter().map(Place::cost).sum();
        for place in &answer.batches {
            if !places.is_empty() && octets > octets_max {
                break;
            }
            octets = octets.saturating_add(place.cost());
            places.push(*place);
        }
        let mut page = Page {
            batches: Vec::new(),
            octets: 0,
            octets_max,
            reached: after,
            from: before.take().map_or(0, |place| place.lsn),
        };
        let last = places.last().map_or(0, |place| place.seq);
        for place in places {
            let Some(body) = self.batch_at(account, place)? else {
                continue;
            };
            if page.reached < covered && self.fill(account, place.seq, place.lsn, &mut page)? {
                return Ok((page.batches, false));
            }
            page.push(place, body);
        }
        let to_end = last >= answer.last || last == 0;
        if to_end && page.reached < covered {
            let end = self.durable.load(Ordering::Acquire);
            let _ = self.fill(account, covered.saturating_add(1), end, &mut page)?;
        }
        Ok((page.batches, to_end))
    }

    /// The batch that is said to be at a place; `None` if it is not, or is damaged.
    fn batch_at(&self, account: AccountId, place: Place) -> Result<Option<Vec<u8>>, Error> {
        let record = match self.record_at(Ref::new(self.partition.number, place.lsn), place.length)
        {
            Err(Error::Corrupt { .. }) => return Ok(None),
            record => record?,
        };
        let (header, body) = record;
        let same =
            header.kind == Type::Batch && (header.account, header.seq) == (account.0, place.seq);
        Ok(same.then_some(body))
    }

    /// Finds the batches between where the page has got to and number `until`, which is not
    /// before LSN `end`. True if the page is full.
    fn fill(
        &self,
        account: AccountId,
        until: u64,
        end: u64,
        page: &mut Page,
    ) -> Result<bool, Error> {
        if page.reached + 1 >= until || self.derived(|it| it.freed(account))? >= until {
            return Ok(false);
        }
        let segments = self.segments.load_full();
        for segment in segments.iter() {
            let next = segment.end();
            if next.is_some_and(|next| next <= page.from) || segment.first_lsn() >= end {
                continue;
            }
            let from = segment.first_lsn().max(page.from);
            scan(&*self.disk, segment, from, next, &mut |found| {
                let Found::Record { header, body } = found else {
                    return ControlFlow::Continue(());
                };
                if header.lsn >= end || page.full() {
                    return ControlFlow::Break(());
                }
                let wanted = header.kind == Type::Batch && header.account == account.0;
                if wanted && header.seq > page.reached && header.seq < until {
                    let place = Place {
                        seq: header.seq,
                        lsn: header.lsn,
                        length: body.len(),
                    };
                    page.push(place, body.to_vec());
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok(page.full())
    }
}

/// A page in the making.
struct Page {
    batches: Batches,
    octets: usize,
    octets_max: usize,
    /// The number of the last batch in it.
    reached: u64,
    /// Its place: what comes later lies behind it.
    from: u64,
}

impl Page {
    fn push(&mut self, place: Place, body: Vec<u8>) {
        self.octets = self.octets.saturating_add(body.len());
        self.reached = place.seq;
        self.from = place.lsn;
        self.batches.push((place.seq, body));
    }

    fn full(&self) -> bool {
        !self.batches.is_empty() && self.octets >= self.octets_max
    }
}
