//! One user of the day: what they do, and what must then be true.

use memchr::memmem;

use crate::{
    client::{imap::Imap, lmtp::Lmtp},
    failure::{Failure, Result},
    mailbox::{emptied, exists},
    scene::{Letter, Scene},
};

/// So many messages everybody has when the day begins.
const BEFORE: u64 = 20;
/// Every user has so many messages of the corpus of their own.
const SHARE: u64 = 100_000;

/// What is known of somebody's mail, because they were told or because it was acknowledged.
pub(super) struct User {
    account: String,
    address: String,
    desktop: Imap,
    /// What is in INBOX and has been listed, by UID, and which letter it is.
    known: Vec<(u64, Letter)>,
    /// What was acknowledged and has not been listed yet, in order.
    waiting: Vec<Letter>,
    /// The highest UID that there ever was.
    highest: u64,
    /// The next message of the corpus for this user.
    next: u64,
    /// How many messages are in Sent and in Trash.
    sent: u64,
    trash: u64,
}

impl User {
    /// The morning: some messages in INBOX, and a desktop that shows them.
    pub(super) fn begin(scene: &Scene, account: String, number: u64) -> Result<Self> {
        let mut desktop = scene.login_tls(&account)?;
        for mailbox in ["Sent", "Trash", "INBOX"] {
            emptied(&mut desktop, mailbox)?;
        }
        exists(&mut desktop, "INBOX")?;
        let first = number * SHARE;
        let before = first..first + BEFORE;
        let waiting: Vec<Letter> = before.map(|n| scene.next_letter(n)).collect();
        let messages: Vec<Vec<u8>> = waiting.iter().map(|n| scene.written(*n)).collect();
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        desktop.append("INBOX", &messages)?;
        let mut user = Self {
            address: scene.recipient(&account),
            account,
            desktop,
            known: Vec::new(),
            waiting,
            highest: 0,
            next: first + BEFORE,
            sent: 0,
            trash: 0,
        };
        user.looks()?;
        Ok(user)
    }

    /// Mail comes, and is acknowledged.
    pub(super) fn gets_mail(&mut self, scene: &Scene, lmtp: &mut Lmtp) -> Result<()> {
        let letter = scene.next_letter(self.next);
        lmtp.deliver(std::slice::from_ref(&self.address), &scene.written(letter))?;
        self.waiting.push(letter);
        self.next += 1;
        Ok(())
    }

    /// The desktop looks for what is new, and lists it.
    pub(super) fn looks(&mut self) -> Result<()> {
        self.looks_at(None)
    }

    /// The phone connects, selects, lists what is new and goes.
    pub(super) fn picks_up_the_phone(&mut self, scene: &Scene) -> Result<()> {
        let mut phone = scene.login_tls(&self.account)?;
        phone.command("STATUS Sent (MESSAGES UNSEEN)")?;
        let there = exists(&mut phone, "INBOX")?;
        self.agree(
            "EXISTS",
            there,
            (self.known.len() + self.waiting.len()) as u64,
        )?;
        self.looks_at(Some(&mut phone))?;
        phone.logout()?;
        // What the phone knows by its UID, the desktop may name only when it has been told of it too.
        self.desktop.command("NOOP")?;
        Ok(())
    }

    /// Lists what is new, and sees that it is what was acknowledged: all of it, in order, with higher UIDs.
    fn looks_at(&mut self, phone: Option<&mut Imap>) -> Result<()> {
        let client = phone.unwrap_or(&mut self.desktop);
        client.command("NOOP")?;
        let (mut new, highest) = (Vec::new(), self.highest);
        let command = format!(
            "UID FETCH {}:* (UID FLAGS RFC822.SIZE ENVELOPE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])",
            highest + 1
        );
        client.look(&command, |response| {
            let uid = uid(response);
            // `n:*` means the last message even if it is older than n.
            if let Some(uid) = uid.filter(|uid| *uid > highest) {
                new.push((uid, response.to_vec()));
            }
        })?;
        let waiting = std::mem::take(&mut self.waiting);
        self.agree("new messages", new.len() as u64, waiting.len() as u64)?;
        for ((uid, response), letter) in new.into_iter().zip(waiting) {
            if uid <= self.highest || memmem::find(&response, letter.id().as_bytes()).is_none() {
                return Err(self.broken(&format!("UID {uid} is not letter {}", letter.id())));
            }
            self.highest = uid;
            self.known.push((uid, letter));
        }
        Ok(())
    }

    /// The desktop shows a message: it is the one that was sent, octet by octet, below what delivery put above it.
    pub(super) fn reads(&mut self, scene: &Scene, random: &mut fastrand::Rng) -> Result<()> {
        let Some(&(uid, letter)) = self.any(random).and_then(|at| self.known.get(at)) else {
            return Ok(());
        };
        let sent = scene.written(letter);
        let mut whole = false;
        self.desktop
            .look(&format!("UID FETCH {uid} (FLAGS BODY[])"), |response| {
                // To its end: before it is what the server says of itself, and trace fields.
                whole |= memmem::find(response, &sent).is_some();
            })?;
        if whole {
            Ok(())
        } else {
            Err(self.broken(&format!("UID {uid} is not what was sent")))
        }
    }

