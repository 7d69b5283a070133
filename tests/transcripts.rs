//! Runs every file in `tests/transcripts/` against one real server.
//!
//! A transcript is a conversation as an RFC would print it:
//!
//! ```text
//! # What this shows — RFC and section. Lines with # are comments.
//! messages: 3
//! select: INBOX
//!
//! C: a STORE 1 +FLAGS (\Deleted)
//! S: * 1 FETCH (FLAGS (\Deleted \Recent))
//! S: a OK …
//! C2: b NOOP
//! S2: …
//! S2: b OK …
//! ```
//!
//! Before the conversation, `key: value` lines set the scene:
//!
//! * `messages: n` – INBOX holds n small messages, appended by a connection that is gone;
//! * `login: no` – connections are not logged in (they are, as an account of the
//!   transcript's own, and past the greeting, if this is not said);
//! * `select: NAME` – every connection has selected this mailbox, in order.
//! * `protocol: lmtp` – connections speak LMTP, past the greeting; `lmtp: 4 5` – these do.
//! * `other: 2 3`, `third: 4` – these connections are logged in to accounts of their own, `$other` and `$third`.
//! * `setting: imap.deleted-mailboxes = false` – the server is one with this setting, as TOML has it.
//! * `run: account hold $user` – `chapar` was run with these words, for that server.
//! * `shows: MOVE RFC6851` – the capabilities and RFCs that this is the proof of, for `docs/conformance.md`
//!   ([`crate::conformance`]).
//!
//! In the conversation:
//!
//! * `C:` sends a line; `C|` sends it without a line end, with `\r`, `\n`, `\0`, `\xHH`, `\\`
//!   and `\*4096x` (so many `x`) understood. `C2:`, `S2:` … are further connections of the same account, unless the head says another, opened when first
//!   used.
//! * `S:` is the next line the server sends. `…` stands for any text. `$name` stands for a
//!   word the first time and for the same word later on; `$user`, `$other`, `$third`, `$password` are known.
//! * `S: …` alone stands for any number of lines.
//! * `S~:` lines in a row may come in any order.
//! * `S:` then nothing at all (`S: EOF`) is the end of the connection.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use crate::{
    chapar::{self, Chapar, PASSWORD},
    connection::Connection,
};

#[test]
fn every_transcript_holds() {
    let folder = folder();
    let only = std::env::var("TRANSCRIPT").unwrap_or_default();
    let files: Vec<_> = files()
        .into_iter()
        .filter(|f| f.to_string_lossy().contains(&only))
        .collect();
    assert!(!files.is_empty(), "no transcript named like {only:?}");
    // One server for each set of settings.
    let mut servers: BTreeMap<Vec<String>, Chapar> = BTreeMap::new();
    let mut failures = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let user = format!("user{number}");
        let text = fs::read_to_string(file).unwrap();
        let settings = head(&text, "setting").map(str::to_owned).collect();
        let chapar = servers
            .entry(settings)
            .or_insert_with_key(|settings| Chapar::with_settings(settings));
        chapar.add_account(&user);
        for (key, _) in OTHERS {
            if head(&text, key).next().is_some() {
                chapar.add_account(&format!("{user}-{key}"));
            }
        }
        let run = std::panic::AssertUnwindSafe(|| run(chapar, &user, &text));
        let outcome = std::panic::catch_unwind(run);
        if let Err(what) = outcome.unwrap_or_else(|_| Err("it panicked, see above".to_owned())) {
            failures.push(format!(
                "{}:{what}",
                file.strip_prefix(&folder).unwrap().display()
            ));
        }
    }
    println!("{} transcripts, {} failed", files.len(), failures.len());
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/transcripts")
}

/// Every transcript, in order.
pub(crate) fn files() -> Vec<PathBuf> {
    let mut files = walk(&folder());
    files.sort();
    files
}

/// What a transcript's head says under a key.
pub(crate) fn head<'a>(text: &'a str, key: &str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| {
        let (found, value) = line.split_once(':')?;
        (found == key).then_some(value.trim())
    })
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else if path.extension().is_some_and(|e| e == "txt") {
            files.push(path);
        }
    }
    files
}

