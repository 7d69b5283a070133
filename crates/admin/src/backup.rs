//! Backups of the whole store, and the store made of one again.

pub mod create;
pub mod list;
pub mod prune;
pub mod restore;
pub mod verify;

use std::path::Path;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};

/// A verb of `chapar backup`.
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Backup {
    Create(create::Create),
    List(list::List),
    Prune(prune::Prune),
    Restore(restore::Restore),
    Verify(verify::Verify),
}

impl Backup {
    pub(crate) async fn run(
        &self,
        context: &Context,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        match self {
            Self::Create(create) => create.run(context, report).await,
            other => other
                .alone(report)
                .unwrap_or_else(|| Err(Failed::misunderstood("this is not for a server to do"))),
        }
    }

    /// What needs no store, and may be all that is left of one: done where it is asked for. `None` for what
    /// needs one.
    ///
    /// # Errors
    /// As the verb says.
    #[must_use]
    pub fn alone(&self, report: &mut dyn Report) -> Option<Result<Outcome, Failed>> {
        match self {
            Self::Create(_) => None,
            Self::List(list) => Some(list.run(report)),
            Self::Prune(prune) => Some(prune.run(report)),
            Self::Restore(restore) => Some(restore.run(report)),
            Self::Verify(verify) => Some(verify.run(report)),
        }
    }

    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Create(_) | Self::Prune(_) | Self::Restore(_) => true,
            Self::List(_) | Self::Verify(_) => false,
        }
    }
}

/// What was copied or read, for programs.
#[derive(Debug, Serialize)]
struct Sum {
    generation: String,
    files: u64,
    octets: u64,
    octets_new: u64,
    damages: u64,
}

/// A place that is damaged, for programs.
#[derive(Debug, Serialize)]
struct Line<'a> {
    file: &'a str,
    start: u64,
    end: u64,
    what: &'a str,
}

/// Tells what came of it; `done` is what was done to the generation.
fn told(copied: &store::backup::Copied, done: &str, report: &mut dyn Report) -> Outcome {
    for damage in &copied.damages {
        let line = Line {
            file: &damage.file,
            start: damage.start,
            end: damage.end,
            what: &damage.what,
        };
        let text = format!("{}:{}-{}: {}", line.file, line.start, line.end, line.what);
        report.row(Row::new(&line, text));
    }
    let sum = Sum {
        generation: copied.generation.clone(),
        files: copied.files,
        octets: copied.octets,
        octets_new: copied.octets_new,
        damages: copied.damages.len() as u64,
    };
    let verdict = match sum.damages {
        0 => "all well".to_owned(),
        damages => format!("damaged places {damages}"),
    };
    let text = format!(
        "{done} {}: files {}, octets {}, of them new {}: {verdict}",
        sum.generation, sum.files, sum.octets, sum.octets_new
    );
    let summary = Row::new(&sum, text);
    if sum.damages == 0 {
        Outcome::done(summary)
    } else {
        Outcome::damaged(summary)
    }
}

/// Tells progress in octets.
fn telling(report: &mut dyn Report, total: u64) -> impl FnMut(&str, u64) {
    let mut done = 0;
    move |_: &str, octets: u64| {
        done += octets;
        report.progress(done, total, "octets");
    }
}

