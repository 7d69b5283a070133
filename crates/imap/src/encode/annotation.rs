//! Annotations of messages: RFC 5257 §4.4.

use alloc::vec::Vec;

use super::{EightBit, astring, literal8, number, separated, string};
use crate::command::{AnnotationAttribute, AnnotationScope};

/// An attribute, whose it is, and the value that the entry has: for `size` its octets are told.
pub type Attribute<'a> = (AnnotationAttribute, AnnotationScope, Option<&'a [u8]>);

/// `ANNOTATION (entry (attribute value …) …)`. There has to be an entry, and an attribute of each.
pub fn annotations<'a>(out: &mut Vec<u8>, entries: &[(&'a str, Vec<Attribute<'a>>)]) {
    out.extend_from_slice(b"ANNOTATION (");
    separated(out, b' ', entries, |out, (entry, attributes)| {
        astring(out, entry.as_bytes(), EightBit::Literal);
        out.extend_from_slice(b" (");
        separated(out, b' ', attributes, |out, attribute| {
            att_value(out, attribute);
        });
        out.push(b')');
    });
    out.push(b')');
}

fn att_value(out: &mut Vec<u8>, (attribute, scope, value): &Attribute<'_>) {
    out.extend_from_slice(match attribute {
        AnnotationAttribute::Value => b"value",
        AnnotationAttribute::Size => b"size",
    });
    out.extend_from_slice(scope.suffix().as_bytes());
    out.push(b' ');
    match (attribute, value) {
        (AnnotationAttribute::Size, value) => {
            out.push(b'"');
            number(out, value.map_or(0, <[u8]>::len) as u64);
            out.push(b'"');
        }
        (AnnotationAttribute::Value, None) => out.extend_from_slice(b"NIL"),
        (AnnotationAttribute::Value, Some(value)) if value.contains(&0) => literal8(out, value),
        (AnnotationAttribute::Value, Some(value)) => string(out, value, EightBit::Literal),
    }
}

/// `ANNOTATION (entry …)`: entries that have changed, without their values.
pub fn annotations_changed<'a>(out: &mut Vec<u8>, entries: impl IntoIterator<Item = &'a str>) {
    out.extend_from_slice(b"ANNOTATION (");
    separated(out, b' ', entries, |out, entry| {
        astring(out, entry.as_bytes(), EightBit::Literal);
    });
    out.push(b')');
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn values_and_sizes_are_written_so_that_they_come_back() {
        use AnnotationAttribute::{Size, Value};
        use AnnotationScope::{Private, Shared};
        let mut out = Vec::new();
        let comment = vec![
            (Value, Private, Some(&b"My \"comment\""[..])),
            (Value, Shared, None),
            (Size, Private, Some(b"My \"comment\"")),
            (Size, Shared, None),
        ];
        let other = vec![
            (Value, Private, Some(&b"a\0"[..])),
            (Value, Shared, Some(&b""[..])),
        ];
        annotations(&mut out, &[("/comment", comment), ("/a b", other)]);
        let expected = b"ANNOTATION (/comment (value.priv \"My \\\"comment\\\"\" value.shared NIL \
            size.priv \"12\" size.shared \"0\") \"/a b\" (value.priv ~{2}\r\na\0 value.shared \"\"))";
        assert_eq!(out, expected);
        out.clear();
        annotations_changed(&mut out, ["/comment", "/a b"]);
        assert_eq!(out, b"ANNOTATION (/comment \"/a b\")");
    }
}
