//! What results are asked for: PARTIAL, save dates.

use super::{parse, read};
use crate::command::{
    Command, Counted, Date, DateOrder, FetchItem, PartialRange, SearchKey, SearchReturn, Selected,
};
use alloc::format;
use core::num::NonZeroU32;

/// Negative numbers count from the last.
fn range(from: i64, to: i64) -> PartialRange {
    let place = |n: i64| {
        u32::try_from(n.abs())
            .ok()
            .and_then(NonZeroU32::new)
            .unwrap()
    };
    PartialRange {
        counted: if from < 0 {
            Counted::FromLast
        } else {
            Counted::FromFirst
        },
        from: place(from),
        to: place(to),
    }
}

#[test]
fn partial_ranges() {
    for (text, expected) in [
        ("1:500", range(1, 500)),
        ("500:400", range(500, 400)),
        ("-1:-100", range(-1, -100)),
        ("-500:-400", range(-500, -400)),
        ("4294967295:1", range(4_294_967_295, 1)),
    ] {
        let Command::Selected(Selected::Search(search)) =
            read(&format!("UID SEARCH RETURN (partial {text} COUNT) ALL"))
        else {
            panic!("{text}");
        };
        let returns = SearchReturn {
            partial: Some(expected),
            count: true,
            ..SearchReturn::default()
        };
        assert_eq!(search.returns, Some(returns));
        for modifiers in [
            format!("PARTIAL {text} CHANGEDSINCE 5"),
            format!("CHANGEDSINCE 5 partial {text}"),
        ] {
            let Command::Selected(Selected::Fetch(fetch)) =
                read(&format!("UID FETCH 1:* (FLAGS) ({modifiers})"))
            else {
                panic!("{modifiers}");
            };
            assert_eq!(fetch.partial, Some(expected));
            assert_eq!(fetch.changed_since, Some(5));
        }
    }
    for wrong in [
        "SEARCH RETURN (PARTIAL) ALL",
        "SEARCH RETURN (PARTIAL 1) ALL",
        "SEARCH RETURN (PARTIAL 0:1) ALL",
        "SEARCH RETURN (PARTIAL 1:*) ALL",
        "SEARCH RETURN (PARTIAL -1:5) ALL",
        "SEARCH RETURN (PARTIAL 1:-5) ALL",
        "SEARCH RETURN (PARTIAL 1:4294967296) ALL",
        "SEARCH RETURN (PARTIAL 1:5 ALL) ALL",
        "SEARCH RETURN (ALL PARTIAL 1:5) ALL",
        "SEARCH RETURN (PARTIAL 1:5 PARTIAL 6:10) ALL",
        "UID FETCH 1:* FLAGS (PARTIAL 1:5 PARTIAL 6:10)",
        "UID FETCH 1:* FLAGS (PARTIAL)",
    ] {
        let line = format!("a {wrong}");
        assert!(parse(line.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn places_end_with_the_result() {
    for (range, count, expected) in [
        (range(1, 5), 10, 0..5),
        (range(5, 1), 10, 0..5),
        (range(8, 12), 10, 7..10),
        (range(11, 12), 10, 10..10),
        (range(-1, -3), 10, 7..10),
        (range(-3, -1), 10, 7..10),
        (range(-8, -12), 10, 0..3),
        (range(-11, -12), 10, 0..0),
        (range(1, 1), 0, 0..0),
        (range(-1, -1), 0, 0..0),
    ] {
        assert_eq!(range.places(count), expected, "{range:?}");
    }
}

#[test]
fn save_dates() {
    use SearchKey as K;
    let day = Date { days: 8797 };
    for (text, expected) in [
        (
            "SAVEDBEFORE 1-Feb-1994",
            K::SaveDate(DateOrder::Before, day),
        ),
        ("SavedOn \"01-Feb-1994\"", K::SaveDate(DateOrder::On, day)),
        ("SAVEDSINCE 1-Feb-1994", K::SaveDate(DateOrder::Since, day)),
        ("savedatesupported", K::SaveDateSupported),
    ] {
        let Command::Selected(Selected::Search(search)) = read(&format!("SEARCH {text}")) else {
            panic!("{text}");
        };
        assert_eq!(search.key, expected, "{text}");
    }
    let Command::Selected(Selected::Fetch(fetch)) = read("FETCH 998 (savedate)") else {
        panic!("no FETCH");
    };
    assert_eq!(fetch.items, [FetchItem::SaveDate]);
}
