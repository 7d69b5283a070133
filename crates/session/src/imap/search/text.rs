//! Looking for texts in a message: BODY and TEXT, exact and FUZZY.

use mail::{
    collation::Collation,
    fuzzy::{Likeness, Words},
    search::Matcher,
    text::{Sink, Stretch},
};

/// Looks for texts in one message after the other, all in one pass.
#[derive(Debug, Default)]
pub(super) struct Texts(Vec<(Scope, Look)>);

/// Where a text is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// BODY.
    Body,
    /// TEXT.
    All,
}

/// How.
#[derive(Debug)]
enum Look {
    Exact(Box<Matcher>),
    Fuzzy(Words, Likeness),
}

impl Scope {
    fn has(self, stretch: &Stretch) -> bool {
        self == Self::All || stretch.body
    }
}

impl Texts {
    /// Looks for a text too, as the collation compares.
    pub(super) fn exact(&mut self, scope: Scope, collation: Collation, text: &str) {
        let matcher = Box::new(Matcher::under(collation, text));
        self.0.push((scope, Look::Exact(matcher)));
    }

    /// Looks for words too, or about these.
    pub(super) fn fuzzy(&mut self, scope: Scope, words: &Words) {
        let look = Look::Fuzzy(words.clone(), Likeness::new(words));
        self.0.push((scope, look));
    }

    /// Begins anew, with another message.
    pub(super) fn reset(&mut self) {
        for (_, look) in &mut self.0 {
            match look {
                Look::Exact(matcher) => matcher.reset(),
                Look::Fuzzy(words, likeness) => *likeness = Likeness::new(words),
            }
        }
    }

    /// For each text in the order given: whether it was found, and how well, 1 to 100; 0 if
    /// that was not asked for.
    pub(super) fn found(&self) -> impl Iterator<Item = (bool, u8)> {
        self.0.iter().map(|(_, look)| match look {
            Look::Exact(matcher) => (matcher.found(), 0),
            Look::Fuzzy(_, likeness) => match likeness.score() {
                Some(score) => (true, score),
                None => (false, 0),
            },
        })
    }
}

impl Sink for Texts {
    /// Whether any text that is still missing could be in such a stretch.
    fn wants(&self, stretch: &Stretch) -> bool {
        self.0.iter().any(|(scope, look)| {
            let settled = match look {
                Look::Exact(matcher) => matcher.found(),
                Look::Fuzzy(_, likeness) => likeness.is_settled(),
            };
            !settled && scope.has(stretch)
        })
    }

    fn text(&mut self, text: &str, stretch: &Stretch) {
        for (_, look) in self.0.iter_mut().filter(|(scope, _)| scope.has(stretch)) {
            match look {
                Look::Exact(matcher) => matcher.push(text),
                Look::Fuzzy(_, likeness) => likeness.push(text),
            }
        }
    }

    fn gap(&mut self) {
        for (_, look) in &mut self.0 {
            match look {
                Look::Exact(matcher) => matcher.interrupt(),
                Look::Fuzzy(_, likeness) => likeness.interrupt(),
            }
        }
    }
}
