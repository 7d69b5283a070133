//! SEARCH: RFC 9051 §6.4.4, RFC 5032, RFC 7162 §3.1.5, RFC 8474 §6, RFC 8514 §4.3, RFC 9394.

use alloc::{boxed::Box, string::String, vec, vec::Vec};

use super::{
    annotation,
    cursor::{Cursor, Result, fault_at},
    date::date,
    fetch::fetch_att,
    filter::filter_name,
    flags::flag_keyword,
    partial::modifier_partial,
    sequence::sequence_set,
};
use crate::{
    command::{
        Command, DateOrder, FetchItem, Flag, Numbering, Search, SearchKey, SearchReturn, Selected,
    },
    set::{SequenceRange, SequenceSet},
};

/// How deep keys may be nested: parentheses, NOT and OR. Deeper ones would let
/// a client choose how much stack evaluation takes.
const DEPTH_MAX: usize = 100;

/// What follows `RETURN`, if it was there, and `UPDATE` in it.
pub(super) type Returns = (Option<SearchReturn>, Vec<FetchItem>);

// search = "SEARCH" [search-return-opts] SP search-program
pub(super) fn search(c: &mut Cursor<'_>, numbering: Numbering) -> Result<Command> {
    c.sp("SEARCH")?;
    let returns = search_return_opts(c)?;
    search_program(c, numbering, returns)
        .map(Selected::Search)
        .map(Command::Selected)
}

// search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)
pub(super) fn search_program(
    c: &mut Cursor<'_>,
    numbering: Numbering,
    returns: Returns,
) -> Result<Search> {
    if c.eat_word("CHARSET") {
        c.sp("CHARSET")?;
        return search_criteria(c, numbering, returns);
    }
    looked_for(c, numbering, returns, None)
}

// cancelupdate = "CANCELUPDATE" 1*(SP quoted)
pub(super) fn cancel_update(c: &mut Cursor<'_>) -> Result<Command> {
    let mut tags = Vec::new();
    c.sp("CANCELUPDATE")?;
    loop {
        let start = c.at();
        match String::from_utf8(c.astring("a quoted tag")?) {
            Ok(tag) => tags.push(tag),
            Err(_) => return fault_at(start, "a tag is not ASCII"),
        }
        if !c.more() {
            return Ok(Command::Selected(Selected::CancelUpdate(tags)));
        }
    }
}

/// What SORT and THREAD search for: the charset is not left out there.
// search-criteria = charset 1*(SP search-key)
pub(super) fn search_criteria(
    c: &mut Cursor<'_>,
    numbering: Numbering,
    returns: Returns,
) -> Result<Search> {
    let charset = c.astring("a charset")?;
    c.sp("the charset")?;
    looked_for(c, numbering, returns, Some(charset))
}

/// The keys that end a search, and with them all of it.
fn looked_for(
    c: &mut Cursor<'_>,
    numbering: Numbering,
    (returns, update): Returns,
    charset: Option<Vec<u8>>,
) -> Result<Search> {
    Ok(Search {
        numbering,
        returns,
        update,
        charset,
        key: search_keys(c)?,
    })
}

// search-key *(SP search-key)
pub(super) fn search_keys(c: &mut Cursor<'_>) -> Result<SearchKey> {
    let mut keys = vec![search_key(c, 0)?];
    while c.more() {
        keys.push(search_key(c, 0)?);
    }
    Ok(all_of(keys))
}

// search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"
pub(super) fn search_return_opts(c: &mut Cursor<'_>) -> Result<Returns> {
    if !c.eat_word("RETURN") {
        return Ok((None, Vec::new()));
    }
    c.sp("RETURN")?;
    let start = c.at();
    let mut returns = SearchReturn::default();
    let mut update = Vec::new();
    let options = c.list("the return options", |c| {
        if c.eat_word("PARTIAL") {
            if returns.partial.is_some() {
                return c.fault("PARTIAL twice");
            }
            returns.partial = Some(modifier_partial(c)?);
            return Ok(());
        }
        let chosen = if c.eat_word("MIN") {
            &mut returns.min
        } else if c.eat_word("MAX") {
            &mut returns.max
        } else if c.eat_word("ALL") {
            &mut returns.all
        } else if c.eat_word("COUNT") {
            &mut returns.count
        } else if c.eat_word("SAVE") {
            &mut returns.save
        } else if c.eat_word("RELEVANCY") {
            &mut returns.relevancy
        } else if c.eat_word("UPDATE") {
            update.extend(modifier_update(c)?);
            &mut returns.update
        } else if c.eat_word("CONTEXT") {
            &mut returns.context
        } else {
            return c.expected("MIN, MAX, ALL, COUNT, SAVE, RELEVANCY, PARTIAL, UPDATE or CONTEXT");
        };
        *chosen = true;
        Ok(())
    })?;
    // RFC 9394 §3.1: one of them at most.
    if returns.partial.is_some() && returns.all {
        return fault_at(start, "PARTIAL with ALL");
    }
    // RFC 9051 §6.4.4: an empty list is ALL.
    returns.all |= options.is_empty();
    c.sp("the return options")?;
    Ok((Some(returns), update))
}

