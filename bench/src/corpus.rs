//! The corpus: messages that a seed and a number decide, octet by octet.
//!
//! Sizes are log-normal, with a median of 8 KB and a mean of about 25 KB. There are texts in several charsets and
//! encodings, HTML beside them, attachments, encoded words, threads of forty and of two. Words are drawn as Zipf has
//! it; and three are placed, so that it is known what a search has to find: [`FREQUENT`] is in about 3 messages of
//! 10, [`RARE`] in one of every 1,000, and [`ABSENT`] in none.
//!
//! Any message can be made without those before it, and at the speed of copying: its text is cut from a stock.

mod body;
mod header;
mod random;
mod stock;
mod words;

use jiff::Timestamp;

use self::{
    body::Body,
    header::Person,
    random::{Random, exponential},
    stock::{Stock, Style},
    words::{Language, Words},
};

/// The seed of all published results.
pub(crate) const SEED: u64 = 77;

/// A word of the text of about three messages in ten.
pub(crate) const FREQUENT: &str = "wednesday";
/// A word of the text of exactly one message of every thousand.
pub(crate) const RARE: &str = "thunderstorm";
/// A word of no message.
pub(crate) const ABSENT: &str = "zyxomma";
/// A word of the subjects of about one in fifty of the threads in English.
pub(crate) const SUBJECT: &str = "timetable";

/// In every so many messages there is one with the rare word, and one long thread.
const BLOCK: u64 = 1000;
/// The first message is of 1 January 2018, and the last of `count` was written eight years later.
const FIRST_SECOND: u64 = 1_514_764_800;
/// So long it was on its way.
const DELIVERY_SECONDS: u64 = 10;
const YEARS_SECONDS: u64 = 8 * 365 * 86_400;

/// How large messages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sizes {
    /// Log-normal, with a median of 8 KB and a mean of about 25 KB.
    Real,
    /// 1 to 2 KB, for mailboxes of a million.
    Small,
}

/// Messages by number.
#[derive(Debug)]
pub(crate) struct Corpus {
    seed: u64,
    sizes: Sizes,
    /// Over how many messages the years are spread.
    count: u64,
    words: Vec<Words>,
    /// Of each style: how text is written and its stock, and the same of HTML.
    texts: Vec<[(Style, Stock); 2]>,
    attachments: Stock,
}

impl Corpus {
    /// Messages of realistic sizes; the first 100,000 of them are of the eight years.
    pub(crate) fn new(seed: u64) -> Self {
        Self::of(seed, Sizes::Real)
    }

    /// Messages of 1 to 2 KB, for mailboxes of a million; the first million of them are of the eight years.
    pub(crate) fn small(seed: u64) -> Self {
        Self::of(seed, Sizes::Small)
    }

    fn of(seed: u64, sizes: Sizes) -> Self {
        let (count, text, attachments) = match sizes {
            Sizes::Real => (100_000, 2 << 20, 8 << 20),
            Sizes::Small => (1_000_000, 1 << 20, 1 << 16),
        };
        let languages = [
            Language::English,
            Language::German,
            Language::Russian,
            Language::Japanese,
        ];
        let words = languages.map(|language| {
            Words::new(
                language,
                if language == Language::English {
                    20_000
                } else {
                    6_000
                },
            )
        });
        let stock = |style: Style| {
            let words = words
                .get(style.language as usize)
                .expect("every language has words");
            (style, Stock::text(style, words, text))
        };
        let texts = body::styles()
            .map(|(plain, html)| [stock(plain), stock(html)])
            .collect();
        Self {
            seed,
            sizes,
            count,
            words: words.into(),
            texts,
            attachments: Stock::attachment(attachments),
        }
    }

