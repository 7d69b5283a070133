//! What `docs/conformance.md` claims, what a server announces, and what the transcripts show are
//! the same: nothing is announced that no transcript exercises, no row claims what nothing shows.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    chapar::{Chapar, PASSWORD},
    connection::Connection,
    transcripts,
};

/// A row of the table on IMAP.
struct Row {
    rfcs: Vec<String>,
    /// `–`: none.
    capability: String,
    state: String,
    shown_by: Vec<String>,
}

impl Row {
    /// Whether a word that a server announces is this row's: `APPENDLIMIT=1000` is `APPENDLIMIT`'s.
    fn is_of(&self, word: &str) -> bool {
        let stem = self.capability.trim_end_matches('=');
        word == self.capability || word.strip_prefix(stem).is_some_and(|r| r.starts_with('='))
    }

    /// What transcripts call it.
    fn key(&self) -> String {
        match &*self.capability {
            "–" => format!("RFC{}", self.rfcs[0]),
            word => word.to_owned(),
        }
    }

    fn claims(&self) -> bool {
        self.state != "No"
    }
}

fn tests() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests"))
}

fn rows() -> Vec<Row> {
    let document = fs::read_to_string(tests().join("../docs/conformance.md")).unwrap();
    let section = document.split("\n## ").find(|s| s.starts_with("IMAP\n"));
    let list = |cell: &str| {
        let words = cell.split(", ").filter(|word| !word.is_empty());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    section
        .expect("a section on IMAP")
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| RFC "))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 5, "{line}");
            assert!(
                ["Yes", "Setting", "Partial", "No"].contains(&cells[2]),
                "{line}"
            );
            Row {
                rfcs: list(cells[0]),
                capability: cells[1].to_owned(),
                state: cells[2].to_owned(),
                shown_by: list(cells[3]),
            }
        })
        .collect()
}

/// What a client says or hears that uses a capability, if it is not the capability's own word.
const USES: &[(&str, &str)] = &[
    ("IMAP4rev1", "\\Recent"),
    ("IMAP4rev2", "ENABLE IMAP4rev2"),
    ("ANNOTATE-EXPERIMENT-1", "ANNOTATION"),
    ("ACL", "SETACL"),
    ("AUTH=", "AUTHENTICATE "),
    ("CHILDREN", "Children"),
    ("COMPRESS=DEFLATE", "COMPRESS DEFLATE"),
    ("CONDSTORE", "MODSEQ"),
    ("CONTEXT=SEARCH", "UPDATE"),
    ("CONTEXT=SORT", "UPDATE"),
    ("CREATE-SPECIAL-USE", "(USE ("),
    ("ESORT", "SORT RETURN"),
    ("FILTERS", "FILTER "),
    ("I18NLEVEL=1", "SEARCH"),
    ("I18NLEVEL=2", "COMPARATOR"),
    ("LIST-EXTENDED", "RETURN ("),
    ("LIST-METADATA", "METADATA ("),
    ("LIST-MYRIGHTS", "MYRIGHTS"),
    ("LIST-STATUS", "STATUS ("),
    ("LITERAL+", "+}"),
    ("LITERAL-", "+}"),
    ("LOGINDISABLED", "LOGIN "),
    ("LOGIN-REFERRALS", "REFERRAL "),
    ("MAILBOX-REFERRALS", "RLIST"),
    ("METADATA", "SETMETADATA"),
    ("METADATA-SERVER", "SETMETADATA \"\""),
    ("MULTIAPPEND", "APPEND"),
    ("MULTISEARCH", "ESEARCH IN"),
    ("OBJECTID", "EMAILID"),
    ("QRESYNC", "VANISHED"),
    ("SASL-IR", "AUTHENTICATE "),
    ("SAVELIMIT=", "MESSAGELIMIT"),
    ("SEARCH=FUZZY", "FUZZY"),
    ("SEARCHRES", "$"),
    ("SORT=DISPLAY", "DISPLAY"),
    ("SPECIAL-USE", "SPECIAL-USE"),
    ("STARTTLS", "--ssl-reqd"),
    ("STATUS=SIZE", "SIZE"),
    ("UIDPLUS", "UID"),
    ("URL-PARTIAL", ";PARTIAL="),
    ("URLAUTH", "GENURLAUTH"),
    ("URLAUTH=BINARY", "BINARY"),
    ("UTF8=ACCEPT", "ENABLE UTF8=ACCEPT"),
    ("UTF8=ONLY", "UTF8"),
    ("WITHIN", "YOUNGER"),
];

