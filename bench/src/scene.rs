//! A running server with its accounts: what workloads work on.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use memchr::memmem;

use crate::{
    client::{imap::Imap, lmtp::Lmtp, tls::Tls},
    corpus::Corpus,
    failure::{Failure, Result},
    mailbox::emptied,
    measure::{Latencies, Sample},
    peer::{PASSWORD, Peer, settle_in},
    process::{Tree, busy},
    results,
};

/// How much is done: enough to see where things stand in some minutes, or all of it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scale {
    /// Some minutes.
    Quick,
    /// Hours, with mailboxes of 1,000,000 messages.
    Full,
}

impl Scale {
    /// One number for the quick run, one for the full one.
    pub(crate) fn pick<T>(self, quick: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}

/// A message of the corpus under a Message-ID of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    number: u64,
    unique: u64,
}

impl Letter {
    /// What its Message-ID begins with.
    pub(crate) fn id(self) -> String {
        format!("{:016x}", self.unique)
    }
}

/// A running server.
pub(crate) struct Scene {
    peer: Box<dyn Peer>,
    tree: Tree,
    /// How much is to be done.
    pub(crate) scale: Scale,
    /// The messages.
    pub(crate) corpus: Arc<Corpus>,
    returning: Tls,
    fresh: Tls,
    /// The next Message-ID.
    letters: AtomicU64,
}

impl Scene {
    /// Starts the server.
    pub(crate) fn open(
        mut peer: Box<dyn Peer>,
        scale: Scale,
        corpus: &Arc<Corpus>,
    ) -> Result<Self> {
        settle_in(&*peer)?;
        peer.start()?;
        let tree = tree(&*peer);
        Ok(Self {
            peer,
            tree,
            scale,
            corpus: Arc::clone(corpus),
            returning: Tls::new(true)?,
            fresh: Tls::new(false)?,
            // What another run has used is below that.
            letters: AtomicU64::new(results::now() << 20),
        })
    }

    /// The server.
    pub(crate) fn peer(&self) -> &dyn Peer {
        &*self.peer
    }

    /// Where LMTP is.
    pub(crate) fn lmtp(&self) -> SocketAddr {
        self.peer.addresses().lmtp
    }

    /// Accounts by that name and a number, `NAME0000` on; made if they are not there.
    pub(crate) fn accounts(&mut self, name: &str, count: usize) -> Result<Vec<String>> {
        let names: Vec<String> = (0..count).map(|n| format!("{name}{n:04}")).collect();
        self.peer.add_accounts(&names)?;
        Ok(names)
    }

    /// Empties the INBOX of an account, so that what a workload brings in does not grow from run to run.
    pub(crate) fn empty(&self, account: &str) -> Result<()> {
        let mut client = self.login(account)?;
        emptied(&mut client, "INBOX")?;
        client.logout()
    }

    /// The address at which LMTP takes mail for an account.
    pub(crate) fn recipient(&self, account: &str) -> String {
        self.peer.recipient(account)
    }

    /// A message of the corpus as it is delivered now: with a Message-ID that no other has, since servers
    /// may throw away what they have been given before.
    pub(crate) fn letter(&self, number: u64) -> Vec<u8> {
        self.written(self.next_letter(number))
    }

    /// The same, to be written when it is wanted, and again.
    pub(crate) fn next_letter(&self, number: u64) -> Letter {
        let unique = self.letters.fetch_add(1, Ordering::Relaxed);
        Letter { number, unique }
    }

    /// The octets of a letter.
    pub(crate) fn written(&self, letter: Letter) -> Vec<u8> {
        let mut message = self.corpus.message(letter.number);
        let before = b"\r\nMessage-ID: <";
        let at = memmem::find(&message, before).map_or(0, |at| at + before.len());
        if let Some(id) = message.get_mut(at..at + 16) {
            id.copy_from_slice(letter.id().as_bytes());
        }
        message
    }

    /// A new LMTP connection.
    pub(crate) fn deliver(&self) -> Result<Lmtp> {
        Lmtp::connect(self.lmtp())
    }

    /// A new IMAP connection in clear, not logged in.
    pub(crate) fn connect(&self) -> Result<Imap> {
        Imap::connect(self.peer.addresses().imap)
    }

    /// A new IMAP connection with TLS, not logged in; it resumes an earlier one where the server
    /// offers that, as a client does that comes back.
    pub(crate) fn connect_tls(&self) -> Result<Imap> {
        Imap::connect_tls(self.peer.addresses().imaps, &self.returning)
    }

