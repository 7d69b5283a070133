//! COMPARATOR: RFC 5255 §4.7 to §4.9.
//!
//! Only collations that find substrings can be had: SEARCH needs them (§4.4).

use imap::{command::CollationOrder, encode, response::Code};
use mail::collation::{Collation, Comparator};

use crate::{
    Outlet,
    imap::{
        refusal::{Done, Outcome, Refusal},
        state::Enabled,
        wording::Text,
    },
};

/// Answers COMPARATOR: without a collation, which is compared by; else chooses one.
pub(crate) fn comparator(
    enabled: &mut Enabled,
    orders: &[CollationOrder],
    out: &mut impl Outlet,
) -> Outcome {
    if orders.is_empty() {
        encode::comparator(out.buffer(), &name(enabled.comparator), &[]);
        return Ok(Done::new("This is what is compared by"));
    }
    let Some(chosen) = orders.iter().find_map(chosen) else {
        let known: Vec<&str> = offered().map(Collation::name).collect();
        let known = known.join(", ");
        let text = Text::with("Only these collations are known here: {}", [known.into()]);
        return Err(Refusal::no(Code::BadComparator, text).into());
    };
    enabled.comparator = chosen;
    let matched = |collation: &Collation| orders.iter().any(|order| matches(order, *collation));
    let matching = offered().filter(matched).map(Collation::name);
    let matching: Vec<&str> = matching.collect();
    encode::comparator(out.buffer(), &name(chosen), &matching);
    Ok(Done::new("This is what is compared by from now on"))
}

/// What a client can have, the most widely useful first.
fn offered() -> impl Iterator<Item = Collation> {
    let every = Collation::ALL.into_iter();
    every.filter(|collation| collation.has_substring())
}

/// The first that fits.
fn chosen(order: &CollationOrder) -> Option<Comparator> {
    let collation = offered().find(|collation| matches(order, *collation))?;
    Some(Comparator {
        collation,
        descending: order.descending,
    })
}

fn matches(order: &CollationOrder, collation: Collation) -> bool {
    if order.wild.eq_ignore_ascii_case("default") {
        return collation == Collation::default();
    }
    collation.is_matched_by(&order.wild)
}

/// RFC 4790 §3.3.
// collation-selected = ["+" / "-"] collation-id
fn name(comparator: Comparator) -> String {
    let sign = if comparator.descending { "-" } else { "" };
    format!("{sign}{}", comparator.collation.name())
}
