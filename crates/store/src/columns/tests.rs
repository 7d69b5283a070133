//! Whatever messages say: columns tell what their records do.

use fastrand::Rng;
use mail::{
    address::{self, Address},
    collation::{Collation, Comparator},
    date,
    encoded_word::{self, Exactly},
    header, message_id, subject,
};

use super::*;
use crate::{
    Arrival, Flags,
    tests::{ALICE, memory, name, receive, run},
};

const NAMES: &[&str] = &[
    "Subject",
    "SUBJECT",
    "From",
    "To",
    "Cc",
    "Bcc",
    "Date",
    "Message-ID",
    "message-id",
    "References",
    "In-Reply-To",
    "X-Else",
];

const VALUES: &[&str] = &[
    "",
    "tea",
    "Re: tea",
    "RE: [list] Tea (fwd)",
    "=?utf-8?q?J=C3=B6rg?= <j@example.test>",
    "=?iso-8859-1?Q?J=F6rg?= <j@example.test>",
    "=?x-klingon?q?tea?=",
    "=?utf-8?b?dGVh?=\r\n =?utf-8?b?IGFuZA==?=",
    "\"Doe, Jane\" <jane@example.test>, joe@example.test",
    "friends: a@example.test, b@example.test;",
    "undisclosed:;",
    "\u{65e5}\u{672c}",
    "Thu, 1 Feb 2024 10:00:00 +0200",
    "31 Feb 2024 10:00 +0000",
    "yesterday",
    "<1@x>",
    "<1@x> <2@x>\r\n\t<\"3\"@x>",
    "<3@x>",
    "Your message of (<9@x>) <2@x>",
    "<no",
];

/// A header of random fields, of which none, or several, have a name.
fn message(random: &mut Rng) -> Vec<u8> {
    let mut message = Vec::new();
    for _ in 0..random.usize(..12) {
        let name = NAMES[random.usize(..NAMES.len())];
        let value = VALUES[random.usize(..VALUES.len())];
        message.extend_from_slice(format!("{name}: {value}").as_bytes());
        if random.u8(..12) == 0 {
            message.extend_from_slice(b" \xe9\xff");
        }
        if random.u8(..20) == 0 {
            message.extend_from_slice("long ".repeat(1_500).as_bytes());
        }
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"\r\nbody\r\n");
    message
}

/// What SORT compares.
fn key(email: &Email, of: Text) -> Exactly {
    let listed = email.digest_ref().listed;
    let name = match of {
        Text::Subject => {
            let field = header::find(listed, "Subject").map(|field| field.value);
            return subject::read(field.unwrap_or_default()).base;
        }
        Text::From | Text::DisplayFrom => "From",
        Text::To | Text::DisplayTo => "To",
        Text::Cc => "Cc",
    };
    let fields = header::fields(listed).filter(|field| field.is(name));
    let first = fields.into_iter().find_map(|it| address::first(&it.text()));
    let displayed = matches!(of, Text::DisplayFrom | Text::DisplayTo);
    match first {
        Some(Address::Mailbox {
            name, local, host, ..
        }) => {
            let name = name.map(|name| encoded_word::decode_exactly(&name));
            let nothing = |it: &Exactly| {
                *it == Exactly::Text(String::new()) || *it == Exactly::Octets(Vec::new())
            };
            match name {
                _ if !displayed => encoded_word::decode_exactly(&local),
                Some(name) if !nothing(&name) => name,
                _ => encoded_word::decode_exactly(&[&local, &b"@"[..], &host].concat()),
            }
        }
        Some(Address::GroupStart(group)) => encoded_word::decode_exactly(&group),
        Some(Address::GroupEnd) | None => Exactly::Text(String::new()),
    }
}

/// The same as octets: what isn't text behind what is.
fn octets(string: &Exactly, collation: Collation) -> (bool, Vec<u8>) {
    let mut key = Vec::new();
    match string {
        Exactly::Text(text) => collation.key(text, &mut key),
        Exactly::Octets(octets) => key.extend_from_slice(octets),
    }
    (matches!(string, Exactly::Octets(_)), key)
}

fn ids(email: &Email, name: &str) -> Vec<Vec<u8>> {
    let field = header::find(email.digest_ref().listed, name);
    let text = field.map(|field| field.text()).unwrap_or_default();
    message_id::identifiers(&text).collect()
}

fn contains(email: &Email, name: &str, text: &str, collation: Collation) -> bool {
    let all = [email.trace(), email.digest_ref().listed];
    let mut fields = all.iter().flat_map(|octets| header::fields(octets));
    let mut folded = [String::new(), String::new()];
    fields.any(|field| {
        folded.iter_mut().for_each(String::clear);
        collation.fold(&encoded_word::decode(field.value), &mut folded[0]);
        collation.fold(text, &mut folded[1]);
        field.is(name) && (text.is_empty() || folded[0].contains(&folded[1]))
    })
}

