//! What things cost, counted: so that what was made cheap stays cheap.
//!
//! Seconds are another number on every machine and at every moment; these are not:
//!
//! * [`calls`]: system calls of an operation that touch the disk, the network or a directory;
//! * [`growth`]: instructions of an operation in a mailbox and in one of ten times as many messages. What they
//!   answer is of the same length, so they must cost the same;
//! * [`each`]: instructions for each of many messages or mailboxes;
//! * [`memory`]: octets that a session takes which waits.
//!
//! The first three are counted by Debian's `strace` and `valgrind`, which `tests/run` installs. How fast it all is,
//! `bench/` tells.

mod calls;
mod each;
mod growth;
mod memory;

use std::{fmt::Write, process::Command};

use crate::{chapar::Chapar, clients::run, connection::Connection};

/// Messages of one APPEND.
const AT_ONCE: usize = 500;

/// A message of about two kilobytes, in two parts; no two are alike.
fn message(n: usize) -> String {
    format!(
        "From: Ann <ann{n}@example.test>\r\nTo: bob@example.test\r\nSubject: About {n}\r\n\
         Date: Thu, 1 Jan 2026 12:00:00 +0000\r\nMessage-ID: <{n}@example.test>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nNumber {n}.\r\n{}\
         --b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n\
         {}\r\n--b--\r\n",
        "A line of some length, as lines are.\r\n".repeat(20),
        "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\r\n".repeat(20)
    )
}

/// Puts that many messages into a new mailbox.
fn fill(connection: &mut Connection, mailbox: &str, messages: usize) {
    connection.ok(&format!("CREATE {mailbox}"));
    for first in (0..messages).step_by(AT_ONCE) {
        let mut command = format!("a APPEND {mailbox}");
        for n in first..(first + AT_ONCE).min(messages) {
            let message = message(n);
            write!(command, " {{{}+}}\r\n{message}", message.len()).unwrap();
        }
        command.push_str("\r\n");
        connection.send(command.as_bytes());
        let answer = connection.finish("a");
        assert!(answer.last().unwrap().starts_with("a OK"), "{answer:?}");
    }
}

/// A server that does nothing by the clock: what is counted is what was asked for.
fn quiet() -> Chapar {
    let mut chapar = Chapar::prepare("[search]\nindex = false\n");
    chapar.add_account("ann");
    chapar.start();
    chapar
}

fn program(name: &str, arguments: &[&str]) -> String {
    run(Command::new(name).args(arguments))
}
