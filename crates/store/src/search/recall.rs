//! What was found by looking at messages, kept in memory: who asks the same again need not look again.
//!
//! A message never changes, so what it answers is right for ever. Questions are of all accounts together, and
//! as many as there is room for: the one that was asked longest ago goes first.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mail::collation::Collation;

use super::sift::Place;
use crate::{
    account::Account,
    id::{AccountId, EmailId},
};

/// Questions that are remembered.
const QUESTIONS_MAX: usize = 256;
/// Octets of the answers to all of them, as far as they are known when another is asked.
const OCTETS_MAX: usize = 16 << 20;
/// Octets of the answers to one: those of some millions of messages that follow each other.
const ANSWERS_OCTETS_MAX: usize = 2 << 20;
/// Octets of a text that is remembered.
const TEXT_OCTETS_MAX: usize = 256;

/// What is asked of messages: whether they have a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Where.
    pub place: Place,
    /// The text, as the collation folds it.
    pub text: String,
    /// What it is compared by.
    pub collation: Collation,
}

/// What is remembered, of all accounts.
#[derive(Debug, Default)]
pub(crate) struct Recall {
    /// The one asked last is the last.
    asked: Mutex<VecDeque<Asked>>,
}

#[derive(Debug)]
struct Asked {
    account: AccountId,
    question: Question,
    answers: Arc<Answers>,
}

impl Asked {
    fn octets(&self) -> usize {
        self.answers.pages().octets + self.question.text.len()
    }
}

impl Recall {
    /// The answers to a question, which are remembered from now on.
    fn answers(&self, account: AccountId, question: Question) -> Arc<Answers> {
        if question.text.len() > TEXT_OCTETS_MAX {
            return Arc::default();
        }
        // The queue is whole between any two of its operations.
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = asked.iter();
        let place = all.position(|it| it.account == account && it.question == question);
        let again = place.and_then(|at| asked.remove(at));
        let again = again.unwrap_or_else(|| Asked {
            account,
            question,
            answers: Arc::default(),
        });
        let mut octets: usize = asked.iter().map(Asked::octets).sum();
        while asked.len() >= QUESTIONS_MAX || octets > OCTETS_MAX {
            let Some(oldest) = asked.pop_front() else {
                break;
            };
            octets -= oldest.octets().min(octets);
        }
        let answers = Arc::clone(&again.answers);
        asked.push_back(again);
        answers
    }
}

impl Account {
    /// What is known already of the answers of this account's messages to a question, to be added to.
    #[must_use]
    pub fn answers(&self, question: Question) -> Arc<Answers> {
        self.shared.recall.answers(self.id(), question)
    }
}

/// What messages of an account answered to a question.
#[derive(Debug, Default)]
pub struct Answers(Mutex<Pages>);

/// Pages by the upper bits of EMAILIDs.
#[derive(Debug, Default)]
struct Pages {
    pages: Vec<Option<Box<Page>>>,
    octets: usize,
}

/// Words of a page.
const WORDS: usize = 64;

/// Of neighbouring EMAILIDs: which have it, and which do not.
#[derive(Debug)]
struct Page {
    yes: [u64; WORDS],
    no: [u64; WORDS],
}

impl Answers {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        // Bits are set one by one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a message answered; `None`: it has not been looked at, or that is forgotten.
    #[must_use]
    pub fn of(&self, email: EmailId) -> Option<bool> {
        let (page, word, bit) = place(email)?;
        let pages = self.pages();
        let page = pages.pages.get(page)?.as_ref()?;
        let has = |words: &[u64; WORDS]| words.get(word).is_some_and(|word| word & bit != 0);
        if has(&page.yes) {
            return Some(true);
        }
        has(&page.no).then_some(false)
    }

    /// A message was looked at, and this is its answer.
    pub fn note(&self, email: EmailId, holds: bool) {
        let Some((page, word, bit)) = place(email) else {
            return;
        };
        if let Some(page) = self.pages().page(page) {
            let words = if holds { &mut page.yes } else { &mut page.no };
            if let Some(word) = words.get_mut(word) {
                *word |= bit;
            }
        }
    }
}

