//! Asking the store's columns: what they tell of a message need not be read.

use std::ops::Range;

use store::{
    Account, Error, Message, SentDate, Uid,
    columns::{Column, Columns, Entry, Field, Held, Looking},
};

use super::{
    STEPS_PER_DIGEST,
    pace::Pace,
    query::{Asked, Probe, Search},
    verdicts::Verdicts,
};

/// The probes of a search that columns answer.
#[derive(Debug)]
pub(super) struct Clerk {
    columns: Columns,
    /// What they ask about.
    asked: Vec<Column>,
    /// Each with its number.
    questions: Vec<(usize, Question)>,
}

#[derive(Debug)]
enum Question {
    /// The day of its `Date` field is one of these.
    Sent(Range<i64>),
    /// A field contains a text.
    Has(Box<Looking>),
}

impl Clerk {
    /// For a search; `None` if columns don't know what it asks. RFC 6203 §4: scores are made of all that FUZZY finds, so
    /// that every probe has to be answered where they are.
    pub(super) fn of(search: &Search, account: &Account) -> Option<Self> {
        let probes = search.probes.iter().enumerate();
        let questions = probes.filter_map(|(number, probe)| Some((number, Question::of(probe)?)));
        let questions: Vec<_> = questions.collect();
        let asked = questions.iter().filter_map(|(_, question)| match question {
            Question::Has(looking) => Some(Column::Says(looking.field())),
            Question::Sent(_) => None,
        });
        let asked: Vec<_> = asked.collect();
        let knows = !questions.is_empty() && !search.has_fuzzy;
        knows.then(|| Self {
            columns: account.columns(search.collation),
            asked,
            questions,
        })
    }

    /// Answers what it can of some messages, of which these are not decided yet.
    ///
    /// # Errors
    /// If the store is out of service.
    pub(super) async fn answer(
        &mut self,
        account: &Account,
        (messages, open): (&[(u32, Message<'_>)], u64),
        answers: &mut [Verdicts],
        pace: &mut Pace,
    ) -> Result<(), Error> {
        let is_open = |(at, _): &(usize, _)| open >> at & 1 == 1;
        let asked = || messages.iter().enumerate().filter(is_open);
        let missing = asked().map(|(_, (_, message))| message);
        // Who can't be read is asked again, and named.
        let columns = (&self.columns, &*self.asked);
        let table = filled(account, columns, missing, pace, &mut |_, _| Ok(())).await?;
        for (_, question) in &mut self.questions {
            if let Question::Has(looking) = question {
                looking.look(&table);
            }
        }
        let mut finder = table.finder();
        for (at, (_, message)) in asked() {
            let Some(entry) = finder.find(message.email) else {
                continue;
            };
            for (number, question) in &self.questions {
                if let Some(answers) = answers.get_mut(*number) {
                    answers.tell(at, question.holds(entry));
                }
            }
        }
        Ok(())
    }
}

impl Question {
    fn of(probe: &Probe) -> Option<Self> {
        match &probe.what {
            Asked::Sent(days) => Some(Self::Sent(days.clone())),
            Asked::Field { name, contains } => {
                let field = Field::named(name)?;
                Some(Self::Has(Box::new(Looking::new(field, contains))))
            }
            Asked::Body(_) | Asked::Text(_) | Asked::Like { .. } => None,
        }
    }

    fn holds(&self, entry: Entry<'_>) -> Option<bool> {
        match self {
            // RFC 9051 §6.4.4: a message without the field was sent on no day.
            Self::Sent(days) => Some(
                entry
                    .sent_days()
                    .is_some_and(|day| days.contains(&i64::from(day))),
            ),
            Self::Has(looking) => looking.has(entry),
        }
    }
}

/// When a message was sent: RFC 5256 §2.2.
pub(super) fn sent(message: &Message<'_>, entry: Option<Entry<'_>>) -> i64 {
    let sent = match message.sent.date() {
        SentDate::At { unix, .. } => Some(unix),
        SentDate::Undated => None,
        SentDate::Untold => entry.and_then(Entry::sent),
    };
    sent.unwrap_or(message.internal_date.unix)
}

/// Messages whose records are read before they are put into columns.
const READ_AT_ONCE: usize = 64;

/// What is in some columns, once these messages are in them too. `unreadable` is told of those that can't be.
///
/// # Errors
/// What `unreadable` says; if the store is out of service.
pub(super) async fn filled<'m>(
    account: &Account,
    (columns, asked): (&Columns, &[Column]),
    messages: impl Iterator<Item = &'m Message<'m>>,
    pace: &mut Pace,
    unreadable: &mut (impl FnMut(Uid, Error) -> Result<(), Error> + Send),
) -> Result<Held, Error> {
    let table = columns.read(asked).await?;
    let missing: Vec<&Message<'_>> = {
        let mut finder = table.finder();
        messages
            .filter(|message| finder.find(message.email).is_none())
            .collect()
    };
    if missing.is_empty() {
        return Ok(table);
    }
    drop(table);
    for some in missing.chunks(READ_AT_ONCE) {
        let mut emails = Vec::with_capacity(some.len());
        for message in some {
            match account.email(message).await {
                Ok(email) => emails.push((message.email, email)),
                Err(error) => unreadable(message.uid, error)?,
            }
            pace.worked(STEPS_PER_DIGEST).await;
        }
        columns.add(&emails).await;
    }
    columns.read(asked).await
}
