//! Commands that name mailboxes: SELECT, CREATE, LIST, STATUS and their like.

use alloc::{format, string::String, vec::Vec};

use super::{
    cursor::{Cursor, Result, fault_at},
    metadata,
    sequence::known_set,
};
use crate::{
    command::{
        Authenticated, Command, CreateParams, List, ListReturn, ListSelection, Mailbox, Qresync,
        Rename, Select, StatusItem,
    },
    encode::Listing,
    set::SequenceSet,
};

/// `SP mailbox`: the first argument of many commands.
// mailbox = "INBOX" / astring
pub(super) fn one(c: &mut Cursor<'_>) -> Result<Mailbox> {
    c.sp("the name of the command")?;
    mailbox(c)
}

pub(super) fn mailbox(c: &mut Cursor<'_>) -> Result<Mailbox> {
    c.astring("a mailbox name").map(Mailbox)
}

// select = "SELECT" SP mailbox [select-params]
pub(super) fn select(c: &mut Cursor<'_>) -> Result<Select> {
    let mut select = Select {
        mailbox: one(c)?,
        annotate: false,
        condstore: false,
        qresync: None,
    };
    // select-params = SP "(" select-param *(SP select-param) ")"
    if c.more() {
        c.list1("the SELECT parameters", |c| select_param(c, &mut select))?;
    }
    Ok(select)
}

// select-param =/ "ANNOTATE" / condstore-param / "QRESYNC" SP "(" uidvalidity SP mod-sequence-value
//                 [SP known-uids] [SP seq-match-data] ")"
fn select_param(c: &mut Cursor<'_>, select: &mut Select) -> Result<()> {
    if c.eat_word("ANNOTATE") {
        select.annotate = true;
    } else if c.eat_word("CONDSTORE") {
        select.condstore = true;
    } else if c.eat_word("QRESYNC") {
        c.sp("QRESYNC")?;
        select.qresync = Some(qresync(c)?);
    } else {
        return c.expected("ANNOTATE, CONDSTORE or QRESYNC");
    }
    Ok(())
}

fn qresync(c: &mut Cursor<'_>) -> Result<Qresync> {
    c.expect(b'(', "'(' after QRESYNC")?;
    c.skip_spaces();
    let uid_validity = c.nz_number("the UIDVALIDITY")?;
    c.sp("the UIDVALIDITY")?;
    let mod_seq = c.number64("a modseq")?;
    let mut known_uids = None;
    let mut match_data = None;
    c.skip_spaces();
    if !matches!(c.peek(), Some(b')' | b'(')) {
        known_uids = Some(known_set(c, "the known UIDs")?);
        c.skip_spaces();
    }
    if c.peek() == Some(b'(') {
        match_data = Some(seq_match_data(c)?);
        c.skip_spaces();
    }
    c.expect(b')', "')' after the QRESYNC parameters")?;
    Ok(Qresync {
        uid_validity,
        mod_seq,
        known_uids,
        match_data,
    })
}

// seq-match-data = "(" known-sequence-set SP known-uid-set ")"
fn seq_match_data(c: &mut Cursor<'_>) -> Result<(SequenceSet, SequenceSet)> {
    c.expect(b'(', "'(' before the match data")?;
    c.skip_spaces();
    let numbers = known_set(c, "the known sequence numbers")?;
    c.sp("the known sequence numbers")?;
    let uids = known_set(c, "their UIDs")?;
    c.skip_spaces();
    c.expect(b')', "')' after the match data")?;
    Ok((numbers, uids))
}

// create = "CREATE" SP mailbox [create-params / SP partition]
// create-param =/ "USE" SP "(" [use-attr …] ")" / "PARTITION" SP partition
pub(super) fn create(c: &mut Cursor<'_>) -> Result<Command> {
    let mailbox = one(c)?;
    let mut params = CreateParams::default();
    if c.more() {
        if c.peek() == Some(b'(') {
            c.list1("the CREATE parameters", |c| create_param(c, &mut params))?;
        } else {
            params.partition = Some(partition(c)?);
        }
    }
    Ok(Command::Authenticated(Authenticated::Create {
        mailbox,
        params,
    }))
}

