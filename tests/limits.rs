//! Not tests: what a mailbox of 1,000,000 messages and an account of 10,000 mailboxes cost through
//! IMAP. `docs/limits.md` has what came of it.
//! `cargo test --release -p chapar --test system limits -- --ignored --nocapture`

#![expect(clippy::print_stdout, reason = "figures are for people")]

use std::{fmt::Write, time::Instant};

use crate::{
    chapar::{Chapar, PASSWORD},
    connection::Connection,
};

/// Messages of one APPEND.
const AT_ONCE: usize = 1000;
/// Commands that are sent before the first answer is read.
const PIPELINED: usize = 50;

fn from_environment(name: &str, otherwise: usize) -> usize {
    let set = std::env::var(name).ok().and_then(|n| n.parse().ok());
    set.unwrap_or(otherwise)
}

/// Octets of memory the server has now.
fn memory(chapar: &Chapar) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", chapar.pid())).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    let kib = line.split_whitespace().nth(1).unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

fn tell_memory(chapar: &Chapar, what: &str) {
    println!("memory, {what}: {} KiB", memory(chapar) >> 10);
}

fn timed(connection: &mut Connection, command: &str) -> usize {
    let begin = Instant::now();
    let lines = connection.ok(command);
    let (took, count) = (begin.elapsed(), lines.len());
    println!("{}: {took:.1?}, {count} lines", command.trim_end());
    lines.len()
}

fn fill(chapar: &Chapar, messages: usize) {
    let mut connection = chapar.login("ann");
    let begin = Instant::now();
    for first in (0..messages).step_by(AT_ONCE) {
        let mut command = "a APPEND INBOX".to_owned();
        for n in first..(first + AT_ONCE).min(messages) {
            let message = format!("Message-ID: <{n}@x>\r\nSubject: {n}\r\n\r\nHello.\r\n");
            write!(command, " {{{}+}}\r\n{message}", message.len()).unwrap();
        }
        command.push_str("\r\n");
        connection.send(command.as_bytes());
        let answer = connection.finish("a");
        let last = answer.last().unwrap();
        assert!(last.starts_with("a OK"), "from {first} on: {last}");
    }
    let each = begin.elapsed() / u32::try_from(messages).unwrap();
    println!("{messages} messages, {AT_ONCE} with one APPEND: {each:.1?} each");
}

fn create(chapar: &Chapar, mailboxes: usize) {
    let mut connection = chapar.login("bob");
    let begin = Instant::now();
    let names: Vec<String> = (0..mailboxes)
        .map(|n| format!("CREATE a/{}/{n}", n % 100))
        .collect();
    for some in names.chunks(PIPELINED) {
        let tags: Vec<String> = some.iter().map(|name| connection.start(name)).collect();
        for tag in tags {
            connection.finish(&tag);
        }
    }
    let each = begin.elapsed() / u32::try_from(mailboxes).unwrap();
    println!("{mailboxes} times CREATE: {each:.1?} each");
}

#[test]
#[ignore = "prints figures"]
fn figures_of_a_server_with_a_million_messages() {
    let messages = from_environment("MESSAGES", 1_000_000);
    // There are six already, and those above.
    let mailboxes = from_environment("MAILBOXES", 10_000) - 200;
    let mut chapar = Chapar::with_accounts(&["ann", "bob"]);
    fill(&chapar, messages);
    create(&chapar, mailboxes);
    tell_memory(&chapar, "after filling");
    let begin = Instant::now();
    assert!(chapar.terminate().success());
    println!("stop: {:.1?}", begin.elapsed());
    let begin = Instant::now();
    chapar.start();
    println!("start: {:.1?}", begin.elapsed());
    tell_memory(&chapar, "nobody there");
    let mut ann = chapar.login("ann");
    timed(
        &mut ann,
        "STATUS INBOX (MESSAGES UNSEEN UIDNEXT RECENT SIZE)",
    );
    timed(&mut ann, "LIST \"\" *");
    tell_memory(&chapar, "after STATUS and LIST");
    timed(&mut ann, "SELECT INBOX");
    tell_memory(&chapar, "one session");
    timed(
        &mut ann,
        &format!("UID FETCH {}:* (FLAGS ENVELOPE)", messages - 99),
    );
    timed(
        &mut ann,
        &format!("UID STORE {} +FLAGS (\\Flagged)", messages / 2),
    );
    timed(&mut ann, "SEARCH FLAGGED");
    timed(&mut ann, "NOOP");
    let mut others: Vec<Connection> = (1..50).map(|_| chapar.login("ann")).collect();
    timed(&mut others[0], "SELECT INBOX");
    for other in &mut others[1..] {
        other.ok("SELECT INBOX");
    }
    tell_memory(&chapar, "50 sessions");
    for (n, other) in others.iter_mut().enumerate() {
        other.ok(&format!("UID STORE {} +FLAGS (\\Seen)", 1 + n * 1000));
    }
    tell_memory(&chapar, "50 sessions, each at a state of its own");
    drop(others);
    let mut bob = chapar.connect();
    bob.ok(&format!("LOGIN bob {PASSWORD}"));
    timed(&mut bob, "LIST \"\" *");
    timed(
        &mut bob,
        "LIST \"\" * RETURN (STATUS (MESSAGES UIDNEXT UNSEEN))",
    );
    timed(&mut bob, "LIST \"\" %");
    timed(&mut bob, "STATUS a/7/7 (MESSAGES)");
    timed(&mut bob, "SELECT a/7/7");
    timed(&mut bob, "CREATE another");
    timed(&mut bob, "RENAME another other");
    let message = "APPEND a/7/7 {14+}\r\nSubject: x\r\n\r\n";
    timed(&mut bob, message);
    timed(&mut bob, message);
    drop((ann, bob));
    // A crash: what was written since the start has to be read again.
    chapar.kill();
    let begin = Instant::now();
    chapar.start();
    println!(
        "start after a crash: {:.2} s",
        begin.elapsed().as_secs_f64()
    );
    timed(&mut chapar.login("ann"), "STATUS INBOX (MESSAGES)");
}
