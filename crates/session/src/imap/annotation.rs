//! Annotations of messages, as one user reads them: RFC 5257 §3.3, §4.3, §4.4.

use std::sync::Arc;

use imap::{
    command::{AnnotationAttribute, AnnotationScope, AnnotationSpec},
    encode::Attribute,
    name::list_matches,
};
use store::{Annotation, Whose};

/// The annotations of a message, for one reader.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Annotated<'a> {
    them: &'a [Annotation],
    reader: Whose,
}

/// What FETCH tells of a message: entries, each with attributes.
pub(crate) type Entries<'a> = Vec<(&'a str, Vec<Attribute<'a>>)>;

impl<'a> Annotated<'a> {
    /// All of a message, of which this reader sees their own and what is shared.
    pub(crate) fn new(them: &'a [Annotation], reader: Whose) -> Self {
        Self { them, reader }
    }

    /// Those that the reader sees.
    fn seen(self) -> impl Iterator<Item = &'a Annotation> {
        let seen = move |it: &&Annotation| it.whose == Whose::Shared || it.whose == self.reader;
        self.them.iter().filter(seen)
    }

    fn has(self, annotation: &Annotation, scope: AnnotationScope) -> bool {
        annotation.whose == whose(scope, self.reader)
    }

    /// A value.
    pub(crate) fn value(self, entry: &str, scope: AnnotationScope) -> Option<&'a [u8]> {
        let found = self
            .seen()
            .find(|it| &*it.entry == entry && self.has(it, scope));
        found.map(|it| &*it.value)
    }

    /// Whether a value is such, of an entry that matches and in this scope (`None`: in either).
    pub(crate) fn any(
        self,
        pattern: &str,
        scope: Option<AnnotationScope>,
        is_such: impl Fn(&[u8]) -> bool,
    ) -> bool {
        self.seen()
            .filter(|it| scope.is_none_or(|scope| self.has(it, scope)))
            .any(|it| is_such(&it.value) && matches(pattern, &it.entry))
    }

    /// What is asked for: of entries by name whether they are there or not, of those that match a pattern if they
    /// have such a value.
    pub(crate) fn told(self, spec: &'a AnnotationSpec) -> Entries<'a> {
        let mut names: Vec<&'a str> = Vec::new();
        let asked = |it: &&Annotation| {
            let scopes = spec.attributes.iter().map(|(_, scope)| *scope);
            scopes
                .into_iter()
                .any(|scope| scope.is_none_or(|scope| self.has(it, scope)))
        };
        for pattern in &spec.entries {
            if is_pattern(pattern) {
                let found = self.seen().filter(asked).map(|it| &*it.entry);
                for name in found.filter(|name| matches(pattern, name)) {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
            } else if !names.contains(&&**pattern) {
                names.push(pattern);
            }
        }
        let entry = |name| (name, self.attributes(name, &spec.attributes));
        names.into_iter().map(entry).collect()
    }

    fn attributes(
        self,
        entry: &str,
        asked: &[(AnnotationAttribute, Option<AnnotationScope>)],
    ) -> Vec<Attribute<'a>> {
        let mut told: Vec<Attribute<'a>> = Vec::new();
        for (attribute, scope) in asked {
            for of in AnnotationScope::EVERY {
                let wanted = scope.is_none_or(|scope| scope == of);
                if wanted && !told.iter().any(|it| (it.0, it.1) == (*attribute, of)) {
                    told.push((*attribute, of, self.value(entry, of)));
                }
            }
        }
        told
    }

    /// The entries that the reader sees otherwise than `before`, in order.
    pub(crate) fn changed_since(self, before: Self) -> Vec<Arc<str>> {
        let mut changed: Vec<Arc<str>> = Vec::new();
        if std::ptr::eq(self.them, before.them) {
            return changed;
        }
        let other = |a: Self, b: Self| {
            let lacks = move |it: &&Annotation| !b.seen().any(|that| that == *it);
            a.seen().filter(lacks)
        };
        for annotation in other(self, before).chain(other(before, self)) {
            if !changed.contains(&annotation.entry) {
                changed.push(Arc::clone(&annotation.entry));
            }
        }
        changed.sort();
        changed
    }
}

/// Whose values a scope means, for a user.
pub(crate) const fn whose(scope: AnnotationScope, user: Whose) -> Whose {
    match scope {
        AnnotationScope::Private => user,
        AnnotationScope::Shared => Whose::Shared,
    }
}

/// Whether it is no entry's own name.
fn is_pattern(entry: &str) -> bool {
    entry.contains(['*', '%'])
}

fn matches(pattern: &str, entry: &str) -> bool {
    if is_pattern(pattern) {
        list_matches(pattern, entry, '/')
    } else {
        pattern == entry
    }
}

