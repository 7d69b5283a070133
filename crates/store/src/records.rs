//! Records of messages that somebody listed, in memory: the next listing reads none of them.
//!
//! In the log the records of two messages lie as far apart as the messages are long, so that each is a call of its own.
//! Here they are as they were read, and checked then: found by EMAILID, and taken only if they are of the place where the
//! message has its record now, which says for ever the same.
//!
//! At most [`OCTETS_MAX`] for all accounts. Beyond that what was used longest ago goes; of one account that has so many
//! messages alone no more are kept.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    Email, EmailId, Message,
    account::Account,
    cabinet::Cabinet,
    email::Record,
    engine::{Partitions, Ref},
    error::Error,
    id::AccountId,
};

/// Octets of memory for all accounts together.
pub const OCTETS_MAX: usize = 256 << 20;

/// EMAILIDs for which room is made together.
const PAGE: usize = 64;

/// The records of all accounts.
pub(crate) type OfAll = Cabinet<AccountId, Mutex<Records>>;

/// An account's messages, for who lists many of them.
#[derive(Debug)]
pub struct Listing {
    account: Account,
    partitions: Partitions,
    records: Arc<Mutex<Records>>,
}

/// Records by EMAILID.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pages: BTreeMap<u64, Box<[Option<Kept>; PAGE]>>,
    /// Of memory.
    octets: usize,
}

#[derive(Debug)]
struct Kept {
    at: Ref,
    record: Arc<Record>,
}

impl Account {
    /// To read the records of its messages, one after the other.
    #[must_use]
    pub fn listing(&self) -> Listing {
        Listing {
            account: self.clone(),
            partitions: self.shared.partitions.clone(),
            records: self.shared.cabinets.records.get(self.id(), Arc::default),
        }
    }
}

impl Listing {
    /// Those of some messages' records that are in memory, each in its place.
    ///
    /// Memory answers for many in the time in which it answers for one, if it is asked for all before anything is done
    /// with the first. So who lists takes some together, no more than are still near when they are used.
    pub fn kept<'a>(&self, messages: impl Iterator<Item = &'a Message<'a>>) -> Vec<Option<Email>> {
        let records = self.records();
        let whose = messages.map(|message| (message.email, message.record));
        let found: Vec<_> = whose.map(|whose| records.get(whose)).collect();
        call_up(found.iter().copied().flatten());
        let email = |record| Email::new(self.partitions.clone(), Arc::clone(record));
        found.into_iter().map(|found| found.map(email)).collect()
    }

    /// Reads a message's record, and keeps it.
    ///
    /// # Errors
    /// As [`Account::email`].
    pub async fn email(&self, message: &Message<'_>) -> Result<Email, Error> {
        let email = self.account.email(message).await?;
        let whose = (message.email, message.record);
        let grown = self.records().keep(whose, email.record(), OCTETS_MAX);
        if let Some(octets) = grown {
            let cabinet = &self.account.shared.cabinets.records;
            cabinet.weigh(&self.account.id(), octets);
        }
        Ok(email)
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        // Each record is whole between any two operations.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    /// A message's record, if it is here.
    fn get(&self, (id, at): (EmailId, Ref)) -> Option<&Arc<Record>> {
        let (page, within) = place(id);
        let kept = self.pages.get(&page)?.get(within)?.as_ref()?;
        (kept.at == at).then_some(&kept.record)
    }

    /// Keeps a message's record, if there is room; says how many octets there are if they are many more now.
    fn keep(
        &mut self,
        (id, at): (EmailId, Ref),
        record: &Arc<Record>,
        max: usize,
    ) -> Option<usize> {
        if self.octets >= max {
            return None;
        }
        let (page, within) = place(id);
        let pages = self.pages.len();
        let page = self.pages.entry(page);
        let page = page.or_insert_with(|| Box::new([const { None }; PAGE]));
        let record = Arc::clone(record);
        self.octets += record.octets();
        if let Some(before) = page.get_mut(within)?.replace(Kept { at, record }) {
            self.octets = self.octets.saturating_sub(before.record.octets());
        }
        if self.pages.len() == pages {
            return None;
        }
        self.octets += PAGE * size_of::<Option<Kept>>();
        Some(self.octets)
    }
}

/// Makes the processor bring near what will be looked at of some records.
fn call_up<'a>(records: impl Iterator<Item = &'a Arc<Record>> + Clone) {
    // Where the octets are is known only when the record is here: so first all records, then all octets.
    let seen = records.clone().fold(0, |seen, it| seen ^ it.glance());
    let seen = records.fold(seen, |seen, it| seen ^ it.glance_at_octets());
    std::hint::black_box(seen);
}

/// The page of an EMAILID, and the place in it.
fn place(id: EmailId) -> (u64, usize) {
    let within = usize::try_from(id.0 % PAGE as u64).unwrap_or(0);
    (id.0 / PAGE as u64, within)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::Put;

    fn record() -> Arc<Record> {
        let (whole, no_trace, no_pieces) = (1, 0, 0);
        let mut octets = vec![whole, no_trace];
        octets.extend_from_slice(&[0; 32]);
        octets.push(no_pieces);
        let digest = mail::Scanner::new(mail::Limits::default()).finish();
        digest.encode(&mut octets);
        match Record::decode(octets) {
            Ok(Put::Whole(record)) => Arc::new(record),
            _ => panic!(),
        }
    }

    #[test]
    fn a_record_is_taken_from_the_place_where_it_is_now() {
        let (first, second) = (record(), record());
        let mut records = Records::default();
        let (id, at) = (EmailId(PAGE as u64 + 7), Ref(99));
        assert!(records.get((id, at)).is_none());
        let octets = records.keep((id, at), &first, usize::MAX).unwrap();
        assert!(Arc::ptr_eq(records.get((id, at)).unwrap(), &first));
        assert!(records.get((EmailId(7), at)).is_none());
        assert!(records.get((id, Ref(100))).is_none());
        // It was copied to elsewhere.
        records.keep((id, Ref(100)), &second, usize::MAX);
        assert!(records.get((id, at)).is_none());
        assert!(Arc::ptr_eq(records.get((id, Ref(100))).unwrap(), &second));
        assert_eq!(records.octets, octets);
        // There is no room.
        records.keep((EmailId(8), at), &first, octets);
        assert!(records.get((EmailId(8), at)).is_none());
    }
}
