//! Results that are kept up to date, against what a search anew finds, through seeded random
//! histories: RFC 5267 §4.3.

use super::{Client, World, run};

/// Numbers that depend on nothing but the seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// A result as a client keeps it that knows nothing but the responses.
struct Kept {
    tag: String,
    /// The command without its tag and `RETURN`, and what follows that.
    words: (&'static str, String),
    numbers: Vec<u32>,
}

/// A `sequence-set`, in its order.
fn set(text: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    for range in text.split(',') {
        let (from, to) = range.split_once(':').unwrap_or((range, range));
        let (from, to): (u32, u32) = (from.parse().unwrap(), to.parse().unwrap());
        assert!(from <= to, "RFC 5267 §3.2: {text}");
        numbers.extend(from..=to);
    }
    numbers
}

/// What is in the parentheses after a word: pairs of a position and a set.
fn pairs(line: &str, word: &str) -> Vec<(usize, Vec<u32>)> {
    let Some((_, rest)) = line.split_once(word) else {
        return Vec::new();
    };
    let inside = rest.split_once(')').unwrap().0;
    let words: Vec<&str> = inside.trim_start_matches(" (").split(' ').collect();
    let pairs = words.chunks(2);
    pairs
        .map(|pair| (pair[0].parse().unwrap(), set(pair[1])))
        .collect()
}

impl Kept {
    fn is_uid(&self) -> bool {
        self.words.0.starts_with("UID")
    }

    /// Takes one line of the server.
    fn hear(&mut self, line: &str) {
        let expunged = line.strip_suffix(" EXPUNGE");
        if let Some(number) = expunged.and_then(|line| line.strip_prefix("* "))
            && !self.is_uid()
        {
            let number: u32 = number.parse().unwrap();
            // §4.3.4: it had to be removed before.
            assert!(!self.numbers.contains(&number), "{} {line}", self.tag);
            for known in self.numbers.iter_mut().filter(|known| **known > number) {
                *known -= 1;
            }
        }
        if !line.starts_with(&format!("* ESEARCH (TAG \"{}\")", self.tag)) {
            return;
        }
        for (position, removed) in pairs(line, "REMOVEFROM") {
            for number in removed {
                let found = self.numbers.iter().position(|known| *known == number);
                let found = found.unwrap_or_else(|| panic!("{number} is no result: {line}"));
                assert!(position == 0 || position == found + 1, "{line}");
                self.numbers.remove(found);
            }
        }
        for (position, added) in pairs(line, "ADDTO") {
            for number in &added {
                assert!(!self.numbers.contains(number), "twice: {line}");
            }
            if position == 0 {
                self.numbers.extend(added);
                self.numbers.sort_unstable();
            } else {
                self.numbers.splice(position - 1..position - 1, added);
            }
        }
    }
}

/// One client with contexts, another that only changes things.
struct History {
    random: Random,
    watching: Client,
    changing: Client,
    kept: Vec<Kept>,
    commands: u32,
}

const KEYS: &[&str] = &[
    "ALL",
    "FLAGGED",
    "UNSEEN UNDELETED",
    "OR FLAGGED NOT SUBJECT a",
    "SUBJECT b",
    "KEYWORD later",
    "UID 7:*",
    "OR UID * SEEN",
    "NEW",
    "LARGER 25",
    "TEXT c UNFLAGGED",
];

impl History {
    async fn watch(&mut self, words: &'static str) {
        let key = self.random.of(KEYS).to_owned();
        let order = if words.ends_with("SORT") {
            let order = self
                .random
                .of(&["SUBJECT", "REVERSE SUBJECT SIZE", "REVERSE ARRIVAL"]);
            format!("({order}) UTF-8 ")
        } else {
            String::new()
        };
        let tag = format!("k{}", self.commands);
        let words = (words, format!("{order}{key}"));
        let said = self.say(&tag, &words, "UPDATE ALL").await;
        let numbers = found(&said, &tag);
        self.kept.push(Kept {
            tag,
            words,
            numbers,
        });
        self.hear(&said);
    }

