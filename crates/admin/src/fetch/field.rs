//! What there is to show of a message.

use std::{fmt, str::FromStr};

use mail::{Span, What, encoded_word, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Email, Error, Flags, Message};

use crate::{chosen::Chosen, history::names, moment::Moment};

/// Octets of a message that are shown at most: `chapar export` gives all.
const OCTETS_MAX: u64 = 16 << 20;

/// What is shown if nothing else is asked for.
const USUAL: &str = "mailbox,uid,flags,received,size,from,subject";

/// A field of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// What the mailbox has of it.
    Kept(Kept),
    /// BLAKE3 of its content.
    Blake3,
    /// A header field that has a name of its own here: `from`.
    Named(&'static str),
    /// Any other, by `hdr.NAME`.
    Header(String),
    /// Some of its octets.
    Octets(Octets),
}

/// What the mailbox has of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Account,
    Mailbox,
    MailboxId,
    Uid,
    Flags,
    Received,
    Saved,
    Size,
    ModSeq,
    EmailId,
    ThreadId,
}

/// Octets of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Octets {
    /// Its header, with the trace fields.
    Header,
    /// What comes after it.
    Body,
    /// All.
    Text,
}

/// Names of what the mailbox has.
const KEPT: [(&str, Kept); 11] = [
    ("account", Kept::Account),
    ("mailbox", Kept::Mailbox),
    ("mailbox-id", Kept::MailboxId),
    ("uid", Kept::Uid),
    ("flags", Kept::Flags),
    ("received", Kept::Received),
    ("saved", Kept::Saved),
    ("size", Kept::Size),
    ("mod-seq", Kept::ModSeq),
    ("email-id", Kept::EmailId),
    ("thread-id", Kept::ThreadId),
];

/// Names of header fields, and the fields.
const NAMED: [(&str, &str); 10] = [
    ("sent", "Date"),
    ("from", "From"),
    ("to", "To"),
    ("cc", "Cc"),
    ("bcc", "Bcc"),
    ("reply-to", "Reply-To"),
    ("sender", "Sender"),
    ("subject", "Subject"),
    ("message-id", "Message-ID"),
    ("in-reply-to", "In-Reply-To"),
];

const OCTETS: [(&str, Octets); 3] = [
    ("header", Octets::Header),
    ("body", Octets::Body),
    ("text", Octets::Text),
];

/// Where a field is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// In the state of the mailbox.
    Kept,
    /// By the message's record.
    Record,
}

/// A field's value: for programs, and for people.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) value: Value,
    pub(super) text: String,
}

impl Told {
    fn text(text: String) -> Self {
        Self {
            value: Value::from(text.clone()),
            text,
        }
    }

    fn number(number: u64) -> Self {
        Self {
            value: Value::from(number),
            text: number.to_string(),
        }
    }
}

impl Field {
    pub(super) fn is_long(&self) -> bool {
        matches!(self, Self::Octets(_))
    }

    fn source(&self) -> Source {
        match self {
            Self::Kept(_) => Source::Kept,
            _ => Source::Record,
        }
    }

    /// It, of a message. `email` is there if any field needs it.
    pub(super) async fn of(
        &self,
        chosen: &Chosen,
        message: &Message<'_>,
        email: Option<&Email>,
    ) -> Result<Told, Error> {
        let Some(email) = email else {
            return Ok(self.kept(chosen, message));
        };
        match self {
            Self::Kept(_) => Ok(self.kept(chosen, message)),
            Self::Blake3 => {
                let hash = blake3::Hash::from_bytes(*email.blake3());
                Ok(Told::text(hash.to_hex().to_string()))
            }
            Self::Named(name) => {
                let named = NAMED.iter().find(|(named, _)| named == name);
                header_field(named.map_or(*name, |(_, field)| field), email).await
            }
            Self::Header(name) => header_field(name, email).await,
            Self::Octets(which) => {
                let octets = read(email, *which).await?;
                Ok(Told::text(String::from_utf8_lossy(&octets).into_owned()))
            }
        }
    }

    fn kept(&self, chosen: &Chosen, message: &Message<'_>) -> Told {
        let Self::Kept(kept) = self else {
            return Told::text(String::new());
        };
        let moment = |unix| Told::text(Moment::from_unix(unix).to_string());
        match kept {
            Kept::Account => Told::text(chosen.meant.name.to_string()),
            Kept::Mailbox => Told::text(chosen.mailbox.name().to_string()),
            Kept::MailboxId => Told::text(chosen.mailbox.id().to_string()),
            Kept::Uid => Told::number(message.uid.0.into()),
            Kept::Received => moment(message.internal_date.unix),
            Kept::Saved => moment(message.save_date),
            Kept::Size => Told::number(message.size),
            Kept::ModSeq => Told::number(message.mod_seq.0),
            Kept::EmailId => Told::text(message.email.to_string()),
            Kept::ThreadId => Told::text(message.thread.to_string()),
            Kept::Flags => {
                let known = chosen.mailbox.keywords();
                let keywords = message.keywords.iter();
                let keywords = keywords.filter_map(|index| known.get(*index as usize).cloned());
                let flags = names(&Flags {
                    system: message.system,
                    keywords: keywords.collect(),
                });
                Told {
                    text: format!("({})", flags.join(" ")),
                    value: Value::from(flags),
                }
            }
        }
    }
}