/// Accounts besides the transcript's first, by the key that says which connections are theirs.
const OTHERS: [(&str, usize); 2] = [("other", 0), ("third", 1)];

/// The scene that a transcript's head sets.
struct Scene {
    messages: usize,
    login: bool,
    select: Option<String>,
    lmtp: bool,
    /// Connections that speak LMTP, whatever the others do.
    lmtp_too: Vec<usize>,
    /// Connections of the other accounts.
    others: [Vec<usize>; 2],
}

impl Scene {
    /// The account of a connection.
    fn account(&self, user: &str, connection: usize) -> String {
        let mut others = OTHERS.iter();
        let other = others.find(|(_, at)| self.others[*at].contains(&connection));
        other.map_or_else(|| user.to_owned(), |(key, _)| format!("{user}-{key}"))
    }
}

/// One line of the conversation.
struct Line<'a> {
    number: usize,
    connection: usize,
    kind: Kind,
    text: &'a str,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Send,
    SendRaw,
    Expect,
    ExpectAnyOrder,
}

fn run(chapar: &Chapar, user: &str, text: &str) -> Result<(), String> {
    let (scene, lines) = read(text)?;
    let mut variables = HashMap::from([
        ("user".to_owned(), user.to_owned()),
        ("password".to_owned(), PASSWORD.to_owned()),
    ]);
    // Transcripts that have no other accounts may use these names for what they hear.
    for (key, _) in OTHERS {
        if head(text, key).next().is_some() {
            variables.insert(key.to_owned(), format!("{user}-{key}"));
        }
    }
    for words in head(text, "run") {
        let mut words = words.replace("$user", user);
        for (key, _) in OTHERS {
            words = words.replace(&format!("${key}"), &format!("{user}-{key}"));
        }
        let words: Vec<&str> = words.split(' ').collect();
        let output = chapar.run(&words, "");
        if !output.status.success() {
            return Err(format!("chapar {words:?}: {}", chapar::text(&output)));
        }
    }
    if scene.messages > 0 {
        let mut first = chapar.login(user);
        for n in 1..=scene.messages {
            first.append("INBOX", &message(n));
        }
        first.ok("LOGOUT");
    }
    let mut connections: HashMap<usize, Connection> = HashMap::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let connection = connections
            .entry(line.connection)
            .or_insert_with(|| open(chapar, (user, line.connection), &scene));
        let outcome = match line.kind {
            Kind::Send | Kind::SendRaw => {
                send(connection, line, &variables);
                at += 1;
                Ok(())
            }
            Kind::Expect if line.text == "…" => {
                at += 1;
                skip_to(connection, lines.get(at), &mut variables).inspect(|()| at += 1)
            }
            Kind::Expect => {
                at += 1;
                expect(connection, line.text, &mut variables)
            }
            Kind::ExpectAnyOrder => {
                let group: Vec<&str> = lines[at..]
                    .iter()
                    .take_while(|l| {
                        l.kind == Kind::ExpectAnyOrder && l.connection == line.connection
                    })
                    .map(|l| l.text)
                    .collect();
                at += group.len();
                expect_any_order(connection, group, &mut variables)
            }
        };
        outcome.map_err(|what| format!("{}: {what}", line.number))?;
    }
    Ok(())
}

