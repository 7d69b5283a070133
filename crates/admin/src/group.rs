//! `group`: accounts that rights are given to together.

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    outcome::{Failed, Outcome},
    registry::Registry,
    report::{Report, Row},
};

/// Add, remove, list and change groups of accounts
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Group {
    Add(Add),
    Remove(Remove),
    List(List),
    Show(Show),
    Join(Join),
    Leave(Leave),
}

/// Add a group, without members
///
/// Rights are given to it as `group:NAME`. A group of a domain, `NAME@DOMAIN`, is for its administrators to change.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar group add staff
  chapar group add staff@example.org")]
pub struct Add {
    /// The group
    pub group: String,
}

/// Remove a group; rights that it was given are nobody's
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar group remove staff")]
pub struct Remove {
    /// The group
    pub group: String,
}

/// List the groups, and how many members they have
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar group list --json")]
pub struct List {}

/// Show the members of a group
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar group show staff")]
pub struct Show {
    /// The group
    pub group: String,
}

/// Take accounts into a group; they have its rights from their next login on
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar group join staff ann bob@example.org")]
pub struct Join {
    /// The group
    pub group: String,
    /// The accounts
    #[arg(required = true)]
    pub accounts: Vec<String>,
}

/// Take accounts out of a group; they lose its rights with their next login
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar group leave staff bob@example.org
  chapar group leave staff bob@example.org && chapar kick bob@example.org")]
pub struct Leave {
    /// The group
    pub group: String,
    /// The accounts
    #[arg(required = true)]
    pub accounts: Vec<String>,
}

/// A group for programs.
#[derive(Debug, Serialize)]
struct Line<'a> {
    group: &'a str,
    members: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn of(group: &'a auth::directory::Group) -> Self {
        Self {
            group: &group.name,
            members: group.members.iter().map(|member| &**member).collect(),
        }
    }
}

impl Group {
    pub(crate) fn run(
        &self,
        registry: Registry<'_>,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        let directory = registry.directory;
        let (group, line) = match self {
            Self::List(_) => return Ok(list(registry, report)),
            Self::Show(show) => return show.run(registry, report),
            Self::Add(add) => {
                let group = directory.add_group(&add.group)?;
                let line = format!("added the group {group}");
                (group, line)
            }
            Self::Remove(remove) => {
                directory.remove_group(&remove.group)?;
                let line = format!("removed the group {}", remove.group);
                (remove.group.clone(), line)
            }
            Self::Join(join) => {
                directory.change_group(&join.group, &words(&join.accounts), &[])?;
                let line = format!("{} joined {}", join.accounts.join(" "), join.group);
                (join.group.clone(), line)
            }
            Self::Leave(leave) => {
                directory.change_group(&leave.group, &[], &words(&leave.accounts))?;
                let line = format!("{} left {}", leave.accounts.join(" "), leave.group);
                (leave.group.clone(), line)
            }
        };
        Ok(Outcome::done(Row::new(&json!({ "group": group }), line)))
    }

    pub(crate) fn changes(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Show(_))
    }
}

fn words(accounts: &[String]) -> Vec<&str> {
    accounts.iter().map(String::as_str).collect()
}

fn list(registry: Registry<'_>, report: &mut dyn Report) -> Outcome {
    let mut groups = 0;
    for group in registry.directory.groups() {
        if !registry.roles.helps(group.domain()) {
            continue;
        }
        groups += 1;
        let line = format!("{}\tmembers {}", group.name, group.members.len());
        report.row(Row::new(&Line::of(&group), line));
    }
    Outcome::done(Row::new(&json!({ "groups": groups }), ""))
}

impl Show {
    fn run(&self, registry: Registry<'_>, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let group = registry.directory.group(&self.group);
        let group =
            group.ok_or_else(|| Failed::because(format!("there is no group {:?}", self.group)))?;
        let object = Line::of(&group);
        let line = object.members.join("\n");
        report.row(Row::new(&object, line));
        let sum = json!({ "members": group.members.len() });
        Ok(Outcome::done(Row::new(&sum, "")))
    }
}
