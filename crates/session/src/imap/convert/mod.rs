//! CONVERT, UID CONVERT and CONVERSIONS: parts of messages as another type. RFC 5259.
//!
//! [`table`] says what there is; [`text`] and [`picture`] do it, in memory and within limits. What is stored
//! stays as it is, and no message becomes `\Seen`.

mod header;
mod picture;
mod table;
mod text;
mod write;

use std::num::NonZeroU32;

use imap::{
    command::{self, ConvertItem, Numbering},
    encode::{self, EightBit},
    response::Code,
};
use mail::{Part, PartKind, Span, decode::TransferDecoder};
use store::{Account, Email, Message};

use self::table::Params;
use super::{
    refusal::{Done, Outcome, Refusal, Stop},
    state::{Enabled, Selected},
    sync::flush_if_full,
    wording::Language,
};
use crate::Outlet;

/// Messages of one CONVERT: each is work.
const MESSAGES_MAX: u32 = 100;

/// Parts of one CONVERT.
const PARTS_MAX: u32 = 10;

/// Octets of a part that is converted, decoded.
const OCTETS_MAX: usize = 32 << 20;

/// A part that was converted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Converted {
    /// `type/subtype`.
    media_type: &'static str,
    /// The charset of text.
    charset: Option<String>,
    octets: Vec<u8>,
}

/// Why a part was not converted: RFC 5259 §9, `converterror-phrase`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failed {
    /// For a person.
    why: &'static str,
    code: ErrorCode,
    /// What the part is; `None` if there is no such part.
    from: Option<String>,
    /// What it was to become.
    to: String,
    /// The parameters that are wrong, or missing.
    params: Vec<(String, Option<Vec<u8>>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ErrorCode {
    TempFail,
    BadParameters,
    MissingParameters,
}

/// Answers CONVERSIONS.
pub(crate) fn conversions(from: &str, to: &str, out: &mut impl Outlet) -> Done {
    for row in table::matching(from, to) {
        write::conversion(row, out.buffer());
    }
    Done::new("CONVERSIONS completed")
}

/// Answers CONVERT. The tag goes into its responses.
pub(crate) async fn convert(
    selected: &mut Selected,
    enabled: Enabled,
    tag: &str,
    command: &command::Convert,
    out: &mut impl Outlet,
) -> Outcome {
    let uids = selected.resolve(&command.messages, command.numbering)?;
    if selected.view.count_in(&uids) > u64::from(MESSAGES_MAX) {
        let code = Code::MaxConvertMessages(MESSAGES_MAX);
        return Err(Refusal::no(code, "Too many messages at once").into());
    }
    let parts = command.items.iter().filter_map(part_of);
    let parts: std::collections::BTreeSet<&[NonZeroU32]> = parts.collect();
    if parts.len() > PARTS_MAX as usize {
        let code = Code::MaxConvertParts(PARTS_MAX);
        return Err(Refusal::no(code, "Too many parts at once").into());
    }
    let params = Params::new(&command.params);
    let (mut done, mut failed) = (0, 0);
    for (sequence, message) in selected.view.messages_in(&uids) {
        let mut job = Job {
            account: selected.account(),
            command,
            params: &params,
            language: enabled.language,
            last: None,
            done: 0,
            failed: 0,
        };
        let number = if enabled.uid_only {
            message.uid.0
        } else {
            sequence
        };
        let mut response = Vec::new();
        write::begin(number, tag, &mut response);
        job.message(&message, &mut response).await;
        response.extend_from_slice(b")\r\n");
        (done, failed) = (done + job.done, failed + job.failed);
        out.buffer().append(&mut response);
        flush_if_full(out).await?;
    }
    match (done, failed) {
        (0, 1..) => Err(Stop::Refused(Refusal::No(
            None,
            "All conversions failed".into(),
        ))),
        (_, 0) => Ok(Done::new("CONVERT completed")),
        _ => Ok(Done::new("Some conversions failed")),
    }
}

/// The part that an item is of.
fn part_of(item: &ConvertItem) -> Option<&[NonZeroU32]> {
    match item {
        ConvertItem::Uid => None,
        ConvertItem::Structure(part)
        | ConvertItem::Size(part)
        | ConvertItem::Available(part)
        | ConvertItem::Binary { part, .. }
        | ConvertItem::Header { part, .. } => Some(part),
    }
}

/// The conversions of one message.
struct Job<'a> {
    account: &'a Account,
    command: &'a command::Convert,
    params: &'a Params<'a>,
    language: Language,
    /// The part that was converted last: several items may be of it.
    last: Option<(&'a [NonZeroU32], Result<Converted, Failed>)>,
    done: u32,
    failed: u32,
}

impl<'a> Job<'a> {
    async fn message(&mut self, message: &Message<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        // RFC 5259 §8.1: UID comes first.
        let by_uid = self.command.numbering == Numbering::Uid;
        if by_uid || self.command.items.contains(&ConvertItem::Uid) {
            out.extend_from_slice(b"UID ");
            encode::number(out, message.uid.0.into());
        }
        let read = self.account.email(message).await;
        let read = read.map(|email| (email.digest().structure, email));
        for item in &self.command.items {
            if *item == ConvertItem::Uid {
                continue;
            }
            if out.len() > start {
                out.push(b' ');
            }
            write::label(item, out);
            out.push(b' ');
            let written = match &read {
                Ok((structure, email)) => self.item(item, (structure, email), out).await,
                Err(_) => Err(self.unreadable()),
            };
            match written {
                Ok(()) => self.done += 1,
                Err(failed) => {
                    self.failed += 1;
                    write::error(&failed, self.language, out);
                }
            }
        }
    }

    async fn item(
        &mut self,
        item: &'a ConvertItem,
        (structure, email): (&Part, &Email),
        out: &mut Vec<u8>,
    ) -> Result<(), Failed> {
        match item {
            ConvertItem::Uid => Ok(()),
            ConvertItem::Available(part) => {
                let found = find(structure, part).ok_or_else(|| self.no_such_part())?;
                let types = table::targets(found, self.command.to.as_deref(), self.params)?;
                write::types(&types, out);
                Ok(())
            }
            ConvertItem::Header { part, mime } => {
                let octets = header::read(email, structure, (part, *mime), self.params).await?;
                encode::string(out, &octets, EightBit::Literal);
                Ok(())
            }
            ConvertItem::Binary { part, partial } => {
                let converted = self.converted(part, structure, email).await?;
                let octets = match partial {
                    None => &converted.octets[..],
                    Some(partial) => clip(&converted.octets, *partial),
                };
                write::binary(octets, out);
                Ok(())
            }
            ConvertItem::Size(part) => {
                let converted = self.converted(part, structure, email).await?;
                encode::number(out, converted.octets.len() as u64);
                Ok(())
            }
            ConvertItem::Structure(part) => {
                let converted = self.converted(part, structure, email).await?;
                write::structure(converted, out);
                Ok(())
            }
        }
    }

    /// A part, converted; once, if several items in a row are of it.
    async fn converted(
        &mut self,
        part: &'a [NonZeroU32],
        structure: &Part,
        email: &Email,
    ) -> Result<&Converted, Failed> {
        if self.last.as_ref().is_none_or(|(last, _)| *last != part) {
            let converted = self.convert(part, structure, email).await;
            self.last = Some((part, converted));
        }
        match &self.last {
            Some((_, Ok(converted))) => Ok(converted),
            Some((_, Err(failed))) => Err(failed.clone()),
            None => Err(self.no_such_part()),
        }
    }

    async fn convert(
        &self,
        part: &[NonZeroU32],
        structure: &Part,
        email: &Email,
    ) -> Result<Converted, Failed> {
        let found = find(structure, part).ok_or_else(|| self.no_such_part())?;
        let row = table::choose(found, self.command.to.as_deref(), self.params)?;
        let is_default = self.command.to.is_none();
        let octets = read(email, found).await.map_err(|(why, code)| Failed {
            why,
            ..row.failed(code)
        })?;
        match row.kind {
            table::Kind::Text => text::convert(row, (found, &octets), self.params, is_default),
            table::Kind::Picture => {
                let wanted = picture::Wanted::new(row, self.params)?;
                // It takes a while: aside, so that others have their turn.
                let done = self.account.aside(move || wanted.convert(&octets)).await;
                done.unwrap_or_else(|_| Err(row.failed(ErrorCode::TempFail)))
            }
        }
    }

    fn unreadable(&self) -> Failed {
        Failed {
            why: "The message can't be read",
            code: ErrorCode::TempFail,
            ..self.no_such_part()
        }
    }

    fn no_such_part(&self) -> Failed {
        Failed {
            why: "There is no such part",
            code: ErrorCode::BadParameters,
            from: None,
            to: self
                .command
                .to
                .clone()
                .unwrap_or_else(|| "text/plain".into()),
            params: Vec::new(),
        }
    }
}

/// A part that may be converted: a leaf.
fn find<'a>(structure: &'a Part, part: &[NonZeroU32]) -> Option<&'a Part> {
    let number: Vec<u32> = part.iter().map(|n| n.get()).collect();
    structure.find(&number)
}

