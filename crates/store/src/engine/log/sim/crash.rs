//! What a power cut leaves of what was not synced.

use fastrand::Rng;

use super::{Change, Content, NameChange, Names, octets::Octets};

const SECTOR_BYTES: usize = 512;

/// What becomes of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsynced {
    /// All of it is there.
    Kept,
    /// None of it is.
    Lost,
    /// Some sectors of each write are there, in any order; names up to some change.
    Torn,
    /// In each file everything up to some octet is there, nothing after; names up to some change.
    Cut,
    /// Of everything any part is there: later writes without earlier ones, pieces of writes
    /// that begin and end at any octet, any of the names.
    Scattered,
}

impl Unsynced {
    pub(crate) const ALL: [Self; 5] = [
        Self::Kept,
        Self::Lost,
        Self::Torn,
        Self::Cut,
        Self::Scattered,
    ];
}

/// The names that are left.
pub(super) fn names(
    durable: &Names,
    pending: &[NameChange],
    unsynced: Unsynced,
    random: &mut Rng,
) -> Names {
    let mut names = durable.clone();
    let until = match unsynced {
        Unsynced::Kept | Unsynced::Scattered => pending.len(),
        Unsynced::Lost => 0,
        Unsynced::Torn | Unsynced::Cut => random.usize(0..=pending.len()),
    };
    for change in &pending[..until] {
        if unsynced != Unsynced::Scattered || random.bool() {
            change.apply(&mut names);
        }
    }
    names
}

/// The octets of a file that are left.
pub(super) fn octets(file: &Content, unsynced: Unsynced, random: &mut Rng) -> Octets {
    let mut octets = file.durable.clone();
    let whole = match unsynced {
        Unsynced::Lost => 0,
        // The one it is torn in comes after these.
        Unsynced::Cut if !file.pending.is_empty() => random.usize(0..=file.pending.len()),
        _ => file.pending.len(),
    };
    for (number, change) in file.pending.iter().enumerate() {
        match (unsynced, change) {
            (Unsynced::Kept, _) => change.apply(&mut octets),
            (Unsynced::Cut, _) if number < whole => change.apply(&mut octets),
            (Unsynced::Cut, Change::Write(at, written)) => {
                octets.write(*at, &written[..random.usize(0..=written.len())]);
                break;
            }
            (Unsynced::Lost | Unsynced::Cut, _) => break,
            (Unsynced::Torn, Change::Write(at, written)) => {
                sectors(*at, written, random, &mut octets);
            }
            (Unsynced::Scattered, Change::Write(at, written)) => {
                pieces(*at, written, random, &mut octets);
            }
            (Unsynced::Torn | Unsynced::Scattered, _) => {
                if random.bool() {
                    change.apply(&mut octets);
                }
            }
        }
    }
    octets
}

/// Writes some of the sectors.
fn sectors(offset: usize, written: &[u8], random: &mut Rng, octets: &mut Octets) {
    let mut at = offset;
    let end = offset + written.len();
    while at < end {
        let sector_end = ((at / SECTOR_BYTES + 1) * SECTOR_BYTES).min(end);
        if random.bool() {
            octets.write(at, &written[at - offset..sector_end - offset]);
        }
        at = sector_end;
    }
}

/// Writes all, nothing, or one or two pieces from anywhere to anywhere.
fn pieces(offset: usize, written: &[u8], random: &mut Rng, octets: &mut Octets) {
    match random.u8(..4) {
        0 => octets.write(offset, written),
        1 => {}
        count => {
            for _ in 1..count {
                let start = random.usize(0..=written.len());
                let end = random.usize(start..=written.len());
                octets.write(offset + start, &written[start..end]);
            }
        }
    }
}
