//! Instructions, counted by callgrind, in mailboxes of two sizes.

use std::path::{Path, PathBuf};

use super::{AT_ONCE, fill, message, program, quiet};
use crate::{chapar::Chapar, connection::Connection};

const FEW: usize = 1_000;
const MANY: usize = 10_000;

/// Instructions that what runs by the clock may add.
const BY_THE_CLOCK: u64 = 500_000;

/// A server whose instructions are counted.
pub(super) struct Counted {
    pub(super) chapar: Chapar,
    counts: PathBuf,
}

impl Counted {
    /// Starts what has been prepared once more, under callgrind.
    pub(super) fn start(mut chapar: Chapar) -> Self {
        assert!(chapar.terminate().success());
        let counts = chapar.directory().join("counts");
        chapar.under = vec![
            "valgrind".to_owned(),
            "--tool=callgrind".to_owned(),
            "--instr-atstart=no".to_owned(),
            format!("--callgrind-out-file={}", counts.display()),
        ];
        chapar.start();
        Self { chapar, counts }
    }

    fn control(&self, option: &str) {
        program(
            "callgrind_control",
            &[option, &self.chapar.pid().to_string()],
        );
    }

    /// Instructions of the whole server while this is done.
    pub(super) fn instructions(&self, work: impl FnOnce()) -> u64 {
        self.control("--instr=on");
        self.control("--zero");
        work();
        self.control("--dump");
        self.control("--instr=off");
        let mut sum = 0;
        for file in self.counts.parent().unwrap().read_dir().unwrap() {
            let path = file.unwrap().path();
            if is_dump(&path) {
                sum += total(&std::fs::read_to_string(&path).unwrap());
                std::fs::remove_file(path).unwrap();
            }
        }
        assert!(sum > 0, "callgrind counted nothing");
        sum
    }
}

fn is_dump(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.starts_with("counts")
}

fn total(dump: &str) -> u64 {
    let line = dump.lines().find_map(|l| l.strip_prefix("totals: "));
    line.map_or(0, |n| n.trim().parse().unwrap())
}

/// An operation, on a mailbox that is selected; `{box}` stands for its name.
struct Operation {
    name: &'static str,
    commands: &'static [&'static str],
}

/// What must cost the same however many messages there are.
const OPERATIONS: &[Operation] = &[
    Operation {
        name: "SELECT, again",
        commands: &["SELECT {box}"],
    },
    Operation {
        name: "SELECT, after UNSELECT",
        commands: &["UNSELECT", "SELECT {box}"],
    },
    Operation {
        name: "FETCH of ten",
        commands: &["FETCH 500:509 (UID FLAGS ENVELOPE BODYSTRUCTURE)"],
    },
    Operation {
        name: "FETCH of a body",
        commands: &["FETCH 300 BODY.PEEK[]"],
    },
    Operation {
        name: "UID FETCH of a header",
        commands: &["UID FETCH 301 BODY.PEEK[HEADER]"],
    },
    Operation {
        name: "STORE of one",
        commands: &["STORE 400 +FLAGS (\\Flagged)"],
    },
    Operation {
        name: "FETCH CHANGEDSINCE",
        commands: &["FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq})"],
    },
    Operation {
        name: "COPY of ten",
        commands: &["COPY 100:109 aside"],
    },
    Operation {
        name: "MOVE of ten",
        commands: &["MOVE 100:109 aside"],
    },
    Operation {
        name: "EXPUNGE of two",
        commands: &["STORE 200:201 +FLAGS.SILENT (\\Deleted)", "EXPUNGE"],
    },
    Operation {
        name: "UID SEARCH UID",
        commands: &["UID SEARCH UID 5"],
    },
    Operation {
        name: "STATUS",
        commands: &["STATUS aside (MESSAGES UNSEEN UIDNEXT HIGHESTMODSEQ)"],
    },
    Operation {
        name: "NOOP",
        commands: &["NOOP"],
    },
];