/// The octets of a part, decoded.
async fn read(email: &Email, part: &Part) -> Result<Vec<u8>, (&'static str, ErrorCode)> {
    let never = |why| (why, ErrorCode::BadParameters);
    if !matches!(part.kind, PartKind::Leaf) {
        return Err(never("Only single parts can be converted"));
    }
    let span = part.body.shifted(email.trace_len());
    let end = span.end.min(email.size());
    let mut decoder = TransferDecoder::new(part.encoding);
    let (mut raw, mut octets) = (Vec::new(), Vec::new());
    let mut at = span.start;
    while at < end {
        let next = end.min(email.read_end(at)).max(at + 1);
        raw.clear();
        let piece = Span {
            start: at,
            end: next,
        };
        if email.read(piece, &mut raw).await.is_err() {
            return Err(("The message can't be read", ErrorCode::TempFail));
        }
        decoder.push(&raw, &mut octets);
        if octets.len() > OCTETS_MAX {
            return Err(never("The part is too large to be converted"));
        }
        at = next;
    }
    let finished = decoder.finish(&mut octets);
    finished.map_err(|_| never("The part can't be decoded"))?;
    Ok(octets)
}

fn clip(octets: &[u8], partial: command::Partial) -> &[u8] {
    let index = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(octets.len());
    let start = index(partial.start);
    let end = index(partial.start.saturating_add(partial.count));
    octets.get(start..end).unwrap_or_default()
}
