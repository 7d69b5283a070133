//! Input that nobody should send. Each gets a clear answer; the server and everybody else go on.

use std::{io::Read, thread, time::Duration};

use crate::{chapar::Chapar, connection::Connection};

/// Octets of memory the server has used at most (`VmHWM`).
fn peak_memory(chapar: &Chapar) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", chapar.pid())).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}

/// Hands a message over by LMTP; gives the final answer.
fn deliver(chapar: &Chapar, write: impl FnOnce(&mut Connection)) -> String {
    let mut lmtp = Connection::open(chapar.lmtp);
    lmtp.read_line();
    lmtp.send(b"LHLO test\r\nMAIL FROM:<a@example.test>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\n");
    while !lmtp.read_line().starts_with("354") {}
    write(&mut lmtp);
    lmtp.send(b".\r\n");
    lmtp.read_line()
}

const LINE: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n";

#[test]
fn a_message_of_100_mb_passes_through_in_little_memory() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let before = peak_memory(&chapar);
    let megabyte = LINE.repeat(16 << 10);
    let answer = deliver(&chapar, |lmtp| {
        lmtp.send(b"Subject: large\r\n\r\n");
        for _ in 0..100 {
            lmtp.send(megabyte.as_bytes());
        }
    });
    assert!(answer.starts_with("250"), "{answer}");
    let mut ann = chapar.login("ann");
    ann.ok("SELECT INBOX");
    let tag = ann.start("FETCH 1 BODY.PEEK[TEXT]");
    let head = ann.read_line();
    assert!(head.ends_with(&format!("{{{}}}", 100 << 20)), "{head}");
    for _ in 0..100 {
        assert!(ann.read_exact(1 << 20) == megabyte.as_bytes());
    }
    ann.finish(&tag);
    ann.ok("SEARCH BODY nowhere-in-it");
    let grown = peak_memory(&chapar) - before;
    println!("100 MB in and out: {} KiB more at the peak", grown >> 10);
    assert!(grown < 50 << 20, "{} MiB more", grown >> 20);
}

#[test]
fn ten_thousand_parts_and_a_header_line_of_a_megabyte() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let answer = deliver(&chapar, |lmtp| {
        lmtp.send(b"Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
        for n in 0..10_000 {
            lmtp.send(format!("--b\r\nContent-Type: text/plain\r\n\r\npart {n}\r\n").as_bytes());
        }
        lmtp.send(b"--b--\r\n");
    });
    assert!(answer.starts_with("250"), "{answer}");
    let answer = deliver(&chapar, |lmtp| {
        lmtp.send(b"Subject: wide\r\nTo: ");
        for n in 0..50_000 {
            lmtp.send(format!("u{n:05}@example.test,").as_bytes());
        }
        lmtp.send(b"end@example.test\r\nX-After: yes\r\n\r\ntext\r\n");
    });
    assert!(answer.starts_with("250"), "{answer}");
    let answer = deliver(&chapar, |lmtp| {
        for n in 0..500 {
            lmtp.send(
                format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")
                    .as_bytes(),
            );
        }
    });
    assert!(answer.starts_with("250"), "{answer}");
    let mut ann = chapar.login("ann");
    ann.ok("SELECT INBOX");
    ann.ok("FETCH 1:3 (ENVELOPE BODYSTRUCTURE)");
    assert!(
        ann.ok("FETCH 1 BODY.PEEK[9999]")
            .join("\n")
            .contains("part 9998")
    );
    let after = ann
        .ok("FETCH 2 BODY.PEEK[HEADER.FIELDS (X-After)]")
        .join("\n");
    assert!(after.contains("X-After: yes"), "{after}");
}

#[test]
fn a_message_cut_short_is_not_delivered() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let mut lmtp = Connection::open(chapar.lmtp);
    lmtp.send(b"LHLO x\r\nMAIL FROM:<a@example.test>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\nSubject: cut\r\n\r\nhalf");
    while !lmtp.read_line().starts_with("354") {}
    drop(lmtp);
    let mut ann = chapar.login("ann");
    ann.send(b"x APPEND INBOX {1000}\r\n");
    ann.read_line();
    ann.send(b"Subject: cut");
    drop(ann);
    thread::sleep(Duration::from_millis(300));
    let mut ann = chapar.login("ann");
    assert_eq!(
        ann.ok("STATUS INBOX (MESSAGES)")[0],
        "* STATUS INBOX (MESSAGES 0)"
    );
}

