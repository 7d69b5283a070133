//! Response codes, and the status responses that carry them: RFC 9051 §7.1.

use alloc::{string::String, vec::Vec};
use core::num::NonZeroU32;

use crate::{encode, set::UidSet};

/// `resp-text-code`: RFC 9051 §7.1, RFC 5530, RFC 7162, RFC 8474, RFC 4467, RFC 4469, RFC 6858.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// `ALERT`.
    Alert,
    /// `ALREADYEXISTS`.
    AlreadyExists,
    /// `ANNOTATE TOOBIG`, RFC 5257 §4.5.
    AnnotateTooBig,
    /// `ANNOTATE TOOMANY`, RFC 5257 §4.5.
    AnnotateTooMany,
    /// `ANNOTATIONS n`, RFC 5257 §4.1: the most octets of a value; `READ-ONLY` for `None`.
    Annotations(Option<NonZeroU32>),
    /// `APPENDUID validity uids`.
    AppendUid(u32, UidSet),
    /// `AUTHENTICATIONFAILED`.
    AuthenticationFailed,
    /// `AUTHORIZATIONFAILED`.
    AuthorizationFailed,
    /// `BADCOMPARATOR`, RFC 5255 §4.9.
    BadComparator,
    /// `BADEVENT (…)`, RFC 5465 §8: the events that there are.
    BadEvent(&'static [&'static str]),
    /// `BADCHARSET (…)`: the charsets that would do.
    BadCharset(Vec<&'static str>),
    /// `BADURL url`, RFC 4469 §4.1: as it was sent; what the code can't hold is percent-encoded.
    BadUrl(Vec<u8>),
    /// `CANNOT`.
    Cannot,
    /// `CAPABILITY …`: the list as it goes out.
    Capability(String),
    /// `CLIENTBUG`.
    ClientBug,
    /// `CLOSED`.
    Closed,
    /// `COMPRESSIONACTIVE`, RFC 4978 §3.
    CompressionActive,
    /// `CONTACTADMIN`.
    ContactAdmin,
    /// `COPYUID validity from to`: pairwise, in the order copied.
    CopyUid(u32, UidSet, UidSet),
    /// `CORRUPTION`.
    Corruption,
    /// `DOWNGRADED uids`, RFC 6858 §3.
    Downgraded(UidSet),
    /// `EXPIRED`.
    Expired,
    /// `EXPUNGEISSUED`.
    ExpungeIssued,
    /// `HASCHILDREN`.
    HasChildren,
    /// `HIGHESTMODSEQ n`.
    HighestModSeq(u64),
    /// `INPROGRESS`, RFC 9585.
    InProgress(Progress),
    /// `INUSE`.
    InUse,
    /// `LIMIT`.
    Limit,
    /// `MAILBOXID (id)`.
    MailboxId(String),
    /// `MAXCONVERTMESSAGES n`, RFC 5259 §9.
    MaxConvertMessages(u32),
    /// `MAXCONVERTPARTS n`, RFC 5259 §9.
    MaxConvertParts(u32),
    /// `METADATA …`, RFC 5464 §5.
    Metadata(MetadataCode),
    /// `MESSAGELIMIT n uid`, RFC 9738 §3.1: so many messages at once, and the lowest UID that was
    /// processed, if it is known.
    MessageLimit(u32, Option<u32>),
    /// `MODIFIED set`.
    Modified(UidSet),
    /// `NOMODSEQ`.
    NoModSeq,
    /// `NONEXISTENT`.
    NonExistent,
    /// `NOPERM`.
    NoPerm,
    /// `NOTIFICATIONOVERFLOW`, RFC 5465 §5.8.
    NotificationOverflow,
    /// `NOUPDATE tag`, RFC 5267 §4.3.1.
    NoUpdate(String),
    /// `NOTSAVED`.
    NotSaved,
    /// `OVERQUOTA`.
    OverQuota,
    /// `PARSE`.
    Parse,
    /// `PERMANENTFLAGS (…)`: as it goes out, without the parentheses.
    PermanentFlags(String),
    /// `PRIVACYREQUIRED`.
    PrivacyRequired,
    /// `READ-ONLY`.
    ReadOnly,
    /// `READ-WRITE`.
    ReadWrite,
    /// `REFERRAL url …`, RFC 2221 §5, RFC 2193 §6.
    Referral(Vec<String>),
    /// `SERVERBUG`.
    ServerBug,
    /// `TOOBIG`, RFC 4469 §4.1.
    TooBig,
    /// `TOOFEW`, RFC 10022 §3.1.3.2.
    TooFew,
    /// `TOOMANY`, RFC 10022 §3.1.5.
    TooMany,
    /// `TRYCREATE`.
    TryCreate,
    /// `UNDEFINED-FILTER name`, RFC 5466 §4.
    UndefinedFilter(String),
    /// `UIDNEXT n`.
    UidNext(u32),
    /// `UIDNOTSTICKY`.
    UidNotSticky,
    /// `UIDREQUIRED`, RFC 9586 §3.
    UidRequired,
    /// `UIDVALIDITY n`.
    UidValidity(u32),
    /// `UNAVAILABLE`.
    Unavailable,
    /// `UNKNOWN-CTE`.
    UnknownCte,
    /// `UNSEEN n`, RFC 3501.
    Unseen(u32),
    /// `URLMECH INTERNAL`, RFC 4467 §8.
    UrlMech,
    /// `USEATTR`, RFC 6154 §6.
    UseAttr,
}

