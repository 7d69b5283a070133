//! Telling a client that its command is being worked on: RFC 9585.
//!
//! Commands know nothing of this. While one runs, what it writes is kept apart ([`Kept`]) until it is flushed
//! or done; so [`run`], which waits for it, can write in between, and never amid a response. Once something of a
//! command has been flushed its client hears something anyway, and no more is said.
//!
//! Commands that go through many messages may count them ([`Progress`]).

use std::{
    future::poll_fn,
    num::NonZeroU32,
    pin::pin,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    task::Poll,
};

use imap::response::{self, Code, Status};

use super::{
    reply,
    wording::{Language, Text},
};
use crate::{Gone, Outlet};

/// How far a command is, of those that count.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    done: AtomicU32,
    /// 0 while nobody has said.
    goal: AtomicU32,
}

impl Progress {
    /// So many are to be gone through, from now on.
    pub(crate) fn expect(&self, goal: u32) {
        self.done.store(0, Ordering::Relaxed);
        self.goal.store(goal, Ordering::Relaxed);
    }

    /// So many more have been gone through.
    pub(crate) fn others(&self, messages: u32) {
        self.done.fetch_add(messages, Ordering::Relaxed);
    }

    /// How many are done, and of how many; RFC 9585 §4: always fewer.
    fn now(&self) -> Option<(u32, NonZeroU32)> {
        let goal = NonZeroU32::new(self.goal.load(Ordering::Relaxed))?;
        let done = self.done.load(Ordering::Relaxed);
        Some((done.min(goal.get() - 1), goal))
    }
}

/// What a running command writes, and what it waits for.
#[derive(Debug, Default)]
pub(super) struct Desk {
    flush: Mutex<Flush>,
}

/// What is to be flushed.
#[derive(Debug, Default)]
enum Flush {
    /// Nothing.
    #[default]
    Nothing,
    /// These octets.
    Wanted(Vec<u8>),
    /// It was done; this is the empty buffer.
    Done(Result<Vec<u8>, Gone>),
}

impl Desk {
    fn flush(&self) -> MutexGuard<'_, Flush> {
        // Each of its changes is one assignment.
        self.flush.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The outlet of the command.
    pub(super) fn outlet(&self) -> Kept<'_> {
        Kept {
            buffer: Vec::new(),
            desk: self,
        }
    }
}

/// The outlet of a running command.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    buffer: Vec<u8>,
    desk: &'a Desk,
}

impl Outlet for Kept<'_> {
    fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        *self.desk.flush() = Flush::Wanted(std::mem::take(&mut self.buffer));
        // Whoever polls this flushes, and polls again: nobody has to be woken.
        self.buffer = poll_fn(|_| {
            let mut flush = self.desk.flush();
            match std::mem::take(&mut *flush) {
                Flush::Done(done) => Poll::Ready(done),
                waiting => {
                    *flush = waiting;
                    Poll::Pending
                }
            }
        })
        .await?;
        Ok(())
    }
}

/// Whose command it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Command<'a> {
    pub(super) tag: &'a str,
    pub(super) language: Language,
    pub(super) progress: Option<&'a Progress>,
}

/// Runs a command, which writes to the outlet of `desk` and gives what is left in its buffer. Says now and then
/// how far it is.
///
/// # Errors
/// [`Gone`]
pub(super) async fn run<T>(
    command: Command<'_>,
    desk: &Desk,
    running: impl Future<Output = (T, Vec<u8>)>,
    out: &mut impl Outlet,
) -> Result<T, Gone> {
    let mut running = pin!(running);
    let mut heard = false;
    loop {
        let event = {
            let mut silence = pin!(out.silence());
            poll_fn(|context| {
                if let Poll::Ready((value, rest)) = running.as_mut().poll(context) {
                    return Poll::Ready(Event::Done(value, rest));
                }
                if matches!(*desk.flush(), Flush::Wanted(_)) {
                    return Poll::Ready(Event::Flush);
                }
                if heard {
                    return Poll::Pending;
                }
                silence.as_mut().poll(context).map(|()| Event::Silence)
            })
            .await
        };
        match event {
            Event::Done(value, mut rest) => {
                give(&mut rest, out);
                return Ok(value);
            }
            Event::Flush => {
                heard = true;
                let wanted = std::mem::take(&mut *desk.flush());
                let Flush::Wanted(mut octets) = wanted else {
                    continue;
                };
                give(&mut octets, out);
                let flushed = out.flush().await.map(|()| octets);
                *desk.flush() = Flush::Done(flushed);
            }
            Event::Silence => {
                command.tell(out);
                out.flush().await?;
            }
        }
    }
}