fn read(text: &str) -> Result<(Scene, Vec<Line<'_>>), String> {
    let mut scene = Scene {
        messages: 0,
        login: true,
        select: None,
        lmtp: false,
        lmtp_too: Vec::new(),
        others: Default::default(),
    };
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate().map(|(i, l)| (i + 1, l)) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(parsed) = conversation(number, line) {
            lines.push(parsed);
            continue;
        }
        let (key, value) = line
            .split_once(':')
            .ok_or_else(|| format!("{number}: not a line of a transcript"))?;
        let value = value.trim();
        let numbers = || {
            let numbers = value.split(' ').map(str::parse::<usize>);
            numbers.collect::<Result<Vec<_>, _>>()
        };
        let numbers = || numbers().map_err(|e| format!("{number}: {e}"));
        if let Some((_, at)) = OTHERS.iter().find(|(other, _)| *other == key) {
            scene.others[*at] = numbers()?;
            continue;
        }
        match key {
            "lmtp" => scene.lmtp_too = numbers()?,
            "messages" => scene.messages = value.parse().map_err(|e| format!("{number}: {e}"))?,
            "login" => scene.login = value == "yes",
            "select" => scene.select = Some(value.to_owned()),
            "protocol" => scene.lmtp = value == "lmtp",
            "setting" | "run" | "shows" => {}
            _ => return Err(format!("{number}: unknown setting {key}")),
        }
    }
    Ok((scene, lines))
}

/// `C: …`, `C2| …`, `S: …`, `S2~: …`.
fn conversation(number: usize, line: &str) -> Option<Line<'_>> {
    let client = line.starts_with('C');
    if !client && !line.starts_with('S') {
        return None;
    }
    let rest = &line[1..];
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let connection = if digits == 0 {
        1
    } else {
        rest[..digits].parse().ok()?
    };
    let rest = &rest[digits..];
    let (kind, text) = if client {
        match rest.split_at_checked(1)? {
            (":", text) => (Kind::Send, text),
            ("|", text) => (Kind::SendRaw, text),
            _ => return None,
        }
    } else if let Some(text) = rest.strip_prefix("~:") {
        (Kind::ExpectAnyOrder, text)
    } else {
        (Kind::Expect, rest.strip_prefix(':')?)
    };
    Some(Line {
        number,
        connection,
        kind,
        text: text.strip_prefix(' ').unwrap_or(text),
    })
}

fn open(chapar: &Chapar, (user, number): (&str, usize), scene: &Scene) -> Connection {
    let lmtp = scene.lmtp || scene.lmtp_too.contains(&number);
    let mut connection = Connection::open(if lmtp { chapar.lmtp } else { chapar.imap });
    if lmtp {
        connection.read_line();
        return connection;
    }
    if scene.login {
        connection.read_line();
        let account = scene.account(user, number);
        connection.ok(&format!("LOGIN {account} {PASSWORD}"));
    }
    if let Some(mailbox) = &scene.select {
        connection.ok(&format!("SELECT {mailbox}"));
    }
    connection
}

/// The n-th standard message.
fn message(n: usize) -> String {
    format!(
        "From: Sender {n} <sender{n}@example.test>\r\nTo: user@example.test\r\nSubject: Message {n}\r\n\
         Date: Mon, {n:02} Jan 2024 12:00:00 +0000\r\nMessage-ID: <{n}@example.test>\r\n\r\nBody of message {n}.\r\n"
    )
}

fn send(connection: &mut Connection, line: &Line<'_>, variables: &HashMap<String, String>) {
    let mut text = line.text.to_owned();
    for (name, value) in variables {
        text = text.replace(&format!("${name}"), value);
    }
    let mut bytes = if line.kind == Kind::SendRaw {
        unescape(&text)
    } else {
        text.into_bytes()
    };
    if line.kind == Kind::Send {
        bytes.extend_from_slice(b"\r\n");
    }
    connection.send(&bytes);
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&escape, after) = rest.split_first().expect("an escape needs a letter");
        rest = after;
        bytes.push(match escape {
            b'r' => b'\r',
            b'n' => b'\n',
            b'0' => 0,
            b'\\' => b'\\',
            b'*' => {
                let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
                let (count, after) = rest.split_at(digits);
                let (octet, after) = after.split_first().expect("what is repeated");
                rest = after;
                let count = str::from_utf8(count).unwrap().parse().unwrap();
                bytes.extend(std::iter::repeat_n(*octet, count));
                continue;
            }
            b'x' => {
                let (hex, after) = rest.split_at(2);
                rest = after;
                u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap()
            }
            other => panic!("unknown escape \\{}", other as char),
        });
    }
    bytes
}

