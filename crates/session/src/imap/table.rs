//! The table of commands: what the dispatcher has to know of each before it runs.

use imap::{
    Command, SequenceSet,
    command::{self, Acl, FetchItem, Numbering, SearchKey, StatusItem},
    encode::Listing,
};

use super::sync::Expunges;

/// What the dispatcher has to know of a command: its row in the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// For the log.
    pub(super) name: &'static str,
    /// Whether its responses may move sequence numbers.
    pub(super) expunges: Expunges,
    /// It names UIDs: messages that were not announced yet can be meant.
    pub(super) by_uid: bool,
    /// It names sequence numbers: not once UIDONLY is enabled (RFC 9586 §3.2).
    pub(super) by_number: bool,
}

impl Row {
    /// Whether it is answered with what notifications look like as well: those wait until it is answered, or
    /// nobody could tell one from the other.
    pub(super) fn lists(self) -> bool {
        let lists = ["LIST", "LSUB", "SCAN", "STATUS", "GETMETADATA"];
        lists.iter().any(|end| self.name.ends_with(end)) || self.name.starts_with("FIND")
    }
}

/// The row of a command.
pub(super) fn row(command: &Command) -> Row {
    match command {
        Command::Any(command) => any(command),
        Command::NotAuthenticated(command) => not_authenticated(command),
        Command::Authenticated(command) => authenticated(command),
        Command::Selected(command) => selected(command),
    }
}

/// A command during which everything may be told.
const fn told(name: &'static str) -> Row {
    Row {
        name,
        expunges: Expunges::Told,
        by_uid: false,
        by_number: false,
    }
}

/// A command that has a form with the `UID` prefix.
const fn numbered(numbering: Numbering, name: &'static str, uid_name: &'static str) -> Row {
    match numbering {
        Numbering::Uid => Row {
            name: uid_name,
            expunges: Expunges::Told,
            by_uid: true,
            by_number: false,
        },
        Numbering::Sequence => Row {
            name,
            expunges: Expunges::Held, // RFC 9051 §7.5.1
            by_uid: false,
            by_number: true,
        },
    }
}

/// COPY, MOVE and the like by sequence numbers may move them (RFC 9051 §6.4.8).
const fn moving(numbering: Numbering, name: &'static str, uid_name: &'static str) -> Row {
    Row {
        expunges: Expunges::Told,
        ..numbered(numbering, name, uid_name)
    }
}

/// A command that answers with the expunges that it caused.
const fn answered(row: Row) -> Row {
    Row {
        expunges: Expunges::Answer,
        ..row
    }
}

/// RFC 9051 §6.1.
fn any(command: &command::Any) -> Row {
    use command::Any as A;
    match command {
        A::Capability => told("CAPABILITY"),
        A::Noop => told("NOOP"),
        A::Logout => told("LOGOUT"),
        A::Id(_) => told("ID"),
        A::Language(_) => told("LANGUAGE"),
    }
}

/// RFC 9051 §6.2.
fn not_authenticated(command: &command::NotAuthenticated) -> Row {
    use command::NotAuthenticated as N;
    match command {
        N::StartTls => told("STARTTLS"),
        N::Authenticate { .. } => told("AUTHENTICATE"),
        N::Login { .. } => told("LOGIN"),
    }
}

/// RFC 9051 §6.3.
fn authenticated(command: &command::Authenticated) -> Row {
    use command::Authenticated as A;
    match command {
        A::Enable(_) => told("ENABLE"),
        A::Select(_) => told("SELECT"),
        A::Examine(_) => told("EXAMINE"),
        A::Create { .. } => told("CREATE"),
        A::Delete(_) => told("DELETE"),
        A::Rename(_) => told("RENAME"),
        A::Subscribe(_) => told("SUBSCRIBE"),
        A::Unsubscribe(_) => told("UNSUBSCRIBE"),
        A::List(c) => told(match c.listing {
            Listing::Xlist => "XLIST",
            _ if c.selection.remote && !c.extended => "RLIST",
            _ => "LIST",
        }),
        A::Lsub { remote, .. } => told(if *remote { "RLSUB" } else { "LSUB" }),
        A::Scan { .. } => told("SCAN"),
        A::Comparator(_) => told("COMPARATOR"),
        A::Find(_) => told("FIND"),
        A::Namespace => told("NAMESPACE"),
        A::Conversions { .. } => told("CONVERSIONS"),
        A::GetJmapAccess => told("GETJMAPACCESS"),
        A::Acl(c) => told(match c {
            Acl::Set { .. } => "SETACL",
            Acl::Delete { .. } => "DELETEACL",
            Acl::Get(_) => "GETACL",
            Acl::ListRights { .. } => "LISTRIGHTS",
            Acl::MyRights(_) => "MYRIGHTS",
        }),
        A::GetMetadata(_) => told("GETMETADATA"),
        A::SetMetadata { .. } => told("SETMETADATA"),
        A::GetQuota(_) => told("GETQUOTA"),
        A::GetQuotaRoot(_) => told("GETQUOTAROOT"),
        A::SetQuota { .. } => told("SETQUOTA"),
        A::Status { .. } => told("STATUS"),
        A::Append(_) => told("APPEND"),
        A::Esearch(_) => numbered(Numbering::Uid, "ESEARCH", "ESEARCH"),
        A::Idle => told("IDLE"),
        A::Notify(_) => told("NOTIFY"),
        A::GenUrlAuth(_) => told("GENURLAUTH"),
        A::ResetKey(_) => told("RESETKEY"),
        A::UrlFetch(_) => told("URLFETCH"),
        A::Compress => told("COMPRESS"),
        A::Unauthenticate => told("UNAUTHENTICATE"),
    }
}