fn create_param(c: &mut Cursor<'_>, params: &mut CreateParams) -> Result<()> {
    if c.eat_word("PARTITION") {
        c.sp("PARTITION")?;
        params.partition = Some(partition(c)?);
        return Ok(());
    }
    if !c.eat_word("USE") {
        return c.expected("USE or PARTITION");
    }
    c.sp("USE")?;
    let uses = c.list("the special uses", use_attr)?;
    params.special_use.extend(uses);
    Ok(())
}

// partition = astring
fn partition(c: &mut Cursor<'_>) -> Result<String> {
    let start = c.at();
    let name = c.astring("the name of a partition")?;
    String::from_utf8(name).or_else(|_| fault_at(start, "the name of a partition is not UTF-8"))
}

// use-attr = "\All" / "\Archive" / … / use-attr-ext; use-attr-ext = "\" atom
fn use_attr(c: &mut Cursor<'_>) -> Result<String> {
    c.expect(b'\\', "a special use, which begins with '\\'")?;
    Ok(format!("\\{}", c.atom("the name of a special use")?))
}

// rename = "RENAME" SP mailbox SP mailbox [rename-params / SP partition]
// rename-param = "PARTITION" SP partition
pub(super) fn rename(c: &mut Cursor<'_>) -> Result<Command> {
    let from = one(c)?;
    c.sp("the mailbox name")?;
    let to = mailbox(c)?;
    let mut named = None;
    if c.more() {
        if c.peek() == Some(b'(') {
            c.list1("the RENAME parameters", |c| {
                if !c.eat_word("PARTITION") {
                    return c.expected("PARTITION");
                }
                c.sp("PARTITION")?;
                named = Some(partition(c)?);
                Ok(())
            })?;
        } else {
            named = Some(partition(c)?);
        }
    }
    Ok(Command::Authenticated(Authenticated::Rename(Rename {
        from,
        to,
        partition: named,
    })))
}

// lsub = "LSUB" SP mailbox SP list-mailbox
pub(super) fn lsub(c: &mut Cursor<'_>) -> Result<Command> {
    let reference = list_reference(c, "LSUB")?;
    let pattern = c.list_mailbox()?;
    Ok(Command::Authenticated(Authenticated::Lsub {
        reference,
        pattern,
        remote: false,
    }))
}

// scan = "SCAN" SP mailbox SP list-mailbox SP astring
pub(super) fn scan(c: &mut Cursor<'_>) -> Result<Command> {
    let reference = list_reference(c, "SCAN")?;
    let pattern = c.list_mailbox()?;
    c.sp("the mailbox pattern")?;
    let contents = c.astring("what to look for")?;
    Ok(Command::Authenticated(Authenticated::Scan {
        reference,
        pattern,
        contents,
    }))
}

// rlsub = "RLSUB" SPACE mailbox SPACE list_mailbox
pub(super) fn rlsub(c: &mut Cursor<'_>) -> Result<Command> {
    let reference = list_reference(c, "RLSUB")?;
    let pattern = c.list_mailbox()?;
    Ok(Command::Authenticated(Authenticated::Lsub {
        reference,
        pattern,
        remote: true,
    }))
}

// rlist = "RLIST" SPACE mailbox SPACE list_mailbox
pub(super) fn rlist(c: &mut Cursor<'_>) -> Result<Command> {
    let mut list = basic_list(c, "RLIST")?;
    list.selection.remote = true;
    Ok(Command::Authenticated(Authenticated::List(list)))
}

// xlist = "XLIST" SP mailbox SP list-mailbox: as LIST once was
pub(super) fn xlist(c: &mut Cursor<'_>) -> Result<Command> {
    let mut list = basic_list(c, "XLIST")?;
    list.listing = Listing::Xlist;
    Ok(Command::Authenticated(Authenticated::List(list)))
}

/// `SP mailbox SP list-mailbox`.
fn basic_list(c: &mut Cursor<'_>, name: &'static str) -> Result<List> {
    Ok(List {
        reference: list_reference(c, name)?,
        patterns: alloc::vec![c.list_mailbox()?],
        ..List::default()
    })
}

