//! `acl`: who may do what with mailboxes.

mod change;
mod rights;
mod show;

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use session::identifier;
use store::rights::{Acl as List, Identifier};

pub use self::{
    change::{Remove, Set},
    rights::Rights,
    show::Show,
};
use crate::{
    context::Context,
    named::Mailboxes,
    outcome::{Failed, Outcome},
    report::Report,
    whose::Meant,
};

/// Show and set who may do what with mailboxes
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Acl {
    Show(Show),
    Set(Set),
    Remove(Remove),
    Rights(Rights),
}

impl Acl {
    pub(crate) async fn run(
        &self,
        context: &Context,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        match self {
            Self::Show(verb) => verb.run(context, report).await,
            Self::Set(verb) => verb.run(context, report).await,
            Self::Remove(verb) => verb.run(context, report).await,
            Self::Rights(verb) => verb.run(context, report).await,
        }
    }

    /// Whose they are.
    pub(crate) fn mailboxes(&self) -> &Mailboxes {
        match self {
            Self::Show(it) => &it.mailboxes,
            Self::Set(it) => &it.to.mailboxes,
            Self::Remove(it) => &it.of.mailboxes,
            Self::Rights(it) => &it.of.mailboxes,
        }
    }

    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Show(_) | Self::Rights(_) => false,
            Self::Set(set) => !set.dry_run,
            Self::Remove(remove) => !remove.dry_run,
        }
    }
}

/// Whom a word means, in the list of one of somebody's mailboxes.
///
/// # Errors
/// There is nobody of that name.
fn read(context: &Context, meant: &Meant, list: &List, who: &str) -> Result<Identifier, Failed> {
    let list = (&meant.account, list);
    identifier::read(who, &context.directory, list).map_err(Failed::because)
}

/// An identifier as clients see it; the owner of what nobody owns has none.
fn written(context: &Context, meant: &Meant, identifier: &Identifier) -> String {
    let written = identifier::written(&context.directory, &meant.account, identifier);
    written.unwrap_or_else(|| "owner".to_owned())
}

/// A list of rights for people: `ann lrs, group:staff lr`.
fn words(context: &Context, meant: &Meant, list: &List) -> String {
    let entries = list
        .entries()
        .map(|(identifier, rights)| format!("{} {rights}", written(context, meant, identifier)));
    entries.collect::<Vec<_>>().join(", ")
}
