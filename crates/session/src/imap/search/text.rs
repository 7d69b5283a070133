//! Looking for texts in a message: BODY and TEXT.

use mail::{
    collation::Collation,
    search::Matcher,
    text::{Sink, Stretch},
};

/// Looks for texts in one message, all in one pass.
#[derive(Debug)]
pub(super) struct Texts {
    matchers: Vec<(Scope, Matcher)>,
}

/// Where a text is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// BODY.
    Body,
    /// TEXT.
    All,
}

impl Scope {
    fn has(self, stretch: &Stretch) -> bool {
        self == Self::All || stretch.body
    }
}

impl Texts {
    /// Looks for these, as the collation compares.
    pub(super) fn new<'a>(
        collation: Collation,
        texts: impl Iterator<Item = (Scope, &'a str)>,
    ) -> Self {
        Self {
            matchers: texts
                .map(|(scope, text)| (scope, Matcher::under(collation, text)))
                .collect(),
        }
    }

    /// Whether each text was found, in the order given.
    pub(super) fn found(&self) -> impl Iterator<Item = bool> {
        self.matchers.iter().map(|(_, matcher)| matcher.found())
    }
}

impl Sink for Texts {
    /// Whether any text that is still missing could be in such a stretch.
    fn wants(&self, stretch: &Stretch) -> bool {
        let mut missing = self.matchers.iter().filter(|(_, m)| !m.found());
        missing.any(|(scope, _)| scope.has(stretch))
    }

    fn text(&mut self, text: &str, stretch: &Stretch) {
        for (scope, matcher) in &mut self.matchers {
            if scope.has(stretch) {
                matcher.push(text);
            }
        }
    }

    fn gap(&mut self) {
        for (_, matcher) in &mut self.matchers {
            matcher.interrupt();
        }
    }
}
