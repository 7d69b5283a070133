//! Searches that users keep by name: FILTER, RFC 5466.
//!
//! A filter is an entry of the server's metadata. What it says takes the place of the key that names it, before
//! anything else looks at the search; so it works wherever keys do.

use imap::{
    command::{self, SearchKey},
    response::Code,
};
use store::{Metadata, metadata::Entry};

use crate::imap::{refusal::Refusal, wording::Text};

/// Where filters are, the ones that count first: RFC 5466 §3.2.
const VALUES: [&str; 2] = ["/private/filters/values/", "/shared/filters/values/"];
/// Where they are described.
const DESCRIPTIONS: [&str; 2] = [
    "/private/filters/descriptions/",
    "/shared/filters/descriptions/",
];

/// How deep filters may name others: RFC 5466 §3.1 wants 3 at least.
const PASSES_MAX: usize = 10;

/// The most filters that one search may come to, and the octets of them: each is read anew wherever it is named.
const INSERTED_MAX: usize = 100;
const OCTETS_MAX: usize = 256 << 10;

/// How deep keys may be nested, filters in it and all: as deep as in one command.
const DEPTH_MAX: usize = 100;

/// Puts the filters that a search names into it.
///
/// # Errors
/// NO \[UNDEFINED-FILTER] for one that does not exist, can't be understood, or leads to itself; BAD \[BADCHARSET]
/// for a charset that is not that of filters; NO \[LIMIT] for too much of it.
pub(crate) fn insert(search: &mut command::Search, metadata: &Metadata) -> Result<(), Refusal> {
    if !names_any(&search.key) {
        return Ok(());
    }
    let of_filters = |charset: &[u8]| {
        charset.eq_ignore_ascii_case(b"UTF-8") || charset.eq_ignore_ascii_case(b"US-ASCII")
    };
    if !search.charset.as_deref().is_none_or(of_filters) {
        let code = Code::BadCharset(vec!["UTF-8", "US-ASCII"]);
        let text = "With FILTER the charset is UTF-8";
        return Err(Refusal::Bad(Some(code), text.into()));
    }
    // Without any it is UTF-8 anyhow, and there must be none after ENABLE UTF8=ACCEPT (RFC 6855 §3).
    if let Some(charset) = &mut search.charset {
        *charset = b"UTF-8".to_vec();
    }
    let mut inserter = Inserter {
        metadata,
        within: Vec::new(),
        inserted: 0,
        octets: 0,
    };
    inserter.key(&mut search.key, 0)
}

/// Checks what is to become of an entry of the server, if that is one of a filter's.
///
/// # Errors
/// NO \[CANNOT] for a name that no filter has, or what can't be searched for.
pub(crate) fn check(entry: &Entry) -> Result<(), Refusal> {
    let name = entry.name.to_ascii_lowercase();
    let of = |roots: [&str; 2]| {
        let found = roots.iter().find_map(|root| name.strip_prefix(root));
        found.map(str::to_owned)
    };
    let wrong = |text: Text| Err(Refusal::no(Code::Cannot, text));
    let (filter, is_value) = match (of(VALUES), of(DESCRIPTIONS)) {
        (Some(filter), _) => (filter, true),
        (None, Some(filter)) => (filter, false),
        (None, None) => return Ok(()),
    };
    if !imap::parse::is_filter_name(filter.as_bytes()) {
        return wrong("That is no name for a filter".into());
    }
    let Some(value) = &entry.value else {
        return Ok(());
    };
    if std::str::from_utf8(value).is_err() {
        return wrong("What a filter says is in UTF-8".into());
    }
    match imap::parse::filter(value) {
        Err(error) if is_value => wrong((&error).into()),
        _ => Ok(()),
    }
}

/// Whether a key names a filter. The parser bounds how deep keys nest.
fn names_any(key: &SearchKey) -> bool {
    match key {
        SearchKey::Filter(_) => true,
        SearchKey::And(keys) => keys.iter().any(names_any),
        SearchKey::Or(both) => names_any(&both.0) || names_any(&both.1),
        SearchKey::Not(key) | SearchKey::Fuzzy(key) => names_any(key),
        _ => false,
    }
}