/// Whether a file's conversation uses a capability, whatever its head says.
fn uses(text: &str, row: &Row) -> bool {
    let Some((_, needle)) = USES.iter().find(|(word, _)| *word == row.capability) else {
        return row.capability == "–" || spoken(text).any(|line| has(line, &row.capability));
    };
    spoken(text).any(|line| has(line, needle))
}

fn has(line: &str, needle: &str) -> bool {
    let stem = needle.split('=').next().filter(|s| !s.is_empty());
    line.to_ascii_uppercase()
        .contains(&stem.unwrap_or(needle).to_ascii_uppercase())
}

/// The lines that are not its head.
fn spoken(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.starts_with("shows:"))
}

#[test]
fn every_row_is_shown_by_what_it_names() {
    let mut wrong = Vec::new();
    for row in rows().iter().filter(|row| row.claims()) {
        let key = row.key();
        if row.shown_by.is_empty() {
            wrong.push(format!("{key}: nothing shows it"));
        }
        let mut used = false;
        for name in &row.shown_by {
            let is_code = Path::new(name).extension().is_some();
            let path = if is_code {
                tests().join(name)
            } else {
                tests().join("transcripts").join(format!("{name}.txt"))
            };
            let Ok(text) = fs::read_to_string(&path) else {
                wrong.push(format!("{key}: there is no {name}"));
                continue;
            };
            let told = transcripts::head(&text, "shows").any(|s| s.split(' ').any(|w| w == key));
            if !told && !is_code {
                wrong.push(format!("{key}: {name} does not say `shows: {key}`"));
            }
            used |= uses(&text, row);
        }
        if !used {
            wrong.push(format!("{key}: nothing that it names uses it"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_transcript_shows_what_has_a_row() {
    let rows = rows();
    let mut wrong = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let once = rows[..at].iter().all(|r| r.capability != row.capability);
        if !once && row.capability != "–" {
            wrong.push(format!("{} has two rows", row.capability));
        }
    }
    for file in transcripts::files() {
        let text = fs::read_to_string(&file).unwrap();
        let folder = tests().join("transcripts");
        let name = file.strip_prefix(&folder).unwrap().with_extension("");
        for word in transcripts::head(&text, "shows").flat_map(|s| s.split(' ')) {
            let rfc = word.strip_prefix("RFC");
            let known = rows.iter().any(|row| {
                row.capability == word || rfc.is_some_and(|n| row.rfcs.iter().any(|r| r == n))
            });
            if !known {
                wrong.push(format!("{}: no row is {word}'s", name.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What a server in its default configuration announces, before and after login, with and
/// without TLS being possible.
fn announced(chapar: &Chapar) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut connection = Connection::open(chapar.imap);
    let greeting = connection.read_line();
    let list = greeting.split("[CAPABILITY ").nth(1).unwrap();
    words.extend(
        list.split(']')
            .next()
            .unwrap()
            .split(' ')
            .map(str::to_owned),
    );
    connection.ok(&format!("LOGIN joe {PASSWORD}"));
    for line in connection.ok("CAPABILITY") {
        if let Some(list) = line.strip_prefix("* CAPABILITY ") {
            words.extend(list.split(' ').map(str::to_owned));
        }
    }
    words
}

#[test]
fn what_is_announced_has_a_row_that_claims_it() {
    let words = announced(&Chapar::with_accounts(&["joe"]));
    let rows = rows();
    let mut wrong = Vec::new();
    for word in &words {
        if !rows.iter().any(|row| row.claims() && row.is_of(word)) {
            wrong.push(format!("{word} is announced, and no row claims it"));
        }
    }
    for row in rows.iter().filter(|row| row.state == "Yes") {
        let said = words.iter().any(|word| row.is_of(word));
        // Passwords may cross the network in these tests.
        let disabled = row.capability == "LOGINDISABLED";
        if row.capability != "–" && !said && !disabled {
            wrong.push(format!("{} is claimed, and not announced", row.capability));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
