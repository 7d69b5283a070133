//! Random mailboxes through each format and back; and what others write.

use std::{fs, path::Path};

use crate::{
    Content, Date, Letter, Letters, Marks, Take, eml, maildir,
    mbox::{self, Quoting, Stored},
};

/// A message of a random mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sample {
    letter: Letter,
    content: Vec<u8>,
}

/// Content with everything that makes trouble somewhere.
fn content(random: &mut fastrand::Rng, odd: bool) -> Vec<u8> {
    let pieces: [&[u8]; 16] = [
        b"\r\n",
        b"\r\n",
        b"From joe Mon Jan  3 09:15:00 2000\r\n",
        b">From joe Mon Jan  3 09:15:00 2000\r\n",
        b"From here on\r\n",
        b"Subject: x\r\n",
        b"Status: RO\r\n",
        b"X-UID: 7\r\n",
        b"Content-Length: 3\r\n",
        b"X-Original-Status: x\r\n",
        b" folded\r\n",
        b"\0\xff\xe9 8 bit",
        b".\r\n",
        b"a\rb",
        b"text",
        &[b'x'; 2000],
    ];
    let mut content = Vec::new();
    for _ in 0..random.usize(..14) {
        content.extend_from_slice(random.choice(pieces).unwrap());
        if odd && random.u8(..8) == 0 {
            let odd: [&[u8]; 3] = [b"\n", b"\r\r\n", b"a\nb"];
            content.extend_from_slice(random.choice(odd).unwrap());
        }
    }
    if random.u8(..) < 2 {
        content.resize(content.len() + (1 << 20), b'y');
    }
    content
}

fn samples(random: &mut fastrand::Rng, odd: bool) -> Vec<Sample> {
    let mut uid = 0;
    (0..random.usize(..12))
        .map(|_| {
            uid += random.u32(1..9);
            let mut keywords = vec![
                "$Work".to_owned(),
                "Later".to_owned(),
                "$Forwarded".to_owned(),
            ];
            keywords.retain(|_| random.bool());
            let marks = Marks {
                answered: random.bool(),
                flagged: random.bool(),
                deleted: random.bool(),
                seen: random.bool(),
                draft: random.bool(),
                keywords,
            };
            let date = Date {
                unix: random.i64(0..2_000_000_000),
                zone_minutes: 0,
            };
            Sample {
                letter: Letter {
                    place: String::new(),
                    marks,
                    date: Some(date),
                    uid: Some(uid),
                },
                content: content(random, odd),
            }
        })
        .collect()
}

/// Gives content in pieces of random length.
fn give(content: &[u8], step: usize) -> impl FnMut(Take<'_>) -> std::io::Result<()> {
    move |take| content.chunks(step).try_for_each(&mut *take)
}

fn read_all(letters: &mut dyn Letters) -> Vec<Sample> {
    let mut found = Vec::new();
    while let Some(mut letter) = letters.next().unwrap() {
        let mut content = Vec::new();
        letters.read(&mut content).unwrap();
        letters.again().unwrap();
        content.clear();
        while letters.read(&mut content).unwrap() {}
        letter.place = String::new();
        letter.marks.keywords.sort();
        found.push(Sample { letter, content });
    }
    found
}

fn sorted(mut samples: Vec<Sample>) -> Vec<Sample> {
    for sample in &mut samples {
        sample.letter.marks.keywords.sort();
    }
    samples
}

const KEYWORDS: [&str; 3] = ["$Work", "$Forwarded", "Later"];

fn keywords() -> Vec<String> {
    KEYWORDS.map(str::to_owned).to_vec()
}

#[test]
fn a_maildir_comes_back() {
    let mut random = fastrand::Rng::with_seed(11);
    for round in 0..25 {
        let root = tempfile::tempdir().unwrap();
        let samples = samples(&mut random, false);
        let name = ["INBOX", "Sent", "v1.2/\u{e9}"][round % 3];
        let mut writer = maildir::Writer::open(root.path(), name, 77, &keywords()).unwrap();
        for sample in &samples {
            let mut give = give(&sample.content, random.usize(1..5000));
            let placed = writer.write(&sample.letter, &mut give).unwrap();
            assert!(!placed.exact, "{sample:?}");
            assert!(root.path().join(placed.file).exists());
        }
        writer.finish(1000).unwrap();
        fs::create_dir_all(root.path().join("cur")).unwrap();
        let folders = maildir::folders(root.path()).unwrap();
        let folder = folders.iter().find(|folder| folder.name == name).unwrap();
        let mut reader = maildir::Reader::open(&folder.path).unwrap();
        assert_eq!(reader.uid_validity(), Some(77));
        assert_eq!(read_all(&mut reader), sorted(samples));
    }
}

