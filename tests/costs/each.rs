//! Instructions of what is done with each of many messages or mailboxes, counted by callgrind.
//!
//! A build for tests takes many times what a release takes, and in much the same proportions; the limits leave a
//! quarter. Counted is the second time, when what was read is in memory.

use super::{fill, growth::Counted, message, quiet};

const MESSAGES: u64 = 1_000;
const MAILBOXES: u64 = 100;

/// A command, of how many it is, and how many instructions each of them may take.
struct Bulk {
    name: &'static str,
    command: &'static str,
    of: u64,
    most: u64,
}

const BULKS: &[Bulk] = &[
    Bulk {
        name: "Outlook's listing",
        command: "UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
        of: MESSAGES,
        most: 35_000,
    },
    Bulk {
        name: "Thunderbird's listing",
        command: "UID FETCH 1:* (RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Subject Date Message-ID)])",
        of: MESSAGES,
        most: 26_000,
    },
    Bulk {
        name: "headers",
        command: "FETCH 1:* BODY.PEEK[HEADER]",
        of: MESSAGES,
        most: 125_000,
    },
    Bulk {
        name: "STORE",
        command: "STORE 1:* +FLAGS.SILENT ($Work)",
        of: MESSAGES,
        most: 6_500,
    },
    Bulk {
        name: "STORE of what they have",
        command: "STORE 1:* +FLAGS.SILENT ($Work)",
        of: MESSAGES,
        most: 4_500,
    },
    Bulk {
        name: "COPY",
        command: "COPY 1:* box000",
        of: MESSAGES,
        most: 27_000,
    },
    Bulk {
        name: "SEARCH by date",
        command: "SEARCH SENTSINCE 1-Jan-2026",
        of: MESSAGES,
        most: 3_200,
    },
    Bulk {
        name: "SORT by date",
        command: "SORT (DATE) UTF-8 ALL",
        of: MESSAGES,
        most: 4_800,
    },
    Bulk {
        name: "SORT by subject",
        command: "SORT (SUBJECT) UTF-8 ALL",
        of: MESSAGES,
        most: 6_700,
    },
    Bulk {
        name: "LIST-STATUS",
        command: "LIST \"\" box* RETURN (STATUS (MESSAGES UIDNEXT UNSEEN HIGHESTMODSEQ))",
        of: MAILBOXES,
        most: 44_000,
    },
];

#[test]
fn each_of_many_is_cheap() {
    let chapar = quiet();
    let mut connection = chapar.login("ann");
    fill(&mut connection, "many", usize::try_from(MESSAGES).unwrap());
    for number in 0..MAILBOXES {
        connection.ok(&format!("CREATE box{number:03}"));
    }
    connection.append("box001", &message(1));
    drop(connection);

    let counted = Counted::start(chapar);
    let mut connection = counted.chapar.login("ann");
    connection.ok("SELECT many");
    let mut dear = Vec::new();
    for bulk in BULKS {
        // What changes something changes it the first time only.
        if !bulk.command.starts_with("STORE") {
            connection.ok(bulk.command);
        }
        let all = counted.instructions(|| {
            connection.ok(bulk.command);
        });
        let each = all / bulk.of;
        eprintln!("{:24} {each:>8}", bulk.name);
        if each > bulk.most {
            dear.push(format!("{}: {each} instructions", bulk.name));
        }
    }
    assert!(dear.is_empty(), "{}", dear.join("\n"));
}