/// What follows `UPDATE`.
// modifier-update = "UPDATE" ["(" fetch-att *(SP fetch-att) ")"]
fn modifier_update(c: &mut Cursor<'_>) -> Result<Vec<FetchItem>> {
    let mut ahead = c.clone();
    ahead.skip_spaces();
    if ahead.peek() != Some(b'(') {
        return Ok(Vec::new());
    }
    *c = ahead;
    c.list1("what to tell of new messages", fetch_att)
}

fn all_of(mut keys: Vec<SearchKey>) -> SearchKey {
    match keys.pop() {
        Some(only) if keys.is_empty() => only,
        Some(last) => {
            keys.push(last);
            SearchKey::And(keys)
        }
        None => SearchKey::All,
    }
}

// search-key = "ALL" / "ANSWERED" / "BCC" SP astring / … / sequence-set /
//              "(" search-key *(SP search-key) ")"
fn search_key(c: &mut Cursor<'_>, depth: usize) -> Result<SearchKey> {
    if depth > DEPTH_MAX {
        return c.fault("search keys nested too deep");
    }
    match c.peek() {
        Some(b'(') => {
            let keys = c.list1("the search keys", |c| search_key(c, depth + 1))?;
            return Ok(all_of(keys));
        }
        Some(b'0'..=b'9' | b'*' | b'$') => return sequence_set(c).map(SearchKey::Sequence),
        _ => {}
    }
    let start = c.at();
    let word = c.atom("a search key")?;
    let mut name = [0; 20];
    let Some(name) = name.get_mut(..word.len()) else {
        return fault_at(start, "unknown search key");
    };
    name.copy_from_slice(word.as_bytes());
    name.make_ascii_uppercase();
    let key = match &*name {
        b"NOT" => {
            c.sp("NOT")?;
            Some(SearchKey::Not(Box::new(search_key(c, depth + 1)?)))
        }
        // RFC 6203 §7: search-key =/ "FUZZY" SP search-key
        b"FUZZY" => {
            c.sp("FUZZY")?;
            Some(SearchKey::Fuzzy(Box::new(search_key(c, depth + 1)?)))
        }
        b"OR" => {
            c.sp("OR")?;
            let first = search_key(c, depth + 1)?;
            c.sp("the first key of OR")?;
            let second = search_key(c, depth + 1)?;
            Some(SearchKey::Or(Box::new((first, second))))
        }
        name => match flag_key(name) {
            Some(key) => Some(key),
            None => key_with_argument(c, name)?,
        },
    };
    key.map_or_else(|| fault_at(start, "unknown search key"), Ok)
}

/// Keys that stand alone.
fn flag_key(name: &[u8]) -> Option<SearchKey> {
    use SearchKey::{Flag as Is, NotFlag as IsNot};
    Some(match name {
        b"ALL" => SearchKey::All,
        b"ANSWERED" => Is(Flag::Answered),
        b"DELETED" => Is(Flag::Deleted),
        b"DRAFT" => Is(Flag::Draft),
        b"FLAGGED" => Is(Flag::Flagged),
        b"RECENT" => Is(Flag::Recent),
        b"SEEN" => Is(Flag::Seen),
        b"NEW" => SearchKey::New,
        b"OLD" => IsNot(Flag::Recent),
        b"SAVEDATESUPPORTED" => SearchKey::SaveDateSupported,
        b"UNANSWERED" => IsNot(Flag::Answered),
        b"UNDELETED" => IsNot(Flag::Deleted),
        b"UNDRAFT" => IsNot(Flag::Draft),
        b"UNFLAGGED" => IsNot(Flag::Flagged),
        b"UNSEEN" => IsNot(Flag::Seen),
        _ => return None,
    })
}