#[test]
fn an_mbox_comes_back_and_every_message_by_its_place() {
    let mut random = fastrand::Rng::with_seed(12);
    for round in 0..60 {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("box");
        let quoting = [Quoting::Rd, Quoting::Cl2, Quoting::O][round % 3];
        let samples = samples(&mut random, true);
        let about = (77, 99, &keywords()[..]);
        let mut writer = mbox::Writer::open(&path, 0, quoting, about).unwrap();
        let mut places = Vec::new();
        for sample in &samples {
            let mut give = give(&sample.content, random.usize(1..5000));
            let mut broken = |take: Take<'_>| {
                take(b"half a line")?;
                Err(std::io::Error::other("damaged"))
            };
            if random.u8(..3) == 0 {
                let failed = writer.write("x", &sample.letter, &mut broken);
                failed.expect_err("it is damaged");
            }
            places.push(writer.write("joe", &sample.letter, &mut give).unwrap());
            if random.bool() {
                // It goes on where it ended.
                let end = writer.end();
                writer.finish().unwrap();
                writer = mbox::Writer::open(&path, end, quoting, about).unwrap();
            }
        }
        writer.finish().unwrap();
        for (sample, placed) in samples.iter().zip(&places) {
            let place = (placed.offset, placed.length);
            let mut stored = Stored::open(&path, place, placed.quoting, placed.exact).unwrap();
            let mut content = Vec::new();
            while stored.read(&mut content).unwrap() {}
            assert!(
                placed.ambiguous || content == sample.content,
                "{quoting:?} {sample:?}"
            );
        }
        let mut reader = mbox::Reader::open(&path, quoting).unwrap();
        let found = read_all(&mut reader);
        assert_eq!(found.len(), samples.len(), "{quoting:?}");
        // It has no room for what is said of the mailbox, so that no UID is believed.
        let indented_first = samples
            .first()
            .is_some_and(|first| first.content.starts_with(b" "));
        for ((sample, placed), found) in sorted(samples).iter().zip(&places).zip(found) {
            if sample.content.starts_with(b" ") {
                continue;
            }
            if !indented_first {
                assert_eq!(found.letter, sample.letter);
            }
            let plain = !placed.exact && !placed.ambiguous && sample.content.ends_with(b"\r\n");
            let renamed = ["Status:", "X-UID:", "Content-Length:"].iter().any(|name| {
                sample
                    .content
                    .windows(name.len())
                    .any(|at| at == name.as_bytes())
            });
            if plain && !renamed {
                let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
                assert_eq!(text(&found.content), text(&sample.content), "{quoting:?}");
            }
        }
    }
}

