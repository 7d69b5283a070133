//! SORT and THREAD: RFC 5256 §5, RFC 5257 §4.9, RFC 5267 §5, RFC 5957 §5.

use alloc::vec::Vec;

use super::{
    annotation,
    cursor::{Cursor, Result, fault_at},
    search::{search_criteria, search_return_opts},
};
use crate::command::{
    Command, Numbering, Selected, Sort, SortAnnotation, SortCriterion, SortKey, Thread,
    ThreadAlgorithm,
};

/// Criteria of one SORT; one that is there twice changes nothing the second time.
const CRITERIA_MAX: usize = 64;

// sort = ["UID" SP] "SORT" SP sort-criteria SP search-criteria
// extended-sort = ["UID" SP] "SORT" search-return-opts SP sort-criteria SP search-criteria
pub(super) fn sort(c: &mut Cursor<'_>, numbering: Numbering) -> Result<Command> {
    c.sp("SORT")?;
    let returns = search_return_opts(c)?;
    let mut annotations = Vec::new();
    let criteria = sort_criteria(c, &mut annotations)?;
    c.sp("the sort criteria")?;
    let search = search_criteria(c, numbering, returns)?;
    Ok(Command::Selected(Selected::Sort(Sort {
        criteria,
        annotations,
        search,
    })))
}

// sort-criteria = "(" sort-criterion *(SP sort-criterion) ")"
fn sort_criteria(
    c: &mut Cursor<'_>,
    annotations: &mut Vec<SortAnnotation>,
) -> Result<Vec<SortCriterion>> {
    let start = c.at();
    let criteria = c.list1("the sort criteria", |c| sort_criterion(c, annotations))?;
    if criteria.len() > CRITERIA_MAX {
        return fault_at(start, "too many sort criteria");
    }
    Ok(criteria)
}

// sort-criterion = ["REVERSE" SP] sort-key
fn sort_criterion(
    c: &mut Cursor<'_>,
    annotations: &mut Vec<SortAnnotation>,
) -> Result<SortCriterion> {
    let reverse = c.eat_word("REVERSE");
    if reverse {
        c.sp("REVERSE")?;
    }
    let key = sort_key(c, annotations)?;
    Ok(SortCriterion { reverse, key })
}

// sort-key = "ARRIVAL" / "CC" / "DATE" / "FROM" / "SIZE" / "SUBJECT" / "TO"
// sort-key =/ "DISPLAYFROM" / "DISPLAYTO"
fn sort_key(c: &mut Cursor<'_>, annotations: &mut Vec<SortAnnotation>) -> Result<SortKey> {
    if c.eat_word("ANNOTATION") {
        let Ok(at) = u8::try_from(annotations.len()) else {
            return c.fault("too many sort criteria");
        };
        annotations.push(annotation::sort_key(c)?);
        return Ok(SortKey::Annotation(at));
    }
    for key in SortKey::ALL {
        if c.eat_word(key.name()) {
            return Ok(key);
        }
    }
    c.fault("unknown sort criterion")
}

// thread = ["UID" SP] "THREAD" SP thread-alg SP search-criteria
pub(super) fn thread(c: &mut Cursor<'_>, numbering: Numbering) -> Result<Command> {
    c.sp("THREAD")?;
    let algorithm = thread_alg(c)?;
    c.sp("the threading algorithm")?;
    let search = search_criteria(c, numbering, (None, Vec::new()))?;
    let thread = Thread { algorithm, search };
    Ok(Command::Selected(Selected::Thread(thread)))
}

// thread-alg = "ORDEREDSUBJECT" / "REFERENCES" / thread-alg-ext
fn thread_alg(c: &mut Cursor<'_>) -> Result<ThreadAlgorithm> {
    if c.eat_word("ORDEREDSUBJECT") {
        Ok(ThreadAlgorithm::OrderedSubject)
    } else if c.eat_word("REFERENCES") {
        Ok(ThreadAlgorithm::References)
    } else if c.eat_word("REFS") {
        Ok(ThreadAlgorithm::Refs)
    } else {
        c.fault("unknown threading algorithm")
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString};

    use super::*;
    use crate::{
        command::{Flag, Search, SearchKey, SearchReturn},
        parse::command,
    };

    fn read(text: &str) -> Sort {
        match command(format!("a {text}").as_bytes()).map(|tagged| tagged.command) {
            Ok(Command::Selected(Selected::Sort(sort))) => sort,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn criteria_are_read_in_their_order() {
        use SortKey as K;
        for (text, expected) in [
            ("(SUBJECT)", &[(false, K::Subject)][..]),
            (
                "(subject reverse Date)",
                &[(false, K::Subject), (true, K::Date)],
            ),
            (
                "(ARRIVAL CC REVERSE FROM SIZE TO)",
                &[
                    (false, K::Arrival),
                    (false, K::Cc),
                    (true, K::From),
                    (false, K::Size),
                    (false, K::To),
                ],
            ),
            (
                "(DISPLAYFROM REVERSE DISPLAYTO)",
                &[(false, K::DisplayFrom), (true, K::DisplayTo)],
            ),
        ] {
            let sort = read(&format!("SORT {text} UTF-8 ALL"));
            let criteria = sort.criteria.iter().map(|c| (c.reverse, c.key));
            assert!(criteria.eq(expected.iter().copied()), "{text}");
        }
    }

    #[test]
    fn what_is_sorted_is_searched_for() {
        let sort = read("UID SORT RETURN (MIN SAVE) (DATE) \"us-ascii\" UNSEEN NOT SEEN");
        let search = Search {
            numbering: Numbering::Uid,
            returns: Some(SearchReturn {
                min: true,
                save: true,
                ..SearchReturn::default()
            }),
            update: Vec::new(),
            charset: Some(b"us-ascii".to_vec()),
            key: SearchKey::And(alloc::vec![
                SearchKey::NotFlag(Flag::Seen),
                SearchKey::Not(alloc::boxed::Box::new(SearchKey::Flag(Flag::Seen))),
            ]),
        };
        assert_eq!(sort.search, search);
        // RFC 5267 §3.3: an empty list is ALL.
        let sort = read("SORT RETURN () (DATE) UTF-8 ALL");
        assert!(sort.search.returns.is_some_and(|returns| returns.all));
        assert_eq!(read("SORT (DATE) UTF-8 ALL").search.returns, None);
    }

    #[test]
    fn what_is_no_sort_is_said_to_be_none() {
        let many = format!("SORT ({}SIZE) UTF-8 ALL", "DATE ".repeat(CRITERIA_MAX));
        for (text, expected) in [
            ("SORT", "expected a space after SORT"),
            (
                "SORT DATE UTF-8 ALL",
                "expected '(' before the sort criteria",
            ),
            (
                "SORT () UTF-8 ALL",
                "nothing in the parentheses of the sort criteria",
            ),
            ("SORT (REVERSE) UTF-8 ALL", "expected a space after REVERSE"),
            (
                "SORT (REVERSE REVERSE DATE) UTF-8 ALL",
                "unknown sort criterion",
            ),
            ("SORT (DATES) UTF-8 ALL", "unknown sort criterion"),
            ("SORT (DATE)", "expected a space after the sort criteria"),
            ("SORT (DATE) UTF-8", "expected a space after the charset"),
            ("SORT (DATE) RETURN (ALL) UTF-8 ALL", "unknown search key"),
            (&many, "too many sort criteria"),
        ] {
            let error = command(format!("a {text}").as_bytes()).unwrap_err();
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
    }
}