enum Event<T> {
    Done(T, Vec<u8>),
    Flush,
    Silence,
}

/// Puts octets after those that are there.
fn give(octets: &mut Vec<u8>, out: &mut impl Outlet) {
    if out.buffer().is_empty() {
        std::mem::swap(out.buffer(), octets);
    } else {
        out.buffer().append(octets);
    }
}

impl Command<'_> {
    fn tell(self, out: &mut impl Outlet) {
        let progress = self.progress.and_then(Progress::now);
        let code = Code::InProgress(response::Progress {
            tag: Some(self.tag.to_owned()),
            done: progress.map(|(done, goal)| (done, Some(goal))),
        });
        let text = match progress {
            Some((done, goal)) => Text::with("{} of {} so far", [done.into(), goal.get().into()]),
            None => "Still working on it".into(),
        };
        reply::untagged(out, self.language, (Status::Ok, Some(&code)), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imap::{search::pace::Pace, tests::run as run_test};

    /// An outlet whose client waits impatiently.
    #[derive(Default)]
    struct Impatient {
        buffer: Vec<u8>,
        sent: Vec<u8>,
    }

    impl Outlet for Impatient {
        fn buffer(&mut self) -> &mut Vec<u8> {
            &mut self.buffer
        }

        async fn flush(&mut self) -> Result<(), Gone> {
            self.sent.append(&mut self.buffer);
            Ok(())
        }

        async fn silence(&self) {}
    }

    async fn turn() {
        Pace::default().worked(usize::MAX).await;
    }

    fn said(tag: &str, language: Language, progress: &Progress, turns: u32) -> String {
        let mut out = Impatient::default();
        run_test(async {
            let desk = Desk::default();
            let running = async {
                let mut out = desk.outlet();
                progress.expect(3);
                for _ in 0..turns {
                    turn().await;
                    progress.others(1);
                }
                out.buffer().extend_from_slice(b"* a\r\n");
                out.flush().await.unwrap();
                turn().await;
                out.buffer().extend_from_slice(b"* b\r\n");
                ((), out.buffer)
            };
            let command = Command {
                tag,
                language,
                progress: Some(progress),
            };
            out.buffer.extend_from_slice(b"* before\r\n");
            run(command, &desk, running, &mut out).await.unwrap();
            out.flush().await.unwrap();
        });
        String::from_utf8(out.sent).unwrap()
    }

    #[test]
    fn a_client_hears_of_it_until_it_hears_something_else() {
        let english = Language::default();
        assert_eq!(
            said("a1", english, &Progress::default(), 4),
            "* before\r\n\
             * OK [INPROGRESS (\"a1\" 0 3)] 0 of 3 so far\r\n\
             * OK [INPROGRESS (\"a1\" 1 3)] 1 of 3 so far\r\n\
             * OK [INPROGRESS (\"a1\" 2 3)] 2 of 3 so far\r\n\
             * OK [INPROGRESS (\"a1\" 2 3)] 2 of 3 so far\r\n\
             * a\r\n* b\r\n"
        );
        assert_eq!(
            said("a1", english, &Progress::default(), 0),
            "* before\r\n* a\r\n* b\r\n"
        );
    }

    #[test]
    fn what_is_not_counted_is_not_said() {
        let mut out = Impatient::default();
        for (tag, code) in [("a", "(\"a\" NIL NIL)"), ("a]", "(NIL NIL NIL)")] {
            let command = Command {
                tag,
                language: Language::default(),
                progress: Some(&Progress::default()),
            };
            command.tell(&mut out);
            let expected = format!("* OK [INPROGRESS {code}] Still working on it\r\n");
            assert_eq!(std::mem::take(&mut out.buffer), expected.as_bytes());
        }
    }
}