#[test]
fn a_client_that_stops_reading_holds_up_nobody() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let mut ann = chapar.login("ann");
    let message = format!("Subject: x\r\n\r\n{}", LINE.repeat(8 << 10));
    for _ in 0..20 {
        ann.append("INBOX", &message);
    }
    let mut deaf: Vec<(Connection, String)> = (0..5)
        .map(|_| {
            let mut connection = chapar.login("ann");
            connection.ok("SELECT INBOX");
            let tag = connection.start("FETCH 1:20 BODY.PEEK[]");
            (connection, tag)
        })
        .collect();
    ann.ok("SELECT INBOX");
    for _ in 0..50 {
        ann.append("INBOX", "Subject: y\r\n\r\nz\r\n");
        ann.ok("NOOP");
        ann.ok("FETCH 1 FLAGS");
    }
    // And when they read again, they get all of it.
    for (connection, tag) in &mut deaf {
        let lines = connection.finish(tag);
        assert!(lines.len() > 20 * (8 << 10));
    }
}

#[test]
fn a_client_that_sends_a_byte_at_a_time_is_served() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let mut slow = chapar.connect();
    for byte in b"a LOGIN ann correct-horse\r\nb APPEND INBOX {5}\r\n" {
        slow.send(&[*byte]);
        thread::sleep(Duration::from_millis(20));
    }
    assert!(slow.read_line().starts_with("a OK"));
    assert!(slow.read_line().starts_with('+'));
    for byte in b"ab\r\n\n\r\n" {
        slow.send(&[*byte]);
        thread::sleep(Duration::from_millis(20));
    }
    assert!(slow.read_line().starts_with("b OK"));
}

#[test]
fn long_commands_and_sets_of_100_000_ranges_are_taken() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let mut ann = chapar.login("ann");
    ann.append("INBOX", "Subject: x\r\n\r\ny\r\n");
    ann.ok("SELECT INBOX");
    let set: Vec<String> = (0..100_000)
        .map(|n| format!("{}:{}", 3 * n + 1, 3 * n + 2))
        .collect();
    let lines = ann.ok(&format!("UID FETCH {} FLAGS", set.join(",")));
    assert_eq!(lines.len(), 2);
    let name = "x".repeat(70_000);
    let refused = ann.command(&format!("STATUS {name} (MESSAGES)"));
    assert!(
        refused[0].split(' ').nth(1) == Some("NO"),
        "{:.200}",
        refused[0]
    );
    let nested = format!("SEARCH {}ALL", "NOT ".repeat(100_000));
    let refused = ann.command(&nested);
    assert!(
        refused[0].split(' ').nth(1) == Some("BAD"),
        "{:.200}",
        refused[0]
    );
}

#[test]
fn a_line_without_end_is_cut_off() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let before = peak_memory(&chapar);
    let mut endless = chapar.connect();
    let block = vec![b'a'; 64 << 10];
    for _ in 0..1600 {
        if endless.try_send(&block).is_err() {
            break;
        }
    }
    let grown = peak_memory(&chapar) - before;
    assert!(grown < 16 << 20, "{} MiB held before login", grown >> 20);
    chapar.login("ann").ok("NOOP");
}

#[test]
fn binary_rubbish_ends_one_connection_at_most() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let mut random = fastrand::Rng::with_seed(4);
    for address in [chapar.imap, chapar.imaps, chapar.lmtp] {
        for _ in 0..20 {
            let mut connection = Connection::open(address);
            let rubbish: Vec<u8> = (0..random.usize(1..5000)).map(|_| random.u8(..)).collect();
            let _ = connection.try_send(&rubbish);
            let _ = connection.stream().shutdown(std::net::Shutdown::Write);
            let _ = connection.stream().read_to_end(&mut Vec::new());
        }
    }
    chapar.login("ann").ok("NOOP");
    assert!(!chapar.log().contains("panicked"), "{}", chapar.log());
}
