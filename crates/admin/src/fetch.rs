//! `fetch`: what messages have, and what they say.

mod field;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Message, Uid};

use crate::{
    chosen::{Chosen, Messages},
    context::Context,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};
pub use field::{Field, Fields};
use field::{Source, Told};

/// Show messages that a search finds: flags, dates, header fields, their text
///
/// Fields are, by commas: mailbox, mailbox-id, account, uid, flags, received, saved, sent, size, mod-seq,
/// email-id, thread-id, blake3 (of the content), from, to, cc, bcc, reply-to, sender, subject, message-id,
/// hdr.NAME (any header field), header, body, and text (the whole message). What is not UTF-8 is shown as far as it
/// is; chapar export gives every octet.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar fetch ann@example.org INBOX UNSEEN
  chapar fetch ann \"*\" FROM bob --fields mailbox,uid,received,hdr.list-id --json
  chapar fetch ann INBOX 17 --fields text")]
pub struct Fetch {
    /// Which messages.
    #[command(flatten)]
    pub messages: Messages,
    /// What to show
    #[arg(long, value_name = "FIELDS", default_value_t)]
    #[serde(default)]
    pub fields: Fields,
}

impl Fetch {
    /// A row per message; how many there were.
    ///
    /// # Errors
    /// There is no such account or mailbox; the search is not understood; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let mut choosing = self.messages.choose(context).await?;
        let mut told = 0;
        while let Some(chosen) = choosing.next(report).await? {
            for uid in &chosen.uids {
                if report.gone() {
                    break;
                }
                let Some(message) = chosen.mailbox.get(*uid) else {
                    continue;
                };
                match self.told(&chosen, &message).await {
                    Ok(fields) => {
                        told += 1;
                        let line = if self.fields.in_a_line() {
                            choosing.accounts.line(&chosen.meant, &line(&fields))
                        } else {
                            block(&fields)
                        };
                        let object = object(&chosen, *uid, fields);
                        report.row(Row { object, line });
                    }
                    Err(error @ store::Error::Corrupt { .. }) => {
                        choosing.sum.damaged += 1;
                        report.note(&format!("{} UID {uid}: {error}", chosen.place()));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        choosing.sum.messages = told;
        Ok(choosing.outcome("fetched", None))
    }

    /// What is asked for of a message.
    async fn told(
        &self,
        chosen: &Chosen,
        message: &Message<'_>,
    ) -> Result<Vec<(&Field, Told)>, store::Error> {
        let email = match self.fields.source() {
            Source::Kept => None,
            Source::Record => Some(chosen.account().email(message).await?),
        };
        let mut told = Vec::new();
        for field in self.fields.every() {
            told.push((field, field.of(chosen, message, email.as_ref()).await?));
        }
        Ok(told)
    }
}

/// Fields for programs, after what says which message it is.
fn object(chosen: &Chosen, uid: Uid, fields: Vec<(&Field, Told)>) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in [
        ("account", Value::from(chosen.meant.id.to_string())),
        ("name", Value::from(&*chosen.meant.name)),
        ("mailbox", Value::from(chosen.mailbox.name().as_str())),
        ("uid", Value::from(uid.0)),
    ] {
        object.insert(name.to_owned(), value);
    }
    for (field, Told { value, .. }) in fields {
        object.insert(field.to_string().replace('-', "_"), value);
    }
    object
}

/// Fields in columns.
fn line(fields: &[(&Field, Told)]) -> String {
    let cells = fields
        .iter()
        .map(|(_, told)| told.text.replace(['\t', '\n', '\r'], " "));
    cells.collect::<Vec<_>>().join("\t")
}

/// Fields one below the other.
fn block(fields: &[(&Field, Told)]) -> String {
    let fields = fields.iter().map(|(field, told)| {
        let text = told.text.replace('\r', "");
        if field.is_long() {
            format!("{field}:\n{}\n", text.trim_end_matches('\n'))
        } else {
            format!("{field}: {text}\n")
        }
    });
    fields.collect()
}
