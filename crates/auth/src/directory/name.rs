//! Names of accounts, groups and domains: the form in which they are kept, and which can be one.

use super::Error;

/// The longest account name, in octets.
const NAME_OCTETS_MAX: usize = 254;

/// A name in the one form in which names are kept and compared.
#[must_use]
pub fn comparable(name: &str) -> String {
    match stringprep::saslprep(name) {
        Ok(prepared) => prepared.to_lowercase(),
        Err(_) => name.to_lowercase(),
    }
}

/// An identifier prepared by SASLprep (RFC 4013), as RFC 4314 §3 asks for; `None` if that forbids it.
#[must_use]
pub fn prepared(identifier: &str) -> Option<String> {
    let prepared = stringprep::saslprep(identifier).ok()?;
    Some(prepared.into_owned())
}

/// The domain of a name: `example.test` of `ann@example.test`; of `ann` the empty one, which is the site's own.
#[must_use]
pub fn domain_of(name: &str) -> &str {
    name.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// A name that an account or a group can have, as it is kept.
pub(super) fn check_name(name: &str) -> Result<String, Error> {
    let prepared = comparable(name);
    let why = broken_rule(name, &prepared).or_else(|| {
        let bad = prepared.matches('@').count() > 1
            || prepared.starts_with('@')
            || prepared.ends_with('@');
        bad.then_some("it is neither user nor user@domain")
    });
    match why {
        Some(why) => Err(Error::Name {
            name: name.to_owned(),
            why,
        }),
        None => Ok(prepared),
    }
}

/// A domain as it is kept; the empty one is the site's own.
pub(super) fn check_domain(name: &str) -> Result<String, Error> {
    let prepared = comparable(name);
    let why = if prepared.is_empty() {
        None
    } else if prepared.contains('@') {
        Some("it has an @")
    } else {
        broken_rule(name, &prepared)
    };
    match why {
        Some(why) => Err(Error::Name {
            name: name.to_owned(),
            why,
        }),
        None => Ok(prepared),
    }
}

/// The rule that a name breaks, of those that hold for all.
fn broken_rule(name: &str, prepared: &str) -> Option<&'static str> {
    if prepared.is_empty() {
        Some("it is empty")
    } else if prepared.len() > NAME_OCTETS_MAX {
        Some("it is longer than 254 octets")
    } else if stringprep::saslprep(name).is_err() {
        Some("it has characters that SASLprep forbids")
    } else if prepared
        .chars()
        .any(|c| c.is_whitespace() || c.is_control())
    {
        Some("it has a space or a control character")
    } else if prepared.contains(['/', '\\', '"', '<', '>', ',', ';', ':', '+', '*', '%']) {
        Some("it has one of / \\ \" < > , ; : + * %")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_rules() {
        for bad in [
            "",
            "a b",
            "a/b",
            "../x",
            "a@b@c",
            "@x",
            "a+b",
            "a\u{0}b",
            &"x".repeat(255),
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        for good in ["ann", "ann@example.org", "jörg", "a.b-c_d"] {
            assert_eq!(check_name(good).unwrap(), good);
        }
    }

    #[test]
    fn domains_have_rules_and_the_site_has_the_empty_one() {
        for bad in ["@x", "a@b", "a b", "a/b", &"x".repeat(255)] {
            assert!(check_domain(bad).is_err(), "{bad:?}");
        }
        for (good, kept) in [("", ""), ("Example.TEST", "example.test")] {
            assert_eq!(check_domain(good).unwrap(), kept);
        }
        for (name, domain) in [("ann", ""), ("ann@example.test", "example.test")] {
            assert_eq!(domain_of(name), domain);
        }
    }
}
