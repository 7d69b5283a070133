//! The RFC's data items, written straight into a byte buffer.
//!
//! Every function appends to `out` and can't fail. Functions for whole
//! responses ([`list`], [`esearch()`], [`exists`] …) end them with CRLF; those for
//! data items add no space on either side.

mod acl;
mod annotation;
mod esearch;
mod mailbox;
mod metadata;
mod quota;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::num::NonZeroU32;

pub use acl::{acl, list_rights, my_rights};
pub use annotation::{Attribute, annotations, annotations_changed};
pub use esearch::{Change, Correlator, Esearch, Numbers, context, esearch};
pub use mailbox::{ListLine, Listing, Namespace, StatusValue, list, namespaces, status};
pub use metadata::{metadata, metadata_changed};
pub use quota::{quota, quota_root};

use crate::{
    calendar::{Day, MONTHS},
    command::{DateTime, Flag, Section, SectionText},
    name::{self, Encoding},
    set::{SequenceSet, UidSet},
};

/// The longest string that is quoted; longer ones become literals, which a
/// client can read without looking at every octet.
const QUOTED_BYTES_MAX: usize = 1024;

/// What to do with strings that are not ASCII.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EightBit {
    /// Send them as literals: every client can read these.
    #[default]
    Literal,
    /// Quote valid UTF-8: once IMAP4rev2 or UTF8=ACCEPT is enabled.
    Quoted,
}

impl From<Encoding> for EightBit {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::ModifiedUtf7 => Self::Literal,
            Encoding::Utf8 => Self::Quoted,
        }
    }
}

/// `number`, `number64`, `nz-number`, `mod-sequence-value`.
pub fn number(out: &mut Vec<u8>, n: u64) {
    let before = n / TEN_TO_THE_EIGHTH;
    let digits = eight_digits(n % TEN_TO_THE_EIGHTH);
    if before > 0 {
        number(out, before);
        out.extend_from_slice(&ascii(digits));
        return;
    }
    // Eight octets are written in one go, of which those at the end may be too many: a list of many numbers is mostly this.
    let zeros = (digits.trailing_zeros() / 8).min(7);
    out.extend_from_slice(&ascii(digits >> (8 * zeros)));
    out.truncate(out.len().saturating_sub(zeros as usize));
}

const TEN_TO_THE_EIGHTH: u64 = 100_000_000;

/// The decimal digits of a number of no more than eight, an octet for each, the first one lowest: all are found together, by
/// halves, quarters and eighths.
const fn eight_digits(n: u64) -> u64 {
    let halves = (n / 10_000) | ((n % 10_000) << 32);
    // Divided by 100, and by 10, as exactly as it takes for what is below 10,000, and below 100.
    let hundreds = ((halves * 10_486) >> 20) & 0x7F_0000_007F;
    let pairs = hundreds | ((halves - hundreds * 100) << 16);
    let tens = ((pairs * 103) >> 10) & 0x0F_000F_000F_000F;
    tens | ((pairs - tens * 10) << 8)
}

/// Digits as they are written.
const fn ascii(digits: u64) -> [u8; 8] {
    (digits | u64::from_le_bytes([b'0'; 8])).to_le_bytes()
}

/// `string`: quoted where it may be, else a literal. NUL, which a literal
/// can't hold either, is sent as DEL (RFC 9051 §9, `CHAR8`).
pub fn string(out: &mut Vec<u8>, bytes: &[u8], eight_bit: EightBit) {
    if quotable(bytes, eight_bit) {
        quoted(out, bytes);
    } else {
        literal(out, bytes);
    }
}

/// `nstring`: `NIL`, or [`string`].
pub fn nstring(out: &mut Vec<u8>, bytes: Option<&[u8]>, eight_bit: EightBit) {
    match bytes {
        None => out.extend_from_slice(b"NIL"),
        Some(bytes) => string(out, bytes, eight_bit),
    }
}

/// `astring`: bare if it can be, else [`string`].
pub fn astring(out: &mut Vec<u8>, bytes: &[u8], eight_bit: EightBit) {
    let bare = !bytes.is_empty()
        && bytes.len() <= QUOTED_BYTES_MAX
        && bytes.iter().all(|&b| crate::parse::is_astring_char(b))
        && !bytes.eq_ignore_ascii_case(b"NIL");
    if bare {
        out.extend_from_slice(bytes);
    } else {
        string(out, bytes, eight_bit);
    }
}