/// RFC 9051 §6.4.
fn selected(command: &command::Selected) -> Row {
    use command::Selected as S;
    match command {
        S::Check => told("CHECK"),
        S::CancelUpdate(_) => told("CANCELUPDATE"),
        S::Close => told("CLOSE"),
        S::Unselect => told("UNSELECT"),
        S::Expunge => answered(told("EXPUNGE")),
        S::UidBatches(_) => numbered(Numbering::Uid, "UIDBATCHES", "UIDBATCHES"),
        S::UidExpunge(_) => answered(moving(Numbering::Uid, "EXPUNGE", "UID EXPUNGE")),
        S::Search(c) => numbered(c.numbering, "SEARCH", "UID SEARCH"),
        S::Sort(c) => numbered(c.search.numbering, "SORT", "UID SORT"),
        S::Thread(c) => numbered(c.search.numbering, "THREAD", "UID THREAD"),
        S::Fetch(c) => numbered(c.numbering, "FETCH", "UID FETCH"),
        S::Convert(c) => numbered(c.numbering, "CONVERT", "UID CONVERT"),
        S::Store(c) => numbered(c.numbering, "STORE", "UID STORE"),
        S::StoreAnnotations(c) => numbered(c.numbering, "STORE", "UID STORE"),
        S::Copy(c) => moving(c.numbering, "COPY", "UID COPY"),
        S::Replace(c) => answered(moving(c.numbering, "REPLACE", "UID REPLACE")),
        S::Move(c) => answered(moving(c.numbering, "MOVE", "UID MOVE")),
    }
}

/// RFC 7162 §3.1: the commands that show that a client knows CONDSTORE. SELECT is its own affair.
pub(super) fn enables_condstore(command: &Command) -> bool {
    use command::{Authenticated as A, Selected as S};
    match command {
        Command::Authenticated(A::Status { items, .. }) => {
            items.contains(&StatusItem::HighestModSeq)
        }
        Command::Selected(S::Fetch(fetch)) => {
            fetch.changed_since.is_some() || fetch.items.contains(&FetchItem::ModSeq)
        }
        Command::Selected(S::Store(store)) => store.unchanged_since.is_some(),
        Command::Selected(S::StoreAnnotations(store)) => store.unchanged_since.is_some(),
        Command::Selected(S::Search(search)) => asks_for_mod_seq(&search.key),
        Command::Authenticated(A::Esearch(esearch)) => asks_for_mod_seq(&esearch.search.key),
        Command::Selected(S::Sort(sort)) => asks_for_mod_seq(&sort.search.key),
        Command::Selected(S::Thread(thread)) => asks_for_mod_seq(&thread.search.key),
        _ => false,
    }
}

/// What a command searches for, if it does.
pub(super) fn searches(command: &mut Command) -> Option<&mut command::Search> {
    use command::Selected as S;
    match command {
        Command::Authenticated(command::Authenticated::Esearch(esearch)) => {
            Some(&mut esearch.search)
        }
        Command::Selected(S::Search(search)) => Some(search),
        Command::Selected(S::Sort(sort)) => Some(&mut sort.search),
        Command::Selected(S::Thread(thread)) => Some(&mut thread.search),
        _ => None,
    }
}

/// Whether a command has sequence numbers where its row does not say so: RFC 9586 §3.5, §3.7.
pub(super) fn has_numbers(command: &mut Command) -> bool {
    use command::Authenticated as A;
    let is_number =
        |key: &SearchKey| matches!(key, SearchKey::Sequence(set) if *set != SequenceSet::Saved);
    match command {
        Command::Authenticated(A::Select(select) | A::Examine(select)) => {
            let known = select.qresync.as_ref();
            known.is_some_and(|known| known.match_data.is_some())
        }
        command => searches(command).is_some_and(|search| has_key(&search.key, &is_number)),
    }
}

fn asks_for_mod_seq(key: &SearchKey) -> bool {
    has_key(key, &|key| matches!(key, SearchKey::ModSeq(_)))
}

/// Whether a key, or one in it, is such. The parser bounds how deep keys nest.
fn has_key(key: &SearchKey, wanted: &impl Fn(&SearchKey) -> bool) -> bool {
    wanted(key)
        || match key {
            SearchKey::And(keys) => keys.iter().any(|key| has_key(key, wanted)),
            SearchKey::Or(both) => has_key(&both.0, wanted) || has_key(&both.1, wanted),
            SearchKey::Not(key) | SearchKey::Fuzzy(key) => has_key(key, wanted),
            _ => false,
        }
}
