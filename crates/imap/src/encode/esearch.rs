//! ESEARCH responses: RFC 9051 §7.3.4, RFC 5267, RFC 7377 §2.1, RFC 9394.

use alloc::vec::Vec;

use super::{mailbox, number, quoted, separated, uid_set};
use crate::{
    command::{Counted, Numbering, PartialRange},
    name::Encoding,
    set::UidSet,
};

/// Which command an ESEARCH response belongs to: `search-correlator`, RFC 4466 §2.6.2, RFC 7377 §4.
#[derive(Debug, Clone, Copy)]
pub struct Correlator<'a> {
    /// The tag of the command.
    pub tag: &'a str,
    /// `MAILBOX`, how the session spells names, and `UIDVALIDITY`: of the ESEARCH command.
    pub mailbox: Option<(&'a str, Encoding, u32)>,
}

/// What becomes of a result that is kept up to date: RFC 5267 §4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// `ADDTO`.
    AddTo,
    /// `REMOVEFROM`.
    RemoveFrom,
}

/// The parts of an ESEARCH response: RFC 9051 §7.3.4.
#[derive(Debug, Clone, Copy)]
pub struct Esearch<'a> {
    /// Which command it answers.
    pub correlator: Correlator<'a>,
    /// Whether the numbers are UIDs.
    pub numbering: Numbering,
    /// `MIN`.
    pub min: Option<u32>,
    /// `MAX`.
    pub max: Option<u32>,
    /// `ALL`; left away if it is empty (RFC 9051 §6.4.4).
    pub all: Option<Numbers<'a>>,
    /// `COUNT`.
    pub count: Option<u64>,
    /// `MODSEQ`, RFC 7162 §3.1.5.
    pub mod_seq: Option<u64>,
    /// `PARTIAL`: the range as asked for, and what lies in it; `NIL` if nothing (RFC 9394 §3.1).
    pub partial: Option<(PartialRange, Numbers<'a>)>,
    /// `RELEVANCY`, RFC 6203 §4: the scores of the messages in `all` or `partial`, in their order.
    pub relevancy: Option<&'a [u8]>,
}

/// Numbers of messages in an ESEARCH response.
#[derive(Debug, Clone, Copy)]
pub enum Numbers<'a> {
    /// In the order of the mailbox.
    Set(&'a UidSet),
    /// In another: RFC 5267 §3.2.
    Ordered(&'a [u32]),
}

impl Numbers<'_> {
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        match self {
            Self::Set(set) => set.is_empty(),
            Self::Ordered(numbers) => numbers.is_empty(),
        }
    }

    /// Appends them as a `sequence-set`.
    pub fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Set(set) => uid_set(out, set),
            Self::Ordered(numbers) => ordered_set(out, numbers),
        }
    }
}

/// RFC 5267 §3.2: a range stands only for numbers that follow each other upwards.
fn ordered_set(out: &mut Vec<u8>, numbers: &[u32]) {
    let follows = |a: &u32, b: &u32| a.checked_add(1) == Some(*b);
    for (index, run) in numbers.chunk_by(follows).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match run {
            [first, .., last] => {
                number(out, (*first).into());
                out.push(b':');
                number(out, (*last).into());
            }
            [only] => number(out, (*only).into()),
            [] => {}
        }
    }
}

/// `* ESEARCH (TAG "x") UID …`.
pub fn esearch(out: &mut Vec<u8>, found: &Esearch<'_>) {
    start(out, &found.correlator, found.numbering);
    let mut item = |word: &[u8], n: Option<u64>| {
        if let Some(n) = n {
            out.push(b' ');
            out.extend_from_slice(word);
            out.push(b' ');
            number(out, n);
        }
    };
    item(b"MIN", found.min.map(u64::from));
    item(b"MAX", found.max.map(u64::from));
    item(b"COUNT", found.count);
    item(b"MODSEQ", found.mod_seq);
    if let Some(all) = found.all.filter(|all| !all.is_empty()) {
        out.extend_from_slice(b" ALL ");
        all.write(out);
    }
    if let Some((range, results)) = found.partial {
        out.extend_from_slice(b" PARTIAL (");
        partial_range(out, range);
        out.push(b' ');
        if results.is_empty() {
            out.extend_from_slice(b"NIL");
        } else {
            results.write(out);
        }
        out.push(b')');
    }
    if let Some(scores) = found.relevancy {
        out.extend_from_slice(b" RELEVANCY (");
        separated(out, b' ', scores, |out, score| {
            number(out, u64::from(*score));
        });
        out.push(b')');
    }
    out.extend_from_slice(b"\r\n");
}

