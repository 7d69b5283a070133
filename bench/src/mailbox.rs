//! Mailboxes that are full already: loaded once, and found again by the next run.

use crate::{
    client::imap::Imap,
    corpus::Corpus,
    failure::{Failure, Result},
    scene::Scene,
};

/// What a mailbox is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filling {
    /// Messages as they are: 25 KB in the mean.
    Real,
    /// Messages of 1 to 2 KB: where their text is not what is asked for.
    Small,
}

/// So many octets of messages go into one command, or a message more.
const BATCH: usize = 4 << 20;
/// And no more than so many: servers have limits.
const BATCH_MESSAGES: usize = 250;

impl Scene {
    /// The account, made for this, whose INBOX has the first `count` messages of the corpus, in order, with the
    /// flags and dates that they have there. `purpose` keeps apart what is changed and what is only read.
    pub(crate) fn full(&mut self, purpose: &str, filling: Filling, count: u64) -> Result<String> {
        Ok(self.full_each(purpose, filling, count, 1)?.swap_remove(0))
    }

    /// The same, for so many accounts.
    pub(crate) fn full_each(
        &mut self,
        purpose: &str,
        filling: Filling,
        count: u64,
        accounts: usize,
    ) -> Result<Vec<String>> {
        let kind = if filling == Filling::Real {
            ""
        } else {
            "small"
        };
        let name = format!("{purpose}{kind}{count}s{}n", self.corpus.seed());
        let accounts = self.accounts(&name, accounts)?;
        let mut small = None;
        for account in &accounts {
            let mut client = self.login(account)?;
            let there = exists(&mut client, "INBOX")?;
            if there > count {
                return Err(Failure::Broken(format!(
                    "{account} has {there} messages, not {count}"
                )));
            }
            if there < count {
                let corpus = match filling {
                    Filling::Real => &*self.corpus,
                    Filling::Small => {
                        small.get_or_insert_with(|| Corpus::small(self.corpus.seed()))
                    }
                };
                load(&mut client, "INBOX", corpus, there..count)?;
            }
            client.logout()?;
        }
        Ok(accounts)
    }
}

impl Scene {
    /// The account whose INBOX has so many messages that nobody reads: a thousand small ones, copied again and
    /// again. For where only their number counts.
    pub(crate) fn large(&mut self, count: u64) -> Result<String> {
        let first = count.min(1000);
        let account = self.accounts(&format!("large{count}n"), 1)?.swap_remove(0);
        let mut client = self.login(&account)?;
        let mut there = exists(&mut client, "INBOX")?;
        if there < first {
            let corpus = Corpus::small(self.corpus.seed());
            load(&mut client, "INBOX", &corpus, there..first)?;
            there = exists(&mut client, "INBOX")?;
        }
        while there < count {
            let some = there.min(count - there).min(10_000);
            client.command(&format!("COPY 1:{some} INBOX"))?;
            there = exists(&mut client, "INBOX")?;
        }
        client.logout()?;
        Ok(account)
    }
}

/// Appends messages of a corpus to a mailbox, many with each command, with their flags and dates.
pub(crate) fn load(
    client: &mut Imap,
    mailbox: &str,
    corpus: &Corpus,
    numbers: std::ops::Range<u64>,
) -> Result<()> {
    let mut numbers = numbers.peekable();
    while numbers.peek().is_some() {
        let mut command = format!("APPEND \"{mailbox}\"").into_bytes();
        let mut message = Vec::new();
        for n in numbers.by_ref().take(BATCH_MESSAGES) {
            message.clear();
            corpus.write(n, &mut message);
            let (flags, date) = (corpus.flags(n), corpus.internal_date(n));
            command.extend_from_slice(
                format!(" ({flags}) \"{date}\" {{{}+}}\r\n", message.len()).as_bytes(),
            );
            command.extend_from_slice(&message);
            if command.len() > BATCH {
                break;
            }
        }
        let tag = client.send_parts(&[&command])?;
        client.finish(tag, "APPEND", |_| {})?;
    }
    Ok(())
}

/// Selects a mailbox; how many messages it has.
pub(crate) fn exists(client: &mut Imap, mailbox: &str) -> Result<u64> {
    let mut exists = None;
    client.look(&format!("SELECT \"{mailbox}\""), |response| {
        exists = exists.or_else(|| number_before(response, " EXISTS"));
    })?;
    exists.ok_or_else(|| Failure::Broken(format!("SELECT {mailbox} without EXISTS")))
}

/// Of `* 12 EXISTS`, the 12.
pub(crate) fn number_before(response: &[u8], word: &str) -> Option<u64> {
    std::str::from_utf8(response)
        .ok()?
        .strip_prefix("* ")?
        .strip_suffix(word)?
        .parse()
        .ok()
}

/// Of `* OK [UIDNEXT 12] …`, the 12.
pub(crate) fn code(response: &[u8], name: &str) -> Option<u64> {
    let rest = std::str::from_utf8(response)
        .ok()?
        .split_once(&format!("[{name} "))?
        .1;
    rest.split_once(']')?.0.parse().ok()
}

/// A mailbox of that name, with nothing in it. It is not deleted and made again: servers may keep what was deleted
/// for a while, by its name.
pub(crate) fn emptied(client: &mut Imap, name: &str) -> Result<()> {
    // It is there already unless this is the first time.
    let _ = client.command(&format!("CREATE {name}"));
    if exists(client, name)? > 0 {
        client.command("STORE 1:* +FLAGS.SILENT (\\Deleted)")?;
        client.command("EXPUNGE")?;
    }
    Ok(())
}
