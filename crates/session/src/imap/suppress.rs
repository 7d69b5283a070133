//! Capabilities that are not to be announced: to nobody, to one account, or to clients that
//! say in ID who they are. A client that makes a mess of an extension can so be helped without
//! taking it from the others.
//!
//! What is suppressed is not in CAPABILITY, and ENABLE passes it over. Its commands are
//! understood as ever: a client that does not ask first is not punished. But what a capability forbids
//! holds only where it is told of: see UNAUTHENTICATE, MESSAGELIMIT, APPEND with UTF-8.

use std::sync::Arc;

use super::{capability, settings::Settings};

/// Names of capabilities that are not announced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suppressed(Arc<[String]>);

impl Suppressed {
    /// These. A name without `=` stands for all that begin with it and `=`: `SORT` also means
    /// `SORT=DISPLAY`, `AUTH` every mechanism.
    pub fn new<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Self {
        let names = names.into_iter();
        Self(names.map(|name| name.as_ref().to_owned()).collect())
    }

    /// Whether that capability is among them.
    fn names(&self, capability: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let family = capability.split('=').next().unwrap_or_default();
        self.0
            .iter()
            .any(|name| name.eq_ignore_ascii_case(capability) || name.eq_ignore_ascii_case(family))
    }
}

/// Whether a capability can be suppressed.
///
/// # Errors
/// Says why not.
pub fn check(name: &str) -> Result<(), &'static str> {
    if ["IMAP4rev1", "LOGINDISABLED"]
        .iter()
        .any(|fixed| name.eq_ignore_ascii_case(fixed))
    {
        return Err("clients go wrong without it");
    }
    if capability::is_known(name) {
        Ok(())
    } else {
        Err("there is no such capability here")
    }
}

/// Capabilities that clients of a kind are not told of, once ID (RFC 2971) has said that they
/// are of that kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForClients {
    name: String,
    version: Option<String>,
    suppressed: Suppressed,
}

impl ForClients {
    /// Reads `NAME: CAPABILITY …` or `NAME/VERSION: CAPABILITY …`. In name and version, `*`
    /// stands for anything; letters may be of either case.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let (client, names) = text
            .rsplit_once(':')
            .ok_or("it wants \"NAME: CAPABILITY\" or \"NAME/VERSION: CAPABILITY\"")?;
        let (name, version) = match client.split_once('/') {
            Some((name, version)) => (name, Some(version.trim().to_owned())),
            None => (client, None),
        };
        let name = name.trim().to_owned();
        if name.is_empty() {
            return Err("the client's name is missing".to_owned());
        }
        let names: Vec<&str> = names.split_ascii_whitespace().collect();
        if names.is_empty() {
            return Err("it names no capability".to_owned());
        }
        for name in &names {
            check(name).map_err(|why| format!("{name}: {why}"))?;
        }
        Ok(Self {
            name,
            version,
            suppressed: Suppressed::new(names),
        })
    }

    fn means(&self, name: &str, version: &str) -> bool {
        let version_fits = |pattern: &String| fits(pattern, version);
        fits(&self.name, name) && self.version.as_ref().is_none_or(version_fits)
    }
}

/// What a client that has said so in ID is not told of; `None` if it has not said its name.
pub(crate) fn for_client(
    settings: &Settings,
    fields: &[(Vec<u8>, Option<Vec<u8>>)],
) -> Option<Suppressed> {
    let value = |wanted: &str| {
        let named = |(field, _): &&(Vec<u8>, _)| field.eq_ignore_ascii_case(wanted.as_bytes());
        let (_, value) = fields.iter().find(named)?;
        Some(String::from_utf8_lossy(value.as_deref()?).into_owned())
    };
    let name = value("name")?;
    let version = value("version").unwrap_or_default();
    let rules = settings.suppressed_for.iter();
    let meant = rules.filter(|rule| rule.means(&name, &version));
    let names = meant.flat_map(|rule| rule.suppressed.0.iter());
    Some(Suppressed::new(names))
}

/// Whether a text fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    // The earliest place leaves the most to those that follow.
    for piece in middle.split('*') {
        match text.split_once(piece) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    text.ends_with(last)
}

/// What is suppressed in a session, by whomever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hidden<'a> {
    /// For everybody, for the client, for the account.
    pub(crate) by: [&'a Suppressed; 3],
}

impl Hidden<'_> {
    /// Whether a capability is not to be announced: it is suppressed, or one is that it makes no
    /// sense without.
    pub(crate) fn hides(&self, capability: &str) -> bool {
        self.by.iter().any(|by| by.names(capability))
            || capability::needs(capability)
                .iter()
                .any(|other| self.hides(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, expected) in [
            ("Thunderbird", "thunderbird", true),
            ("Thunderbird", "Thunderbird 2", false),
            ("*", "", true),
            ("iPhone*", "iPhone Mail", true),
            ("*mail", "iPhone Mail", true),
            ("i*e m*l", "iPhone Mail", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a**c", "ac", true),
            ("a*b*c", "a-c", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_hidden_takes_along_what_needs_it() {
        let nothing = Suppressed::default();
        for (suppressed, hidden, shown) in [
            ("CONDSTORE", &["CONDSTORE", "QRESYNC"][..], &["ENABLE"][..]),
            ("qresync", &["QRESYNC"], &["CONDSTORE"]),
            ("ENABLE", &["QRESYNC", "IMAP4rev2"], &["IMAP4rev1"]),
            ("AUTH", &["AUTH=PLAIN"], &["STARTTLS"]),
            ("AUTH=PLAIN", &["AUTH=PLAIN"], &["AUTH=SCRAM-SHA-256"]),
        ] {
            let account = Suppressed::new([suppressed]);
            let by = Hidden {
                by: [&nothing, &nothing, &account],
            };
            for name in hidden {
                assert!(by.hides(name), "{suppressed} {name}");
            }
            for name in shown {
                assert!(!by.hides(name), "{suppressed} {name}");
            }
        }
    }

    #[test]
    fn rules_for_clients_are_read_and_hold() {
        for (text, why) in [
            ("Thunderbird", "it wants"),
            (": IDLE", "name is missing"),
            ("x:", "no capability"),
            ("x: IMAP4rev1", "go wrong"),
            ("x: NOSUCH", "no such"),
        ] {
            let error = ForClients::read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        let settings = Settings {
            suppressed_for: vec![
                ForClients::read("iPhone Mail/20*: QRESYNC IDLE").unwrap(),
                ForClients::read("iPhone*: MOVE").unwrap(),
            ],
            ..Settings::default()
        };
        let field = |name: &str, value: &str| (name.into(), Some(value.into()));
        for (fields, expected) in [
            (vec![], None),
            (vec![field("os", "iOS")], None),
            (vec![field("NAME", "Mutt")], Some(&[][..])),
            (vec![field("name", "iPhone Mail")], Some(&["MOVE"])),
            (
                vec![field("Name", "iphone mail"), field("version", "20G75")],
                Some(&["QRESYNC", "IDLE", "MOVE"]),
            ),
        ] {
            let found = for_client(&settings, &fields);
            assert_eq!(found, expected.map(Suppressed::new), "{fields:?}");
        }
    }
}