/// `* ESEARCH (TAG "x") UID ADDTO (0 32768:32769)`: pairs of a context position and the numbers that
/// come in or go there, in the order in which the client is to take them. At least one.
pub fn context<'a>(
    out: &mut Vec<u8>,
    (correlator, numbering, change): (&Correlator<'_>, Numbering, Change),
    pairs: impl IntoIterator<Item = (u32, Numbers<'a>)>,
) {
    start(out, correlator, numbering);
    out.extend_from_slice(match change {
        Change::AddTo => b" ADDTO (".as_slice(),
        Change::RemoveFrom => b" REMOVEFROM (",
    });
    separated(out, b' ', pairs, |out, (position, numbers)| {
        number(out, position.into());
        out.push(b' ');
        numbers.write(out);
    });
    out.extend_from_slice(b")\r\n");
}

/// What every ESEARCH response begins with.
fn start(out: &mut Vec<u8>, correlator: &Correlator<'_>, numbering: Numbering) {
    out.extend_from_slice(b"* ESEARCH (TAG ");
    quoted(out, correlator.tag.as_bytes());
    if let Some((name, encoding, uid_validity)) = correlator.mailbox {
        out.extend_from_slice(b" MAILBOX ");
        mailbox(out, name, encoding);
        out.extend_from_slice(b" UIDVALIDITY ");
        number(out, uid_validity.into());
    }
    out.push(b')');
    if numbering == Numbering::Uid {
        out.extend_from_slice(b" UID");
    }
}

/// `partial-range`, as it was sent: RFC 9394 §4.
fn partial_range(out: &mut Vec<u8>, range: PartialRange) {
    let minus = range.counted == Counted::FromLast;
    separated(out, b':', [range.from, range.to], |out, place| {
        if minus {
            out.push(b'-');
        }
        number(out, place.get().into());
    });
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn results() {
        let all: UidSet = [2, 3].into_iter().collect();
        let mut found = Esearch {
            correlator: Correlator {
                tag: "A\\1",
                mailbox: None,
            },
            numbering: Numbering::Uid,
            min: Some(2),
            max: Some(3),
            all: Some(Numbers::Set(&all)),
            count: Some(2),
            mod_seq: None,
            partial: None,
            relevancy: None,
        };
        assert_eq!(
            written(|out| esearch(out, &found)),
            "* ESEARCH (TAG \"A\\\\1\") UID MIN 2 MAX 3 COUNT 2 ALL 2:3\r\n"
        );
        found.relevancy = Some(&[100, 1]);
        assert_eq!(
            written(|out| esearch(out, &found)),
            "* ESEARCH (TAG \"A\\\\1\") UID MIN 2 MAX 3 COUNT 2 ALL 2:3 RELEVANCY (100 1)\r\n"
        );
        found.relevancy = None;
        let none = UidSet::new();
        found = Esearch {
            min: None,
            max: None,
            count: Some(0),
            all: Some(Numbers::Set(&none)),
            ..found
        };
        assert_eq!(
            written(|out| esearch(out, &found)),
            "* ESEARCH (TAG \"A\\\\1\") UID COUNT 0\r\n"
        );
    }

    #[test]
    fn changes_of_results() {
        let plain = Correlator {
            tag: "B01",
            mailbox: None,
        };
        let named = Correlator {
            mailbox: Some(("Entw\u{fc}rfe", Encoding::ModifiedUtf7, 7)),
            ..plain
        };
        let set: UidSet = [32768, 32769].into_iter().collect();
        let pairs = [(0, Numbers::Set(&set))];
        assert_eq!(
            written(|out| context(out, (&plain, Numbering::Uid, Change::AddTo), pairs)),
            "* ESEARCH (TAG \"B01\") UID ADDTO (0 32768:32769)\r\n"
        );
        let pairs = [
            (7, Numbers::Ordered(&[3, 2, 1, 2])),
            (1, Numbers::Ordered(&[9])),
        ];
        assert_eq!(
            written(|out| context(
                out,
                (&named, Numbering::Sequence, Change::RemoveFrom),
                pairs
            )),
            "* ESEARCH (TAG \"B01\" MAILBOX Entw&APw-rfe UIDVALIDITY 7) REMOVEFROM (7 3,2,1:2 1 9)\r\n"
        );
    }

    /// RFC 5267 §3.2.
    #[test]
    fn ranges_of_what_is_sorted_go_upwards() {
        for (numbers, expected) in [
            (&[][..], ""),
            (&[7], "7"),
            (&[10, 11, 12], "10:12"),
            (&[12, 11, 10], "12,11,10"),
            (&[5, 3, 4, 1, 2, 9], "5,3:4,1:2,9"),
            (&[u32::MAX - 1, u32::MAX, 1], "4294967294:4294967295,1"),
        ] {
            assert_eq!(
                written(|out| Numbers::Ordered(numbers).write(out)),
                expected
            );
        }
    }
}