/// Everything about two messages, as the columns and as their records have it.
fn compare(table: &Table, collation: Collation, (a, b): (&Told<'_>, &Told<'_>)) {
    use Text::{Cc, DisplayFrom, DisplayTo, From, Subject, To};
    for of in [Subject, From, To, Cc, DisplayFrom, DisplayTo] {
        let place = |it: &Told<'_>| table.place(of, it.entry.text(of), Comparator::default());
        let key = |it: &Told<'_>| octets(&key(it.email, of), collation);
        assert_eq!(place(a).cmp(&place(b)), key(a).cmp(&key(b)), "{of:?}");
    }
    let base = |it: &Told<'_>| octets(&key(it.email, Subject), collation);
    assert_eq!(a.entry.subject().0.is_none(), base(a).1.is_empty());
    if !base(a).1.is_empty() {
        let same = a.entry.subject().0 == b.entry.subject().0;
        assert_eq!(same, base(a) == base(b));
    }
    for (number, id) in a.identifiers() {
        for (other, other_id) in b.identifiers() {
            assert_eq!(number == other, id == other_id);
        }
    }
}

/// A message of a table, and its record.
struct Told<'a> {
    entry: Entry<'a>,
    email: &'a Email,
}

impl Told<'_> {
    /// The numbers of its identifier and of those that it refers to, and they themselves.
    fn identifiers(&self) -> Vec<(u32, Vec<u8>)> {
        let mut expected = ids(self.email, "References");
        if expected.is_empty() {
            expected = ids(self.email, "In-Reply-To");
            expected.truncate(1);
        }
        let mut numbers = self.entry.references().to_vec();
        assert_eq!(numbers.len(), expected.len());
        let own = ids(self.email, "Message-ID").into_iter().next();
        assert_eq!(own.is_some(), self.entry.identifier().is_some());
        numbers.extend(self.entry.identifier());
        expected.extend(own);
        numbers.into_iter().zip(expected).collect()
    }

    fn check(&self, looking: &[(Looking, &str, &str)], collation: Collation) {
        let digest = self.email.digest_ref();
        assert_eq!(self.entry.sent_days(), digest.sent_days);
        let sent = header::find(digest.listed, "Date").and_then(|date| date::sent(date.value));
        assert_eq!(self.entry.sent(), sent.map(|date| date.unix));
        let subject = header::find(digest.listed, "Subject").map(|field| field.value);
        let subject = subject::read(subject.unwrap_or_default());
        assert_eq!(self.entry.subject().1, subject.is_reply);
        for (looking, name, text) in looking {
            let expected = contains(self.email, name, text, collation);
            match looking.has(self.entry) {
                Some(has) => assert_eq!(has, expected, "{name} {text}"),
                None => assert!(digest.listed.len() > 4_096, "{name} {text}"),
            }
        }
    }
}

fn looking(collation: Collation) -> Vec<(Looking, &'static str, &'static str)> {
    let names = ["Subject", "From", "To", "Cc", "Bcc", "Message-ID"];
    let texts = [
        "",
        "tea",
        "TEA AND",
        "j\u{f6}rg",
        "\u{672c}",
        "1@x",
        "example",
        "\u{e9}",
    ];
    let each = names
        .iter()
        .flat_map(|name| texts.map(|text| (*name, text)));
    let each = each.map(|(name, text)| {
        let mut folded = String::new();
        collation.fold(text, &mut folded);
        let field = Field::named(name.as_bytes()).unwrap();
        (Looking::new(field, &folded), name, text)
    });
    each.collect()
}

#[test]
fn columns_tell_what_records_do() {
    for (seed, collation) in Collation::ALL.into_iter().enumerate() {
        run(async {
            let mut random = Rng::with_seed(seed as u64);
            let store = memory();
            let account = store.account(ALICE).await.unwrap();
            let inbox = account.snapshot().named(&name("INBOX")).unwrap().id();
            let columns = account.columns(collation);
            let mut emails = Vec::new();
            let mut looking = looking(collation);
            for _ in 0..12 {
                for _ in 0..random.usize(1..8) {
                    let arrival = Arrival {
                        message: receive(&store, &message(&mut random)).await,
                        trace: b"Delivered-To: a\r\nSubject: trace\r\n".to_vec(),
                        flags: Flags::default(),
                        internal_date: None,
                    };
                    account.append(inbox, vec![arrival]).await.unwrap();
                }
                let mailbox = account.open_mailbox(inbox).await.unwrap();
                let mut new = Vec::new();
                for message in mailbox.every().skip(emails.len()) {
                    new.push((message.email, account.email(&message).await.unwrap()));
                }
                columns.add(&new).await;
                columns.add(&new[..1]).await;
                emails.append(&mut new);
                let texts = [Text::Subject, Text::From];
                let every = Field::ALL.into_iter();
                let mut every: Vec<_> = every
                    .flat_map(|field| [Column::Says(field), Column::Sorts(field)])
                    .collect();
                random.shuffle(&mut every);
                let some = &every[..random.usize(..every.len())];
                drop(columns.read(some).await.unwrap());
                let asked = [&texts[..], &[Text::To, Text::Cc]].concat();
                drop(columns.arranged(&asked).await.unwrap());
                let table = columns.read(&every).await.unwrap();
                for (looking, ..) in &mut looking {
                    looking.look(&table);
                }
                let mut finder = table.finder();
                let told = emails.iter().map(|(id, email)| Told {
                    entry: finder.find(*id).unwrap(),
                    email,
                });
                let told: Vec<_> = told.collect();
                for a in &told {
                    a.check(&looking, collation);
                    for b in &told {
                        compare(&table, collation, (a, b));
                    }
                }
                assert!(table.finder().find(EmailId(1 << 40)).is_none());
            }
        });
    }
}
