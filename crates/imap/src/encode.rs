//! The RFC's data items, written straight into a byte buffer.
//!
//! Every function appends to `out` and can't fail. Functions for whole
//! responses ([`list`], [`esearch()`], [`exists`] …) end them with CRLF; those for
//! data items add no space on either side.

mod esearch;

use alloc::vec::Vec;
use core::num::NonZeroU32;

pub use esearch::{Change, Correlator, Esearch, Numbers, context, esearch};

use crate::{
    calendar::{Day, MONTHS},
    command::{DateTime, Flag, Section, SectionText, StatusItem},
    name::{self, Encoding},
    set::{SequenceSet, UidSet},
};

mod metadata;

pub use metadata::metadata;

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
    let mut digits = [0; 20];
    let (mut rest, mut used) = (n, 0);
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    out.extend(digits.iter().skip(20 - used));
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
    let n = n.unsigned_abs() % 100;
    if n < 10 {
        out.push(b'0');
    }
    number(out, n);
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

/// `* METADATA name entry …`: entries that have changed, without their values (RFC 5464 §4.4.2). The
/// server's own have no name.
pub fn metadata_changed<'a>(
    out: &mut Vec<u8>,
    name: &str,
    encoding: Encoding,
    entries: impl IntoIterator<Item = &'a str>,
) {
    out.extend_from_slice(b"* METADATA ");
    mailbox(out, name, encoding);
    for entry in entries {
        out.push(b' ');
        astring(out, entry.as_bytes(), encoding.into());
    }
    out.extend_from_slice(b"\r\n");
}

/// Which listing a line belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Listing {
    /// `LIST`, RFC 9051 §7.3.1.
    #[default]
    List,
    /// `LSUB`, RFC 3501 §7.2.3.
    Lsub,
    /// `XLIST`, which was there before RFC 6154.
    Xlist,
}

/// One line of LIST, LSUB or XLIST.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListLine<'a> {
    /// LIST, LSUB or XLIST.
    pub listing: Listing,
    /// `mbx-list-flags`, with their backslash.
    pub attributes: &'a [&'a str],
    /// The hierarchy delimiter, if there is one.
    pub delimiter: Option<char>,
    /// The mailbox.
    pub name: &'a str,
    /// How the session spells names.
    pub encoding: Encoding,
    /// `CHILDINFO ("SUBSCRIBED")`, RFC 9051 §6.3.9.6: the selection options that
    /// a child matches.
    pub child_info: &'a [&'a str],
    /// `OLDNAME`, RFC 9051 §6.3.9.7.
    pub old_name: Option<&'a str>,
}

