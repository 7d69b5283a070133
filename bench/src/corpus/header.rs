//! Header fields, as mail has them that came over the Internet.

use std::fmt::Write as _;

use data_encoding::BASE64;

use super::{
    Corpus,
    random::Random,
    stock::{Charset, Style},
    words::Language,
};

/// Somebody who writes, or is written to.
pub(super) struct Person {
    first: &'static str,
    last: &'static str,
    domain: usize,
}

const FIRST: [&str; 24] = [
    "Anna",
    "Bernd",
    "Claire",
    "Daniel",
    "Elena",
    "François",
    "Grace",
    "Hiroshi",
    "Ines",
    "Jürgen",
    "Karin",
    "Lars",
    "Maria",
    "Nils",
    "Olga",
    "Pedro",
    "Qi",
    "Renée",
    "Søren",
    "Tanja",
    "Ulrich",
    "Victor",
    "Wanda",
    "Yusuf",
];
const LAST: [&str; 40] = [
    "Abel",
    "Brandt",
    "Castro",
    "Dupont",
    "Eriksen",
    "Fischer",
    "García",
    "Hoffmann",
    "Ivanova",
    "Jensen",
    "Keller",
    "Lefèvre",
    "Müller",
    "Nakamura",
    "Olsen",
    "Petrov",
    "Quinn",
    "Rossi",
    "Schneider",
    "Tanaka",
    "Ullmann",
    "Vogel",
    "Weber",
    "Xu",
    "Yilmaz",
    "Zimmermann",
    "Björk",
    "Costa",
    "Dvořák",
    "Engel",
    "Fontaine",
    "Gruber",
    "Haas",
    "Iglesias",
    "Janssen",
    "Kovač",
    "Lindqvist",
    "Moreau",
    "Novak",
    "Østby",
];
const DOMAINS: [&str; 12] = [
    "example.com",
    "example.net",
    "example.org",
    "mail.example.com",
    "shop.example.net",
    "lists.example.org",
    "news.example.com",
    "corp.example",
    "uni.example",
    "bank.example",
    "travel.example",
    "gov.example",
];
const AGENTS: [&str; 6] = [
    "Mozilla Thunderbird",
    "Microsoft Outlook 16.0",
    "Apple Mail (2.3654.120.0.1.13)",
    "Evolution 3.46.4-2",
    "Mutt/2.2.9 (2022-11-12)",
    "Roundcube Webmail/1.6.1",
];

impl Person {
    /// One of 960: some write much more than others.
    pub(super) fn draw(random: &mut Random) -> Self {
        let number = random.below(960).min(random.below(960));
        Self {
            first: FIRST.get(number % FIRST.len()).copied().unwrap_or_default(),
            last: LAST
                .get(number / FIRST.len() % LAST.len())
                .copied()
                .unwrap_or_default(),
            domain: number * 7 % DOMAINS.len(),
        }
    }

    /// Their domain.
    pub(super) fn domain(&self) -> &'static str {
        DOMAINS.get(self.domain).copied().unwrap_or_default()
    }

    /// Their address without angle brackets.
    pub(super) fn address(&self) -> String {
        let letters =
            |name: &str| -> String { name.chars().filter(char::is_ascii_alphabetic).collect() };
        format!(
            "{}.{}@{}",
            letters(self.first),
            letters(self.last),
            self.domain()
        )
        .to_ascii_lowercase()
    }

    /// With their name, which is in an encoded word if it has to be.
    fn mailbox(&self) -> String {
        let name = format!("{} {}", self.first, self.last);
        if name.is_ascii() {
            format!("{name} <{}>", self.address())
        } else {
            format!(
                "{} <{}>",
                encoded_words(&name, Charset::Utf8),
                self.address()
            )
        }
    }
}

/// RFC 2047: words of at most 75 octets, on lines of their own; Q for what is nearly ASCII, B for the rest.
pub(super) fn encoded_words(text: &str, charset: Charset) -> String {
    let mut words = Vec::new();
    let mut piece = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        piece.push(letter);
        if letters.peek().is_none() || charset.encode(&piece).len() >= 27 {
            words.push(encoded_word(&charset.encode(&piece), charset));
            piece.clear();
        }
    }
    words.join("\r\n ")
}

