//! Whatever is in the index, and whatever became of it: SEARCH finds what it finds without.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use fastrand::Rng;
use store::{
    IndexOptions,
    search::{Place, Sieve},
};

use crate::imap::fetch::tests::{Reader, run};

const WORDS: &[&str] = &[
    "a",
    "I",
    "of",
    "the",
    "mail",
    "Mailbox",
    "international",
    "straße",
    "STRASSE",
    "Grüße",
    "café",
    "cafe\u{301}",
    "naïve",
    "Ωmega",
    "οδος",
    "ΟΔΟΣ",
    "привет",
    "Мир",
    "日本",
    "日本語",
    "東京都",
    "한국어",
    "שלום",
    "مرحبا",
    "x",
    "q",
    "42",
    "3.14",
    "foo-bar",
    "e\u{301}",
    "ﬁne",
    "👍",
    "İstanbul",
];

fn text(random: &mut Rng, words: usize) -> String {
    let mut text = String::new();
    for _ in 0..words {
        match random.u8(..20) {
            0 => text.push_str("\r\n"),
            1 => {
                let _ = write!(text, "{:x}", random.u32(..));
            }
            2 => {}
            _ => text.push(' '),
        }
        text.push_str(WORDS[random.usize(..WORDS.len())]);
    }
    text
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(octets: &[u8], line: usize) -> String {
    let mut out = String::new();
    for (at, three) in octets.chunks(3).enumerate() {
        if at > 0 && at % line == 0 {
            out.push_str("\r\n");
        }
        let bits = three
            .iter()
            .fold(0_u32, |bits, o| bits << 8 | u32::from(*o))
            << (8 * (3 - three.len()));
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            out.push(if digit > three.len() {
                '='
            } else {
                DIGITS[value as usize] as char
            });
        }
    }
    out
}

fn quoted(octets: &[u8], random: &mut Rng) -> String {
    let mut out = String::new();
    for octet in octets {
        match octet {
            b'\r' | b'\n' | b' ' | b'a'..=b'z' => out.push(*octet as char),
            _ => {
                let _ = write!(out, "={octet:02X}");
            }
        }
        if random.u8(..30) == 0 {
            out.push_str("=\r\n");
        }
    }
    out
}

/// A part that has this text, in some charset and encoding.
fn part(random: &mut Rng, text: &str) -> Vec<u8> {
    let latin: Option<Vec<u8>> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect();
    let (charset, octets) = match latin {
        Some(latin) if random.bool() => ("iso-8859-1", latin),
        _ => ("utf-8", text.as_bytes().to_vec()),
    };
    let kind = ["plain", "html"][random.usize(..2)];
    let mut part = format!("Content-Type: text/{kind}; charset={charset}\r\n").into_bytes();
    let (encoding, octets) = match random.u8(..3) {
        0 => ("base64", base64(&octets, random.usize(1..19)).into_bytes()),
        1 => ("quoted-printable", quoted(&octets, random).into_bytes()),
        _ => ("8bit", octets),
    };
    part.extend_from_slice(format!("Content-Transfer-Encoding: {encoding}\r\n\r\n").as_bytes());
    part.extend_from_slice(&octets);
    part
}

fn field(random: &mut Rng, name: &str) -> String {
    let words = random.usize(1..5);
    let value = text(random, words).replace("\r\n", " ");
    match random.u8(..3) {
        0 => format!("{name}: =?utf-8?b?{}?=\r\n", base64(value.as_bytes(), 999)),
        1 => format!("{name}: {}\r\n", value.replace(' ', "\r\n ")),
        _ => format!("{name}: {value}\r\n"),
    }
}

fn header(random: &mut Rng) -> String {
    let names = [
        "From",
        "To",
        "Cc",
        "Bcc",
        "Subject",
        "X-Odd",
        "Received",
        "Message-ID",
    ];
    let mut header = String::new();
    for name in names {
        if random.u8(..4) > 0 {
            header.push_str(&field(random, name));
        }
    }
    header
}