    /// A flag is set.
    pub(super) fn flags(&mut self, random: &mut fastrand::Rng) -> Result<()> {
        let Some(&(uid, _)) = self.any(random).and_then(|at| self.known.get(at)) else {
            return Ok(());
        };
        self.desktop
            .command(&format!("UID STORE {uid} +FLAGS (\\Flagged)"))?;
        Ok(())
    }

    /// A message goes into Trash.
    pub(super) fn throws_away(&mut self, random: &mut fastrand::Rng) -> Result<()> {
        let Some(at) = self.any(random) else {
            return Ok(());
        };
        let (uid, _) = self.known.remove(at);
        self.desktop.command(&format!("UID MOVE {uid} Trash"))?;
        self.trash += 1;
        let trash = status(&mut self.desktop, "Trash")?;
        self.agree("messages in Trash", trash, self.trash)
    }

    /// A message is deleted for good.
    pub(super) fn expunges(&mut self, random: &mut fastrand::Rng) -> Result<()> {
        let Some(at) = self.any(random) else {
            return Ok(());
        };
        let (uid, _) = self.known.remove(at);
        self.desktop
            .command(&format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)"))?;
        self.desktop.command(&format!("UID EXPUNGE {uid}"))?;
        Ok(())
    }

    /// A message is sent: the desktop keeps a copy.
    pub(super) fn sends(&mut self, scene: &Scene) -> Result<()> {
        let message = scene.letter(self.next);
        self.next += 1;
        self.desktop.append("Sent", &[&message])?;
        self.sent += 1;
        let sent = status(&mut self.desktop, "Sent")?;
        self.agree("messages in Sent", sent, self.sent)
    }

    /// Something is looked for.
    pub(super) fn searches(&mut self) -> Result<()> {
        self.desktop.command("UID SEARCH SUBJECT project UNSEEN")?;
        self.desktop.command("UID SEARCH FROM anna")?;
        Ok(())
    }

    /// All mailboxes are listed, with what is in them.
    pub(super) fn lists(&mut self) -> Result<()> {
        self.desktop.command("LIST \"\" \"*\"")?;
        for mailbox in ["INBOX", "Sent", "Trash"] {
            status(&mut self.desktop, mailbox)?;
        }
        Ok(())
    }

    /// The evening, after the server was started anew: everything is there that was acknowledged, and nothing else.
    pub(super) fn end(mut self, scene: &Scene) -> Result<()> {
        self.desktop = scene.login(&self.account)?;
        exists(&mut self.desktop, "INBOX")?;
        self.looks()?;
        let mut found = Vec::new();
        self.desktop.look("UID FETCH 1:* (UID)", |response| {
            found.extend(uid(response));
        })?;
        let known: Vec<u64> = self.known.iter().map(|(uid, _)| *uid).collect();
        if found != known {
            return Err(self.broken("INBOX has other UIDs than it should"));
        }
        let (sent, trash) = (
            status(&mut self.desktop, "Sent")?,
            status(&mut self.desktop, "Trash")?,
        );
        self.agree("messages in Sent", sent, self.sent)?;
        self.agree("messages in Trash", trash, self.trash)?;
        self.desktop.logout()
    }

    /// The place in `known` of any message, more likely of a new one.
    fn any(&self, random: &mut fastrand::Rng) -> Option<usize> {
        let count = self.known.len();
        (count > 0).then(|| random.usize(..count).max(random.usize(..count)))
    }

    fn agree(&self, what: &str, said: u64, expected: u64) -> Result<()> {
        if said == expected {
            Ok(())
        } else {
            Err(self.broken(&format!("{said} {what}, not {expected}")))
        }
    }

    fn broken(&self, what: &str) -> Failure {
        Failure::Broken(format!("{}: {what}", self.account))
    }
}

/// How many messages STATUS says that a mailbox has.
fn status(client: &mut Imap, mailbox: &str) -> Result<u64> {
    let mut messages = None;
    client.look(
        &format!("STATUS {mailbox} (MESSAGES UIDNEXT UNSEEN)"),
        |response| {
            let text = String::from_utf8_lossy(response);
            let number = text
                .split_once("MESSAGES ")
                .and_then(|(_, rest)| rest.split([' ', ')']).next()?.parse().ok());
            messages = messages.or(number);
        },
    )?;
    messages.ok_or_else(|| Failure::Broken(format!("STATUS {mailbox} without MESSAGES")))
}

/// The UID that a FETCH response tells.
fn uid(response: &[u8]) -> Option<u64> {
    let at = memmem::find(response, b"UID ")? + 4;
    let digits = response.get(at..)?;
    let end = digits
        .iter()
        .position(|octet| !octet.is_ascii_digit())
        .unwrap_or(digits.len());
    std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok()
}
