//! The mailboxes that were opened last: their messages stay in memory for a while after they are closed.
//! Clients go to and fro between a few mailboxes, and many come back every minute; without this, each
//! time everything would be read and decoded again.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use crate::{
    id::{AccountId, MailboxId},
    mailbox::OpenMailbox,
};

/// Messages that are held at most, of all accounts: at most some 72 octets each.
const MESSAGES_MAX: u64 = 1 << 20;

/// What a mailbox counts for besides its messages: not many of them are held if they are empty.
const MAILBOX_COST: u64 = 64;

type Key = (AccountId, MailboxId);

/// Holds the mailboxes that were opened last.
#[derive(Debug, Default)]
pub(crate) struct Lately {
    held: Mutex<Held<OpenMailbox>>,
}

#[derive(Debug)]
struct Held<T> {
    open: HashMap<Key, Opened<T>>,
    /// Openings in the order of time. Those of mailboxes that were opened again are out of date.
    order: VecDeque<(u64, Key)>,
    openings: u64,
    /// Of what is held.
    cost: u64,
}

#[derive(Debug)]
struct Opened<T> {
    /// Which opening was its last.
    opening: u64,
    /// In messages.
    cost: u64,
    _mailbox: T,
}

impl Lately {
    /// Holds a mailbox, in place of an earlier state of it, and lets go of those whose opening was longest ago.
    pub(crate) fn opened(&self, account: AccountId, mailbox: &OpenMailbox) {
        let key = (account, mailbox.id());
        let gone = {
            // What a panic leaves half-changed is a count too many or too few.
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.take(key, mailbox.len(), mailbox.clone())
        };
        // Freeing a million messages takes its time: nobody is to wait for that.
        drop(gone);
    }
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self {
            open: HashMap::new(),
            order: VecDeque::new(),
            openings: 0,
            cost: 0,
        }
    }
}

impl<T> Held<T> {
    /// What does not have to be held any more.
    fn take(&mut self, key: Key, messages: u32, mailbox: T) -> Vec<Opened<T>> {
        self.openings += 1;
        let opened = Opened {
            opening: self.openings,
            cost: u64::from(messages) + MAILBOX_COST,
            _mailbox: mailbox,
        };
        if opened.cost > MESSAGES_MAX {
            // It would be alone.
            return vec![opened];
        }
        self.cost += opened.cost;
        self.order.push_back((self.openings, key));
        let mut gone: Vec<_> = self.open.insert(key, opened).into_iter().collect();
        while self.cost - cost(&gone) > MESSAGES_MAX
            && let Some((opening, key)) = self.order.pop_front()
        {
            if self.is_last(opening, key) {
                gone.extend(self.open.remove(&key));
            }
        }
        self.cost -= cost(&gone);
        if self.order.len() > 2 * self.open.len() + 16 {
            let mut order = std::mem::take(&mut self.order);
            order.retain(|(opening, key)| self.is_last(*opening, *key));
            self.order = order;
        }
        gone
    }

    fn is_last(&self, opening: u64, key: Key) -> bool {
        self.open.get(&key).is_some_and(|it| it.opening == opening)
    }
}

fn cost<T>(opened: &[Opened<T>]) -> u64 {
    opened.iter().map(|it| it.cost).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(held: &mut Held<()>, number: u64, messages: u32) {
        held.take((AccountId(1), MailboxId(number)), messages, ());
    }

    fn has(held: &Held<()>, number: u64) -> bool {
        held.open.contains_key(&(AccountId(1), MailboxId(number)))
    }

    #[test]
    fn those_that_were_opened_last_are_held() {
        let (mut held, max) = (Held::default(), MESSAGES_MAX / MAILBOX_COST);
        for number in 1..=max {
            opened(&mut held, number, 0);
        }
        opened(&mut held, 1, 0);
        assert!(has(&held, 1) && has(&held, 2));
        opened(&mut held, max + 1, 0);
        assert!(has(&held, 1) && !has(&held, 2) && has(&held, 3));
        assert_eq!((held.cost, held.open.len() as u64), (MESSAGES_MAX, max));
        opened(&mut held, 5, u32::MAX);
        assert_eq!((held.cost, held.open.len() as u64), (MESSAGES_MAX, max));
    }

    #[test]
    fn opening_the_same_again_and_again_takes_no_memory() {
        let mut held = Held::default();
        for messages in 0..1000 {
            opened(&mut held, 1, messages);
        }
        assert_eq!((held.open.len(), held.cost), (1, 999 + MAILBOX_COST));
        assert!(held.order.len() <= 18);
    }
}
