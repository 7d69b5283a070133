//! What the corpus promises.

use std::sync::LazyLock;

use super::*;

static REAL: LazyLock<Corpus> = LazyLock::new(|| Corpus::new(SEED));

/// A sum that changes with any octet.
fn sum(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |sum, octet| {
        (sum ^ u64::from(*octet)).wrapping_mul(0x100_0000_01b3)
    })
}

#[test]
fn the_same_seed_gives_the_same_octets_and_another_gives_others() {
    let (one, other) = (&*REAL, Corpus::new(SEED));
    for n in [0, 1, 999, 54_321] {
        assert_eq!(one.message(n), other.message(n));
    }
    assert_ne!(one.message(5), Corpus::new(SEED + 1).message(5));
    // And those of today are those of the published results.
    let mut octets = Vec::new();
    (0..200).for_each(|n| one.write(n, &mut octets));
    assert_eq!(
        sum(&octets),
        2_848_163_627_198_481_165,
        "the corpus is another: results can't be compared with those before"
    );
}

#[test]
fn sizes_are_log_normal_with_the_median_and_the_mean_of_mail() {
    let corpus = &*REAL;
    let mut sizes: Vec<usize> = (0..20_000).map(|n| corpus.message(n).len()).collect();
    sizes.sort_unstable();
    let (median, mean) = (sizes[10_000], sizes.iter().sum::<usize>() / 20_000);
    println!(
        "median {median}, mean {mean}, least {}, most {}",
        sizes[0], sizes[19_999]
    );
    assert!((7_400..9_000).contains(&median), "{median}");
    assert!((22_500..27_500).contains(&mean), "{mean}");
    // One deviation below and above.
    assert!((1_700..2_400).contains(&sizes[3_173]), "{}", sizes[3_173]);
    assert!(
        (34_000..41_000).contains(&sizes[16_827]),
        "{}",
        sizes[16_827]
    );
}

#[test]
fn small_ones_are_small() {
    let corpus = Corpus::small(SEED);
    let sizes: Vec<usize> = (0..2_000).map(|n| corpus.message(n * 499).len()).collect();
    let within = sizes
        .iter()
        .filter(|size| (900..2_400).contains(*size))
        .count();
    let mean = sizes.iter().sum::<usize>() / sizes.len();
    assert!(
        within > 1_900 && (1_200..2_000).contains(&mean),
        "{within} {mean}"
    );
}

#[test]
fn placed_words_are_where_they_are_said_to_be() {
    let corpus = &*REAL;
    let mut found = [0; 3];
    for n in 0..2_000 {
        let message = corpus.message(n);
        let text = decoded(&message).to_lowercase();
        for (at, word) in [FREQUENT, RARE, ABSENT].into_iter().enumerate() {
            let has = text.contains(word);
            assert_eq!(has, corpus.marks(n).any(|mark| mark == word), "{n} {word}");
            found[at] += usize::from(has);
        }
    }
    assert!((550..650).contains(&found[0]), "{}", found[0]);
    assert_eq!(found[1..], [2, 0]);
}

#[test]
fn subjects_have_the_word_that_they_are_said_to_have() {
    let subject = |n| {
        let message = String::from_utf8_lossy(&REAL.message(n)).into_owned();
        let rest = message.split_once("\r\nSubject: ").unwrap().1;
        rest.split_once("\r\n").unwrap().0.to_owned()
    };
    let found = (0..3_000).filter(|n| {
        let has = subject(*n).contains(SUBJECT);
        assert_eq!(has, REAL.has_subject(*n), "{n}");
        has
    });
    assert!((10..100).contains(&found.count()));
}

/// The message, and what its lines of base64 say, and its lines of quoted-printable joined.
fn decoded(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message).into_owned();
    let mut all = text.replace("=\r\n", "");
    for line in text.lines() {
        if let Ok(octets) = data_encoding::BASE64.decode(line.as_bytes()) {
            all.push_str(&String::from_utf8_lossy(&octets));
        }
    }
    all
}

#[test]
fn words_follow_zipf() {
    let words = Words::new(Language::English, 20_000);
    let mut random = Random::of(&[1]);
    let mut counts = std::collections::HashMap::new();
    for _ in 0..200_000 {
        *counts.entry(words.draw(&mut random)).or_insert(0_u32) += 1;
    }
    let mut counts: Vec<u32> = counts.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    // The hundredth is about a tenth as common as the tenth, and so on down.
    let ratio = |a: usize, b: usize| f64::from(counts[a]) / f64::from(counts[b]);
    assert!((6.0..11.0).contains(&ratio(9, 99)), "{}", ratio(9, 99));
    assert!((7.0..13.0).contains(&ratio(99, 999)), "{}", ratio(99, 999));
    assert!(counts.len() > 10_000);
}

#[test]
fn there_is_what_mail_has() {
    let corpus = &*REAL;
    let all: Vec<String> = (0..2_000)
        .map(|n| String::from_utf8_lossy(&corpus.message(n)).into_owned())
        .collect();
    let share = |what: &str| all.iter().filter(|message| message.contains(what)).count();
    for (what, least, most) in [
        ("multipart/alternative", 700, 1_500),
        ("multipart/mixed", 200, 800),
        ("Content-Disposition: attachment", 200, 800),
        ("message/rfc822", 10, 100),
        ("charset=utf-8", 600, 1_500),
        ("charset=koi8-r", 40, 160),
        ("charset=iso-2022-jp", 60, 240),
        ("quoted-printable", 600, 1_600),
        ("=?utf-8?Q?", 100, 1_500),
        ("?B?", 100, 900),
        ("\r\nReferences: <", 700, 1_000),
        ("\r\nList-Id: ", 300, 700),
        ("DKIM-Signature: ", 1_000, 1_800),
    ] {
        assert!(
            (least..most).contains(&share(what)),
            "{what}: {}",
            share(what)
        );
    }
    let depths: Vec<usize> = (0..2_000).map(|n| corpus.ancestors(n).len()).collect();
    assert!(depths.iter().any(|depth| *depth > 20), "long threads");
    assert!(
        depths.iter().filter(|depth| **depth == 0).count() > 900,
        "and many that nobody answers"
    );
}

#[test]
fn every_message_is_fit_to_be_sent() {
    let corpus = &*REAL;
    for n in 0..3_000 {
        let message = corpus.message(n);
        assert!(message.ends_with(b"\r\n"), "{n}");
        for line in message.split_inclusive(|octet| *octet == b'\n') {
            assert!(line.ends_with(b"\r\n"), "{n}: a bare LF");
            assert!(line.len() <= 1000, "{n}: a line of {}", line.len());
            assert!(!line.starts_with(b"."), "{n}: a dot to stuff");
            assert!(
                !line[..line.len() - 2].contains(&b'\r') && !line.contains(&0),
                "{n}: a bare CR or a NUL"
            );
        }
        let head = message
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        assert!(message[..head].is_ascii(), "{n}: eight bits in a header");
    }
}

#[test]
fn time_goes_on_and_is_spread_over_eight_years() {
    let corpus = &*REAL;
    assert_eq!(corpus.day_name(0), "1-Jan-2018");
    assert!(
        corpus.day_name(99_999).ends_with("-Dec-2025"),
        "{}",
        corpus.day_name(99_999)
    );
    assert!((1..3_000).all(|n| corpus.seconds(n - 1) <= corpus.seconds(n)));
}