    async fn say(&mut self, tag: &str, words: &(&str, String), returns: &str) -> String {
        self.commands += 1;
        let line = format!("{tag} {} RETURN ({returns}) {}", words.0, words.1);
        let said = self.watching.says(&line).await;
        assert!(said.contains(&format!("{tag} OK")), "{line}: {said}");
        said
    }

    fn hear(&mut self, said: &str) {
        for line in said.lines() {
            for kept in &mut self.kept {
                kept.hear(line);
            }
        }
    }

    /// One context ends, and another begins amid what happens.
    async fn watch_another(&mut self) {
        let gone = self.random.below(self.kept.len() as u64);
        let gone = self.kept.remove(usize::try_from(gone).unwrap());
        let cancel = format!("x CANCELUPDATE \"{}\"", gone.tag);
        let said = self.watching.says(&cancel).await;
        self.hear(&said);
        for _ in 0..self.random.below(4) {
            self.step().await;
        }
        self.watch(gone.words.0).await;
    }

    /// Something happens, by either client.
    async fn step(&mut self) {
        let flag = self
            .random
            .of(&["\\Flagged", "\\Seen", "\\Deleted", "later", "\\Draft"]);
        let sign = self.random.of(&["+", "-", "+"]);
        let (a, b) = (1 + self.random.below(12), 1 + self.random.below(12));
        let subject = self.random.of(&["a", "b", "c", "ab", "b c"]);
        let message = format!("Subject: {subject}\r\n\r\n");
        let line = match self.random.below(10) {
            0..4 => format!("x UID STORE {a}:{b} {sign}FLAGS.SILENT ({flag})"),
            4 => format!("x UID STORE {a} {sign}FLAGS ({flag})"),
            5 => "x EXPUNGE".to_owned(),
            6..8 => format!("x APPEND INBOX {{{}+}}\r\n{message}", message.len()),
            8 => "x NOOP".to_owned(),
            // Expunges have to wait during this one.
            _ => "x FETCH 1:* FLAGS".to_owned(),
        };
        if self.random.below(3) == 0 {
            let said = self.watching.says(&line).await;
            self.hear(&said);
        } else {
            self.changing.says(&line).await;
        }
    }

    /// What is kept must be what is found now.
    async fn check(&mut self) {
        let said = self.watching.says("n NOOP").await;
        self.hear(&said);
        for at in 0..self.kept.len() {
            let words = self.kept[at].words.clone();
            let tag = format!("c{}", self.commands);
            let said = self.say(&tag, &words, "ALL").await;
            let kept = &self.kept[at];
            assert_eq!(kept.numbers, found(&said, &tag), "{} {words:?}", kept.tag);
        }
    }
}

/// What ALL tells.
fn found(said: &str, tag: &str) -> Vec<u32> {
    let start = format!("* ESEARCH (TAG \"{tag}\")");
    let line = said.lines().find(|line| line.starts_with(&start));
    let all = line.unwrap().split_once(" ALL ");
    all.map_or_else(Vec::new, |(_, all)| set(all))
}

#[test]
fn what_is_kept_is_what_is_found_through_random_histories() {
    run(async {
        for seed in 0..12 {
            let world = World::with_messages(4).await;
            let mut history = History {
                random: Random(seed),
                watching: world.selected().await,
                changing: world.selected().await,
                kept: Vec::new(),
                commands: 0,
            };
            for words in [
                "SEARCH",
                "UID SEARCH",
                "SORT",
                "UID SORT",
                "SEARCH",
                "UID SORT",
            ] {
                history.watch(words).await;
            }
            for step in 0..60 {
                history.step().await;
                if step % 5 == 2 {
                    history.watch_another().await;
                }
                if step % 4 == 0 {
                    history.check().await;
                }
            }
            history.check().await;
        }
    });
}
