//! Reads messages' octets again, in the order of the log: a message whose
//! pieces lie apart is waited for, with as much as a message being received takes.

use std::{collections::HashMap, mem, ops::ControlFlow};

use super::{Content, Finding};
use crate::{
    engine::{Ref, Walk, WalkItem, WalkKind},
    error::Error,
};

/// A message whose next piece is waited for.
struct Reading {
    content: Content,
    about: Finding,
    /// How many pieces have come.
    pieces: usize,
    hasher: blake3::Hasher,
    scanner: mail::Scanner,
}

impl Reading {
    fn new(content: Content, about: Finding) -> Self {
        Self {
            content,
            about,
            pieces: 0,
            hasher: blake3::Hasher::new(),
            scanner: mail::Scanner::new(mail::Limits::default()),
        }
    }

    /// Where the next piece is; `None` at the end.
    fn next(&self) -> Option<Ref> {
        self.content.pieces.get(self.pieces).map(|piece| piece.at)
    }

    /// What is wrong with the octets that came.
    fn judge(self) -> Option<Finding> {
        let what = if self.hasher.finalize().as_bytes() == &self.content.blake3 {
            let mut digest = Vec::new();
            self.scanner.finish().encode(&mut digest);
            if blake3::hash(&digest).as_bytes() == &self.content.digest_blake3 {
                return None;
            }
            "what was derived from it is not what is derived now"
        } else {
            "its octets are not those that arrived"
        };
        Some(Finding {
            what: what.into(),
            ..self.about
        })
    }
}

/// Reads the octets of all these messages. No two begin with the same piece.
pub(super) fn verify(
    walks: &[Walk<'_>],
    contents: Vec<(Content, Finding)>,
    found: &mut dyn FnMut(Finding),
) -> Result<(), Error> {
    let mut begin: HashMap<Ref, (Content, Finding)> = HashMap::with_capacity(contents.len());
    for (content, about) in contents {
        if let Some(first) = content.pieces.first() {
            begin.insert(first.at, (content, about));
        }
    }
    let mut going_on: HashMap<Ref, Reading> = HashMap::new();
    let mut visit = |item: WalkItem<'_>| {
        let WalkItem::Record {
            kind: WalkKind::Blob,
            at,
            body,
            ..
        } = item
        else {
            return ControlFlow::Continue(());
        };
        let reading = going_on.remove(&at).or_else(|| {
            let (content, about) = begin.remove(&at)?;
            Some(Reading::new(content, about))
        });
        if let Some(mut reading) = reading {
            reading.hasher.update(body);
            reading.scanner.push(body);
            reading.pieces += 1;
            match reading.next() {
                Some(next) => drop(going_on.insert(next, reading)),
                None => reading.judge().into_iter().for_each(&mut *found),
            }
        }
        ControlFlow::Continue(())
    };
    for walk in walks.iter().filter_map(|walk| walk.walk.as_ref().ok()) {
        walk(&mut visit)?;
    }
    let lost = |about| Finding {
        what: "its octets could not be read again, or lie in another order".into(),
        ..about
    };
    let waiting = mem::take(&mut going_on).into_values().map(|r| r.about);
    let unseen = begin.into_values().map(|(_, about)| about);
    waiting.chain(unseen).map(lost).for_each(found);
    Ok(())
}
