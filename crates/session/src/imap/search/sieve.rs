//! What the store's index is asked before messages are: it says which of them can't have what a
//! key looks for. The others are looked at, so that results are those without an index.

use mail::{
    fuzzy::{Pieces, Words},
    search,
};
use store::search::{Place, Sieve};

/// Keys of one SEARCH that the index is asked for; by the others it rules nothing out.
pub(super) const SIEVES_MAX: usize = 64;

/// Messages that are looked at before the index is asked: for so few, asking costs as much.
pub(super) const LOOKED_AT_MIN: usize = 16;

/// A text in that place. The index knows texts as `i;unicode-casemap` has them, and whatever another
/// collation finds, that finds too.
pub(super) fn text(place: Place, text: &str) -> Sieve {
    Sieve::Has(place, folded(text))
}

/// A field that contains a text. Its name stands before it in the header.
pub(super) fn field(name: &[u8], contains: &str) -> Sieve {
    let value = text(Place::Field(name.to_vec()), contains);
    match str::from_utf8(name) {
        Ok(name) if name.is_ascii() && !name.is_empty() => {
            let name = folded(&format!("{name}: "));
            Sieve::All(vec![Sieve::Has(Place::Text, name), value])
        }
        _ => value,
    }
}

/// Words, or about these: of each word that may have a typo something is left, and whatever accents
/// the text has, the index knows it without them.
pub(super) fn like(place: &Place, words: &Words) -> Sieve {
    let has = |text| Sieve::Has(place.clone(), text);
    let word = |pieces| match pieces {
        Pieces::Whole(word) => has(word),
        Pieces::OneOf(pieces) => Sieve::OneOf(pieces.map(has).into()),
    };
    Sieve::All(words.pieces().map(word).collect())
}

fn folded(text: &str) -> String {
    let mut folded = String::new();
    search::fold(text, &mut folded);
    folded
}
