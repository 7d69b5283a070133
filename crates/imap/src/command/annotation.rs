//! Annotations of messages, as commands name them: RFC 5257 §5.

use alloc::{string::String, vec::Vec};

use super::Numbering;
use crate::set::SequenceSet;

/// An attribute of an entry: RFC 5257 §3.2.2. There are no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnnotationAttribute {
    /// `value`.
    Value,
    /// `size`: the value's octets.
    Size,
}

/// Whose attribute it is: RFC 5257 §3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnnotationScope {
    /// `.priv`: the user's own.
    Private,
    /// `.shared`: everybody's.
    Shared,
}

impl AnnotationScope {
    /// Both, in the order in which they are told.
    pub const EVERY: [Self; 2] = [Self::Private, Self::Shared];

    /// Its suffix on the wire.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Private => ".priv",
            Self::Shared => ".shared",
        }
    }
}

/// `entries` and `attribs`: what FETCH is to tell of annotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotationSpec {
    /// `entry-match`: names, in which `*` stands for anything and `%` for anything but `/`. At least one; those
    /// without either are valid names.
    pub entries: Vec<String>,
    /// At least one; without a scope both are meant.
    pub attributes: Vec<(AnnotationAttribute, Option<AnnotationScope>)>,
}

/// `entry-att`: an entry, and values for it; `None` takes the value away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotationEntry {
    /// A valid name.
    pub name: String,
    /// Whose values; at least one.
    pub values: Vec<(AnnotationScope, Option<Vec<u8>>)>,
}

/// STORE of annotations: RFC 5257 §4.5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreAnnotations {
    /// STORE or UID STORE.
    pub numbering: Numbering,
    /// Which messages.
    pub messages: SequenceSet,
    /// `(UNCHANGEDSINCE n)`: RFC 7162 §3.1.3.
    pub unchanged_since: Option<u64>,
    /// At least one.
    pub entries: Vec<AnnotationEntry>,
}

/// The search key `ANNOTATION`: RFC 5257 §4.8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotationKey {
    /// `entry-match`, as in [`AnnotationSpec::entries`].
    pub entry: String,
    /// Whose value; `None`: either.
    pub scope: Option<AnnotationScope>,
    /// What the value contains, in the command's charset; `None` (`NIL`): there is no value.
    pub contains: Option<Vec<u8>>,
}

/// What the sort key `ANNOTATION` compares: RFC 5257 §4.9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortAnnotation {
    /// A valid name.
    pub entry: String,
    /// Whose value.
    pub scope: AnnotationScope,
}