fn expect(
    connection: &mut Connection,
    pattern: &str,
    variables: &mut HashMap<String, String>,
) -> Result<(), String> {
    let heard = connection.try_read_line();
    match heard {
        None if pattern == "EOF" => Ok(()),
        None => Err(format!("expected {pattern:?}, but the connection ended")),
        Some(line) if matches(pattern, &line, variables) => Ok(()),
        Some(line) => Err(format!("expected {pattern:?}\n    heard    {line:?}")),
    }
}

/// Skips lines until one matches what comes after `S: …`.
fn skip_to(
    connection: &mut Connection,
    next: Option<&Line<'_>>,
    variables: &mut HashMap<String, String>,
) -> Result<(), String> {
    let wanted = next.ok_or("nothing after S: …")?.text;
    let mut heard = Vec::new();
    loop {
        match connection.try_read_line() {
            None if wanted == "EOF" => return Ok(()),
            None => {
                return Err(format!(
                    "the connection ended before {wanted:?}; heard {heard:#?}"
                ));
            }
            Some(line) if matches(wanted, &line, variables) => return Ok(()),
            Some(line) => {
                let tag = wanted.split(' ').next().unwrap_or_default();
                let over = line.starts_with("(nothing")
                    || tag != "*" && line.starts_with(&format!("{tag} "));
                heard.push(line);
                if over {
                    return Err(format!("expected {wanted:?} at last, heard {heard:#?}"));
                }
            }
        }
    }
}

fn expect_any_order(
    connection: &mut Connection,
    mut patterns: Vec<&str>,
    variables: &mut HashMap<String, String>,
) -> Result<(), String> {
    while !patterns.is_empty() {
        let line = connection.try_read_line().ok_or("the connection ended")?;
        let found = patterns.iter().position(|p| matches(p, &line, variables));
        let Some(found) = found else {
            return Err(format!("heard {line:?}\n    expected one of {patterns:#?}"));
        };
        patterns.remove(found);
    }
    Ok(())
}

/// Whether a line is what the pattern says; binds its new variables if so.
fn matches(pattern: &str, line: &str, variables: &mut HashMap<String, String>) -> bool {
    let mut bound = variables.clone();
    if matches_from(pattern, line, &mut bound) {
        *variables = bound;
        true
    } else {
        false
    }
}

fn matches_from(pattern: &str, line: &str, variables: &mut HashMap<String, String>) -> bool {
    if let Some(rest) = pattern.strip_prefix('…') {
        return line
            .char_indices()
            .map(|(i, _)| i)
            .chain([line.len()])
            .any(|i| {
                let mut attempt = variables.clone();
                let fits = matches_from(rest, &line[i..], &mut attempt);
                if fits {
                    *variables = attempt;
                }
                fits
            });
    }
    if let Some((name, rest)) = variable(pattern) {
        if let Some(value) = variables.get(name) {
            let value = value.clone();
            return line
                .strip_prefix(&*value)
                .is_some_and(|l| matches_from(rest, l, variables));
        }
        let end = line.find([' ', ')', ']', '"', '(']).unwrap_or(line.len());
        variables.insert(name.to_owned(), line[..end].to_owned());
        return end > 0 && matches_from(rest, &line[end..], variables);
    }
    match (pattern.chars().next(), line.chars().next()) {
        (None, None) => true,
        (Some(p), Some(l)) if p == l => {
            matches_from(&pattern[p.len_utf8()..], &line[l.len_utf8()..], variables)
        }
        _ => false,
    }
}

/// `$name…` at the start of a pattern: the name, and what follows it. IMAP's own
/// `$` (saved result, `$Forwarded`) is no variable: names here are in lower case.
fn variable(pattern: &str) -> Option<(&str, &str)> {
    let rest = pattern.strip_prefix('$')?;
    let end = rest
        .find(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit())
        .unwrap_or(rest.len());
    if end == 0 {
        None
    } else {
        Some((&rest[..end], &rest[end..]))
    }
}
