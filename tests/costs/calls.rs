//! System calls, counted by strace.
//!
//! Those that wait and wake (`futex`, `epoll_wait`, the `write` to an eventfd) depend on who was where when, and are left
//! out; those that read, write, sync, open and look do not.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{fill, message, quiet};
use crate::{chapar::Chapar, connection::Connection};

/// How often each operation is done.
const TIMES: usize = 50;
/// Messages in the mailbox.
const MESSAGES: usize = 500;

/// The calls that are counted.
const COUNTED: &str = "read,pread64,preadv,preadv2,pwrite64,pwritev,pwritev2,writev,fsync,fdatasync,\
    sendto,sendmsg,recvfrom,recvmsg,open,openat,stat,statx,newfstatat,getdents64,ftruncate,fallocate,sendfile";

/// How often each was called while `work` was done.
fn calls(chapar: &Chapar, work: impl FnOnce()) -> BTreeMap<String, u32> {
    let summary = chapar.directory().join("calls");
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-e", &format!("trace={COUNTED}"), "-o"])
        .arg(&summary)
        .args(["-p", &chapar.pid().to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("strace: {e} (tests/run installs what is missing)"));
    wait_until_traced(chapar);
    work();
    let tracer = strace.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &tracer])
            .status()
            .unwrap()
            .success()
    );
    let mut said = String::new();
    let mut errors = BufReader::new(strace.stderr.take().unwrap());
    while errors.read_line(&mut said).unwrap() > 0 {}
    strace.wait().unwrap();
    parse(&std::fs::read_to_string(summary).unwrap_or_else(|e| panic!("strace: {e}: {said}")))
}

/// Until every thread has its tracer.
fn wait_until_traced(chapar: &Chapar) {
    let give_up = Instant::now() + Duration::from_secs(30);
    let tasks = format!("/proc/{}/task", chapar.pid());
    let traced = || {
        std::fs::read_dir(&tasks).unwrap().all(|task| {
            let status = task.unwrap().path().join("status");
            let status = std::fs::read_to_string(status).unwrap_or_default();
            !status.lines().any(|l| l == "TracerPid:\t0")
        })
    };
    while !traced() {
        assert!(Instant::now() < give_up, "strace does not trace");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Name and calls, of strace's table.
fn parse(table: &str) -> BTreeMap<String, u32> {
    let rows = table.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let (count, name) = (cells.get(3)?.parse().ok()?, *cells.last()?);
        (name != "total").then(|| (name.to_owned(), count))
    });
    rows.collect()
}

/// A kind of calls.
struct Kind {
    name: &'static str,
    calls: &'static [&'static str],
    /// How many more of it an operation may make, as they depend on who was how quick.
    chance: f64,
}

/// What runs by the clock may come between, a little.
const BY_THE_CLOCK: f64 = 0.1;

const KINDS: [Kind; 6] = [
    Kind {
        name: "syncs",
        calls: &["fsync", "fdatasync"],
        chance: BY_THE_CLOCK,
    },
    Kind {
        name: "writes",
        calls: &["pwrite64", "pwritev", "pwritev2", "writev"],
        // A group that nothing follows for a moment is closed with a write of its own.
        chance: 1.0,
    },
    Kind {
        name: "reads",
        calls: &["read", "pread64", "preadv", "preadv2"],
        chance: BY_THE_CLOCK,
    },
    Kind {
        name: "sends",
        calls: &["sendto", "sendmsg", "sendfile"],
        chance: BY_THE_CLOCK,
    },
    Kind {
        name: "receives",
        calls: &["recvfrom", "recvmsg"],
        // What comes in two packets may be received twice.
        chance: 1.0,
    },
    Kind {
        name: "looks",
        calls: &[
            "open",
            "openat",
            "stat",
            "statx",
            "newfstatat",
            "getdents64",
        ],
        chance: BY_THE_CLOCK,
    },
];

/// An operation, and how many calls of each of the [`KINDS`] it may make.
struct Operation {
    name: &'static str,
    /// Does it; gives how often.
    work: fn(&Chapar, &mut Connection) -> usize,
    budget: [f64; 6],
}

/// The same command [`TIMES`] times, for message 1, 2 …
fn each(connection: &mut Connection, command: impl Fn(usize) -> String) -> usize {
    for n in 1..=TIMES {
        connection.ok(&command(n));
    }
    TIMES
}

/// One command on all [`MESSAGES`].
fn all(connection: &mut Connection, command: &str) -> usize {
    connection.ok(command);
    MESSAGES
}