impl Pages {
    /// The page with this number, if there is room for it.
    fn page(&mut self, number: usize) -> Option<&mut Page> {
        let is_there = self.pages.get(number).is_some_and(Option::is_some);
        if !is_there {
            let rows = self.pages.len().max(number.saturating_add(1));
            let octets = rows.saturating_sub(self.pages.len()) * size_of::<Option<Box<Page>>>()
                + size_of::<Page>();
            if rows > ANSWERS_OCTETS_MAX || self.octets + octets > ANSWERS_OCTETS_MAX {
                return None;
            }
            self.octets += octets;
            self.pages.resize_with(rows, || None);
        }
        let page = self.pages.get_mut(number)?;
        Some(page.get_or_insert_with(|| {
            Box::new(Page {
                yes: [0; WORDS],
                no: [0; WORDS],
            })
        }))
    }
}

/// Where the bits of a message are: the page, the word, the bit.
fn place(email: EmailId) -> Option<(usize, usize, u64)> {
    let word = usize::try_from(email.0 / u64::from(u64::BITS)).ok()?;
    Some((word / WORDS, word % WORDS, 1 << (email.0 % 64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(text: &str) -> Question {
        Question {
            place: Place::Body,
            text: text.into(),
            collation: Collation::default(),
        }
    }

    #[test]
    fn what_was_answered_is_remembered_for_that_question_and_account() {
        let recall = Recall::default();
        let (ann, bob) = (AccountId(1), AccountId(2));
        let answers = recall.answers(ann, question("A"));
        for (email, holds) in [(1, true), (63, false), (64, true), (1 << 12, false)] {
            assert_eq!(answers.of(EmailId(email)), None);
            answers.note(EmailId(email), holds);
        }
        let again = recall.answers(ann, question("A"));
        for (email, expected) in [
            (1, Some(true)),
            (63, Some(false)),
            (64, Some(true)),
            (1 << 12, Some(false)),
            (2, None),
            (u64::MAX, None),
        ] {
            assert_eq!(again.of(EmailId(email)), expected, "{email}");
        }
        let text = Question {
            place: Place::Text,
            ..question("A")
        };
        let ascii = Question {
            collation: Collation::AsciiCasemap,
            ..question("A")
        };
        for (account, other) in [
            (bob, question("A")),
            (ann, question("AB")),
            (ann, text),
            (ann, ascii),
        ] {
            assert_eq!(recall.answers(account, other).of(EmailId(1)), None);
        }
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_is_forgotten() {
        let recall = Recall::default();
        let ann = AccountId(1);
        for number in 0..2 * QUESTIONS_MAX {
            let answers = recall.answers(ann, question(&number.to_string()));
            answers.note(EmailId(5), true);
            recall.answers(ann, question("0"));
        }
        assert_eq!(recall.asked.lock().unwrap().len(), QUESTIONS_MAX);
        let of = |text: &str| recall.answers(ann, question(text)).of(EmailId(5));
        assert_eq!(
            (of("0"), of("1"), of("511")),
            (Some(true), None, Some(true))
        );
        let answers = recall.answers(ann, question("all"));
        for email in (0..1 << 36)
            .step_by(1 << 24)
            .chain((0..20_000_000).step_by(1000))
        {
            answers.note(EmailId(email), true);
        }
        answers.note(EmailId(u64::MAX), true);
        assert_eq!(answers.of(EmailId(u64::MAX)), None);
        assert_eq!(answers.of(EmailId(0)), Some(true));
        assert!(answers.pages().octets <= ANSWERS_OCTETS_MAX);
        for number in 0..20 {
            let answers = recall.answers(ann, question(&format!("large {number}")));
            for email in (0..4_000_000).step_by(4096) {
                answers.note(EmailId(email), true);
            }
        }
        recall.answers(ann, question("one more"));
        let asked = recall.asked.lock().unwrap();
        assert!(asked.iter().map(Asked::octets).sum::<usize>() <= OCTETS_MAX);
        assert!(asked.len() > 10);
    }
}
