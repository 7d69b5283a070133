//! A chunk as it lies in the checkpoint. Layout: `docs/store-format.md`.

use crate::{
    change::read_system,
    engine::Ref,
    id::{EmailId, ModSeq, ThreadId, Uid},
    mailbox::chunk::{CHUNK_ROWS_MAX, Chunk, KeywordSet, Row},
    octets::{Malformed, Octets, put_i64, put_len, put_step, put_u64},
    sent::Sent,
};

/// Each number as its difference to what it is usually near to. First a 0, no count that was ever written: then each row
/// tells when its message was sent.
pub(crate) fn put_chunk(into: &mut Vec<u8>, chunk: &Chunk) {
    put_len(into, 0);
    put_len(into, chunk.rows.len());
    let (mut uid, mut date, mut mod_seq, mut email, mut record) = (0, 0, 0, 0, 0);
    for (row, own) in chunk.rows.iter().zip(&chunk.mod_seqs) {
        put_u64(into, u64::from(row.uid.0 - uid));
        into.push(row.system.0);
        put_i64(into, row.zone_minutes.into());
        put_step(into, date, row.internal_date.cast_unsigned());
        put_step(
            into,
            row.internal_date.cast_unsigned(),
            row.save_date.cast_unsigned(),
        );
        put_step(into, mod_seq, own.0);
        put_u64(into, row.size);
        put_step(into, email, row.email.0);
        put_step(into, row.email.0, row.thread.0);
        put_step(into, record, row.record.0);
        put_u64(into, row.record_len.into());
        row.sent.put(into, row.internal_date);
        uid = row.uid.0;
        date = row.internal_date.cast_unsigned();
        (mod_seq, email, record) = (own.0, row.email.0, row.record.0);
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

/// The chunk whose octets these are, in a mailbox that knows so many keywords.
///
/// # Errors
/// [`Malformed`]
pub(crate) fn read_chunk(mut read: Octets<'_>, known: usize) -> Result<Chunk, Malformed> {
    let read = &mut read;
    let (count, tells_sent) = count(read)?;
    if count == 0 || count > CHUNK_ROWS_MAX {
        return Err(Malformed("a chunk of no such size"));
    }
    let (mut rows, mut mod_seqs) = (Vec::with_capacity(count), Vec::with_capacity(count));
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
        mod_seqs.push(ModSeq(mod_seq));
        rows.push(Row {
            uid: Uid(uid),
            system,
            zone_minutes: zone,
            internal_date: date.cast_signed(),
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
    let keywords = read_keywords(read, known)?;
    read.end()?;
    Ok(Chunk {
        rows,
        mod_seqs,
        keywords,
    })
}

fn read_keywords(read: &mut Octets<'_>, known: usize) -> Result<Vec<(Uid, KeywordSet)>, Malformed> {
    let count = read.count(3)?;
    let mut uid = 0;
    let mut keywords: Vec<(Uid, KeywordSet)> = Vec::with_capacity(count);
    for _ in 0..count {
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
            mod_seqs: vec![ModSeq(9)],
            keywords: Vec::new(),
        };
        let mut now = Vec::new();
        put_chunk(&mut now, &chunk);
        let before = [&now[1..now.len() - 2], &[0]].concat();
        for octets in [now, before] {
            assert_eq!(read_chunk(Octets(&octets), 0), Ok(chunk.clone()));
        }
    }
}