// list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]
pub(super) fn list(c: &mut Cursor<'_>) -> Result<Command> {
    let mut selection = ListSelection::default();
    let mut ahead = c.clone();
    ahead.skip_spaces();
    let mut extended = ahead.peek() == Some(b'(');
    if extended {
        c.sp("LIST")?;
        selection = list_select_opts(c)?;
    }
    let reference = list_reference(c, "LIST")?;
    // mbox-or-pat = list-mailbox / patterns
    let patterns = if c.peek() == Some(b'(') {
        extended = true;
        c.list1("the patterns", Cursor::list_mailbox)?
    } else {
        alloc::vec![c.list_mailbox()?]
    };
    let mut returns = None;
    if c.more() {
        extended = true;
        returns = Some(list_return_opts(c)?);
    }
    Ok(Command::Authenticated(Authenticated::List(List {
        selection,
        reference,
        patterns,
        returns,
        extended,
        ..List::default()
    })))
}

/// `SP mailbox SP`: the reference name. Wildcards in it are forgiven.
fn list_reference(c: &mut Cursor<'_>, after: &'static str) -> Result<Vec<u8>> {
    c.sp(after)?;
    let reference = c.list_mailbox()?;
    c.sp("the reference name")?;
    Ok(reference)
}

// list-select-opts = "(" [...] ")": any number of options in any order
fn list_select_opts(c: &mut Cursor<'_>) -> Result<ListSelection> {
    let start = c.at();
    let mut selection = ListSelection::default();
    c.list("the selection options", |c| {
        let chosen = if c.eat_word("SUBSCRIBED") {
            &mut selection.subscribed
        } else if c.eat_word("REMOTE") {
            &mut selection.remote
        } else if c.eat_word("RECURSIVEMATCH") {
            &mut selection.recursive_match
        } else if c.eat_word("SPECIAL-USE") {
            &mut selection.special_use
        } else {
            return c.expected("SUBSCRIBED, REMOTE, RECURSIVEMATCH or SPECIAL-USE");
        };
        *chosen = true;
        Ok(())
    })?;
    // RFC 9051 §6.3.9.1: not without an option that it can modify.
    if selection.recursive_match && !selection.subscribed && !selection.special_use {
        return fault_at(start, "RECURSIVEMATCH without SUBSCRIBED or SPECIAL-USE");
    }
    Ok(selection)
}

// list-return-opts = "RETURN" SP "(" [list-return-opt *(SP list-return-opt)] ")"
fn list_return_opts(c: &mut Cursor<'_>) -> Result<ListReturn> {
    if !c.eat_word("RETURN") {
        return c.expected("RETURN");
    }
    c.sp("RETURN")?;
    let mut returns = ListReturn::default();
    c.list("the return options", |c| {
        if c.eat_word("SUBSCRIBED") {
            returns.subscribed = true;
        } else if c.eat_word("CHILDREN") {
            returns.children = true;
        } else if c.eat_word("SPECIAL-USE") {
            returns.special_use = true;
        } else if c.eat_word("STATUS") {
            c.sp("STATUS")?;
            returns.status = Some(status_atts(c)?);
        } else if c.eat_word("MYRIGHTS") {
            // RFC 8440 §5
            returns.my_rights = true;
        } else if c.eat_word("METADATA") {
            // RFC 9590 §5
            c.sp("METADATA")?;
            returns.metadata = metadata::entries(c)?;
        } else {
            return c.expected("SUBSCRIBED, CHILDREN, SPECIAL-USE, STATUS, MYRIGHTS or METADATA");
        }
        Ok(())
    })?;
    Ok(returns)
}

// status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
pub(super) fn status(c: &mut Cursor<'_>) -> Result<Command> {
    let mailbox = one(c)?;
    c.sp("the mailbox name")?;
    let items = status_atts(c)?;
    Ok(Command::Authenticated(Authenticated::Status {
        mailbox,
        items,
    }))
}

/// Each once: saying it twice tells no more, and must not make the response grow.
fn status_atts(c: &mut Cursor<'_>) -> Result<Vec<StatusItem>> {
    let mut items = Vec::new();
    c.list1("the STATUS items", |c| {
        let item = status_att(c)?;
        if !items.contains(&item) {
            items.push(item);
        }
        Ok(())
    })?;
    Ok(items)
}

// status-att = "MESSAGES" / "UIDNEXT" / "UIDVALIDITY" / "UNSEEN" / "DELETED" / "SIZE" / …
fn status_att(c: &mut Cursor<'_>) -> Result<StatusItem> {
    let start = c.at();
    let word = c.atom("a STATUS item")?;
    StatusItem::ALL
        .into_iter()
        .find(|item| item.name().eq_ignore_ascii_case(word))
        .map_or_else(|| fault_at(start, "unknown STATUS item"), Ok)
}