/// A message with the texts given, alone or in parts, some of them within messages.
fn message(random: &mut Rng, texts: &[String], depth: usize) -> Vec<u8> {
    let mut message = header(random).into_bytes();
    if let ([only], true) = (texts, random.bool()) {
        message.extend(part(random, only));
        return message;
    }
    let boundary = format!("b{depth}");
    message.extend(
        format!("Content-Type: multipart/mixed; boundary={boundary}\r\n\r\npreamble\r\n").bytes(),
    );
    for text in texts {
        message.extend(format!("--{boundary}\r\n").bytes());
        match random.u8(..5) {
            0 if depth < 3 => {
                message.extend(b"Content-Type: message/rfc822\r\n\r\n");
                message.extend(self::message(random, std::slice::from_ref(text), depth + 1));
            }
            1 => message
                .extend(format!("Content-Type: image/png; name=mail.png\r\n\r\n{text}").bytes()),
            _ => message.extend(part(random, text)),
        }
        message.extend(b"\r\n");
    }
    message.extend(format!("--{boundary}--\r\n").bytes());
    message
}

/// Texts that are in messages, or nearly, or not at all.
fn needle(random: &mut Rng, texts: &[String]) -> String {
    let text = &texts[random.usize(..texts.len())];
    let chars: Vec<char> = text.chars().collect();
    let from = random.usize(..chars.len());
    let longest = [1, 2, 4, 12, 40][random.usize(..5)];
    let len = 1 + random.usize(..longest);
    let mut needle: String = chars.iter().skip(from).take(len).collect();
    match random.u8(..8) {
        0 => needle = needle.to_uppercase(),
        1 => needle.push('z'),
        // A typo, or an accent that is not there.
        2 => needle = needle.replace(['a', 'i', '\u{301}'], ""),
        3 => needle = needle.replace("ma", "am"),
        4 => needle = text_of_words(random),
        _ => {}
    }
    needle
}

fn text_of_words(random: &mut Rng) -> String {
    let words = random.usize(1..3);
    text(random, words).replace("\r\n", "")
}

fn query(random: &mut Rng, texts: &[String]) -> String {
    let needle = needle(random, texts);
    let string = format!("{{{}+}}\r\n{needle}", needle.len());
    match random.u8(..15) {
        0..3 => format!("BODY {string}"),
        3..6 => format!("TEXT {string}"),
        6 => format!("SUBJECT {string}"),
        7 => {
            let name = ["FROM", "TO", "CC", "BCC"][random.usize(..4)];
            format!("{name} {string}")
        }
        8 => {
            let name = [
                "X-Odd",
                "received",
                "Message-ID",
                "Delivered-To",
                "subject",
                "X-None",
            ];
            format!("HEADER {} {string}", name[random.usize(..6)])
        }
        9 => format!(
            "HEADER {} \"\"",
            ["X-Odd", "Cc", "X-None"][random.usize(..3)]
        ),
        10 => format!("NOT ({})", query(random, texts)),
        11..14 => format!("FUZZY ({})", query(random, texts)),
        _ => format!("OR ({}) ({})", query(random, texts), query(random, texts)),
    }
}