fn quotable(bytes: &[u8], eight_bit: EightBit) -> bool {
    bytes.len() <= QUOTED_BYTES_MAX
        && !bytes.iter().any(|b| matches!(b, b'\r' | b'\n' | 0))
        && (bytes.is_ascii()
            || (eight_bit == EightBit::Quoted && core::str::from_utf8(bytes).is_ok()))
}

fn quoted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let mut rest = bytes;
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        out.push(b'\\');
        out.extend(special.iter().take(1));
        rest = special.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// `literal`, with its octets.
pub fn literal(out: &mut Vec<u8>, bytes: &[u8]) {
    literal_head(out, bytes.len() as u64);
    let start = out.len();
    out.extend_from_slice(bytes);
    if memchr::memchr(0, bytes).is_some() {
        for octet in out.iter_mut().skip(start).filter(|b| **b == 0) {
            *octet = 0x7f;
        }
    }
}

/// The head of a `literal` whose octets the caller sends, without NUL.
pub fn literal_head(out: &mut Vec<u8>, size: u64) {
    out.push(b'{');
    number(out, size);
    out.extend_from_slice(b"}\r\n");
}

/// The head of a `literal8` (RFC 3516) whose octets the caller sends.
pub fn literal8_head(out: &mut Vec<u8>, size: u64) {
    out.push(b'~');
    literal_head(out, size);
}

/// `literal8`, with its octets.
pub fn literal8(out: &mut Vec<u8>, bytes: &[u8]) {
    literal8_head(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// `uid-set`: ranges, ascending. An empty set writes nothing, which no response
/// may carry: leave the whole item away.
pub fn uid_set(out: &mut Vec<u8>, set: &UidSet) {
    separated(out, b',', set.ranges(), |out, &(first, last)| {
        number(out, first.into());
        if last != first {
            out.push(b':');
            number(out, last.into());
        }
    });
}

/// `sequence-set`, as it was sent.
pub fn sequence_set(out: &mut Vec<u8>, set: &SequenceSet) {
    let end = |out: &mut Vec<u8>, n: Option<u32>| match n {
        Some(n) => number(out, n.into()),
        None => out.push(b'*'),
    };
    match set {
        SequenceSet::Saved => out.push(b'$'),
        SequenceSet::Ranges(ranges) => separated(out, b',', ranges, |out, range| {
            end(out, range.from);
            if range.to != range.from {
                out.push(b':');
                end(out, range.to);
            }
        }),
    }
}

fn separated<T>(
    out: &mut Vec<u8>,
    separator: u8,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(separator);
        }
        write(out, item);
    }
}

/// `flag`.
pub fn flag(out: &mut Vec<u8>, flag: &Flag) {
    match flag {
        Flag::Answered => out.extend_from_slice(b"\\Answered"),
        Flag::Flagged => out.extend_from_slice(b"\\Flagged"),
        Flag::Deleted => out.extend_from_slice(b"\\Deleted"),
        Flag::Seen => out.extend_from_slice(b"\\Seen"),
        Flag::Draft => out.extend_from_slice(b"\\Draft"),
        Flag::Recent => out.extend_from_slice(b"\\Recent"),
        Flag::Extension(name) => {
            out.push(b'\\');
            out.extend_from_slice(name.as_bytes());
        }
        Flag::Keyword(name) => out.extend_from_slice(name.as_bytes()),
    }
}

/// `flag-list`: flags as they are spelt, backslash and all, in parentheses.
pub fn flag_list<'a>(out: &mut Vec<u8>, flags: impl IntoIterator<Item = &'a str>) {
    out.push(b'(');
    separated(out, b' ', flags, |out, flag| {
        out.extend_from_slice(flag.as_bytes());
    });
    out.push(b')');
}

/// `date-time`, with its quotes. Years that four digits can't hold are cut to
/// the nearest that they can.
pub fn internal_date(out: &mut Vec<u8>, date: DateTime) {
    let local = date.unix.saturating_add(i64::from(date.zone_minutes) * 60);
    let day = Day::from_days(local.div_euclid(86_400));
    let second = local.rem_euclid(86_400);
    let month = MONTHS.get(usize::from(day.month) - 1).unwrap_or(&b"Jan");
    out.push(b'"');
    // RFC 9051 §9, date-day-fixed: a space in place of a leading zero.
    if day.of_month < 10 {
        out.push(b' ');
    }
    number(out, day.of_month.into());
    out.push(b'-');
    out.extend_from_slice(*month);
    out.push(b'-');
    let year = day.year.clamp(0, 9999);
    two_digits(out, year / 100);
    two_digits(out, year % 100);
    out.push(b' ');
    two_digits(out, second / 3600);
    out.push(b':');
    two_digits(out, second / 60 % 60);
    out.push(b':');
    two_digits(out, second % 60);
    out.push(b' ');
    out.push(if date.zone_minutes < 0 { b'-' } else { b'+' });
    let zone = i64::from(date.zone_minutes.unsigned_abs());
    two_digits(out, zone / 60);
    two_digits(out, zone % 60);
    out.push(b'"');
}