/// How much there is in the generation at a directory; 0 if that is not known.
fn octets_of(generation: &Path) -> u64 {
    let (Some(name), Some(backup)) = (generation.file_name(), generation.parent()) else {
        return 0;
    };
    let there = store::backup::generations(backup).unwrap_or_default();
    let found = there.iter().find(|it| *it.name == *name.to_string_lossy());
    found.map_or(0, |generation| generation.octets)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;
    use store::{AccountId, Arrival, Flags, Store};

    use crate::{Context, Failed, Heard, Outcome, Request, tests::context};

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        request: Request,
    }

    async fn ask(context: &Context, line: &str) -> Result<Outcome, Failed> {
        let line = Line::parse_from(["chapar"].into_iter().chain(line.split(' ')));
        line.request.run(context, &mut Heard::default()).await
    }

    async fn deliver(store: &Store) {
        let account = store.account(AccountId(7)).await.unwrap();
        let mut incoming = store.receive().await.unwrap();
        incoming.write(b"Subject: x\r\n\r\ny\r\n").await.unwrap();
        let arrival = Arrival {
            message: incoming.finish().await.unwrap(),
            trace: vec![],
            flags: Flags::default(),
            internal_date: None,
        };
        let inbox = store::MailboxName::inbox();
        let inbox = account.snapshot().named(&inbox).unwrap().id();
        account.append(inbox, vec![arrival]).await.unwrap();
    }

    #[tokio::test]
    async fn a_store_is_backed_up_and_made_again() {
        let directory = tempfile::tempdir().unwrap();
        let context = context(directory.path()).await;
        fs::write(directory.path().join("accounts.toml"), "# nobody\n").unwrap();
        fs::write(directory.path().join("chapar.toml"), "# all as it is\n").unwrap();
        let root = directory.path().display();
        let create = format!("backup create {root}/backup --with {root}/chapar.toml");
        for _ in 0..3 {
            deliver(&context.store).await;
            let ahead = ask(&context, &format!("{create} --dry-run")).await.unwrap();
            // The message, its record and its batch.
            let new = ahead.summary.object["octets_new_at_most"].as_u64();
            assert!(new > Some(200), "{ahead:?}");
            let created = ask(&context, &create).await.unwrap();
            assert_eq!(created.code, 0, "{created:?}");
        }
        let ahead = ask(&context, &format!("{create} --dry-run")).await.unwrap();
        let beside = "# nobody\n# all as it is\n".len() as u64;
        let new = ahead.summary.object["octets_new_at_most"].as_u64();
        // The log may have been closed by one more commit meanwhile.
        assert!([Some(beside), Some(beside + 40)].contains(&new), "{new:?}");
        let listed = ask(&context, &format!("backup list {root}/backup")).await;
        assert_eq!(listed.unwrap().summary.object["generations"], 3);
        let verified = ask(&context, &format!("backup verify {root}/backup")).await;
        assert_eq!(verified.unwrap().code, 0);
        let mail = ask(&context, &format!("backup verify {root}/backup --mail")).await;
        let mail = mail.unwrap();
        assert_eq!(
            (mail.code, &mail.summary.object["messages"]),
            (0, &3.into())
        );
        for (flag, left) in [(" --dry-run", 3), ("", 2)] {
            let prune = format!("backup prune {root}/backup --keep 2{flag}");
            assert_eq!(
                ask(&context, &prune).await.unwrap().summary.object["removed"],
                1
            );
            let there = store::backup::generations(&directory.path().join("backup"));
            assert_eq!(there.unwrap().len(), left);
        }
        // An account's mail from it, and out of the store.
        let back = format!("restore A7 INBOX --from {root}/backup --into Found");
        let restored = ask(&context, &back).await.unwrap();
        assert_eq!(restored.summary.object["placed"], 3);
        let unknown = ask(&context, &format!("restore A9 --from {root}/backup")).await;
        assert!(unknown.unwrap_err().why.contains("no mail of A9"));
        for format in ["maildir", "mbox", "mboxo", "mboxcl2", "eml"] {
            let export = format!("export --to {root}/{format} --format {format}");
            for (written, present) in [(6, 0), (0, 6)] {
                let sum = ask(&context, &export).await.unwrap().summary.object;
                assert_eq!(
                    (&sum["messages"], &sum["present"]),
                    (&written.into(), &present.into())
                );
                assert!(
                    directory
                        .path()
                        .join(format)
                        .join("A7/manifest.jsonl")
                        .exists()
                );
            }
        }
        let restore = format!("backup restore {root}/backup {root}/again");
        let told = ask(&context, &format!("{restore} --dry-run"))
            .await
            .unwrap();
        assert!(told.summary.line.starts_with("would restore"), "{told:?}");
        assert!(!directory.path().join("again").exists());
        assert_eq!(ask(&context, &restore).await.unwrap().code, 0);
        let refused = ask(&context, &restore).await.unwrap_err();
        assert!(refused.why.contains("not empty"), "{refused:?}");
        let again = directory.path().join("again");
        assert!(again.join("accounts.toml").exists() && again.join("chapar.toml").exists());
        let mut findings = 0;
        let depth = store::verify::Depth::Content;
        let summary = store::verify::verify(&again, depth, &mut |_| findings += 1).unwrap();
        assert_eq!((summary.messages, findings), (3, 0));
        let nowhere = ask(&context, &format!("backup verify {root}/data")).await;
        assert!(nowhere.unwrap_err().why.contains("no whole backup"));
    }
}