/// How deep a key's own keys are nested.
fn depth(key: &SearchKey) -> usize {
    match key {
        SearchKey::And(keys) => 1 + keys.iter().map(depth).max().unwrap_or(0),
        SearchKey::Or(both) => 1 + depth(&both.0).max(depth(&both.1)),
        SearchKey::Not(key) | SearchKey::Fuzzy(key) => 1 + depth(key),
        _ => 0,
    }
}

/// Filters being put into a search.
struct Inserter<'a> {
    metadata: &'a Metadata,
    /// The names of those that it is within, in lower case.
    within: Vec<String>,
    inserted: usize,
    octets: usize,
}

impl Inserter<'_> {
    fn key(&mut self, key: &mut SearchKey, at: usize) -> Result<(), Refusal> {
        match key {
            SearchKey::And(keys) => keys.iter_mut().try_for_each(|key| self.key(key, at + 1)),
            SearchKey::Or(both) => {
                self.key(&mut both.0, at + 1)?;
                self.key(&mut both.1, at + 1)
            }
            SearchKey::Not(key) | SearchKey::Fuzzy(key) => self.key(key, at + 1),
            SearchKey::Filter(name) => {
                let name = std::mem::take(name);
                *key = self.filter(name, at)?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What a filter says, all that it names put into it.
    fn filter(&mut self, name: String, at: usize) -> Result<SearchKey, Refusal> {
        let lower = name.to_ascii_lowercase();
        if self.within.len() >= PASSES_MAX || self.within.contains(&lower) {
            return Err(undefined(name));
        }
        let value = VALUES.iter().find_map(|root| {
            let entry = format!("{root}{lower}");
            self.metadata.get(None, &entry)
        });
        let Some(value) = value else {
            return Err(undefined(name));
        };
        // What was stored by an older program, or by way of a backup, may be anything.
        let Ok(mut key) = imap::parse::filter(value) else {
            return Err(undefined(name));
        };
        self.inserted += 1;
        self.octets += value.len();
        let deep = at + depth(&key);
        if self.inserted > INSERTED_MAX || self.octets > OCTETS_MAX || deep > DEPTH_MAX {
            return Err(Refusal::no(Code::Limit, "Too much to filter by"));
        }
        self.within.push(lower);
        self.key(&mut key, at)?;
        self.within.pop();
        Ok(key)
    }
}

/// There is no such filter, or none that can be used.
pub(super) fn undefined(name: String) -> Refusal {
    Refusal::no(Code::UndefinedFilter(name), "There is no such filter")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn metadata(filters: &[(&str, &str)]) -> Metadata {
        let mut metadata = Metadata::default();
        for (name, value) in filters {
            let name = Arc::from(format!("/private/filters/values/{name}"));
            metadata.set(None, &name, Some(&Arc::from(value.as_bytes())));
        }
        metadata
    }

    fn search(keys: &str) -> command::Search {
        command::Search {
            key: imap::parse::filter(keys.as_bytes()).unwrap(),
            update: Vec::new(),
            charset: None,
            returns: None,
            numbering: command::Numbering::Uid,
        }
    }

    /// The key that a search comes to, or the code that it is refused with.
    fn inserted(keys: &str, filters: &[(&str, &str)]) -> Result<SearchKey, Code> {
        let mut search = search(keys);
        match insert(&mut search, &metadata(filters)) {
            Ok(()) => Ok(search.key),
            Err(Refusal::No(Some(code), _) | Refusal::Bad(Some(code), _)) => Err(code),
            Err(refusal) => panic!("{refusal:?}"),
        }
    }

    #[test]
    fn what_a_filter_says_takes_its_place() {
        let filters = [
            ("on-the-road", "OR SMALLER 5000 FROM \"boss@example.com\""),
            ("both", "FILTER on-the-road SEEN"),
            ("Deep", "NOT FILTER both"),
        ];
        let boss = "OR SMALLER 5000 FROM boss@example.com";
        for (keys, expected) in [
            ("SEEN", "SEEN".to_owned()),
            ("1:4 FILTER on-the-road ALL", format!("1:4 {boss} ALL")),
            ("NOT FILTER ON-THE-ROAD", format!("NOT {boss}")),
            ("FUZZY FILTER on-the-road", format!("FUZZY ({boss})")),
            (
                "OR FILTER both FILTER deep",
                format!("OR ({boss} SEEN) NOT ({boss} SEEN)"),
            ),
        ] {
            assert_eq!(
                inserted(keys, &filters),
                Ok(search(&expected).key),
                "{keys}"
            );
        }
    }

    #[test]
    fn what_leads_nowhere_or_to_itself_is_undefined() {
        let chain: Vec<(String, String)> = (0..20)
            .map(|n| (format!("c{n}"), format!("FILTER c{}", n + 1)))
            .chain([("c20".to_owned(), "SEEN".to_owned())])
            .collect();
        let mut filters: Vec<(&str, &str)> = vec![
            ("loop", "SEEN FILTER pool"),
            ("pool", "FILTER LOOP"),
            ("broken", "OR SMALLER"),
            ("empty", ""),
            ("dangling", "FILTER none"),
        ];
        filters.extend(chain.iter().map(|(a, b)| (a.as_str(), b.as_str())));
        let undefined = |name: &str| Err(Code::UndefinedFilter(name.to_owned()));
        for (keys, expected) in [
            ("FILTER None", undefined("None")),
            ("FILTER dangling", undefined("none")),
            ("FILTER loop", undefined("LOOP")),
            ("FILTER broken", undefined("broken")),
            ("FILTER empty", undefined("empty")),
            ("FILTER c0", undefined("c10")),
            ("FILTER c11", Ok(search("SEEN").key)),
        ] {
            assert_eq!(inserted(keys, &filters), expected, "{keys}");
        }
    }

    #[test]
    fn no_filter_makes_a_search_without_end() {
        let many = "FILTER b ".repeat(60);
        let deep = "NOT ".repeat(60) + "FILTER deeper";
        let filters = [
            ("a", many.trim_end()),
            ("b", "FILTER c FILTER c"),
            ("c", "SEEN"),
            ("deep", &deep),
            ("deeper", &("NOT ".repeat(60) + "SEEN")),
        ];
        assert_eq!(inserted("FILTER a", &filters), Err(Code::Limit));
        assert_eq!(inserted("FILTER deep", &filters), Err(Code::Limit));
        assert!(inserted("FILTER deeper", &filters).is_ok());
    }

    #[test]
    fn only_what_can_be_searched_for_is_kept() {
        let entry = |name: &str, value: Option<&[u8]>| Entry {
            name: name.into(),
            value: value.map(Into::into),
        };
        for (name, value, fits) in [
            (
                "/private/filters/values/a",
                Some(&b"SEEN FILTER b"[..]),
                true,
            ),
            ("/SHARED/Filters/Values/a", Some(b"SUBJECT \xc3\xa9"), false),
            (
                "/shared/filters/values/a",
                Some(b"SUBJECT \"\xc3\xa9\""),
                true,
            ),
            (
                "/private/filters/values/a",
                Some(b"SUBJECT \"\xe9\""),
                false,
            ),
            ("/private/filters/values/a", Some(b"OR SMALLER"), false),
            ("/private/filters/values/a", Some(b""), false),
            ("/private/filters/values/a/b", Some(b"SEEN"), false),
            ("/private/filters/values/a b", Some(b"SEEN"), false),
            ("/private/filters/values/a", None, true),
            ("/private/filters/descriptions/a", Some(b"OR SMALLER"), true),
            ("/private/filters/descriptions/a", Some(b"\xff"), false),
            ("/private/comment", Some(b"\xff"), true),
        ] {
            assert_eq!(check(&entry(name, value)).is_ok(), fits, "{name} {value:?}");
        }
    }
}
