//! Walks a log from its first record to its last promise, and names what is damaged: for verify,
//! export and repair. Changes nothing, takes no lease, and may run beside a server.

use std::ops::ControlFlow;

use super::{
    disk::Disk,
    files::{self, Partition, Segment},
    format::{FIRST_LSN, RecordHeader, Type},
    free::{buried, freed_by_now},
    judge::{Event, Judge},
    known,
    recover::describe,
    scan::{Found, scan},
};
use crate::{
    engine::{Damage, Position, Ref, WalkItem, WalkKind},
    error::Error,
    id::AccountId,
};

/// Walks the log; `visit` may break it off. What lies before `proved` is known to have been
/// promised, whatever the log says. Returns where what was promised ends: what is being
/// written behind it, or was torn off by a crash, is neither visited nor damage.
///
/// # Errors
/// [`Error::Corrupt`] for a log that needs a newer program; [`Error::Io`] if the segments
/// can't be listed. A segment that can't be read is a damage.
pub(crate) fn walk<D: Disk>(
    disk: &D,
    (partition, proved): (&Partition, u64),
    visit: &mut dyn FnMut(WalkItem<'_>) -> ControlFlow<()>,
) -> Result<Position, Error> {
    let known = known::read(disk, partition);
    let visit = &mut |item: WalkItem<'_>| match item {
        WalkItem::Damage(damage) if known.iter().any(|(known, _)| *known == damage) => {
            visit(WalkItem::Known)
        }
        item => visit(item),
    };
    let found = files::segments(disk, partition, None)?;
    let mut end = found.whole.first().map_or(FIRST_LSN, Segment::first_lsn);
    for damage in found.damages {
        if visit(WalkItem::Damage(damage)).is_break() {
            return Ok(Position(end));
        }
    }
    let mut rest = found.whole.iter().peekable();
    while let Some(segment) = rest.next() {
        let last = (rest.peek().is_none() && found.lsn_bound == 0).then_some(proved);
        let walked = walk_segment(disk, (segment, partition), last, visit);
        match walked {
            Ok(ControlFlow::Continue(reached)) => end = reached,
            Ok(ControlFlow::Break(())) => break,
            Err(error @ Error::Corrupt { .. }) => return Err(error),
            // It was removed meanwhile: nothing in it was alive.
            Err(_) if buried(disk, partition, segment) => {}
            Err(error) => {
                let damage = Damage {
                    file: segment.path().into(),
                    offset: 0,
                    what: format!("it cannot be read: {error}").into(),
                };
                if visit(WalkItem::Damage(damage)).is_break() {
                    break;
                }
            }
        }
    }
    Ok(Position(end))
}

/// Walks one segment of a partition; says up to where. `last` for the last one: up to where it is
/// proved.
fn walk_segment<D: Disk>(
    disk: &D,
    (segment, partition): (&Segment<D::File>, &Partition),
    last: Option<u64>,
    visit: &mut dyn FnMut(WalkItem<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<(), u64>, Error> {
    let until = segment.end();
    let end = match (last, until) {
        // The server may be just sealing it, which cuts its file: look again then.
        (Some(proved), _) => promised(disk, segment)
            .or_else(|_| promised(disk, segment))?
            .max(proved),
        (None, Some(until)) => until,
        (None, None) => u64::MAX,
    };
    let mut broken = false;
    let mut reached = segment.first_lsn();
    scan(disk, segment, segment.first_lsn(), until, &mut |found| {
        let item = match found {
            Found::Record { header, .. } if header.lsn >= end => {
                return ControlFlow::Break(());
            }
            Found::Record { header, body } => {
                reached = header.end();
                item(partition.number, &header, body)
            }
            Found::Bad { lsn, .. } if lsn >= end => return ControlFlow::Break(()),
            Found::Bad { lsn, end, .. } if freed_by_now(disk, partition, segment, lsn) => {
                reached = end;
                None
            }
            Found::Bad { lsn, end, header } => {
                reached = end;
                Some(WalkItem::Damage(Damage {
                    file: segment.path().into(),
                    offset: segment.offset(lsn),
                    what: describe(header.as_ref()).into(),
                }))
            }
            Found::End { .. } => return ControlFlow::Break(()),
        };
        let flow = item.map_or(ControlFlow::Continue(()), &mut *visit);
        broken = flow.is_break();
        flow
    })?;
    Ok(if broken {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(reached)
    })
}

/// Where what was promised ends in the last segment. Everything before it is written, so
/// a second look at it is not disturbed by a server that goes on writing.
fn promised<D: Disk>(disk: &D, segment: &Segment<D::File>) -> Result<u64, Error> {
    let mut judge = Judge::new(segment.first_lsn());
    scan(disk, segment, segment.first_lsn(), None, &mut |found| {
        let event = match found {
            Found::Record { header, .. } => Event::Record(header),
            Found::Bad { lsn, end, header } => Event::Bad { lsn, end, header },
            Found::End { .. } => return ControlFlow::Break(()),
        };
        judge.see(event, &mut |_| {});
        ControlFlow::Continue(())
    })?;
    Ok(judge.end())
}

fn item<'a>(partition: u16, header: &RecordHeader, body: &'a [u8]) -> Option<WalkItem<'a>> {
    let kind = match header.kind {
        Type::Blob => WalkKind::Blob,
        Type::Message => WalkKind::Message,
        Type::Batch => WalkKind::Batch { seq: header.seq },
        Type::Commit | Type::Lost | Type::UnknownOptional(_) | Type::UnknownRequired(_) => {
            return None;
        }
    };
    Some(WalkItem::Record {
        kind,
        account: (header.account != 0).then_some(AccountId(header.account)),
        at: Ref::new(partition, header.lsn),
        body,
    })
}