    /// What it was made from.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The octets of message `n`, with CRLF; no line begins with a dot.
    pub(crate) fn message(&self, n: u64) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(n, &mut out);
        out
    }

    /// Adds the octets of message `n` to `out`.
    pub(crate) fn write(&self, n: u64, out: &mut Vec<u8>) {
        let size = self.size(n);
        let root = self.root(n);
        let at = body::draw_style(&mut self.random(root, "style"));
        let (style, _) = self.stock(at, false);
        let mut head = String::with_capacity(4096);
        header::write(self, n, style, size < 4096, &mut head);
        out.reserve(size + size / 4 + 4096);
        out.extend_from_slice(head.as_bytes());
        let mut body = Body {
            corpus: self,
            n,
            style: at,
            random: self.random(n, "body"),
        };
        body.write(size.saturating_sub(head.len()), out);
    }

    /// The words that are placed in the text of message `n`.
    pub(crate) fn marks(&self, n: u64) -> impl Iterator<Item = &'static str> {
        let frequent = self.random(n, "frequent").below(10) < 3;
        [(frequent, FREQUENT), (self.has_rare(n), RARE)]
            .into_iter()
            .filter_map(|(has, word)| has.then_some(word))
    }

    /// Whether message `n` has the rare word.
    pub(crate) fn has_rare(&self, n: u64) -> bool {
        let chosen = self.random(n / BLOCK, "rare").next() % BLOCK;
        n % BLOCK == chosen
    }

    /// Its Message-ID, with the angle brackets.
    pub(crate) fn message_id(&self, n: u64) -> String {
        format!(
            "<{:016x}.{n}@{}>",
            self.random(n, "id").next(),
            self.person(n).domain()
        )
    }

    /// The address of who sent it.
    pub(crate) fn sender(&self, n: u64) -> String {
        self.person(n).address()
    }

    /// The flags that it has in a mailbox that has been read for years, for APPEND: without parentheses.
    pub(crate) fn flags(&self, n: u64) -> &'static str {
        match self.random(n, "flags").below(100) {
            0..10 => "",
            10..25 => "\\Seen \\Answered",
            25..28 => "\\Seen \\Flagged",
            28..31 => "\\Seen $Forwarded",
            31..45 => "\\Seen NonJunk",
            _ => "\\Seen",
        }
    }

    /// When it was delivered, as a `date-time` of RFC 9051, without quotes.
    pub(crate) fn internal_date(&self, n: u64) -> String {
        self.format(n, DELIVERY_SECONDS, "%e-%b-%Y %H:%M:%S +0000")
    }

    /// The day of its Date field, as a `date` of RFC 9051.
    pub(crate) fn day_name(&self, n: u64) -> String {
        self.format(n, 0, "%-d-%b-%Y")
    }

    /// The same in days since 1970.
    pub(crate) fn day(&self, n: u64) -> u64 {
        self.seconds(n) / 86_400
    }

    /// The day of its delivery, in days since 1970.
    pub(crate) fn arrival_day(&self, n: u64) -> u64 {
        (self.seconds(n) + DELIVERY_SECONDS) / 86_400
    }

    /// Whether its subject has the word [`SUBJECT`].
    pub(crate) fn has_subject(&self, n: u64) -> bool {
        let root = self.root(n);
        let style = body::draw_style(&mut self.random(root, "style"));
        header::marked(self, root, self.stock(style, false).0)
    }

    /// Its Date, and so many seconds after, as header fields have it.
    fn date(&self, n: u64, later: u64) -> String {
        self.format(n, later, "%a, %d %b %Y %H:%M:%S +0000")
    }

    fn format(&self, n: u64, later: u64, form: &str) -> String {
        let seconds = i64::try_from(self.seconds(n) + later).expect("it is in this century");
        let when = Timestamp::from_second(seconds).expect("it is in this century");
        when.strftime(form).to_string()
    }

    /// When it was written, in seconds of Unix. Later ones are newer.
    fn seconds(&self, n: u64) -> u64 {
        let step = YEARS_SECONDS / self.count;
        FIRST_SECOND + n * step + self.random(n, "date").next() % step.max(1)
    }

    fn size(&self, n: u64) -> usize {
        let mut random = self.random(n, "size");
        match self.sizes {
            Sizes::Small => random.between(900, 1700),
            // ln(mean / median) is half of the variance.
            Sizes::Real => {
                let size = 8192.0 * exponential(random.normal() * 1.51);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "it is between the limits"
                )]
                let size = size.clamp(700.0, 4_194_304.0) as usize;
                size
            }
        }
    }

    /// What message `n` answers, what that answers, and so on.
    fn ancestors(&self, n: u64) -> Vec<u64> {
        std::iter::successors(self.parent(n), |n| self.parent(*n))
            .take(100)
            .collect()
    }

    /// The first of the thread that it is in.
    fn root(&self, n: u64) -> u64 {
        self.ancestors(n).last().copied().unwrap_or(n)
    }

    fn parent(&self, n: u64) -> Option<u64> {
        if self.in_long_thread(n) {
            let earlier = (n / BLOCK * BLOCK..n)
                .rev()
                .filter(|n| self.in_long_thread(*n));
            // Mostly the newest, sometimes one before: a thread is no list.
            return earlier
                .take(1 + self.random(n, "branch").below(3) / 2)
                .last();
        }
        let mut random = self.random(n, "parent");
        let back = 1 + random.below(300).min(random.below(300)) as u64;
        (random.chance(40)).then(|| n.checked_sub(back)).flatten()
    }

    fn in_long_thread(&self, n: u64) -> bool {
        self.random(n, "thread").below(25) == 0
    }

    fn person(&self, n: u64) -> Person {
        Person::draw(&mut self.random(n, "from"))
    }

    /// The numbers of message `n` for one purpose.
    fn random(&self, n: u64, purpose: &str) -> Random {
        let purpose = purpose.bytes().fold(0, |sum: u64, octet| {
            (sum << 5) ^ (sum >> 59) ^ u64::from(octet)
        });
        Random::of(&[self.seed, n, purpose])
    }

    fn words(&self, language: Language) -> &Words {
        self.words
            .get(language as usize)
            .expect("every language has words")
    }

    fn stock(&self, style: usize, html: bool) -> (Style, &Stock) {
        let [plain, marked] = self
            .texts
            .get(style)
            .expect("a style is drawn from those that there are");
        let (style, stock) = if html { marked } else { plain };
        (*style, stock)
    }
}

#[cfg(test)]
mod tests;
