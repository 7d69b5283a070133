//! Memory of sessions that wait, counted in octets by the kernel: buffers are there while something is in them, and
//! no longer.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use super::{fill, quiet};
use crate::{chapar::Chapar, connection::Connection};

/// Sessions that wait. An account may have 200.
const SESSIONS: usize = 150;
/// What one of them may take, in KiB, of a build that is not optimised. The buffer that it read its commands into
/// would be 64 more.
const EACH_MAX: usize = 20;

/// KiB of memory that no file could give back.
fn memory(chapar: &Chapar) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", chapar.pid())).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

fn wait(chapar: &Chapar) -> Connection {
    let mut connection = chapar.login("ann");
    connection.ok("SELECT there");
    connection.ok("FETCH 1:* (FLAGS ENVELOPE BODY.PEEK[])");
    connection.send(b"a IDLE\r\n");
    assert!(connection.read_line().starts_with('+'));
    connection
}

#[test]
fn a_session_that_waits_takes_little_memory() {
    let chapar = quiet();
    fill(&mut chapar.login("ann"), "there", 100);
    // What the first ones need is there for all.
    let first: Vec<Connection> = (0..10).map(|_| wait(&chapar)).collect();
    let before = memory(&chapar);
    let waiting: Vec<Connection> = (0..SESSIONS).map(|_| wait(&chapar)).collect();
    // Buffers are given back after some seconds.
    let give_up = Instant::now() + Duration::from_mins(1);
    let each = || memory(&chapar).saturating_sub(before) / SESSIONS;
    while each() > EACH_MAX && Instant::now() < give_up {
        thread::sleep(Duration::from_millis(250));
    }
    assert!(each() <= EACH_MAX, "{} KiB for each session", each());
    drop((first, waiting));
}