/// How far a command is: RFC 9585 §4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The command's tag, if it can be said.
    pub tag: Option<String>,
    /// How many there are done, if they are counted, and of how many, if that is known.
    pub done: Option<(u32, Option<NonZeroU32>)>,
}

/// What `METADATA` says: RFC 5464 §4.2.1, §4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataCode {
    /// `LONGENTRIES n`: the octets of the largest value that was left out.
    LongEntries(u64),
    /// `MAXSIZE n`: the octets that a value may have.
    MaxSize(u64),
    /// `TOOMANY`.
    TooMany,
    /// `NOPRIVATE`.
    NoPrivate,
}

impl MetadataCode {
    fn write(self, out: &mut Vec<u8>) {
        out.push(b' ');
        match self {
            Self::LongEntries(n) => {
                out.extend_from_slice(b"LONGENTRIES");
                argument(out, n);
            }
            Self::MaxSize(n) => {
                out.extend_from_slice(b"MAXSIZE");
                argument(out, n);
            }
            Self::TooMany => out.extend_from_slice(b"TOOMANY"),
            Self::NoPrivate => out.extend_from_slice(b"NOPRIVATE"),
        }
    }
}

/// The kind of a status response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `OK`.
    Ok,
    /// `NO`.
    No,
    /// `BAD`.
    Bad,
    /// `BYE`.
    Bye,
    /// `PREAUTH`.
    PreAuth,
}

impl Status {
    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::Bye => "BYE",
            Self::PreAuth => "PREAUTH",
        }
    }
}

