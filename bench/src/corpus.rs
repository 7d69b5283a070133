//! The messages: the same for everybody, by their number and the seed.

/// All messages there can be.
pub(crate) struct Corpus {
    seed: u64,
}

impl Corpus {
    /// The messages of that seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// A message, with CRLF at the ends of its lines.
    pub(crate) fn message(&self, number: u64) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(self.seed ^ number);
        let mut text = format!(
            "From: Ann <ann@example.org>\r\nTo: joe@example.test\r\nSubject: message {number}\r\n\
             Date: Mon, 02 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{number}.{}@example.org>\r\n\r\n",
            self.seed
        );
        for _ in 0..random.u32(50..200) {
            for _ in 0..12 {
                text.extend((0..random.u32(2..9)).map(|_| random.lowercase()));
                text.push(' ');
            }
            text.push_str("\r\n");
        }
        text.into_bytes()
    }
}