fn encoded_word(octets: &[u8], charset: Charset) -> String {
    let latin = matches!(charset, Charset::Latin1 | Charset::Utf8)
        && octets.iter().filter(|octet| octet.is_ascii()).count() * 2 > octets.len()
        && octets.len() < 40;
    if !latin {
        return format!("=?{}?B?{}?=", charset.name(), BASE64.encode(octets));
    }
    let mut word = format!("=?{}?Q?", charset.name());
    for &octet in octets {
        match octet {
            b' ' => word.push('_'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => word.push(char::from(octet)),
            _ => {
                let _ = write!(word, "={octet:02X}");
            }
        }
    }
    word + "?="
}

/// Adds the header of message `n`, up to its MIME fields.
pub(super) fn write(corpus: &Corpus, n: u64, style: Style, light: bool, out: &mut String) {
    let mut random = corpus.random(n, "header");
    let from = corpus.person(n);
    let (to, ancestors) = (Person::draw(&mut random), corpus.ancestors(n));
    let root = ancestors.last().copied().unwrap_or(n);
    let list = corpus.random(root, "list").chance(25);
    let automatic = !list && ancestors.is_empty() && random.chance(30);
    traces(
        corpus,
        n,
        &from,
        if light { 1 } else { random.between(2, 4) },
        out,
    );
    if !light {
        signature(&mut random, &from, corpus.seconds(n), out);
    }
    line(out, "Date", &corpus.date(n, 0));
    line(out, "From", &from.mailbox());
    line(
        out,
        "To",
        &if list {
            format!("Project <project@{}>", from.domain())
        } else {
            to.mailbox()
        },
    );
    if !automatic && random.chance(25) {
        let others: Vec<String> = (0..random.between(1, 6))
            .map(|_| Person::draw(&mut random).mailbox())
            .collect();
        line(out, "Cc", &others.join(",\r\n "));
    }
    line(out, "Message-ID", &corpus.message_id(n));
    if let Some(parent) = ancestors.first() {
        line(out, "In-Reply-To", &corpus.message_id(*parent));
        // The first and the last twenty, as clients shorten it.
        let named = ancestors
            .iter()
            .take(20)
            .chain(ancestors.iter().skip(20).last())
            .rev();
        line(
            out,
            "References",
            &named
                .map(|n| corpus.message_id(*n))
                .collect::<Vec<_>>()
                .join("\r\n "),
        );
    }
    line(
        out,
        "Subject",
        &subject(corpus, root, style, list, !ancestors.is_empty()),
    );
    if list {
        lists(&from, out);
    } else if automatic {
        line(out, "Auto-Submitted", "auto-generated");
        let code = random.next();
        line(
            out,
            "List-Unsubscribe",
            &format!("<https://{}/unsubscribe/{code:x}>", from.domain()),
        );
        line(out, "X-Mailer", "Campaigner 4.2");
    } else {
        line(out, "User-Agent", random.pick(&AGENTS));
    }
    if !light {
        line(
            out,
            "X-Spam-Status",
            "No, score=-2.1 required=5.0 tests=BAYES_00,DKIM_SIGNED,\r\n\tDKIM_VALID,DKIM_VALID_AU,SPF_PASS autolearn=ham autolearn_force=no version=3.4.6",
        );
    }
    if random.chance(4) {
        line(out, "Importance", "high");
    }
    line(out, "MIME-Version", "1.0");
}

fn line(out: &mut String, name: &str, value: &str) {
    out.extend([name, ": ", value, "\r\n"]);
}

/// Received, newest first, and what the last of them has found out.
fn traces(corpus: &Corpus, n: u64, from: &Person, hops: usize, out: &mut String) {
    let mut random = corpus.random(n, "traces");
    for hop in 0..hops {
        let (a, b) = (random.below(250), random.below(250));
        let later = (hops - hop) as u64 * 2;
        let id = random.next();
        let domain = from.domain();
        let _ = write!(
            out,
            "Received: from mx{hop}.{domain} (mx{hop}.{domain} [192.0.{a}.{b}])\r\n\
             \tby relay{b}.example.net (Postfix) with ESMTPS id {id:012X}\r\n\
             \tfor <somebody@example.net>; {}\r\n",
            corpus.date(n, later)
        );
    }
    if hops > 1 {
        let _ = write!(
            out,
            "Authentication-Results: relay.example.net;\r\n\tdkim=pass (2048-bit key) header.d={domain} header.i=@{domain};\r\n\
             \tspf=pass smtp.mailfrom={};\r\n\tdmarc=pass (policy=none) header.from={domain}\r\n",
            from.address(),
            domain = from.domain()
        );
    }
}

fn signature(random: &mut Random, from: &Person, seconds: u64, out: &mut String) {
    let mut octets = |count: usize| -> String {
        let raw: Vec<u8> = (0..count.div_ceil(8))
            .flat_map(|_| random.next().to_le_bytes())
            .take(count)
            .collect();
        BASE64.encode(&raw)
    };
    let (body, signed) = (octets(32), octets(256));
    let _ = write!(
        out,
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={}; s=mail2020;\r\n\tt={seconds}; bh={body};\r\n\
         \th=From:To:Subject:Date:Message-ID:MIME-Version:Content-Type;\r\n\tb=",
        from.domain()
    );
    for (at, piece) in signed.as_bytes().chunks(68).enumerate() {
        out.push_str(if at == 0 { "" } else { "\r\n\t " });
        out.push_str(&String::from_utf8_lossy(piece));
    }
    out.push_str("\r\n");
}

fn lists(from: &Person, out: &mut String) {
    let domain = from.domain();
    let _ = write!(
        out,
        "List-Id: Project discussion <project.{domain}>\r\nList-Post: <mailto:project@{domain}>\r\n\
         List-Help: <mailto:project-request@{domain}?subject=help>\r\n\
         List-Archive: <https://{domain}/archives/project/>\r\n\
         List-Unsubscribe: <https://{domain}/options/project>,\r\n \
         <mailto:project-request@{domain}?subject=unsubscribe>\r\nPrecedence: list\r\nSender: project-bounces@{domain}\r\n"
    );
}

/// Whether the subject of the thread that begins with `root` has the word that is looked for.
pub(super) fn marked(corpus: &Corpus, root: u64, style: Style) -> bool {
    style.language == Language::English && corpus.random(root, "marked").below(50) == 0
}

/// The subject of a thread, which its first message decides.
fn subject(corpus: &Corpus, root: u64, style: Style, list: bool, reply: bool) -> String {
    let mut random = corpus.random(root, "subject");
    let mut text = String::new();
    if list {
        text.push_str("[project] ");
    }
    if marked(corpus, root, style) {
        text.push_str(super::SUBJECT);
        text.push(' ');
    }
    let count = random.between(2, 8);
    corpus
        .words(style.language)
        .phrase(&mut random, count, &mut text);
    if random.chance(20) {
        let _ = write!(text, " #{}", random.below(100_000));
    }
    let again = if reply { "Re: " } else { "" };
    if text.is_ascii() {
        return format!("{again}{text}");
    }
    let charset = if style.charset == Charset::Ascii {
        Charset::Utf8
    } else {
        style.charset
    };
    format!("{again}{}", encoded_words(&text, charset))
}