/// A header field, decoded; of several all, one line each.
async fn header_field(name: &str, email: &Email) -> Result<Told, Error> {
    let octets = if header::is_listed(name.as_bytes()) {
        [email.trace(), email.digest_ref().listed].concat()
    } else {
        read(email, Octets::Header).await?
    };
    let fields = header::fields(&octets).filter(|field| field.is(name));
    let values: Vec<String> = fields
        .map(|field| encoded_word::decode(&field.text()).trim().to_owned())
        .collect();
    let text = values.join("\n");
    Ok(Told {
        value: if values.is_empty() {
            Value::Null
        } else {
            Value::from(text.clone())
        },
        text,
    })
}

/// Octets of a message, at most so many as are shown.
async fn read(email: &Email, which: Octets) -> Result<Vec<u8>, Error> {
    let what = match which {
        Octets::Header => What::Header,
        Octets::Body => What::Text,
        Octets::Text => What::Whole,
    };
    let span = email.digest().structure.span(&[], what, email.trace_len());
    let span = span.unwrap_or_default();
    let end = span.end.min(span.start.saturating_add(OCTETS_MAX));
    let mut octets = Vec::new();
    email.read(Span { end, ..span }, &mut octets).await?;
    if end < span.end {
        let more = span.end - end;
        octets.extend_from_slice(
            format!("\n[{more} more octets: chapar export has them]\n").as_bytes(),
        );
    }
    Ok(octets)
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().to_ascii_lowercase();
        if let Some((_, kept)) = KEPT.iter().find(|(named, _)| *named == name) {
            return Ok(Self::Kept(*kept));
        }
        if let Some((named, _)) = NAMED.iter().find(|(named, _)| *named == name) {
            return Ok(Self::Named(named));
        }
        if let Some((_, octets)) = OCTETS.iter().find(|(named, _)| *named == name) {
            return Ok(Self::Octets(*octets));
        }
        if name == "blake3" {
            return Ok(Self::Blake3);
        }
        match name.strip_prefix("hdr.") {
            Some(field) if is_field_name(field) => Ok(Self::Header(field.to_owned())),
            _ => Err(format!(
                "{text:?} is no field of a message: there are {}, blake3, hdr.NAME",
                every_name().collect::<Vec<_>>().join(", ")
            )),
        }
    }
}

fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':')
}

fn every_name() -> impl Iterator<Item = &'static str> {
    let kept = KEPT.iter().map(|(name, _)| *name);
    let named = NAMED.iter().map(|(name, _)| *name);
    kept.chain(named)
        .chain(OCTETS.iter().map(|(name, _)| *name))
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Kept(kept) => KEPT
                .iter()
                .find(|(_, is)| is == kept)
                .map(|(name, _)| *name),
            Self::Octets(which) => OCTETS
                .iter()
                .find(|(_, is)| is == which)
                .map(|(name, _)| *name),
            Self::Named(name) => Some(*name),
            Self::Blake3 => Some("blake3"),
            Self::Header(name) => return write!(f, "hdr.{name}"),
        };
        f.write_str(name.unwrap_or_default())
    }
}

/// Fields, separated by commas; never none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fields(Vec<Field>);

impl Fields {
    pub(super) fn every(&self) -> &[Field] {
        &self.0
    }

    /// Whether each has room in a column.
    pub(super) fn in_a_line(&self) -> bool {
        !self.0.iter().any(Field::is_long)
    }

    /// What has to be read for all of them.
    pub(super) fn source(&self) -> Source {
        let sources = self.0.iter().map(Field::source);
        sources.max().unwrap_or(Source::Kept)
    }
}

impl Default for Fields {
    fn default() -> Self {
        USUAL.parse().expect("they are names of fields")
    }
}

impl FromStr for Fields {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fields: Result<Vec<Field>, String> = text.split(',').map(str::parse).collect();
        fields.map(Self)
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, field) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            field.fmt(f)?;
        }
        Ok(())
    }
}

impl TryFrom<String> for Fields {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Fields> for String {
    fn from(fields: Fields) -> Self {
        fields.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_written_as_it_is_read() {
        for name in every_name().chain(["blake3", "hdr.list-id"]) {
            assert_eq!(name.parse::<Field>().unwrap().to_string(), name);
        }
        assert_eq!(Fields::default().to_string(), USUAL);
        for wrong in ["", "uid,,size", "colour", "hdr.", "hdr.a b", "hdr.a:b"] {
            assert!(wrong.parse::<Fields>().is_err(), "{wrong}");
        }
    }
}