impl Code {
    /// Appends the code without its brackets: `UIDNEXT 17`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.name().as_bytes());
        match self {
            Self::AnnotateTooBig => out.extend_from_slice(b" TOOBIG"),
            Self::AnnotateTooMany => out.extend_from_slice(b" TOOMANY"),
            Self::Annotations(Some(n)) => argument(out, n.get().into()),
            Self::Annotations(None) => out.extend_from_slice(b" READ-ONLY"),
            Self::AppendUid(validity, uids) => {
                argument(out, (*validity).into());
                out.push(b' ');
                encode::uid_set(out, uids);
            }
            Self::CopyUid(validity, from, to) => {
                argument(out, (*validity).into());
                out.push(b' ');
                encode::uid_set(out, from);
                out.push(b' ');
                encode::uid_set(out, to);
            }
            Self::BadCharset(charsets) if !charsets.is_empty() => {
                out.push(b' ');
                encode::flag_list(out, charsets.iter().copied());
            }
            Self::BadEvent(events) => {
                out.push(b' ');
                encode::flag_list(out, events.iter().copied());
            }
            Self::InProgress(progress) => {
                out.push(b' ');
                progress.write(out);
            }
            Self::Capability(list) => {
                out.push(b' ');
                text(out, list);
            }
            Self::HighestModSeq(n) => argument(out, *n),
            Self::MessageLimit(n, uid) => {
                argument(out, (*n).into());
                if let Some(uid) = uid {
                    argument(out, (*uid).into());
                }
            }
            Self::UndefinedFilter(name) => {
                out.push(b' ');
                text(out, name);
            }
            Self::NoUpdate(tag) => {
                out.push(b' ');
                encode::string(out, tag.as_bytes(), encode::EightBit::Quoted);
            }
            Self::MailboxId(id) => {
                out.push(b' ');
                encode::object_id(out, id);
            }
            Self::BadUrl(url) => {
                out.push(b' ');
                url_text(out, url);
            }
            Self::UrlMech => out.extend_from_slice(b" INTERNAL"),
            Self::MaxConvertMessages(n) | Self::MaxConvertParts(n) => argument(out, (*n).into()),
            Self::Metadata(code) => code.write(out),
            Self::Referral(urls) => {
                for url in urls {
                    out.push(b' ');
                    text(out, url);
                }
            }
            Self::Modified(set) | Self::Downgraded(set) => {
                out.push(b' ');
                encode::uid_set(out, set);
            }
            Self::PermanentFlags(flags) => {
                out.extend_from_slice(b" (");
                text(out, flags);
                out.push(b')');
            }
            Self::UidNext(n) | Self::UidValidity(n) | Self::Unseen(n) => {
                argument(out, (*n).into());
            }
            _ => {}
        }
    }

    /// The code's atom.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Alert => "ALERT",
            Self::AlreadyExists => "ALREADYEXISTS",
            Self::AnnotateTooBig | Self::AnnotateTooMany => "ANNOTATE",
            Self::Annotations(_) => "ANNOTATIONS",
            Self::AppendUid(..) => "APPENDUID",
            Self::AuthenticationFailed => "AUTHENTICATIONFAILED",
            Self::AuthorizationFailed => "AUTHORIZATIONFAILED",
            Self::BadCharset(_) => "BADCHARSET",
            Self::BadComparator => "BADCOMPARATOR",
            Self::BadEvent(_) => "BADEVENT",
            Self::BadUrl(_) => "BADURL",
            Self::Cannot => "CANNOT",
            Self::Capability(_) => "CAPABILITY",
            Self::ClientBug => "CLIENTBUG",
            Self::Closed => "CLOSED",
            Self::CompressionActive => "COMPRESSIONACTIVE",
            Self::ContactAdmin => "CONTACTADMIN",
            Self::CopyUid(..) => "COPYUID",
            Self::Corruption => "CORRUPTION",
            Self::Downgraded(_) => "DOWNGRADED",
            Self::Expired => "EXPIRED",
            Self::ExpungeIssued => "EXPUNGEISSUED",
            Self::HasChildren => "HASCHILDREN",
            Self::HighestModSeq(_) => "HIGHESTMODSEQ",
            Self::InProgress(_) => "INPROGRESS",
            Self::InUse => "INUSE",
            Self::Limit => "LIMIT",
            Self::MailboxId(_) => "MAILBOXID",
            Self::MaxConvertMessages(_) => "MAXCONVERTMESSAGES",
            Self::MaxConvertParts(_) => "MAXCONVERTPARTS",
            Self::Metadata(_) => "METADATA",
            Self::MessageLimit(..) => "MESSAGELIMIT",
            Self::Modified(_) => "MODIFIED",
            Self::NoModSeq => "NOMODSEQ",
            Self::NonExistent => "NONEXISTENT",
            Self::NoPerm => "NOPERM",
            Self::NoUpdate(_) => "NOUPDATE",
            Self::NotSaved => "NOTSAVED",
            Self::NotificationOverflow => "NOTIFICATIONOVERFLOW",
            Self::OverQuota => "OVERQUOTA",
            Self::Parse => "PARSE",
            Self::PermanentFlags(_) => "PERMANENTFLAGS",
            Self::PrivacyRequired => "PRIVACYREQUIRED",
            Self::ReadOnly => "READ-ONLY",
            Self::ReadWrite => "READ-WRITE",
            Self::Referral(_) => "REFERRAL",
            Self::ServerBug => "SERVERBUG",
            Self::TooBig => "TOOBIG",
            Self::TooFew => "TOOFEW",
            Self::TooMany => "TOOMANY",
            Self::TryCreate => "TRYCREATE",
            Self::UndefinedFilter(_) => "UNDEFINED-FILTER",
            Self::UidNext(_) => "UIDNEXT",
            Self::UidNotSticky => "UIDNOTSTICKY",
            Self::UidRequired => "UIDREQUIRED",
            Self::UidValidity(_) => "UIDVALIDITY",
            Self::Unavailable => "UNAVAILABLE",
            Self::UnknownCte => "UNKNOWN-CTE",
            Self::Unseen(_) => "UNSEEN",
            Self::UrlMech => "URLMECH",
            Self::UseAttr => "USEATTR",
        }
    }
}

impl Progress {
    // "(" inprogress-tag SP inprogress-state ")"
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'(');
        match &self.tag {
            // It would end the code too early.
            Some(tag) if !tag.contains(']') => {
                out.push(b'"');
                text(out, tag);
                out.push(b'"');
            }
            _ => out.extend_from_slice(b"NIL"),
        }
        match self.done {
            None => out.extend_from_slice(b" NIL NIL"),
            Some((done, goal)) => {
                argument(out, done.into());
                match goal {
                    Some(goal) => argument(out, goal.get().into()),
                    None => out.extend_from_slice(b" NIL"),
                }
            }
        }
        out.push(b')');
    }
}