/// The last two digits of a number that is not negative.
fn two_digits(out: &mut Vec<u8>, n: i64) {
    let n = (n.unsigned_abs() % 100) as u8;
    out.extend_from_slice(&[b'0' + n / 10, b'0' + n % 10]);
}

/// The name of a FETCH item for a section: `BODY[1.HEADER.FIELDS (A B)]<0>`.
/// `origin` is where the octets begin, if the client asked for a part of them.
pub fn section(out: &mut Vec<u8>, section: &Section, origin: Option<u64>) {
    out.extend_from_slice(b"BODY[");
    section_part(out, &section.part);
    let text: &[u8] = match &section.text {
        SectionText::Whole => b"",
        SectionText::Header => b"HEADER",
        SectionText::HeaderFields(_) => b"HEADER.FIELDS",
        SectionText::HeaderFieldsNot(_) => b"HEADER.FIELDS.NOT",
        SectionText::Text => b"TEXT",
        SectionText::Mime => b"MIME",
    };
    if !section.part.is_empty() && !text.is_empty() {
        out.push(b'.');
    }
    out.extend_from_slice(text);
    if let SectionText::HeaderFields(names) | SectionText::HeaderFieldsNot(names) = &section.text {
        out.extend_from_slice(b" (");
        separated(out, b' ', names, |out, name| {
            astring(out, name, EightBit::Literal);
        });
        out.push(b')');
    }
    out.push(b']');
    origin_octet(out, origin);
}

/// The name of a FETCH item: `BINARY[1.2]<0>` (RFC 3516).
pub fn binary(out: &mut Vec<u8>, part: &[NonZeroU32], origin: Option<u64>) {
    out.extend_from_slice(b"BINARY[");
    section_part(out, part);
    out.push(b']');
    origin_octet(out, origin);
}

/// The name of a FETCH item: `BINARY.SIZE[1.2]` (RFC 3516).
pub fn binary_size(out: &mut Vec<u8>, part: &[NonZeroU32]) {
    out.extend_from_slice(b"BINARY.SIZE[");
    section_part(out, part);
    out.push(b']');
}

/// `section-part`; nothing for the whole message.
pub fn section_part(out: &mut Vec<u8>, part: &[NonZeroU32]) {
    separated(out, b'.', part, |out, n| number(out, n.get().into()));
}

fn origin_octet(out: &mut Vec<u8>, origin: Option<u64>) {
    if let Some(origin) = origin {
        out.push(b'<');
        number(out, origin);
        out.push(b'>');
    }
}

/// A mailbox name as an `astring`, spelt as the session spells names.
pub fn mailbox(out: &mut Vec<u8>, name: &str, encoding: Encoding) {
    let as_it_is = |b: u8| matches!(b, b' '..=b'~') && b != b'&';
    if encoding == Encoding::Utf8 || name.bytes().all(as_it_is) {
        astring(out, name.as_bytes(), encoding.into());
        return;
    }
    let mut spelt = Vec::with_capacity(name.len() + 16);
    name::encode(name, encoding, &mut spelt);
    astring(out, &spelt, EightBit::Literal);
}

/// `(objectid)`, RFC 8474 §7.
pub fn object_id(out: &mut Vec<u8>, id: &str) {
    out.push(b'(');
    out.extend_from_slice(id.as_bytes());
    out.push(b')');
}

/// `* ID (…)`, RFC 2971 §3.2: fields with their values; NIL if there are none.
pub fn id<'a>(out: &mut Vec<u8>, fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) {
    out.extend_from_slice(b"* ID ");
    let mut before: &[u8] = b"(";
    for (field, value) in fields {
        out.extend_from_slice(before);
        string(out, field, EightBit::Literal);
        out.push(b' ');
        string(out, value, EightBit::Literal);
        before = b" ";
    }
    out.extend_from_slice(if before == b"(" { b"NIL\r\n" } else { b")\r\n" });
}

/// `* SEARCH …`, RFC 3501 §7.2.5; with `(MODSEQ n)` after it if there was a
/// MODSEQ criterion and something was found (RFC 7162 §3.1.5).
pub fn search(out: &mut Vec<u8>, found: impl IntoIterator<Item = u32>, mod_seq: Option<u64>) {
    numbers(out, "SEARCH", found, mod_seq);
}

