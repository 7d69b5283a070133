//! A chunk in memory: as the checkpoint has it, until somebody looks at its rows.
//!
//! Whoever opens a mailbox has all of it from then on, and most ask for a few messages only. Rows
//! take three times the memory of their octets, and more time to fill than all else that opening
//! takes. So octets are read through when they come, which finds whatever is wrong with them, and
//! rows are made of them at the first look.

use std::{
    mem,
    ops::{Deref, DerefMut},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use crate::{
    change::read_system,
    engine::Ref,
    id::{EmailId, ModSeq, ThreadId, Uid},
    mailbox::chunk::{CHUNK_ROWS_MAX, Chunk, KeywordSet, Row, Summary},
    octets::{Malformed, Octets, put_i64, put_len, put_step, put_u64},
    sent::Sent,
};

/// A [`Chunk`], made of its octets when it is first looked at.
#[derive(Debug)]
pub(crate) struct Leaf {
    chunk: OnceLock<Chunk>,
    /// What [`put_chunk`] wrote, until the chunk is made of it.
    octets: Mutex<Box<[u8]>>,
}

impl Leaf {
    /// The chunk whose octets these are, in a mailbox that knows so many keywords; `None` if its
    /// summary is another.
    ///
    /// # Errors
    /// [`Malformed`]
    pub(crate) fn read(
        octets: Octets<'_>,
        keywords: usize,
        about: &Summary,
    ) -> Result<Option<Self>, Malformed> {
        let mut found = Summary::default();
        walk(octets, keywords, |row| found.add(&row))?;
        Ok((found == *about).then(|| Self {
            chunk: OnceLock::new(),
            octets: Mutex::new(octets.0.into()),
        }))
    }

    fn unpack(&self) -> Chunk {
        unpack(&mem::take(&mut *self.octets()), |count| count)
    }

    /// A chunk of the same rows and room for so many, to be changed. This one stays as it is: as octets, if nobody
    /// has looked at it.
    pub(crate) fn copy(&self, room: impl FnOnce(usize) -> usize) -> Chunk {
        if self.chunk.get().is_none() {
            let octets = self.octets();
            if !octets.is_empty() {
                return unpack(&octets, room);
            }
        }
        let mut rows = Vec::with_capacity(room(self.rows.len()));
        rows.extend_from_slice(&self.rows);
        let keywords = self.keywords.clone();
        Chunk { rows, keywords }
    }

    fn octets(&self) -> MutexGuard<'_, Box<[u8]>> {
        // Its one change is one assignment.
        self.octets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The chunk of octets that were read through.
fn unpack(octets: &[u8], room: impl FnOnce(usize) -> usize) -> Chunk {
    let octets = Octets(octets);
    let (count, _) = count(&mut octets.clone()).unwrap_or_default();
    let mut rows = Vec::with_capacity(room(count));
    // How many keywords there are was looked at when they were read.
    let keywords = walk(octets, usize::MAX, |row| rows.push(row));
    let keywords = keywords.expect("they were read through when they came");
    Chunk { rows, keywords }
}

impl From<Chunk> for Leaf {
    fn from(chunk: Chunk) -> Self {
        Self {
            chunk: chunk.into(),
            octets: Mutex::default(),
        }
    }
}

impl Default for Leaf {
    fn default() -> Self {
        Chunk::default().into()
    }
}

impl Deref for Leaf {
    type Target = Chunk;

    fn deref(&self) -> &Chunk {
        self.chunk.get_or_init(|| self.unpack())
    }
}

impl DerefMut for Leaf {
    fn deref_mut(&mut self) -> &mut Chunk {
        self.chunk.get_or_init(|| self.unpack());
        self.chunk.get_mut().expect("it was looked at just now")
    }
}

/// Each number as its difference to what it is usually near to. First a 0, no count that was ever written: then each row
/// tells when its message was sent.
pub(crate) fn put_chunk(into: &mut Vec<u8>, chunk: &Chunk) {
    put_len(into, 0);
    put_len(into, chunk.rows.len());
    let (mut uid, mut date, mut mod_seq, mut email, mut record) = (0, 0, 0, 0, 0);
    for row in &chunk.rows {
        put_u64(into, u64::from(row.uid.0 - uid));
        into.push(row.system.0);
        put_i64(into, row.zone_minutes.into());
        put_step(into, date, row.internal_date.cast_unsigned());
        put_step(
            into,
            row.internal_date.cast_unsigned(),
            row.save_date.cast_unsigned(),
        );
        put_step(into, mod_seq, row.mod_seq.0);
        put_u64(into, row.size);
        put_step(into, email, row.email.0);
        put_step(into, row.email.0, row.thread.0);
        put_step(into, record, row.record.0);
        put_u64(into, row.record_len.into());
        row.sent.put(into, row.internal_date);
        uid = row.uid.0;
        date = row.internal_date.cast_unsigned();
        (mod_seq, email, record) = (row.mod_seq.0, row.email.0, row.record.0);
    }
    put_len(into, chunk.keywords.len());
    let mut uid = 0;
    for (of, set) in &chunk.keywords {
        put_u64(into, u64::from(of.0 - uid));
        put_len(into, set.len());
        for keyword in set.iter() {
            put_u64(into, (*keyword).into());
        }
        uid = of.0;
    }
}

/// How many rows follow, and whether they tell when their messages were sent: those of before that was noted do not.
fn count(read: &mut Octets<'_>) -> Result<(usize, bool), Malformed> {
    match read.count(11)? {
        0 => Ok((read.count(12)?, true)),
        count => Ok((count, false)),
    }
}

/// Hands out the rows that octets are of; gives the keywords.
fn walk(
    mut read: Octets<'_>,
    known: usize,
    mut each: impl FnMut(Row),
) -> Result<Vec<(Uid, KeywordSet)>, Malformed> {
    let read = &mut read;
    let (count, tells_sent) = count(read)?;
    if count == 0 || count > CHUNK_ROWS_MAX {
        return Err(Malformed("a chunk of no such size"));
    }
    let (mut uid, mut date, mut mod_seq, mut email, mut record) = (0_u32, 0, 0, 0, 0);
    for _ in 0..count {
        uid = next_uid(uid, read)?;
        let system = read_system(read)?;
        let zone = i16::try_from(read.i64()?).map_err(|_| Malformed("no such time zone"))?;
        date = read.step(date)?;
        let saved = read.step(date)?;
        mod_seq = read.step(mod_seq)?;
        let size = read.u64()?;
        email = read.step(email)?;
        let thread = read.step(email)?;
        record = read.step(record)?;
        each(Row {
            uid: Uid(uid),
            system,
            zone_minutes: zone,
            internal_date: date.cast_signed(),
            mod_seq: ModSeq(mod_seq),
            save_date: saved.cast_signed(),
            size,
            email: EmailId(email),
            thread: ThreadId(thread),
            record: Ref(record),
            record_len: read.u32()?,
            sent: if tells_sent {
                Sent::read(read, date.cast_signed())?
            } else {
                Sent::default()
            },
        });
    }
    let mut uid = 0;
    let mut keywords: Vec<(Uid, KeywordSet)> = Vec::new();
    for _ in 0..read.count(3)? {
        uid = next_uid(uid, read)?;
        let set = read_set(read, known)?;
        // Neighbours often have the same, and had one allocation before.
        let last = keywords.last().map(|(_, last)| last);
        let set = match last.filter(|last| ***last == *set) {
            Some(last) => last.clone(),
            None => set.into(),
        };
        keywords.push((Uid(uid), set));
    }
    read.end()?;
    Ok(keywords)
}

/// A UID that is told by its distance to the one before.
pub(crate) fn next_uid(uid: u32, read: &mut Octets<'_>) -> Result<u32, Malformed> {
    let step = read.u32()?;
    let next = uid.checked_add(step).filter(|_| step > 0);
    next.ok_or(Malformed("UIDs that don't ascend"))
}

/// Indexes of keywords, of which there are `keywords`.
fn read_set(read: &mut Octets<'_>, keywords: usize) -> Result<Vec<u32>, Malformed> {
    let mut set = Vec::with_capacity(read.count(1)?);
    for _ in 0..set.capacity() {
        let index = read.u32()?;
        if set.last().is_some_and(|last| *last >= index) || index as usize >= keywords {
            return Err(Malformed("no such keyword"));
        }
        set.push(index);
    }
    if set.is_empty() {
        return Err(Malformed("keywords that are none"));
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flag::SystemFlags;

    #[test]
    fn rows_of_before_sending_was_noted_are_read_still() {
        let row = Row {
            uid: Uid(7),
            system: SystemFlags::SEEN,
            zone_minutes: -60,
            internal_date: 1_700_000_000,
            mod_seq: ModSeq(9),
            save_date: 1_700_000_001,
            size: 400,
            email: EmailId(3),
            thread: ThreadId(2),
            record: Ref(1 << 50),
            record_len: 200,
            sent: Sent::default(),
        };
        let chunk = Chunk {
            rows: vec![row],
            keywords: Vec::new(),
        };
        let about = Summary::of(&chunk);
        let mut now = Vec::new();
        put_chunk(&mut now, &chunk);
        let before = [&now[1..now.len() - 2], &[0]].concat();
        for octets in [now, before] {
            let leaf = Leaf::read(Octets(&octets), 0, &about).unwrap().unwrap();
            assert_eq!(*leaf, chunk);
        }
    }
}