    /// A new IMAP connection with TLS and a handshake in full, not logged in.
    pub(crate) fn connect_tls_anew(&self) -> Result<Imap> {
        Imap::connect_tls(self.peer.addresses().imaps, &self.fresh)
    }

    /// A new IMAP connection in clear, logged in.
    pub(crate) fn login(&self, account: &str) -> Result<Imap> {
        let mut client = self.connect()?;
        client.login(account, PASSWORD)?;
        Ok(client)
    }

    /// A new IMAP connection with TLS, logged in.
    pub(crate) fn login_tls(&self, account: &str) -> Result<Imap> {
        let mut client = self.connect_tls()?;
        client.login(account, PASSWORD)?;
        Ok(client)
    }

    /// Stops the server and starts it again on what it has.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.peer.stop()?;
        self.peer.start()?;
        self.tree = tree(&*self.peer);
        Ok(())
    }

    /// Stops the server.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.peer.stop()
    }

    /// Several clients at once, each in a thread of its own with one of the tasks; how long single
    /// operations took, of all of them.
    pub(crate) fn at_once<T: Sync>(
        &self,
        tasks: &[T],
        client: impl Fn(&Self, &T) -> Result<Latencies> + Sync,
    ) -> Result<Latencies> {
        let client = &client;
        std::thread::scope(|scope| {
            let threads: Vec<_> = tasks
                .iter()
                .map(|task| scope.spawn(move || client(self, task)))
                .collect();
            let mut all = Latencies::default();
            for thread in threads {
                let one = thread.join();
                all.add(one.unwrap_or_else(|_| Err(Failure::Broken("a client panicked".into())))?);
            }
            Ok(all)
        })
    }

    /// Waits until the server has nothing to do any more, or for so long at most: what is done in
    /// the background for earlier work is not to be counted to what comes.
    pub(crate) fn settle(&self, at_most: Duration) {
        let tree = &self.tree;
        let give_up = Instant::now() + at_most;
        let step = Duration::from_millis(10);
        let mut last = tree.cpu();
        let mut quiet = 0;
        while quiet < 3 && Instant::now() < give_up {
            std::thread::sleep(step);
            let now = tree.cpu();
            // A timer that looks whether there is something to do is not work.
            quiet = if now.saturating_sub(last) < step / 50 {
                quiet + 1
            } else {
                0
            };
            last = now;
        }
    }

    /// Measures what is done in it: the work gives how many operations it did, and may note how
    /// long single ones took. What the server does in the background because of it, and its
    /// processes that end, belong to it, up to some seconds.
    pub(crate) fn timed(
        &mut self,
        work: impl FnOnce(&Self, &mut Latencies) -> Result<u64>,
    ) -> Result<Sample> {
        self.settle(Duration::from_secs(3));
        let (cpu, memory) = (self.tree.cpu(), self.tree.memory());
        let (machine, clients) = busy();
        let mut latencies = Latencies::default();
        let begin = Instant::now();
        let operations = work(self, &mut latencies)?;
        let wall = begin.elapsed();
        // While connections are there that the work has left.
        let now = self.tree.memory();
        self.settle(Duration::from_secs(3));
        let cpu = self.tree.cpu().saturating_sub(cpu);
        let (machine_now, clients_now) = busy();
        let known = cpu + clients_now.saturating_sub(clients);
        Ok(Sample {
            operations,
            wall,
            cpu,
            others: machine_now.saturating_sub(machine + known),
            span: begin.elapsed(),
            latencies,
            memory: now,
            grown: now.saturating_sub(memory),
        })
    }

    /// Measures what sessions cost that stay open: memory is looked at when they have been at rest for a
    /// while, and servers have given back what they want to.
    pub(crate) fn timed_at_rest(
        &mut self,
        work: impl FnOnce(&Self) -> Result<u64>,
    ) -> Result<Sample> {
        let before = self.tree.memory();
        let mut sample = self.timed(|scene, _| work(scene))?;
        std::thread::sleep(self.peer.rest());
        sample.memory = self.tree.memory();
        sample.grown = sample.memory.saturating_sub(before);
        Ok(sample)
    }
}

fn tree(peer: &dyn Peer) -> Tree {
    // A server that does not run has no process, and uses nothing.
    Tree::new(peer.process().unwrap_or(u32::MAX))
}