/// `* SORT …`, RFC 5256 §4; with `(MODSEQ n)` as after SEARCH (RFC 7162 §3.1.9).
pub fn sort(out: &mut Vec<u8>, found: impl IntoIterator<Item = u32>, mod_seq: Option<u64>) {
    numbers(out, "SORT", found, mod_seq);
}

fn numbers(
    out: &mut Vec<u8>,
    name: &str,
    found: impl IntoIterator<Item = u32>,
    mod_seq: Option<u64>,
) {
    out.extend_from_slice(b"* ");
    out.extend_from_slice(name.as_bytes());
    for n in found {
        out.push(b' ');
        number(out, n.into());
    }
    if let Some(mod_seq) = mod_seq {
        out.extend_from_slice(b" (MODSEQ ");
        number(out, mod_seq);
        out.push(b')');
    }
    out.extend_from_slice(b"\r\n");
}

/// `* THREAD`, after which come a space and the threads, or the end: RFC 5256 §4.
pub fn thread_start(out: &mut Vec<u8>) {
    out.extend_from_slice(b"* THREAD");
}

/// The end of a THREAD response.
pub fn thread_end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\n");
}

/// `* COMPARATOR selected (…)`, RFC 5255 §4.8: what is compared by, and the collations that would
/// have done, if there are several.
pub fn comparator(out: &mut Vec<u8>, selected: &str, matching: &[&str]) {
    out.extend_from_slice(b"* COMPARATOR ");
    astring(out, selected.as_bytes(), EightBit::Quoted);
    if matching.len() > 1 {
        out.push(b' ');
        flag_list(out, matching.iter().copied());
    }
    out.extend_from_slice(b"\r\n");
}

/// `* UIDBATCHES (TAG "x")`: batches follow ([`uid_batch`]), and CRLF. RFC 10022 §3.1.2.
pub fn uid_batches_start(out: &mut Vec<u8>, tag: &str) {
    out.extend_from_slice(b"* UIDBATCHES (TAG ");
    quoted(out, tag.as_bytes());
    out.push(b')');
}

/// A batch, by its highest and its lowest UID.
pub fn uid_batch(out: &mut Vec<u8>, first: bool, (highest, lowest): (u32, u32)) {
    out.push(if first { b' ' } else { b',' });
    number(out, highest.into());
    out.push(b':');
    number(out, lowest.into());
}

/// Whether messages vanish now, or had before this session knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vanished {
    /// `VANISHED`: the client's numbering moves.
    Now,
    /// `VANISHED (EARLIER)`: it does not.
    Earlier,
}

/// `* VANISHED (EARLIER) set`: RFC 7162 §3.2.10. Writes nothing for an empty set.
pub fn vanished(out: &mut Vec<u8>, when: Vanished, uids: &UidSet) {
    if uids.is_empty() {
        return;
    }
    out.extend_from_slice(match when {
        Vanished::Now => b"* VANISHED ".as_slice(),
        Vanished::Earlier => b"* VANISHED (EARLIER) ",
    });
    uid_set(out, uids);
    out.extend_from_slice(b"\r\n");
}

/// `* n EXISTS`.
pub fn exists(out: &mut Vec<u8>, n: u32) {
    numbered(out, n, b" EXISTS\r\n");
}

/// `* n RECENT`, RFC 3501 §7.3.2.
pub fn recent(out: &mut Vec<u8>, n: u32) {
    numbered(out, n, b" RECENT\r\n");
}

/// `* n EXPUNGE`.
pub fn expunge(out: &mut Vec<u8>, n: u32) {
    numbered(out, n, b" EXPUNGE\r\n");
}

/// `* n FETCH (`: items with spaces between follow, then [`fetch_end`].
pub fn fetch_start(out: &mut Vec<u8>, sequence: u32) {
    numbered(out, sequence, b" FETCH (");
}

/// `* uid UIDFETCH (`, in its place: RFC 9586 §3.3.
pub fn uid_fetch_start(out: &mut Vec<u8>, uid: u32) {
    numbered(out, uid, b" UIDFETCH (");
}

/// `)` and CRLF.
pub fn fetch_end(out: &mut Vec<u8>) {
    out.extend_from_slice(b")\r\n");
}

fn numbered(out: &mut Vec<u8>, n: u32, rest: &[u8]) {
    out.extend_from_slice(b"* ");
    number(out, n.into());
    out.extend_from_slice(rest);
}