fn argument(out: &mut Vec<u8>, n: u64) {
    out.push(b' ');
    encode::number(out, n);
}

/// What a person may read in a response, by the characters that may stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words<'a> {
    /// In ASCII: RFC 3501 §9.
    Ascii(&'a str),
    /// In UTF-8: once the client has chosen a language (RFC 5255 §3.5, `UTF8-TEXT-CHAR`).
    Utf8(&'a str),
}

/// The longest URL that is repeated to its client, in octets.
const URL_BYTES_MAX: usize = 1000;

// url-resp-text = 1*(Any TEXT-CHAR except "]")
fn url_text(out: &mut Vec<u8>, url: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &octet in url.iter().take(URL_BYTES_MAX) {
        if matches!(octet, b' '..=b'~') && octet != b']' {
            out.push(octet);
            continue;
        }
        out.push(b'%');
        for half in [octet >> 4, octet & 15] {
            out.extend(DIGITS.get(usize::from(half)));
        }
    }
}

/// A status response: tagged, or untagged if `tag` is `None`.
pub fn status(
    out: &mut Vec<u8>,
    tag: Option<&str>,
    (status, code): (Status, Option<&Code>),
    words: Words<'_>,
) {
    match tag {
        Some(tag) => text(out, tag),
        None => out.push(b'*'),
    }
    out.push(b' ');
    out.extend_from_slice(status.name().as_bytes());
    out.push(b' ');
    if let Some(code) = code {
        out.push(b'[');
        code.write(out);
        out.extend_from_slice(b"] ");
    }
    resp_text(out, words);
    out.extend_from_slice(b"\r\n");
}

/// `+ text`: the client is to go on (RFC 9051 §7.6).
pub fn continuation(out: &mut Vec<u8>, words: Words<'_>) {
    out.extend_from_slice(b"+ ");
    self::words(out, words);
    out.extend_from_slice(b"\r\n");
}

/// Text after a status and its code: never empty, and not taken for a code.
fn resp_text(out: &mut Vec<u8>, words: Words<'_>) {
    let (Words::Ascii(text) | Words::Utf8(text)) = words;
    match text.as_bytes().first() {
        None => out.push(b'.'),
        Some(b'[') => {
            out.push(b' ');
            self::words(out, words);
        }
        Some(_) => self::words(out, words),
    }
}

fn words(out: &mut Vec<u8>, words: Words<'_>) {
    match words {
        Words::Ascii(text) => self::text(out, text),
        Words::Utf8(text) => {
            let mut octets = [0; 4];
            for character in text.chars() {
                // Control characters end lines, U+0085 among them; U+2028 and U+2029 do on some screens.
                let shown = match character {
                    '\u{2028}' | '\u{2029}' => '?',
                    c if c.is_control() => '?',
                    c => c,
                };
                out.extend_from_slice(shown.encode_utf8(&mut octets).as_bytes());
            }
        }
    }
}

/// `text`, with `?` for all that it may not hold: text may repeat what a client
/// sent, and must not let it write responses of its own.
fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(text.chars().map(|c| match c {
        // In the arm's range, so one octet of ASCII.
        ' '..='~' => c as u8,
        _ => b'?',
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn set(numbers: &[u32]) -> UidSet {
        numbers.iter().copied().collect()
    }

    fn progress(tag: Option<&str>, done: Option<(u32, Option<NonZeroU32>)>) -> Code {
        let tag = tag.map(Into::into);
        Code::InProgress(Progress { tag, done })
    }

    #[test]
    fn codes() {
        for (code, text) in [
            (Code::Alert, "ALERT"),
            (Code::AppendUid(38505, set(&[3955])), "APPENDUID 38505 3955"),
            (Code::BadCharset(vec![]), "BADCHARSET"),
            (
                Code::BadCharset(vec!["UTF-8", "US-ASCII"]),
                "BADCHARSET (UTF-8 US-ASCII)",
            ),
            (
                Code::Capability("IMAP4rev1 IDLE".into()),
                "CAPABILITY IMAP4rev1 IDLE",
            ),
            (
                Code::CopyUid(38505, set(&[304, 319, 320]), set(&[3956, 3957, 3958])),
                "COPYUID 38505 304,319:320 3956:3958",
            ),
            (
                Code::BadUrl(b"/x/;UID=1/;SECTION=1]\r\nb \xfc".to_vec()),
                "BADURL /x/;UID=1/;SECTION=1%5D%0D%0Ab %FC",
            ),
            (Code::Downgraded(set(&[70, 71])), "DOWNGRADED 70:71"),
            (Code::UrlMech, "URLMECH INTERNAL"),
            (Code::HighestModSeq(7), "HIGHESTMODSEQ 7"),
            (Code::MessageLimit(1000, None), "MESSAGELIMIT 1000"),
            (
                Code::MessageLimit(1000, Some(23221)),
                "MESSAGELIMIT 1000 23221",
            ),
            (Code::AnnotateTooBig, "ANNOTATE TOOBIG"),
            (Code::AnnotateTooMany, "ANNOTATE TOOMANY"),
            (
                Code::Annotations(NonZeroU32::new(65536)),
                "ANNOTATIONS 65536",
            ),
            (Code::Annotations(None), "ANNOTATIONS READ-ONLY"),
            (Code::MailboxId("F2".into()), "MAILBOXID (F2)"),
            (
                Code::Metadata(MetadataCode::LongEntries(2199)),
                "METADATA LONGENTRIES 2199",
            ),
            (
                Code::Metadata(MetadataCode::MaxSize(1024)),
                "METADATA MAXSIZE 1024",
            ),
            (Code::Metadata(MetadataCode::TooMany), "METADATA TOOMANY"),
            (
                Code::Metadata(MetadataCode::NoPrivate),
                "METADATA NOPRIVATE",
            ),
            (Code::Modified(set(&[7, 9])), "MODIFIED 7,9"),
            (
                Code::PermanentFlags("\\Seen \\*".into()),
                "PERMANENTFLAGS (\\Seen \\*)",
            ),
            (Code::PermanentFlags(String::new()), "PERMANENTFLAGS ()"),
            (
                Code::UndefinedFilter("on-the-road".into()),
                "UNDEFINED-FILTER on-the-road",
            ),
            (
                Code::Referral(vec!["imap://a/x".into(), "imap://b/x".into()]),
                "REFERRAL imap://a/x imap://b/x",
            ),
            (Code::UidNext(17), "UIDNEXT 17"),
            (
                Code::BadEvent(&["MessageNew", "FlagChange"]),
                "BADEVENT (MessageNew FlagChange)",
            ),
            (progress(Some("a1"), None), "INPROGRESS (\"a1\" NIL NIL)"),
            (
                progress(Some("a]"), Some((7, None))),
                "INPROGRESS (NIL 7 NIL)",
            ),
            (
                progress(Some("A001"), Some((454, NonZeroU32::new(1000)))),
                "INPROGRESS (\"A001\" 454 1000)",
            ),
            (Code::UnknownCte, "UNKNOWN-CTE"),
            (Code::NoUpdate("B02".into()), "NOUPDATE \"B02\""),
        ] {
            let mut out = Vec::new();
            code.write(&mut out);
            assert_eq!(out, text.as_bytes());
        }
    }

    #[test]
    fn lines_hold_what_they_may() {
        for (tag, code, text, line) in [
            (Some("a1"), None, "Done", "a1 OK Done\r\n"),
            (
                None,
                Some(Code::ReadWrite),
                "Done",
                "* OK [READ-WRITE] Done\r\n",
            ),
            (None, None, "", "* OK .\r\n"),
            (None, None, "[ALERT] x", "* OK  [ALERT] x\r\n"),
            (Some("a"), None, "x\r\n* BYE ü\0", "a OK x??* BYE ??\r\n"),
        ] {
            let mut out = Vec::new();
            let words = Words::Ascii(text);
            status(&mut out, tag, (Status::Ok, code.as_ref()), words);
            assert_eq!(out, line.as_bytes(), "{text}");
        }
        let mut out = Vec::new();
        continuation(&mut out, Words::Ascii("idling"));
        continuation(&mut out, Words::Ascii(""));
        assert_eq!(out, b"+ idling\r\n+ \r\n");
    }

    #[test]
    fn in_a_language_lines_are_still_lines() {
        for (text, line) in [
            ("Prêt", "* OK Prêt\r\n"),
            ("完了しました", "* OK 完了しました\r\n"),
            ("[ALERT] ü", "* OK  [ALERT] ü\r\n"),
            ("", "* OK .\r\n"),
            ("ü\r\n* BYE\0\x7f\u{85}\u{2028}", "* OK ü??* BYE????\r\n"),
        ] {
            let mut out = Vec::new();
            status(&mut out, None, (Status::Ok, None), Words::Utf8(text));
            assert_eq!(out, line.as_bytes(), "{text}");
        }
    }
}
