//! One message's FETCH response.

use std::io::Write as _;

use imap::{UidSet, command::DateTime, encode};
use mail::Span;
use store::{Email, Message, records::Listing};

use super::{
    Troubled,
    plan::{Derived, Item, Kept, Plan, Wanted},
    record::Record,
    response::{Fail, Response, clip, header, string},
    surrogate,
};
use crate::{
    Outlet,
    imap::{flags::write_flags, refusal::Stop, state::Enabled, view::View},
};

/// Serves messages, one after the other.
#[derive(Debug)]
pub(super) struct Server<'a> {
    plan: &'a Plan,
    pub(super) view: &'a View,
    enabled: Enabled,
    /// UIDs that this command made `\Seen`.
    seen: &'a UidSet,
    /// Those of which it showed surrogates: RFC 6858 §3.
    pub(super) downgraded: UidSet,
    /// Those that it could not serve.
    pub(super) troubled: Troubled,
    /// From the highest UID down: RFC 9738 §3.1.
    pub(super) newest_first: bool,
    /// Kept between messages, so that each costs no memory of its own.
    header: Vec<u8>,
    chosen: Vec<u8>,
}

impl<'a> Server<'a> {
    pub(super) fn new(plan: &'a Plan, view: &'a View, enabled: Enabled, seen: &'a UidSet) -> Self {
        Self {
            plan,
            view,
            enabled,
            seen,
            downgraded: UidSet::new(),
            troubled: Troubled::default(),
            newest_first: false,
            header: Vec::new(),
            chosen: Vec::new(),
        }
    }

    /// Whether messages' records are looked at.
    pub(super) const fn needs_records(&self) -> bool {
        self.plan.needs_record
    }