/// The part of a message that an entry is of, by its number: RFC 5257 §3.2.1. `None`: of the message as a whole,
/// or a pattern.
pub(crate) fn part(entry: &str) -> Option<Vec<u32>> {
    let first = entry.strip_prefix('/')?.split('/').next()?;
    if is_pattern(entry) || !first.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    first.split('.').map(|number| number.parse().ok()).collect()
}

/// Whether an entry may have a value: flags of parts are set or not (RFC 5257 §3.2.1).
pub(crate) fn may_be(entry: &str, value: Option<&[u8]>) -> bool {
    let of_part = part(entry).is_some();
    let below = entry.split('/').skip(2).collect::<Vec<_>>();
    let is_flag = of_part
        && matches!(
            below[..],
            ["flags", "seen" | "answered" | "flagged" | "forwarded"]
        );
    !is_flag || matches!(value, None | Some(b"0" | b"1"))
}

#[cfg(test)]
mod tests {
    use store::AccountId;

    use super::*;

    fn annotation(entry: &str, whose: Whose, value: &str) -> Annotation {
        Annotation {
            entry: entry.into(),
            whose,
            value: value.as_bytes().into(),
        }
    }

    const BOB: Whose = Whose::Private(AccountId(7));

    fn some() -> Vec<Annotation> {
        vec![
            annotation("/1/comment", Whose::Own, "of a part"),
            annotation("/altsubject", BOB, "his"),
            annotation("/comment", Whose::Own, "mine"),
            annotation("/comment", BOB, "his"),
            annotation("/comment", Whose::Shared, "ours"),
        ]
    }

    fn told(reader: Whose, entries: &[&str], scope: Option<AnnotationScope>) -> Vec<String> {
        let spec = AnnotationSpec {
            entries: entries.iter().map(|&entry| entry.to_owned()).collect(),
            attributes: vec![(AnnotationAttribute::Value, scope)],
        };
        let some = some();
        let entries = Annotated::new(&some, reader).told(&spec);
        let shown = |(entry, attributes): &(&str, Vec<Attribute<'_>>)| {
            let values = attributes.iter().map(|(_, _, value)| {
                value.map_or("-".to_owned(), |v| String::from_utf8_lossy(v).into_owned())
            });
            format!("{entry} {}", values.collect::<Vec<_>>().join(" "))
        };
        entries.iter().map(shown).collect()
    }

    #[test]
    fn readers_see_their_own_and_what_is_shared() {
        use AnnotationScope::{Private, Shared};
        for (reader, entries, scope, expected) in [
            (
                Whose::Own,
                &["/*"][..],
                None,
                &["/1/comment of a part -", "/comment mine ours"][..],
            ),
            (Whose::Own, &["/%"], None, &["/comment mine ours"]),
            (Whose::Own, &["*"], Some(Shared), &["/comment ours"]),
            (
                BOB,
                &["/*"],
                Some(Private),
                &["/altsubject his", "/comment his"],
            ),
            (
                BOB,
                &["/none", "/comment", "/com*"],
                None,
                &["/none - -", "/comment his ours"],
            ),
            (Whose::Private(AccountId(8)), &["*"], Some(Private), &[]),
        ] {
            assert_eq!(told(reader, entries, scope), expected, "{entries:?}");
        }
    }

    #[test]
    fn what_changed_is_what_the_reader_sees_otherwise() {
        let (before, mut after) = (some(), some());
        after.retain(|it| it.whose != BOB);
        after.push(annotation("/x", Whose::Shared, "new"));
        let changed = |reader| {
            let changed = Annotated::new(&after, reader);
            changed.changed_since(Annotated::new(&before, reader))
        };
        assert_eq!(changed(Whose::Own), ["/x".into()]);
        let of_bob: [Arc<str>; 3] = ["/altsubject".into(), "/comment".into(), "/x".into()];
        assert_eq!(changed(BOB), of_bob);
    }

    #[test]
    fn flags_of_parts_are_set_or_not() {
        for (entry, value, expected) in [
            ("/1.2/flags/seen", Some("1"), true),
            ("/1/flags/seen", Some("0"), true),
            ("/1/flags/seen", None, true),
            ("/1/flags/forwarded", Some("yes"), false),
            ("/1/flags/other", Some("yes"), true),
            ("/1/comment", Some("yes"), true),
            ("/vendor/x/flags/seen", Some("yes"), true),
        ] {
            let may = may_be(entry, value.map(str::as_bytes));
            assert_eq!(may, expected, "{entry} {value:?}");
        }
        assert_eq!(part("/1.22/comment"), Some(vec![1, 22]));
        assert_eq!(part("/comment"), None);
    }
}
