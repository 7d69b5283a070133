//! The socketmap protocol: `socketmap_table(5)`.

use super::{
    Cut,
    answer::{Answer, Question, Table},
    netstring::{self, Front},
};

/// Cuts a request off: `name SP key`.
pub(super) fn cut(octets: &[u8]) -> Cut {
    match netstring::front(octets) {
        Front::Whole(request, octets) => Cut::Question(question(request), octets),
        Front::Begun => Cut::More,
        Front::Broken => Cut::Lost,
    }
}

fn question(request: &[u8]) -> Question {
    let space = request.iter().position(|&o| o == b' ');
    let Some((name, key)) = space.and_then(|at| Some((request.get(..at)?, request.get(at + 1..)?)))
    else {
        return Question::Unclear("A request is a name, a space, and a key");
    };
    match Table::named(name) {
        Some(table) => Question::lookup(table, key),
        None => Question::Unclear("There is no table of that name"),
    }
}

/// Appends a reply.
pub(super) fn write(answer: &Answer, into: &mut Vec<u8>) {
    let reply = match answer {
        Answer::Found(value) => format!("OK {value}"),
        Answer::NotFound => "NOTFOUND ".to_owned(),
        Answer::NotNow(why) => format!("TEMP {}", why.text),
        Answer::Never(why) => format!("PERM {}", why.text),
        Answer::Unclear(what) => format!("PERM {what}"),
    };
    netstring::write(reply.as_bytes(), into);
}