const OPERATIONS: &[Operation] = &[
    //                                                            syncs writes reads sends receives looks
    Operation {
        name: "NOOP",
        work: |_, c| each(c, |_| "NOOP".to_owned()),
        budget: [0.0, 0.0, 0.0, 1.0, 1.0, 0.0],
    },
    Operation {
        name: "STORE of one",
        work: |_, c| each(c, |n| format!("STORE {n} +FLAGS (\\Flagged)")),
        budget: [1.0, 1.0, 0.0, 1.0, 1.0, 1.0],
    },
    Operation {
        name: "FETCH of a body",
        work: |_, c| each(c, |n| format!("FETCH {n} BODY.PEEK[]")),
        budget: [0.0, 0.0, 2.0, 1.0, 1.0, 0.0],
    },
    Operation {
        name: "FETCH of all flags",
        work: |_, c| all(c, "FETCH 1:* (FLAGS UID INTERNALDATE RFC822.SIZE MODSEQ)"),
        budget: [0.0; 6],
    },
    Operation {
        name: "listing of all",
        work: |_, c| all(c, "FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE)"),
        budget: [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    },
    Operation {
        name: "another listing",
        work: |_, c| {
            all(
                c,
                "FETCH 1:* (ENVELOPE BODY.PEEK[HEADER.FIELDS (From Subject)])",
            )
        },
        budget: [0.0; 6],
    },
    Operation {
        name: "SEARCH of all",
        work: |_, c| all(c, "SEARCH SUBJECT x SENTSINCE 1-Jan-2024"),
        budget: [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    },
    Operation {
        name: "another, SORT, THREAD",
        work: |_, c| {
            all(c, "SEARCH OR FROM x HEADER Message-ID y")
                + all(c, "SORT (SUBJECT REVERSE DATE) UTF-8 ALL")
                + all(c, "THREAD REFERENCES UTF-8 ALL")
        },
        budget: [0.0; 6],
    },
    Operation {
        name: "COPY of all",
        work: |_, c| all(c, "COPY 1:* INBOX"),
        budget: [0.0; 6],
    },
    Operation {
        name: "APPEND",
        work: |_, c| each(c, append),
        // A sync of its own for what is \Recent only where the next comes late.
        budget: [1.5, 1.5, 0.0, 1.0, 1.0, 1.0],
    },
    Operation {
        name: "delivery",
        work: |chapar, _| deliver(chapar),
        budget: [1.0, 1.0, 0.0, 2.0, 2.0, 1.0],
    },
    Operation {
        name: "login and logout",
        work: |chapar, _| {
            for _ in 0..TIMES {
                chapar.login("ann").ok("LOGOUT");
            }
            TIMES
        },
        budget: [0.0, 0.0, 0.0, 3.0, 2.0, 1.0],
    },
];

fn append(n: usize) -> String {
    let message = message(n);
    format!("APPEND box {{{}+}}\r\n{message}", message.len())
}

/// [`TIMES`] deliveries over one connection: a group of commands, and the message, at a time.
fn deliver(chapar: &Chapar) -> usize {
    let mut connection = Connection::open(chapar.lmtp);
    connection.read_line();
    connection.send(b"LHLO client.test\r\n");
    while !connection.read_line().starts_with("250 ") {}
    for n in 0..TIMES {
        connection.send(b"MAIL FROM:<x@example.test>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\n");
        for _ in 0..3 {
            connection.read_line();
        }
        connection.send(format!("{}.\r\n", message(n)).as_bytes());
        let line = connection.read_line();
        assert!(line.starts_with("250"), "{line}");
    }
    TIMES
}

/// Each operation calls the system as often as it has to, and not more often.
#[test]
fn no_call_is_made_in_vain() {
    let chapar = quiet();
    let mut connection = chapar.login("ann");
    fill(&mut connection, "box", MESSAGES);
    connection.ok("SELECT box");
    let mut over = Vec::new();
    for Operation { name, work, budget } in OPERATIONS {
        let mut operations = 0;
        let counted = calls(&chapar, || operations = work(&chapar, &mut connection));
        let operations = f64::from(u32::try_from(operations).unwrap());
        for (kind, most) in KINDS.iter().zip(budget) {
            let Kind {
                name: of,
                calls,
                chance,
            } = kind;
            let count: u32 = calls.iter().filter_map(|call| counted.get(*call)).sum();
            let made = f64::from(count) / operations;
            eprintln!("{name:20} {of:10} {made:>6.2} of {most}");
            if made > most + chance {
                over.push(format!(
                    "{name}: {made} {of} each, {most} permitted: {counted:?}"
                ));
            }
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}

/// When messages were sent is known where they are placed, after a start too.
#[test]
fn dates_take_no_look_at_messages() {
    let mut chapar = quiet();
    fill(&mut chapar.login("ann"), "box", MESSAGES);
    assert!(chapar.terminate().success());
    chapar.start();
    let mut connection = chapar.login("ann");
    connection.ok("SELECT box");
    let counted = calls(&chapar, || {
        connection.ok("SORT (DATE) UTF-8 ALL");
        connection.ok("SEARCH SENTSINCE 1-Jan-2026");
    });
    let reads = ["read", "pread64", "preadv", "preadv2"]
        .map(|call| counted.get(call).copied().unwrap_or(0));
    let reads = reads.iter().sum::<u32>() as usize;
    eprintln!("{reads} reads for the dates of {MESSAGES}");
    assert!(reads < MESSAGES / 4, "{counted:?}");
}