/// The files of the index.
fn files(below: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(below).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn damage(random: &mut Rng, file: &Path) {
    let mut octets = fs::read(file).unwrap();
    match random.u8(..4) {
        0 => octets.truncate(random.usize(..octets.len())),
        1 => octets.truncate(octets.len() / 4096 / 2 * 4096),
        _ => {
            let at = random.usize(..octets.len());
            octets[at] ^= 1 << random.u8(..8);
        }
    }
    fs::write(file, octets).unwrap();
}

const OPTIONS: IndexOptions = IndexOptions {
    rate: None,
    least: 1,
};

async fn everything_as_before(reader: &mut Reader, known: &[(String, String)], when: &str) {
    for (query, expected) in known {
        assert_eq!(&reader.ok(query).await, expected, "{when}: {query}");
    }
}

/// Messages in the index, as far as it can be read.
async fn indexed(reader: &Reader) -> usize {
    reader.selected.account().sift(Vec::new()).await.len()
}

fn with_seed(seed: u64) {
    let mut random = Rng::with_seed(seed);
    let random = &mut random;
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let mut reader = Reader::new(Some(directory.path())).await;
        let mut texts = Vec::new();
        let mut messages = Vec::new();
        for _ in 0..60 {
            let (parts, words) = (random.usize(1..4), random.usize(1..60));
            let some: Vec<String> = (0..parts).map(|_| text(random, words)).collect();
            messages.push(message(random, &some, 0));
            texts.extend(some);
        }
        // One with a text over the border of what is read at once.
        let long = text(random, if seed == 0 { 20_000 } else { 2_000 });
        messages.push(part(random, &long));
        texts.push(long);
        for message in &messages {
            reader.deliver("Delivered-To: joe\r\n", message).await;
        }
        let mut known = Vec::new();
        for _ in 0..100 {
            let query = format!("SEARCH {}", query(random, &texts));
            let found = reader.ok(&query).await;
            known.push((query, found));
        }
        assert_eq!(indexed(&reader).await, 0);
        let account = reader.selected.account().clone();
        reader.store.index(&account, OPTIONS).await.unwrap();
        assert_eq!(indexed(&reader).await, 61);
        everything_as_before(&mut reader, &known, "indexed").await;
        // More comes that is not in the index, what was there goes, and is found no more.
        for message in &messages[..20] {
            reader.deliver("", message).await;
        }
        for uid in 20..30 {
            reader.remove(uid).await;
        }
        reader.selected.view.bury_all();
        known.truncate(40);
        let below = directory.path().join("partitions/default/search");
        let kept = directory.path().join("kept");
        fs::rename(&below, &kept).unwrap();
        for (query, found) in &mut known {
            *found = reader.ok(query).await;
        }
        fs::rename(&kept, &below).unwrap();
        assert_eq!(indexed(&reader).await, 61);
        everything_as_before(&mut reader, &known, "half indexed").await;
        reader.store.index(&account, OPTIONS).await.unwrap();
        assert_eq!(indexed(&reader).await, 81);
        everything_as_before(&mut reader, &known, "in two segments").await;
        known.truncate(15);
        for _ in 0..6 {
            let there = files(&below);
            if !there.is_empty() {
                let file = random.usize(..there.len());
                damage(random, &there[file]);
            }
            everything_as_before(&mut reader, &known, "damaged").await;
            if random.bool() {
                reader.store.index(&account, OPTIONS).await.unwrap();
            }
        }
        reader.store.index(&account, OPTIONS).await.unwrap();
        everything_as_before(&mut reader, &known, "made again").await;
        // What is gone is left out of what is made again, unless nothing had to be.
        assert!(indexed(&reader).await <= 81);
    });
}

#[test]
fn an_index_changes_no_result() {
    for seed in 0..2 {
        with_seed(seed);
    }
}

#[test]
fn what_the_index_rules_out_is_not_looked_at() {
    run(async {
        let mut reader = Reader::new(None).await;
        for n in 0..30 {
            let content = format!("Subject: number {n}\r\n\r\nbody {n} \u{65e5}\u{672c}\r\n");
            reader.deliver("", content.as_bytes()).await;
        }
        let account = reader.selected.account().clone();
        reader.store.index(&account, OPTIONS).await.unwrap();
        let mailbox = account.open_mailbox(reader.selected.mailbox).await.unwrap();
        let body = |text: &str| Sieve::Has(Place::Body, text.to_uppercase());
        let subject = Place::Field(b"subject".to_vec());
        let sieves = vec![
            body("body 17"),
            body("absent"),
            body("\u{672c}"),
            body("9"),
            Sieve::Has(subject, "NUMBER 17".into()),
            Sieve::Has(Place::Body, "NUMBER".into()),
            Sieve::Open,
        ];
        let sifted = account.sift(sieves.clone()).await;
        let left = |sieve: usize| {
            let messages = mailbox.every();
            messages.filter(|it| !sifted.rules_out(sieve, it)).count()
        };
        let left: Vec<usize> = (0..sieves.len()).map(left).collect();
        assert_eq!(left, [1, 0, 30, 3, 1, 0, 30]);
    });
}
