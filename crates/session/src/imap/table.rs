//! The table of commands: what the dispatcher has to know of each before it runs.

use imap::{
    Command,
    command::{self, FetchItem, Numbering, SearchKey, StatusItem},
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
}

/// The table of commands.
pub(super) fn row(command: &Command) -> Row {
    use imap::command::{Any, Authenticated as A, NotAuthenticated as N, Selected as S};
    let told = |name| Row {
        name,
        expunges: Expunges::Told,
        by_uid: false,
    };
    let numbered = |numbering, name, uid_name| match numbering {
        Numbering::Uid => Row {
            name: uid_name,
            expunges: Expunges::Told,
            by_uid: true,
        },
        Numbering::Sequence => Row {
            name,
            expunges: Expunges::Held, // RFC 9051 §7.5.1
            by_uid: false,
        },
    };
    // COPY and MOVE by sequence numbers may move them (RFC 9051 §6.4.8).
    let moving = |numbering, name, uid_name| Row {
        expunges: Expunges::Told,
        ..numbered(numbering, name, uid_name)
    };
    match command {
        Command::Any(Any::Capability) => told("CAPABILITY"),
        Command::Any(Any::Noop) => told("NOOP"),
        Command::Any(Any::Logout) => told("LOGOUT"),
        Command::Any(Any::Id(_)) => told("ID"),
        Command::NotAuthenticated(N::StartTls) => told("STARTTLS"),
        Command::NotAuthenticated(N::Authenticate { .. }) => told("AUTHENTICATE"),
        Command::NotAuthenticated(N::Login { .. }) => told("LOGIN"),
        Command::Authenticated(A::Enable(_)) => told("ENABLE"),
        Command::Authenticated(A::Select(_)) => told("SELECT"),
        Command::Authenticated(A::Examine(_)) => told("EXAMINE"),
        Command::Authenticated(A::Create { .. }) => told("CREATE"),
        Command::Authenticated(A::Delete(_)) => told("DELETE"),
        Command::Authenticated(A::Rename { .. }) => told("RENAME"),
        Command::Authenticated(A::Subscribe(_)) => told("SUBSCRIBE"),
        Command::Authenticated(A::Unsubscribe(_)) => told("UNSUBSCRIBE"),
        Command::Authenticated(A::List(_)) => told("LIST"),
        Command::Authenticated(A::Lsub { .. }) => told("LSUB"),
        Command::Authenticated(A::Namespace) => told("NAMESPACE"),
        Command::Authenticated(A::Status { .. }) => told("STATUS"),
        Command::Authenticated(A::Append(_)) => told("APPEND"),
        Command::Authenticated(A::Idle) => told("IDLE"),
        Command::Selected(S::Check) => told("CHECK"),
        Command::Selected(S::Close) => told("CLOSE"),
        Command::Selected(S::Unselect) => told("UNSELECT"),
        Command::Selected(S::Expunge) => told("EXPUNGE"),
        Command::Selected(S::UidExpunge(_)) => moving(Numbering::Uid, "EXPUNGE", "UID EXPUNGE"),
        Command::Selected(S::Search(c)) => numbered(c.numbering, "SEARCH", "UID SEARCH"),
        Command::Selected(S::Fetch(c)) => numbered(c.numbering, "FETCH", "UID FETCH"),
        Command::Selected(S::Store(c)) => numbered(c.numbering, "STORE", "UID STORE"),
        Command::Selected(S::Copy(c)) => moving(c.numbering, "COPY", "UID COPY"),
        Command::Selected(S::Move(c)) => moving(c.numbering, "MOVE", "UID MOVE"),
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
        Command::Selected(S::Search(search)) => asks_for_mod_seq(&search.key),
        _ => false,
    }
}

/// The parser bounds how deep keys nest.
fn asks_for_mod_seq(key: &SearchKey) -> bool {
    match key {
        SearchKey::ModSeq(_) => true,
        SearchKey::And(keys) => keys.iter().any(asks_for_mod_seq),
        SearchKey::Or(both) => asks_for_mod_seq(&both.0) || asks_for_mod_seq(&both.1),
        SearchKey::Not(key) => asks_for_mod_seq(key),
        _ => false,
    }
}