#[test]
fn a_tree_of_files_comes_back() {
    let mut random = fastrand::Rng::with_seed(13);
    for _ in 0..20 {
        let root = tempfile::tempdir().unwrap();
        let samples = samples(&mut random, false);
        fs::create_dir_all(root.path().join("A/b%3Ac")).unwrap();
        for sample in &samples {
            let give: Content<'_> = &mut give(&sample.content, 4000);
            eml::write(root.path(), "A/b%3Ac", &sample.letter, give).unwrap();
        }
        let folders = eml::folders(root.path()).unwrap();
        assert_eq!(folders.len(), 1);
        assert_eq!(folders[0].name, "A/b:c");
        let found = read_all(&mut eml::Reader::open(&folders[0].path).unwrap());
        let dates =
            |samples: &[Sample]| samples.iter().map(|it| it.letter.date).collect::<Vec<_>>();
        assert_eq!(dates(&found), dates(&samples));
        let contents = |samples: &[Sample]| {
            samples
                .iter()
                .map(|it| it.content.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(contents(&found), contents(&samples));
    }
}

fn read_text(text: &[u8], quoting: Quoting) -> Vec<Sample> {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("box");
    fs::write(&path, text).unwrap();
    read_all(&mut mbox::Reader::open(&path, quoting).unwrap())
}

#[test]
fn an_mbox_as_others_write_it() {
    let text = b"\n\nFrom MAILER-DAEMON Mon Nov 23 18:04:08 2026\nX-IMAP: 77 0000000009 $Work\nStatus: RO\n\nDon't.\n\n\
        From joe Mon Jan  3 09:15:00 2000\r\nSubject: a\r\nX-Status: F\r\nX-Keywords: $Work   \r\nX-UID: 3\r\n\r\nFrom me to you\r\n\r\n\
        From ann Tue Jan  4 10:20:30 2000\nSubject: b\nStatus: R\n  folded\nX-UID: 2\n\n\nFrom bob Wed Jan  5 11:00:00 2000\n\
        Subject: c";
    let found = read_text(text, Quoting::AsFound);
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].content, b"Subject: a\r\n\r\nFrom me to you\r\n");
    assert!(found[0].letter.marks.flagged && !found[0].letter.marks.seen);
    assert_eq!(found[0].letter.marks.keywords, ["$Work"]);
    assert_eq!(found[0].letter.uid, Some(3));
    assert_eq!(found[0].letter.date.unwrap().unix, 946_890_900);
    assert_eq!(found[1].content, b"Subject: b\r\n\r\n");
    // Its UID does not ascend: none is believed from there on.
    assert_eq!(
        (found[1].letter.uid, found[1].letter.marks.seen),
        (None, true)
    );
    assert_eq!(found[2].content, b"Subject: c");
}

#[test]
fn a_content_length_is_believed_if_it_can_be() {
    let text = |length: usize| {
        format!(
            "From joe Mon Jan  3 09:15:00 2000\nContent-Length: {length}\n\nFrom ann Tue Jan  4 10:20:30 2000\n\n\
             From bob Wed Jan  5 11:00:00 2000\n\nb\n"
        )
    };
    let found = read_text(text(34).as_bytes(), Quoting::Cl2);
    assert_eq!(found.len(), 2);
    assert!(
        found[0]
            .content
            .ends_with(b"\r\nFrom ann Tue Jan  4 10:20:30 2000\r\n")
    );
    for length in [1, 30, 1000] {
        assert_eq!(read_text(text(length).as_bytes(), Quoting::Cl2).len(), 3);
    }
    assert_eq!(read_text(text(34).as_bytes(), Quoting::AsFound).len(), 3);
}

#[test]
fn any_octets_are_read_as_something() {
    let mut random = fastrand::Rng::with_seed(14);
    let pieces: [&[u8]; 9] = [
        b"From a Mon Jan  3 09:15:00 2000\n",
        b"\n",
        b"\r\n",
        b"X-IMAP: 1 2\n",
        b"Content-Length: 5\n",
        b"X-UID: 99999999999\n",
        b"\0\xff",
        b" ",
        b"a:",
    ];
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("box");
    for _ in 0..400 {
        let text: Vec<u8> = (0..random.usize(..20))
            .flat_map(|_| *random.choice(&pieces).unwrap())
            .copied()
            .collect();
        fs::write(&path, &text).unwrap();
        for quoting in [Quoting::AsFound, Quoting::O, Quoting::Rd, Quoting::Cl2] {
            read_all(&mut mbox::Reader::open(&path, quoting).unwrap());
        }
        let _ = mbox::is_mbox(&path);
    }
}

#[test]
fn names_of_mailboxes_in_a_tree_of_mboxes() {
    let root = tempfile::tempdir().unwrap();
    let message = "From a Mon Jan  3 09:15:00 2000\n\nx\n";
    for directory in ["Local.sbd", "A"] {
        fs::create_dir(root.path().join(directory)).unwrap();
    }
    for (file, text) in [
        ("INBOX", message),
        ("INBOX.msf", "no mailbox"),
        ("Local.sbd/Old", message),
        ("A/b%3Ac.mbox", ""),
        ("Entw&APw-rfe", message),
    ] {
        fs::write(root.path().join(file), text).unwrap();
    }
    let names = |path: &Path| {
        mbox::folders(path)
            .unwrap()
            .into_iter()
            .map(|it| it.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(root.path()),
        ["A/b:c", "Entw\u{fc}rfe", "INBOX", "Local/Old"]
    );
    assert_eq!(names(&root.path().join("INBOX")), ["INBOX"]);
}
