//! What this server can do, as CAPABILITY says it: RFC 9051 §6.1.1.
//!
//! One table. The list differs with the state: before login only what a client needs in
//! order to log in, after it everything. What is suppressed is left out ([`super::suppress`]).

use std::fmt::Write as _;

use auth::Mechanism;

use super::{settings::Settings, state::Enabled, suppress::Hidden};

/// A capability: its row in the table.
#[derive(Debug)]
pub struct Row {
    /// Its name, without a value.
    pub name: &'static str,
    /// Where it is specified.
    pub rfc: &'static str,
    since: Since,
    /// Those that it makes no sense without: they take it along when they are suppressed.
    needs: &'static [&'static str],
    /// What ENABLE of it does, if ENABLE may be told to.
    pub(crate) enables: Option<fn(&mut Enabled)>,
    said: Said,
}

/// When a client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    /// From the greeting on.
    Greeting,
    /// Once logged in. Many are part of IMAP4rev2, and named for clients that know only IMAP4rev1
    /// with the extension.
    Login,
}

/// How it is said.
#[derive(Debug)]
enum Said {
    /// As its name.
    Always,
    /// As its name, if that holds.
    If(fn(&Facts<'_>) -> bool),
    /// With a value after `=`; not at all if there is none.
    With(fn(&Facts<'_>) -> Option<u64>),
}

/// What the list depends on besides the state.
pub(crate) struct Facts<'a> {
    /// What is set.
    pub(crate) settings: &'a Settings,
    /// What is suppressed.
    pub(crate) hidden: Hidden<'a>,
    /// The largest message, in octets.
    pub(crate) message_bytes_max: u64,
    /// The same mail is to be had over JMAP.
    pub(crate) jmap: bool,
}

const fn row(since: Since, name: &'static str, rfc: &'static str) -> Row {
    Row {
        name,
        rfc,
        since,
        needs: &[],
        enables: None,
        said: Said::Always,
    }
}

const fn greeting(name: &'static str, rfc: &'static str) -> Row {
    row(Since::Greeting, name, rfc)
}

const fn login(name: &'static str, rfc: &'static str) -> Row {
    row(Since::Login, name, rfc)
}

impl Row {
    const fn needs(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }

    const fn enables(self, enable: fn(&mut Enabled)) -> Self {
        Self {
            enables: Some(enable),
            ..self
        }
    }

    const fn when(self, holds: fn(&Facts<'_>) -> bool) -> Self {
        Self {
            said: Said::If(holds),
            ..self
        }
    }

    const fn with(self, value: fn(&Facts<'_>) -> Option<u64>) -> Self {
        Self {
            said: Said::With(value),
            ..self
        }
    }
}

/// Every capability, in the order in which they are said.
pub const CAPABILITIES: &[Row] = &[
    greeting("IMAP4rev1", "RFC 3501"),
    greeting("IMAP4rev2", "RFC 9051")
        .needs(&["ENABLE"])
        .enables(|enabled| enabled.rev2 = true),
    greeting("SASL-IR", "RFC 4959"),
    greeting("LITERAL+", "RFC 7888").when(|facts| !facts.settings.literal_minus),
    greeting("LITERAL-", "RFC 7888 §5").when(|facts| facts.settings.literal_minus),
    greeting("ENABLE", "RFC 5161"),
    greeting("ID", "RFC 2971"),
    greeting("IDLE", "RFC 2177"),
    greeting("LANGUAGE", "RFC 5255 §3"),
    greeting("LOGIN-REFERRALS", "RFC 2221"),
    login("NAMESPACE", "RFC 2342"),
    login("CHILDREN", "RFC 3348"),
    login("MULTIAPPEND", "RFC 3502"),
    login("BINARY", "RFC 3516"),
    login("CATENATE", "RFC 4469"),
    login("UNSELECT", "RFC 3691"),
    login("UIDPLUS", "RFC 4315"),
    login("ESEARCH", "RFC 4731"),
    login("SEARCHRES", "RFC 5182").needs(&["ESEARCH"]),
    login("WITHIN", "RFC 5032"),
    login("ACL", "RFC 4314"),
    login("RIGHTS=kxten", "RFC 4314 §2.2").needs(&["ACL"]),
    login("I18NLEVEL=1", "RFC 5255 §4.3"),
    login("I18NLEVEL=2", "RFC 5255 §4.4").needs(&["I18NLEVEL=1"]),
    login("SORT", "RFC 5256"),
    login("ESORT", "RFC 5267 §3").needs(&["SORT", "ESEARCH"]),
    login("SEARCH=FUZZY", "RFC 6203"),
    login("SORT=DISPLAY", "RFC 5957").needs(&["SORT"]),
    login("THREAD=ORDEREDSUBJECT", "RFC 5256"),
    login("THREAD=REFERENCES", "RFC 5256"),
    login("THREAD=REFS", "as the drafts for it have it"),
    login("LIST-EXTENDED", "RFC 5258"),
    login("MAILBOX-REFERRALS", "RFC 2193"),
    login("LIST-STATUS", "RFC 5819").needs(&["LIST-EXTENDED"]),
    login("LIST-MYRIGHTS", "RFC 8440").needs(&["LIST-EXTENDED", "ACL"]),
    login("NOTIFY", "RFC 5465"),
    login("INPROGRESS", "RFC 9585"),
    login("SPECIAL-USE", "RFC 6154 §2"),
    login("XLIST", "as Gmail had it, before RFC 6154"),
    login("CREATE-SPECIAL-USE", "RFC 6154 §3").needs(&["SPECIAL-USE"]),
    login("MOVE", "RFC 6851"),
    login("CONDSTORE", "RFC 7162 §3.1").enables(|enabled| enabled.condstore = true),
    login("QRESYNC", "RFC 7162 §3.2")
        .needs(&["CONDSTORE", "ENABLE"])
        .enables(|enabled| {
            enabled.condstore = true;
            enabled.qresync = true;
        }),
    login("STATUS=SIZE", "RFC 8438"),
    login("OBJECTID", "RFC 8474"),
    login("PARTIAL", "RFC 9394").needs(&["ESEARCH"]),
    login("SAVEDATE", "RFC 8514"),
    login("REPLACE", "RFC 8508"),
    login("SCAN", "as UW imapd has it"),
    login("QUOTA", "RFC 9208"),
    login("QUOTA=RES-STORAGE", "RFC 9208 §5.1").needs(&["QUOTA"]),
    login("QUOTA=RES-MESSAGE", "RFC 9208 §5.2").needs(&["QUOTA"]),
    login("QUOTA=RES-MAILBOX", "RFC 9208 §5.3").needs(&["QUOTA"]),
    login("QUOTA=RES-ANNOTATION-STORAGE", "RFC 9208 §5.4").needs(&["QUOTA"]),
    login("QUOTASET", "RFC 9208 §4.1.3").needs(&["QUOTA"]),
    login("METADATA", "RFC 5464").enables(|enabled| enabled.metadata = true),
    login("METADATA-SERVER", "RFC 5464").enables(|enabled| enabled.metadata = true),
    login("ANNOTATE-EXPERIMENT-1", "RFC 5257"),
    login("PREVIEW", "RFC 8970"),
    login("CONVERT", "RFC 5259").needs(&["BINARY"]),
    login("JMAPACCESS", "RFC 9698").when(|facts| facts.jmap),
    login("FILTERS", "RFC 5466").needs(&["METADATA-SERVER"]),
    login("LIST-METADATA", "RFC 9590").needs(&["METADATA", "LIST-EXTENDED"]),
    login("UIDBATCHES", "RFC 10022"),
    login("UIDONLY", "RFC 9586")
        .needs(&["ENABLE"])
        .enables(|enabled| enabled.uid_only = true),
    login("COMPRESS=DEFLATE", "RFC 4978"),
    login("UNAUTHENTICATE", "RFC 8437"),
    login("URLAUTH", "RFC 4467"),
    login("URLAUTH=BINARY", "RFC 5524").needs(&["URLAUTH"]),
    login("URL-PARTIAL", "RFC 5550 §5.7.1"),
    login("UTF8=ACCEPT", "RFC 6855")
        .needs(&["ENABLE"])
        .enables(|enabled| enabled.utf8 = true)
        .when(|facts| !facts.settings.utf8_only),
    login("UTF8=ONLY", "RFC 6855 §6").when(|facts| facts.settings.utf8_only),
    login("MULTISEARCH", "RFC 7377").needs(&["ESEARCH"]),
    login("CONTEXT=SEARCH", "RFC 5267 §4").needs(&["ESEARCH"]),
    login("CONTEXT=SORT", "RFC 5267 §4").needs(&["SORT", "ESORT"]),
    login("MESSAGELIMIT", "RFC 9738").with(|facts| facts.settings.message_limit.map(Into::into)),
    login("SAVELIMIT", "RFC 9738").with(|facts| facts.settings.save_limit.map(Into::into)),
    login("APPENDLIMIT", "RFC 7889").with(|facts| Some(facts.message_bytes_max)),
];

/// Said before login, and not by the table: that depends on the connection.
const CONNECTIONS: &[&str] = &["STARTTLS", "AUTH", "LOGINDISABLED"];

/// Whether there is a capability, or a family of them, of that name.
pub(super) fn is_known(name: &str) -> bool {
    let family = |other: &str| other.split('=').next().unwrap_or_default().len();
    let known = |known: &str| {
        let family = known.get(..family(known)).unwrap_or_default();
        name.eq_ignore_ascii_case(known) || name.eq_ignore_ascii_case(family)
    };
    let mechanism = name.get(..5).filter(|start| name.len() > start.len());
    CAPABILITIES.iter().any(|row| known(row.name))
        || CONNECTIONS.iter().copied().any(known)
        || mechanism.is_some_and(|start| start.eq_ignore_ascii_case("AUTH="))
}

/// Those without which a capability makes no sense.
pub(super) fn needs(name: &str) -> &'static [&'static str] {
    let row = CAPABILITIES.iter().find(|row| row.name == name);
    row.map_or(&[], |row| row.needs)
}

/// Who hears the list before login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Everybody, in the greeting: what is good for logging in.
    Greeted,
    /// Who asks for it: all that there will be, as Cyrus tells it. `cyradm` asks at no other time.
    Asking,
}

/// The list before login.
pub(crate) fn before_login(
    facts: &Facts<'_>,
    heard: Heard,
    start_tls: bool,
    mechanisms: &[Mechanism],
) -> String {
    let mut list = list(facts, |since| {
        since == Since::Greeting || heard == Heard::Asking
    });
    if start_tls && !facts.hidden.hides("STARTTLS") {
        list.push_str(" STARTTLS"); // RFC 9051 §6.2.1
    }
    for mechanism in mechanisms {
        let word = format!("AUTH={}", mechanism.name()); // RFC 9051 §6.2.2
        if !facts.hidden.hides(&word) {
            list.push(' ');
            list.push_str(&word);
        }
    }
    if !mechanisms.contains(&Mechanism::Plain) {
        list.push_str(" LOGINDISABLED"); // RFC 9051 §6.2.3
    }
    list
}

/// The list after login.
pub(crate) fn after_login(facts: &Facts<'_>) -> String {
    list(facts, |_| true)
}

/// Octets that the list usually has.
const LIST_OCTETS: usize = 1024;

fn list(facts: &Facts<'_>, wanted: impl Fn(Since) -> bool) -> String {
    let mut list = String::with_capacity(LIST_OCTETS);
    for row in CAPABILITIES.iter().filter(|row| wanted(row.since)) {
        let value = match row.said {
            Said::Always => Some(None),
            Said::If(holds) => holds(facts).then_some(None),
            Said::With(value) => value(facts).map(Some),
        };
        let Some(value) = value else { continue };
        if facts.hidden.hides(row.name) {
            continue;
        }
        if !list.is_empty() {
            list.push(' ');
        }
        list.push_str(row.name);
        if let Some(value) = value {
            // Writing to a String can't fail.
            let _ = write!(list, "={value}");
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imap::suppress::Suppressed;

    /// The list with these settings, and these names suppressed.
    fn listed(
        settings: &Settings,
        suppressed: &[&str],
        list: impl Fn(&Facts<'_>) -> String,
    ) -> String {
        let (none, client) = (Suppressed::default(), Suppressed::new(suppressed));
        list(&Facts {
            settings,
            hidden: Hidden {
                by: [&none, &client, &none],
            },
            message_bytes_max: 1,
            jmap: false,
        })
    }

    #[test]
    fn login_is_disabled_where_plain_is() {
        let settings = Settings::default();
        let secured = listed(&settings, &[], |facts| {
            before_login(
                facts,
                Heard::Greeted,
                false,
                &[Mechanism::ScramSha256, Mechanism::Plain],
            )
        });
        assert!(
            secured.ends_with("AUTH=SCRAM-SHA-256 AUTH=PLAIN"),
            "{secured}"
        );
        let open = listed(&settings, &[], |facts| {
            before_login(facts, Heard::Greeted, true, &[])
        });
        assert!(open.ends_with("STARTTLS LOGINDISABLED"), "{open}");
    }

    #[test]
    fn no_word_is_said_twice() {
        let list = listed(&Settings::default(), &[], after_login);
        let mut words: Vec<_> = list.split(' ').collect();
        words.sort_unstable();
        let all = words.len();
        words.dedup();
        assert_eq!(words.len(), all);
    }

    #[test]
    fn what_a_capability_needs_is_there() {
        for row in CAPABILITIES {
            for name in row.needs {
                let found = CAPABILITIES.iter().find(|row| row.name == *name);
                assert!(found.is_some(), "{} needs {name}", row.name);
            }
        }
    }

    #[test]
    fn suppressed_words_are_not_said() {
        let minus = Settings {
            literal_minus: true,
            ..Settings::default()
        };
        for (settings, suppressed, said, unsaid) in [
            (Settings::default(), &[][..], "LITERAL+", "LITERAL-"),
            (minus.clone(), &[], "LITERAL-", "LITERAL+"),
            (minus, &["literal-"], "ENABLE", "LITERAL-"),
            (Settings::default(), &["CONDSTORE"], "ENABLE", "QRESYNC"),
            (
                Settings::default(),
                &["APPENDLIMIT"],
                "MOVE",
                "APPENDLIMIT=1",
            ),
            (Settings::default(), &["STATUS"], "MOVE", "STATUS=SIZE"),
        ] {
            let list = listed(&settings, suppressed, after_login);
            let mut words = list.split(' ');
            assert!(words.clone().any(|word| word == said), "{said}: {list}");
            assert!(words.all(|word| word != unsaid), "{unsaid}: {list}");
        }
    }

    #[test]
    fn known_names() {
        for (name, known) in [
            ("idle", true),
            ("STATUS", true),
            ("STATUS=SIZE", true),
            ("AUTH", true),
            ("AUTH=PLAIN", true),
            ("STARTTLS", true),
            ("STATUS=", false),
            ("NOSUCH", false),
            ("", false),
        ] {
            assert_eq!(is_known(name), known, "{name}");
        }
    }
}