    /// Writes a message's response, or notes why it can't. Its record is read, if it is needed and not given.
    ///
    /// # Errors
    /// If the client is gone, or has to be dropped: [`Response::take_back`].
    pub(super) async fn message<O: Outlet>(
        &mut self,
        listing: &Listing,
        (sequence, message): &(u32, Message<'_>),
        email: Option<Email>,
        out: &mut O,
    ) -> Result<(), Stop> {
        let mut response = Response::begin(out, self.enabled, (*sequence, message.uid));
        match self.items(listing, (message, email), &mut response).await {
            // All that was asked for are annotations that there are not.
            Ok(()) if response.is_empty() && !self.enabled.uid_only => response.take_back()?,
            Ok(()) => response.end(),
            Err(Fail::Gone) => return Err(Stop::Gone),
            Err(Fail::Trouble(trouble)) => {
                response.take_back()?;
                self.troubled.add(message.uid, trouble);
            }
        }
        Ok(())
    }

    async fn items<O: Outlet>(
        &mut self,
        listing: &Listing,
        (message, email): (&Message<'_>, Option<Email>),
        response: &mut Response<'_, O>,
    ) -> Result<(), Fail> {
        let plan = self.plan;
        let mut record = None;
        if plan.needs_record {
            let email = match email {
                Some(email) => email,
                None => listing.email(message).await?,
            };
            record = Some(Record::new(email));
        }
        let downgrades = !self.enabled.takes_utf8();
        let international = |record: &Record| downgrades && record.is_international();
        let downgrades = record.as_ref().is_some_and(international);
        for item in &plan.items {
            match (item, &mut record) {
                // A UIDFETCH response begins with it: RFC 9586 §3.3.
                (Item::Kept(Kept::Uid), _) if self.enabled.uid_only && !plan.asks_uid => continue,
                (Item::Kept(kept), _) => self.kept(*kept, message, response.item()),
                (Item::Annotations(spec), _) => {
                    let told = self.view.annotated(message.uid).told(spec);
                    // The grammar has none without an entry.
                    if !told.is_empty() {
                        encode::annotations(response.item(), &told);
                    }
                }
                (item, Some(record)) => {
                    if downgrades && surrogate::write(item, record, response).await? {
                        self.downgraded.insert_range(message.uid.0, message.uid.0);
                    } else {
                        self.recorded(item, record, response).await?;
                    }
                }
                (_, None) => {}
            }
            response.flush_if_full().await?;
        }
        if self.seen.contains(message.uid.0) {
            self.changed(message, response);
        }
        Ok(())
    }

    /// What a client must hear of flags that its own FETCH changed, unless it asked.
    fn changed<O: Outlet>(&self, message: &Message<'_>, response: &mut Response<'_, O>) {
        if !self.plan.shows(Kept::Flags) {
            self.kept(Kept::Flags, message, response.item());
        }
        if self.enabled.condstore && !self.plan.shows(Kept::ModSeq) {
            self.kept(Kept::ModSeq, message, response.item());
        }
        // RFC 7162 §3.2.4 wants the UID beside the MODSEQ.
        if self.enabled.qresync && !self.enabled.uid_only && !self.plan.shows(Kept::Uid) {
            self.kept(Kept::Uid, message, response.item());
        }
    }

    fn kept(&self, kept: Kept, message: &Message<'_>, out: &mut Vec<u8>) {
        // Writing to a Vec can't fail.
        let _ = match kept {
            Kept::Uid => {
                out.extend_from_slice(b"UID ");
                encode::number(out, message.uid.0.into());
                Ok(())
            }
            Kept::Flags => {
                out.extend_from_slice(b"FLAGS ");
                write_flags(self.view, message, self.enabled, out);
                Ok(())
            }
            Kept::InternalDate => {
                out.extend_from_slice(b"INTERNALDATE ");
                let date = DateTime {
                    unix: message.internal_date.unix,
                    zone_minutes: message.internal_date.zone_minutes,
                };
                encode::internal_date(out, date);
                Ok(())
            }
            Kept::Size => {
                out.extend_from_slice(b"RFC822.SIZE ");
                encode::number(out, message.size);
                Ok(())
            }
            Kept::ModSeq => write!(out, "MODSEQ ({})", message.mod_seq),
            Kept::EmailId => write!(out, "EMAILID ({})", self.view.ids().told(message.email)),
            Kept::ThreadId => write!(out, "THREADID ({})", self.view.ids().told(message.thread)),
            Kept::SaveDate => {
                out.extend_from_slice(b"SAVEDATE ");
                let date = DateTime {
                    unix: message.save_date,
                    zone_minutes: 0,
                };
                encode::internal_date(out, date);
                Ok(())
            }
        };
    }

    async fn recorded<O: Outlet>(
        &mut self,
        item: &Item,
        record: &mut Record,
        response: &mut Response<'_, O>,
    ) -> Result<(), Fail> {
        match item {
            Item::Kept(_) | Item::Annotations(_) => {}
            Item::Derived(derived) => self::derived(*derived, record, response.item()),
            Item::Octets {
                label,
                section: Wanted::Span { part, what },
                partial,
            } => {
                name(label, response.item());
                match record.span(part, *what) {
                    Some(span) => response.span(&record.email, clip(span, *partial)).await?,
                    None => response.buffer().extend_from_slice(b"NIL"),
                }
            }
            Item::Octets {
                label,
                section: Wanted::Fields { part, names },
                partial,
            } => {
                name(label, response.item());
                let whole = partial.is_none();
                if let Some(fields) = record.listed(part, names).filter(|_| whole) {
                    header(response.buffer(), fields);
                } else if record
                    .choose(part, names, (&mut self.header, &mut self.chosen))
                    .await?
                {
                    let len = self.chosen.len() as u64;
                    let all = Span { start: 0, end: len };
                    string(response.buffer(), slice(&self.chosen, clip(all, *partial)));
                } else {
                    response.buffer().extend_from_slice(b"NIL");
                }
            }
            Item::Decoded {
                label,
                part,
                partial,
            } => {
                name(label, response.item());
                match record.encoded(part) {
                    Some(encoded) => {
                        let kept = &mut self.chosen;
                        encoded
                            .write(&record.email, *partial, kept, response)
                            .await?;
                    }
                    None => response.buffer().extend_from_slice(b"NIL"),
                }
            }
            Item::Preview => {
                let eight_bit = self.enabled.names().into();
                let told = record.preview().await?;
                let out = response.item();
                out.extend_from_slice(b"PREVIEW ");
                encode::string(out, told.as_bytes(), eight_bit);
            }
            Item::DecodedSize { label, part } => {
                let size = match record.encoded(part) {
                    Some(encoded) => {
                        let measure = encoded.measure(&record.email, None, &mut self.chosen);
                        measure.await?.size
                    }
                    None => 0,
                };
                let out = response.item();
                name(label, out);
                encode::number(out, size);
            }
        }
        Ok(())
    }
}

fn derived(derived: Derived, record: &Record, out: &mut Vec<u8>) {
    let digest = record.email.digest_ref();
    let (name, value): (&[u8], &[u8]) = match derived {
        Derived::Envelope => (b"ENVELOPE ", digest.envelope),
        Derived::Body => (b"BODY ", digest.body),
        Derived::BodyStructure => (b"BODYSTRUCTURE ", digest.body_structure),
    };
    out.extend_from_slice(name);
    out.extend_from_slice(value);
}

pub(super) fn name(label: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(label);
    out.push(b' ');
}

/// A part of octets that are here.
pub(super) fn slice(octets: &[u8], span: Span) -> &[u8] {
    let index = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    octets
        .get(index(span.start)..index(span.end))
        .unwrap_or_default()
}