/// The instructions of each operation in this mailbox.
fn measure(counted: &Counted, connection: &mut Connection, mailbox: &str) -> Vec<u64> {
    let select = format!("SELECT {mailbox}");
    // Once, so that what is read once has been.
    connection.ok(&select);
    let lines = connection.ok(&select);
    let modseq = lines
        .iter()
        .find_map(|l| l.strip_prefix("* OK [HIGHESTMODSEQ "))
        .unwrap();
    let modseq = modseq.split(']').next().unwrap().to_owned();
    let ready = |command: &str| {
        command
            .replace("{box}", mailbox)
            .replace("{modseq}", &modseq)
    };
    let mut counts: Vec<u64> = OPERATIONS
        .iter()
        .map(|operation| {
            counted.instructions(|| {
                for command in operation.commands {
                    connection.ok(&ready(command));
                }
            })
        })
        .collect();
    counts.push(counted.instructions(|| {
        connection.append(mailbox, &message(MANY));
    }));
    counts
}

/// What an operation answers is what it costs, not how much lies in the mailbox.
#[test]
fn nothing_grows_with_the_mailbox() {
    let chapar = quiet();
    let mut connection = chapar.login("ann");
    connection.ok("CREATE aside");
    fill(&mut connection, "few", FEW);
    fill(&mut connection, "many", MANY);
    drop(connection);

    let counted = Counted::start(chapar);
    let mut connection = counted.chapar.login("ann");
    let few = measure(&counted, &mut connection, "few");
    let many = measure(&counted, &mut connection, "many");
    let names = OPERATIONS.iter().map(|o| o.name).chain(["APPEND"]);
    let mut grown = Vec::new();
    for ((name, few), many) in names.zip(few).zip(many) {
        eprintln!("{name:24} {few:>12} {many:>12}");
        if many > few + few / 2 + BY_THE_CLOCK {
            grown.push(format!(
                "{name}: {few} instructions with {FEW} messages, {many} with {MANY}"
            ));
        }
    }
    assert!(grown.is_empty(), "{}", grown.join("\n"));
}

/// After a start a mailbox is opened without a look at most of its messages, whoever reads it.
#[test]
fn a_mailbox_is_entered_without_a_look_at_its_messages() {
    let chapar = quiet();
    chapar.add_account("bob");
    let mut connection = chapar.login("ann");
    fill(&mut connection, "filled", 500);
    for (mailbox, copies) in [("aside", 1), ("few", FEW / 500), ("many", MANY / 500)] {
        connection.ok(&format!("CREATE {mailbox}"));
        connection.ok("SELECT filled");
        for _ in 0..copies {
            connection.ok(&format!("COPY 1:* {mailbox}"));
        }
        connection.ok(&format!("SETACL {mailbox} bob lrs"));
        let mut reader = chapar.login("bob");
        reader.ok(&format!("SELECT \"Other Users/ann/{mailbox}\""));
        for seen in ["1:20", "22,24", "40:120"] {
            reader.ok(&format!("STORE {seen} +FLAGS.SILENT (\\Seen)"));
        }
    }
    drop(connection);

    let counted = Counted::start(chapar);
    for (who, whose) in [("ann", ""), ("bob", "Other Users/ann/")] {
        let mut connection = counted.chapar.login(who);
        // What is done for the first time of all is not of the mailbox.
        connection.ok(&format!("EXAMINE \"{whose}aside\""));
        let [few, many] = ["few", "many"].map(|mailbox| {
            counted.instructions(|| {
                connection.ok(&format!("EXAMINE \"{whose}{mailbox}\""));
            })
        });
        eprintln!("{who} enters {FEW} messages with {few} instructions, {MANY} with {many}");
        assert!(
            many < few + BY_THE_CLOCK,
            "{who}: {many} instructions, {few} with few"
        );
    }
}

/// What a command has said is read once, however many messages follow.
#[test]
fn a_message_of_an_append_costs_the_same_with_many_others() {
    const ALONE: usize = 20;
    let counted = Counted::start(quiet());
    let mut connection = counted.chapar.login("ann");
    fill(&mut connection, "first", ALONE);
    let few = counted.instructions(|| fill(&mut connection, "few", ALONE));
    let many = counted.instructions(|| fill(&mut connection, "many", AT_ONCE));
    let (few, many) = (few / ALONE as u64, many / AT_ONCE as u64);
    eprintln!("a message of {ALONE}: {few} instructions, of {AT_ONCE}: {many}");
    assert!(many < few + few / 10, "{few} and {many}");
}