/// `* LIST (…) "/" name …`.
pub fn list(out: &mut Vec<u8>, line: &ListLine<'_>) {
    out.extend_from_slice(match line.listing {
        Listing::List => b"* LIST ",
        Listing::Lsub => b"* LSUB ",
        Listing::Xlist => b"* XLIST ",
    });
    flag_list(out, line.attributes.iter().copied());
    out.push(b' ');
    match line.delimiter {
        None => out.extend_from_slice(b"NIL"),
        Some(c) => quoted(out, c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
    out.push(b' ');
    mailbox(out, line.name, line.encoding);
    list_extended_items(out, line);
    out.extend_from_slice(b"\r\n");
}

/// `mbox-list-extended`.
fn list_extended_items(out: &mut Vec<u8>, line: &ListLine<'_>) {
    if line.child_info.is_empty() && line.old_name.is_none() {
        return;
    }
    out.extend_from_slice(b" (");
    if !line.child_info.is_empty() {
        out.extend_from_slice(b"\"CHILDINFO\" (");
        separated(out, b' ', line.child_info, |out, option| {
            quoted(out, option.as_bytes());
        });
        out.push(b')');
        if line.old_name.is_some() {
            out.push(b' ');
        }
    }
    if let Some(old) = line.old_name {
        out.extend_from_slice(b"\"OLDNAME\" (");
        mailbox(out, old, line.encoding);
        out.push(b')');
    }
    out.push(b')');
}

/// What STATUS tells of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusValue<'a> {
    /// A number.
    Number(u64),
    /// An object identifier: `(id)`.
    Id(&'a str),
    /// No limit, for `APPENDLIMIT`.
    Nil,
}

/// `* STATUS name (…)`.
pub fn status(
    out: &mut Vec<u8>,
    name: &str,
    encoding: Encoding,
    items: &[(StatusItem, StatusValue<'_>)],
) {
    out.extend_from_slice(b"* STATUS ");
    mailbox(out, name, encoding);
    out.extend_from_slice(b" (");
    separated(out, b' ', items, |out, &(item, value)| {
        out.extend_from_slice(item.name().as_bytes());
        out.push(b' ');
        match value {
            StatusValue::Number(n) => number(out, n),
            StatusValue::Id(id) => object_id(out, id),
            StatusValue::Nil => out.extend_from_slice(b"NIL"),
        }
    });
    out.extend_from_slice(b")\r\n");
}

/// `(objectid)`, RFC 8474 §7.
pub fn object_id(out: &mut Vec<u8>, id: &str) {
    out.push(b'(');
    out.extend_from_slice(id.as_bytes());
    out.push(b')');
}

/// A namespace: RFC 9051 §7.3.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace<'a> {
    /// What its names begin with.
    pub prefix: &'a str,
    /// What to show in place of the prefix, in the client's language (RFC 5255 §3.4).
    pub translation: Option<alloc::string::String>,
}

/// `* NAMESPACE …`: personal namespaces, other users', shared ones.
pub fn namespaces(
    out: &mut Vec<u8>,
    kinds: [&[Namespace<'_>]; 3],
    delimiter: char,
    encoding: Encoding,
) {
    out.extend_from_slice(b"* NAMESPACE");
    for namespaces in kinds {
        if namespaces.is_empty() {
            out.extend_from_slice(b" NIL");
            continue;
        }
        out.extend_from_slice(b" (");
        for namespace in namespaces {
            out.push(b'(');
            name_string(out, namespace.prefix, encoding);
            out.push(b' ');
            quoted(out, delimiter.encode_utf8(&mut [0; 4]).as_bytes());
            if let Some(translation) = &namespace.translation {
                out.extend_from_slice(b" \"TRANSLATION\" (");
                name_string(out, translation, encoding);
                out.push(b')');
            }
            out.push(b')');
        }
        out.push(b')');
    }
    out.extend_from_slice(b"\r\n");
}

/// A mailbox name, or the beginning of one, where the grammar wants a `string`.
fn name_string(out: &mut Vec<u8>, name: &str, encoding: Encoding) {
    let mut spelt = Vec::with_capacity(name.len() + 16);
    name::encode(name, encoding, &mut spelt);
    string(out, &spelt, encoding.into());
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{borrow::ToOwned, string::String, vec};

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn numbers() {
        for (n, text) in [
            (0, "0"),
            (7, "7"),
            (10, "10"),
            (4_294_967_295, "4294967295"),
            (u64::MAX, "18446744073709551615"),
        ] {
            assert_eq!(written(|out| number(out, n)), text);
        }
    }

    #[test]
    fn strings_choose_their_form() {
        use EightBit::{Literal, Quoted};
        for (bytes, eight_bit, a_string, plain) in [
            (&b"INBOX"[..], Literal, "INBOX", "\"INBOX\""),
            (b"", Literal, "\"\"", "\"\""),
            (b"nil", Literal, "\"nil\"", "\"nil\""),
            (b"a]b", Literal, "a]b", "\"a]b\""),
            (b"a b", Literal, "\"a b\"", "\"a b\""),
            (b"a\"\\b", Literal, "\"a\\\"\\\\b\"", "\"a\\\"\\\\b\""),
            (b"a\r\nb", Literal, "{4}\r\na\r\nb", "{4}\r\na\r\nb"),
            (b"a\0b", Quoted, "{3}\r\na\x7fb", "{3}\r\na\x7fb"),
            ("ü".as_bytes(), Literal, "{2}\r\nü", "{2}\r\nü"),
            ("ü".as_bytes(), Quoted, "\"ü\"", "\"ü\""),
            (b"\xff", Quoted, "{1}\r\n\u{fffd}", "{1}\r\n\u{fffd}"),
            (b"a*", Literal, "\"a*\"", "\"a*\""),
        ] {
            assert_eq!(written(|out| astring(out, bytes, eight_bit)), a_string);
            assert_eq!(written(|out| string(out, bytes, eight_bit)), plain);
        }
        let long = vec![b'x'; QUOTED_BYTES_MAX + 1];
        assert!(written(|out| astring(out, &long, Literal)).starts_with("{1025}\r\nxxx"));
        assert_eq!(written(|out| nstring(out, None, Literal)), "NIL");
        assert_eq!(written(|out| literal8(out, b"\0")), "~{1}\r\n\0");
    }

    #[test]
    fn dates() {
        for (unix, zone_minutes, text) in [
            (0, 0, "\" 1-Jan-1970 00:00:00 +0000\""),
            (837_595_405, -420, "\"17-Jul-1996 02:23:25 -0700\""),
            (837_596_665, 120, "\"17-Jul-1996 11:44:25 +0200\""),
            (-1, 0, "\"31-Dec-1969 23:59:59 +0000\""),
            (i64::MAX, 0, "\" 4-Dec-9999 15:30:07 +0000\""),
        ] {
            let date = DateTime { unix, zone_minutes };
            assert_eq!(written(|out| internal_date(out, date)), text);
        }
    }

    #[test]
    fn sets() {
        let set: UidSet = [1, 2, 3, 5, 7, 8].into_iter().collect();
        assert_eq!(written(|out| uid_set(out, &set)), "1:3,5,7:8");
        assert_eq!(
            written(|out| vanished(out, Vanished::Earlier, &set)),
            "* VANISHED (EARLIER) 1:3,5,7:8\r\n"
        );
        assert_eq!(
            written(|out| vanished(out, Vanished::Now, &UidSet::new())),
            ""
        );
        assert_eq!(written(|out| sequence_set(out, &SequenceSet::Saved)), "$");
    }

    #[test]
    fn sections() {
        let one = NonZeroU32::MIN;
        for (part, text, origin, expected) in [
            (vec![], SectionText::Whole, None, "BODY[]"),
            (vec![], SectionText::Whole, Some(0), "BODY[]<0>"),
            (vec![one, one], SectionText::Whole, Some(5), "BODY[1.1]<5>"),
            (vec![one], SectionText::Mime, None, "BODY[1.MIME]"),
            (
                vec![one],
                SectionText::HeaderFields(vec![b"A".to_vec(), b"b c".to_vec()]),
                None,
                "BODY[1.HEADER.FIELDS (A \"b c\")]",
            ),
            (
                vec![],
                SectionText::HeaderFieldsNot(vec![b"A".to_vec()]),
                None,
                "BODY[HEADER.FIELDS.NOT (A)]",
            ),
        ] {
            let spec = Section { part, text };
            assert_eq!(written(|out| section(out, &spec, origin)), expected);
        }
        assert_eq!(written(|out| binary(out, &[one], Some(3))), "BINARY[1]<3>");
        assert_eq!(written(|out| binary_size(out, &[])), "BINARY.SIZE[]");
    }

    #[test]
    fn mailbox_names() {
        for (name, utf7, utf8) in [
            ("INBOX", "INBOX", "INBOX"),
            ("a b", "\"a b\"", "\"a b\""),
            ("a&b", "a&-b", "a&b"),
            ("ü/x", "&APw-/x", "\"ü/x\""),
            // No client can name it so, but a foreign mailbox may be called that.
            ("a\nb", "a&AAo-b", "{3}\r\na\nb"),
        ] {
            let in_utf7 = written(|out| mailbox(out, name, Encoding::ModifiedUtf7));
            assert_eq!(in_utf7, utf7);
            assert_eq!(written(|out| mailbox(out, name, Encoding::Utf8)), utf8);
        }
    }

    #[test]
    fn namespaces_may_have_translations() {
        let namespace = |prefix, translation: Option<&str>| Namespace {
            prefix,
            translation: translation.map(ToOwned::to_owned),
        };
        // RFC 5255 §3.4.
        let personal = [namespace("", None)];
        let users = [namespace("Other Users/", Some("Andere Benützer/"))];
        let public = [namespace("Public Folders/", Some("Gemeinsame Postfächer/"))];
        let all: [&[Namespace<'_>]; 3] = [&personal, &users, &public];
        let line = "* NAMESPACE ((\"\" \"/\")) \
                    ((\"Other Users/\" \"/\" \"TRANSLATION\" (\"Andere Ben&APw-tzer/\"))) \
                    ((\"Public Folders/\" \"/\" \"TRANSLATION\" (\"Gemeinsame Postf&AOQ-cher/\")))\r\n";
        assert_eq!(
            written(|out| namespaces(out, all, '/', Encoding::ModifiedUtf7)),
            line
        );
        assert_eq!(
            written(|out| namespaces(out, [&personal, &[], &[]], '/', Encoding::Utf8)),
            "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n"
        );
    }

    #[test]
    fn responses() {
        let mut line = ListLine {
            attributes: &["\\HasChildren", "\\Sent"],
            delimiter: Some('/'),
            name: "Entwürfe",
            ..ListLine::default()
        };
        assert_eq!(
            written(|out| list(out, &line)),
            "* LIST (\\HasChildren \\Sent) \"/\" Entw&APw-rfe\r\n"
        );
        line.encoding = Encoding::Utf8;
        line.child_info = &["SUBSCRIBED"];
        line.old_name = Some("x y");
        assert_eq!(
            written(|out| list(out, &line)),
            "* LIST (\\HasChildren \\Sent) \"/\" \"Entwürfe\" (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" (\"x y\"))\r\n"
        );
        assert_eq!(
            written(|out| status(
                out,
                "a b",
                Encoding::Utf8,
                &[
                    (StatusItem::Messages, StatusValue::Number(231)),
                    (StatusItem::MailboxId, StatusValue::Id("F1")),
                    (StatusItem::AppendLimit, StatusValue::Nil),
                ]
            )),
            "* STATUS \"a b\" (MESSAGES 231 MAILBOXID (F1) APPENDLIMIT NIL)\r\n"
        );
        assert_eq!(
            written(|out| search(out, [2, 5], Some(917))),
            "* SEARCH 2 5 (MODSEQ 917)\r\n"
        );
        assert_eq!(written(|out| sort(out, [], None)), "* SORT\r\n");
        assert_eq!(
            written(|out| sort(out, [5, 3, 4], Some(9))),
            "* SORT 5 3 4 (MODSEQ 9)\r\n"
        );
        assert_eq!(written(|out| expunge(out, 3)), "* 3 EXPUNGE\r\n");
        assert_eq!(written(|out| flag_list(out, ["\\Seen", "a"])), "(\\Seen a)");
    }
}
