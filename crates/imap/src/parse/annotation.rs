//! Annotations of messages: RFC 5257 §5.

use alloc::{string::String, vec, vec::Vec};

use super::cursor::{Cursor, Result, fault_at};
use crate::command::{
    AnnotationAttribute, AnnotationEntry, AnnotationKey, AnnotationScope, AnnotationSpec,
    SortAnnotation,
};

/// The longest name of an entry.
const ENTRY_OCTETS_MAX: usize = 1000;

/// More than anybody needs at once; each is work for every message.
const ENTRIES_MAX: usize = 100;

// fetch-att =/ "ANNOTATION" SP "(" entries SP attribs ")"
pub(super) fn spec(c: &mut Cursor<'_>) -> Result<AnnotationSpec> {
    c.sp("ANNOTATION")?;
    c.expect(b'(', "'(' after ANNOTATION")?;
    c.skip_spaces();
    let entries = one_or_more(c, "the entries", entry_match)?;
    c.sp("the entries")?;
    let attributes = one_or_more(c, "the attributes", attrib)?;
    c.skip_spaces();
    c.expect(b')', "')' after the attributes")?;
    Ok(AnnotationSpec {
        entries,
        attributes,
    })
}

// entries = entry-match / "(" entry-match *(SP entry-match) ")"
// attribs = attrib / "(" attrib *(SP attrib) ")"
fn one_or_more<T: PartialEq>(
    c: &mut Cursor<'_>,
    what: &'static str,
    read: fn(&mut Cursor<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    if c.peek() != Some(b'(') {
        return Ok(vec![read(c)?]);
    }
    let start = c.at();
    let mut once: Vec<T> = Vec::new();
    for one in c.list1(what, read)? {
        // Saying it twice tells no more.
        if !once.contains(&one) {
            once.push(one);
        }
        if once.len() > ENTRIES_MAX {
            return fault_at(start, "too many entries of annotations");
        }
    }
    Ok(once)
}

// att-annotate = "ANNOTATION" SP "(" entry-att *(SP entry-att) ")"
pub(super) fn att_annotate(c: &mut Cursor<'_>) -> Result<Vec<AnnotationEntry>> {
    c.sp("ANNOTATION")?;
    c.expect(b'(', "'(' after ANNOTATION")?;
    let mut entries = Vec::new();
    loop {
        c.skip_spaces();
        if entries.len() == ENTRIES_MAX {
            return c.fault("too many entries of annotations");
        }
        entries.push(entry_att(c)?);
        c.skip_spaces();
        if c.eat(b')') {
            return Ok(entries);
        }
    }
}

// entry-att = entry SP "(" att-value *(SP att-value) ")"
fn entry_att(c: &mut Cursor<'_>) -> Result<AnnotationEntry> {
    let name = entry(c)?;
    c.sp("the name of the entry")?;
    let values = c.list1("the values", att_value)?;
    Ok(AnnotationEntry { name, values })
}

// att-value = attrib SP value
fn att_value(c: &mut Cursor<'_>) -> Result<(AnnotationScope, Option<Vec<u8>>)> {
    let start = c.at();
    let (attribute, scope) = attrib(c)?;
    if attribute == AnnotationAttribute::Size {
        return fault_at(start, "the size of an annotation follows from its value");
    }
    let Some(scope) = scope else {
        return fault_at(
            start,
            "an attribute that ends with neither .priv nor .shared",
        );
    };
    c.sp("the attribute")?;
    Ok((scope, value(c)?))
}

// value = nstring / literal8
fn value(c: &mut Cursor<'_>) -> Result<Option<Vec<u8>>> {
    if c.eat_word("NIL") {
        return Ok(None);
    }
    if c.peek() == Some(b'~') {
        return c.literal8().map(Some);
    }
    c.string("a value: NIL, a string, or a literal").map(Some)
}

// search-key =/ "ANNOTATION" SP entry-match SP att-search SP value
// att-search = "value" / "value.priv" / "value.shared"
pub(super) fn search_key(c: &mut Cursor<'_>) -> Result<AnnotationKey> {
    let entry = entry_match(c)?;
    c.sp("the name of the entry")?;
    let scope = att_value_only(c)?;
    c.sp("the attribute")?;
    let contains = value(c)?;
    Ok(AnnotationKey {
        entry,
        scope,
        contains,
    })
}

// sort-key =/ "ANNOTATION" SP entry SP att-sort; att-sort = "value.priv" / "value.shared"
pub(super) fn sort_key(c: &mut Cursor<'_>) -> Result<SortAnnotation> {
    c.sp("ANNOTATION")?;
    let entry = entry(c)?;
    c.sp("the name of the entry")?;
    let start = c.at();
    let Some(scope) = att_value_only(c)? else {
        return fault_at(
            start,
            "an attribute that ends with neither .priv nor .shared",
        );
    };
    Ok(SortAnnotation { entry, scope })
}

/// The one attribute that is searched for, and sorted by.
fn att_value_only(c: &mut Cursor<'_>) -> Result<Option<AnnotationScope>> {
    let start = c.at();
    match attrib(c)? {
        (AnnotationAttribute::Value, scope) => Ok(scope),
        (AnnotationAttribute::Size, _) => fault_at(
            start,
            "an attribute that is not value, value.priv or value.shared",
        ),
    }
}

// attrib = astring ; dot-separated attribute name, MUST NOT contain "*" or "%"
fn attrib(c: &mut Cursor<'_>) -> Result<(AnnotationAttribute, Option<AnnotationScope>)> {
    let start = c.at();
    let name = c.astring("the name of an attribute")?;
    let scope = AnnotationScope::EVERY
        .into_iter()
        .find(|scope| name.ends_with(scope.suffix().as_bytes()));
    let end = name.len() - scope.map_or(0, |scope| scope.suffix().len());
    match name.get(..end) {
        Some(b"value") => Ok((AnnotationAttribute::Value, scope)),
        Some(b"size") => Ok((AnnotationAttribute::Size, scope)),
        _ => fault_at(start, "an attribute that is neither value nor size"),
    }
}

// entry = astring ; slash-separated path to entry, MUST NOT contain "*" or "%"
fn entry(c: &mut Cursor<'_>) -> Result<String> {
    let start = c.at();
    let name = printable(c.astring("the name of an entry")?, start)?;
    if name.contains(['*', '%']) {
        return fault_at(start, "an entry with a wildcard");
    }
    whole(name, start)
}

// entry-match = list-mailbox ; MAY contain "*" or "%" for use as wild cards
fn entry_match(c: &mut Cursor<'_>) -> Result<String> {
    let start = c.at();
    let name = printable(c.list_mailbox_of("the name of an entry")?, start)?;
    if name.contains("//") {
        return fault_at(start, "an entry with an empty component");
    }
    if name.contains(['*', '%']) {
        return Ok(name);
    }
    whole(name, start)
}

fn printable(octets: Vec<u8>, start: usize) -> Result<String> {
    let wrong = |what| fault_at(start, what);
    if octets.len() > ENTRY_OCTETS_MAX {
        return wrong("an entry with a name of more than 1000 octets");
    }
    // RFC 5257 §3.2.
    let name = String::from_utf8(octets).ok();
    let name = name.filter(|name| name.bytes().all(|octet| matches!(octet, b' '..=b'~')));
    name.map_or_else(
        || wrong("an entry with a character that no name may have"),
        Ok,
    )
}

/// That a name can be that of an entry with attributes: RFC 5257 §3.2, §3.2.1.
fn whole(name: String, start: usize) -> Result<String> {
    let wrong = |what| fault_at(start, what);
    let Some(inner) = name.strip_prefix('/') else {
        return wrong("an entry that does not begin with '/'");
    };
    if inner.split('/').any(str::is_empty) {
        return wrong("an entry with an empty component");
    }
    let (first, below) = inner
        .split_once('/')
        .map_or((inner, None), |(first, below)| (first, Some(below)));
    if first.starts_with(|first: char| first.is_ascii_digit()) {
        if !is_section_part(first) {
            return wrong("an entry of a part with no part's number");
        }
        if below.is_none() {
            return wrong("an entry that is only the number of a part");
        }
    }
    if first == "flags" {
        return wrong("an entry below /flags, which is reserved");
    }
    Ok(name)
}

// section-part = nz-number *("." nz-number)
fn is_section_part(part: &str) -> bool {
    let depth = part.split('.').count();
    depth <= super::fetch::PART_DEPTH_MAX
        && part.split('.').all(|number| {
            let digits = number.bytes().all(|b| b.is_ascii_digit());
            digits && !number.starts_with('0') && number.parse::<u32>().is_ok()
        })
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString};

    use super::*;
    use crate::{
        command::{Command, FetchItem, SearchKey, Selected, SortKey},
        parse::command,
    };

    fn read(text: &str) -> core::result::Result<Selected, String> {
        match command(format!("a {text}").as_bytes()) {
            Ok(tagged) => match tagged.command {
                Command::Selected(selected) => Ok(selected),
                other => panic!("{text}: {other:?}"),
            },
            Err(error) => Err(error.what.to_string()),
        }
    }

    fn fetched(text: &str) -> AnnotationSpec {
        match read(&format!("FETCH 1 {text}")) {
            Ok(Selected::Fetch(fetch)) => match &fetch.items[..] {
                [FetchItem::Annotation(spec)] => (**spec).clone(),
                other => panic!("{text}: {other:?}"),
            },
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn fetch_names_entries_and_attributes() {
        use AnnotationAttribute::{Size, Value};
        use AnnotationScope::{Private, Shared};
        for (text, entries, attributes) in [
            (
                "ANNOTATION (/comment value)",
                &["/comment"][..],
                &[(Value, None)][..],
            ),
            (
                "(ANNOTATION (/* (value.priv size.priv)))",
                &["/*"],
                &[(Value, Some(Private)), (Size, Some(Private))],
            ),
            (
                "(annotation ((/comment /1.2/comment \"/comment\") ( size size.shared )))",
                &["/comment", "/1.2/comment"],
                &[(Size, None), (Size, Some(Shared))],
            ),
            (
                "ANNOTATION (* value.shared)",
                &["*"],
                &[(Value, Some(Shared))],
            ),
        ] {
            let spec = fetched(text);
            assert_eq!(spec.entries, entries, "{text}");
            assert_eq!(spec.attributes, attributes, "{text}");
        }
    }

    #[test]
    fn store_gives_values_or_takes_them_away() {
        let text = "UID STORE 1:2 (UNCHANGEDSINCE 7) ANNOTATION (/comment (value.priv \"My\" value.shared NIL) \
            /1/flags/seen (value.priv {1}\r\n1) /x/y (value.shared ~{2}\r\n\0)))";
        let Ok(Selected::StoreAnnotations(store)) = read(text) else {
            panic!("{:?}", read(text));
        };
        assert_eq!(store.unchanged_since, Some(7));
        let names: Vec<_> = store.entries.iter().map(|it| &it.name[..]).collect();
        assert_eq!(names, ["/comment", "/1/flags/seen", "/x/y"]);
        let (private, shared) = (AnnotationScope::Private, AnnotationScope::Shared);
        assert_eq!(
            store.entries[0].values,
            [(private, Some(b"My".to_vec())), (shared, None)]
        );
        assert_eq!(store.entries[1].values, [(private, Some(b"1".to_vec()))]);
        assert_eq!(store.entries[2].values, [(shared, Some(b"\0)".to_vec()))]);
    }

    #[test]
    fn search_and_sort_look_at_values() {
        let Ok(Selected::Search(search)) = read("SEARCH ANNOTATION /% value \"x\" SEEN") else {
            panic!();
        };
        let SearchKey::And(keys) = search.key else {
            panic!();
        };
        let SearchKey::Annotation(key) = &keys[0] else {
            panic!();
        };
        assert_eq!((&key.entry[..], key.scope), ("/%", None));
        assert_eq!(key.contains.as_deref(), Some(&b"x"[..]));
        let text = "SORT (REVERSE ANNOTATION /altsubject value.shared DATE) UTF-8 ALL";
        let Ok(Selected::Sort(sort)) = read(text) else {
            panic!("{:?}", read(text));
        };
        assert_eq!(sort.criteria[0].key, SortKey::Annotation(0));
        assert!(sort.criteria[0].reverse);
        assert_eq!(sort.criteria[1].key, SortKey::Date);
        assert_eq!(sort.annotations[0].entry, "/altsubject");
        assert_eq!(sort.annotations[0].scope, AnnotationScope::Shared);
    }

    #[test]
    fn what_names_no_entry_and_no_attribute_is_refused() {
        for (text, what) in [
            ("FETCH 1 ANNOTATION (comment value)", "does not begin"),
            ("FETCH 1 ANNOTATION (/ value)", "an empty component"),
            ("FETCH 1 ANNOTATION (//comment value)", "an empty component"),
            ("FETCH 1 ANNOTATION (//* value)", "an empty component"),
            ("FETCH 1 ANNOTATION (/comment/ value)", "an empty component"),
            ("FETCH 1 ANNOTATION (/1 value)", "only the number"),
            ("FETCH 1 ANNOTATION (/0/comment value)", "no part's number"),
            ("FETCH 1 ANNOTATION (/1./comment value)", "no part's number"),
            ("FETCH 1 ANNOTATION (/1x/comment value)", "no part's number"),
            ("FETCH 1 ANNOTATION (/flags/seen value)", "reserved"),
            ("FETCH 1 ANNOTATION (\"/c\u{e9}\" value)", "no name may"),
            ("FETCH 1 ANNOTATION (/comment values)", "neither value nor"),
            ("FETCH 1 ANNOTATION (/comment Value)", "neither value nor"),
            ("FETCH 1 ANNOTATION (/comment value.)", "neither value nor"),
            ("FETCH 1 ANNOTATION (/comment ())", "nothing in the"),
            ("FETCH 1 ANNOTATION (/comment)", "expected a space"),
            (
                "STORE 1 ANNOTATION (/* (value.priv NIL))",
                "an empty component",
            ),
            ("STORE 1 ANNOTATION (\"/*\" (value.priv NIL))", "a wildcard"),
            (
                "STORE 1 ANNOTATION (/comment (value \"x\"))",
                "neither .priv nor",
            ),
            (
                "STORE 1 ANNOTATION (/comment (size.priv \"1\"))",
                "follows from",
            ),
            (
                "STORE 1 ANNOTATION (/comment (value.priv x))",
                "a value: NIL",
            ),
            ("STORE 1 ANNOTATION (/comment ())", "nothing in the"),
            ("STORE 1 ANNOTATION ()", "the name of an entry"),
            (
                "STORE 1 +ANNOTATION (/c (value.priv NIL))",
                "expected FLAGS",
            ),
            ("SEARCH ANNOTATION /comment size \"1\"", "is not value"),
            (
                "SORT (ANNOTATION /comment value) UTF-8 ALL",
                "neither .priv",
            ),
            (
                "SORT (ANNOTATION /comment size.priv) UTF-8 ALL",
                "is not value",
            ),
            (
                "SORT (ANNOTATION /% value.priv) UTF-8 ALL",
                "an empty component",
            ),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(what), "{text}: {error}");
        }
    }
}
