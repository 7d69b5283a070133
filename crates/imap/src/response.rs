//! Response codes, and the status responses that carry them: RFC 9051 §7.1.

use alloc::{string::String, vec::Vec};

use crate::set::UidSet;

/// `resp-text-code`: RFC 9051 §7.1, RFC 5530, RFC 7162, RFC 8474, RFC 4469.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// `ALERT`.
    Alert,
    /// `ALREADYEXISTS`.
    AlreadyExists,
    /// `APPENDUID validity uids`.
    AppendUid(u32, UidSet),
    /// `AUTHENTICATIONFAILED`.
    AuthenticationFailed,
    /// `AUTHORIZATIONFAILED`.
    AuthorizationFailed,
    /// `BADCHARSET (…)`: the charsets that would do.
    BadCharset(Vec<&'static str>),
    /// `CANNOT`.
    Cannot,
    /// `CAPABILITY …`: the list as it goes out.
    Capability(String),
    /// `CLIENTBUG`.
    ClientBug,
    /// `CLOSED`.
    Closed,
    /// `CONTACTADMIN`.
    ContactAdmin,
    /// `COPYUID validity from to`: pairwise, in the order copied.
    CopyUid(u32, UidSet, UidSet),
    /// `CORRUPTION`.
    Corruption,
    /// `EXPIRED`.
    Expired,
    /// `EXPUNGEISSUED`.
    ExpungeIssued,
    /// `HASCHILDREN`.
    HasChildren,
    /// `HIGHESTMODSEQ n`.
    HighestModSeq(u64),
    /// `INUSE`.
    InUse,
    /// `LIMIT`.
    Limit,
    /// `MAILBOXID (id)`.
    MailboxId(String),
    /// `MODIFIED set`.
    Modified(UidSet),
    /// `NOMODSEQ`.
    NoModSeq,
    /// `NONEXISTENT`.
    NonExistent,
    /// `NOPERM`.
    NoPerm,
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
    /// `SERVERBUG`.
    ServerBug,
    /// `TOOBIG`, RFC 4469 §4.1.
    TooBig,
    /// `TRYCREATE`.
    TryCreate,
    /// `UIDNEXT n`.
    UidNext(u32),
    /// `UIDNOTSTICKY`.
    UidNotSticky,
    /// `UIDVALIDITY n`.
    UidValidity(u32),
    /// `UNAVAILABLE`.
    Unavailable,
    /// `UNKNOWN-CTE`.
    UnknownCte,
    /// `UNSEEN n`, RFC 3501.
    Unseen(u32),
    /// `USEATTR`, RFC 6154 §6.
    UseAttr,
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