/// Keys that something follows; `None` if there is no such key.
fn key_with_argument(c: &mut Cursor<'_>, name: &[u8]) -> Result<Option<SearchKey>> {
    let parse: fn(&mut Cursor<'_>, &[u8]) -> Result<SearchKey> = match name {
        b"BCC" | b"CC" | b"FROM" | b"SUBJECT" | b"TO" => |c, name| {
            let contains = c.astring("what to look for")?;
            let field = name.to_vec();
            Ok(SearchKey::Header { field, contains })
        },
        b"HEADER" => |c, _| {
            let field = c.astring("a field name")?;
            c.sp("the field name")?;
            let contains = c.astring("what to look for")?;
            Ok(SearchKey::Header { field, contains })
        },
        b"FILTER" => |c, _| filter_name(c).map(SearchKey::Filter),
        b"BODY" => |c, _| c.astring("what to look for").map(SearchKey::Body),
        b"TEXT" => |c, _| c.astring("what to look for").map(SearchKey::Text),
        b"KEYWORD" => |c, _| flag_keyword(c).map(|word| SearchKey::Flag(Flag::Keyword(word))),
        b"UNKEYWORD" => |c, _| flag_keyword(c).map(|word| SearchKey::NotFlag(Flag::Keyword(word))),
        b"UID" => |c, _| sequence_set(c).map(SearchKey::Uid),
        // RFC 9738 §3.2: UIDAFTER uniqueid, UIDBEFORE uniqueid
        b"UIDAFTER" => |c, _| {
            let uid = c.nz_number("a UID")?.get();
            Ok(uids_between(uid.checked_add(1), Some(u32::MAX)))
        },
        b"UIDBEFORE" => |c, _| {
            let uid = c.nz_number("a UID")?.get();
            Ok(uids_between(
                Some(1),
                uid.checked_sub(1).filter(|uid| *uid > 0),
            ))
        },
        // search-key =/ ( "OLDER" / "YOUNGER" ) SP nz-number
        b"OLDER" => |c, _| c.nz_number("an interval").map(SearchKey::Older),
        b"YOUNGER" => |c, _| c.nz_number("an interval").map(SearchKey::Younger),
        b"LARGER" => |c, _| c.number64("a size").map(SearchKey::Larger),
        b"SMALLER" => |c, _| c.number64("a size").map(SearchKey::Smaller),
        b"MODSEQ" => |c, _| search_modsequence(c),
        b"ANNOTATION" => |c, _| {
            let key = annotation::search_key(c)?;
            Ok(SearchKey::Annotation(Box::new(key)))
        },
        b"EMAILID" => |c, _| object_id(c).map(SearchKey::EmailId),
        b"THREADID" => |c, _| object_id(c).map(SearchKey::ThreadId),
        b"BEFORE" | b"ON" | b"SINCE" => {
            |c, name| Ok(SearchKey::InternalDate(date_order(name), date(c)?))
        }
        b"SENTBEFORE" | b"SENTON" | b"SENTSINCE" => {
            |c, name| Ok(SearchKey::SentDate(date_order(name), date(c)?))
        }
        b"SAVEDBEFORE" | b"SAVEDON" | b"SAVEDSINCE" => {
            |c, name| Ok(SearchKey::SaveDate(date_order(name), date(c)?))
        }
        _ => return Ok(None),
    };
    c.sp("the search key")?;
    parse(c, name).map(Some)
}

/// These UIDs, or none: no range has none.
fn uids_between(from: Option<u32>, to: Option<u32>) -> SearchKey {
    if from.is_none() || to.is_none() {
        return SearchKey::Not(Box::new(SearchKey::All));
    }
    let range = SequenceRange { from, to };
    SearchKey::Uid(SequenceSet::Ranges(vec![range]))
}

fn date_order(name: &[u8]) -> DateOrder {
    if name.ends_with(b"BEFORE") {
        DateOrder::Before
    } else if name.ends_with(b"SINCE") {
        DateOrder::Since
    } else {
        DateOrder::On
    }
}

// search-modsequence = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer
// search-modseq-ext = SP entry-name SP entry-type-req
fn search_modsequence(c: &mut Cursor<'_>) -> Result<SearchKey> {
    if c.peek() == Some(b'"') {
        // We keep one modseq for all of a message, which is what any entry gets.
        let start = c.at();
        if !c.quoted()?.starts_with(b"/flags/") {
            return fault_at(start, "expected an entry name that begins with \"/flags/\"");
        }
        c.sp("the entry name")?;
        if !(c.eat_word("all") || c.eat_word("priv") || c.eat_word("shared")) {
            return c.expected("priv, shared or all");
        }
        c.sp("the entry type")?;
    }
    c.number64("a modseq").map(SearchKey::ModSeq)
}

// objectid = 1*255(ALPHA / DIGIT / "_" / "-")
fn object_id(c: &mut Cursor<'_>) -> Result<Vec<u8>> {
    c.astring("an object identifier")
}
