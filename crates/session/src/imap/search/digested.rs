//! What SORT and THREAD look at in a message's digest.

use mail::{
    DigestRef,
    address::{self, Address},
    date,
    encoded_word::{self, Exactly},
    header,
    subject::{self, Subject},
};
use store::Message;

/// A digest, or nothing of a message that is damaged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digested<'a> {
    listed: &'a [u8],
}

/// An address field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Who {
    /// `From`.
    From,
    /// `To`.
    To,
    /// `Cc`.
    Cc,
}

impl<'a> Digested<'a> {
    /// Of this digest.
    pub(super) fn new(digest: Option<DigestRef<'a>>) -> Self {
        Self {
            listed: digest.map_or(&[], |digest| digest.listed),
        }
    }

    /// A field that the digest lists.
    pub(super) fn field(&self, name: &str) -> Option<header::Field<'a>> {
        header::find(self.listed, name)
    }

    /// The sent date, in seconds since 1970 UTC: RFC 5256 §2.2.
    pub(super) fn sent(&self, message: &Message<'_>) -> i64 {
        let sent = self.field("Date").and_then(|date| date::sent(date.value));
        sent.map_or(message.internal_date.unix, |date| date.unix)
    }

    /// The subject.
    pub(super) fn subject(&self) -> Subject {
        let value = self.field("Subject").map(|field| field.value);
        subject::read(value.unwrap_or_default())
    }

    /// `addr-mailbox` of the field's first address in ENVELOPE: a local part, or the name of a
    /// group.
    pub(super) fn mailbox(&self, who: Who) -> Exactly {
        match self.first(who) {
            Some(Address::Mailbox { local: octets, .. } | Address::GroupStart(octets)) => {
                encoded_word::decode_exactly(&octets)
            }
            Some(Address::GroupEnd) | None => Exactly::Text(String::new()),
        }
    }

    /// What a client shows of the field's first address: RFC 5957 §3.
    pub(super) fn display(&self, who: Who) -> Exactly {
        let Some(Address::Mailbox {
            name, local, host, ..
        }) = self.first(who)
        else {
            return self.mailbox(who);
        };
        let name = name.map(|name| encoded_word::decode_exactly(&name));
        let is_empty = |name: &Exactly| match name {
            Exactly::Text(text) => text.is_empty(),
            Exactly::Octets(octets) => octets.is_empty(),
        };
        name.filter(|name| !is_empty(name))
            .unwrap_or_else(|| encoded_word::decode_exactly(&[&local, &b"@"[..], &host].concat()))
    }

    /// The first address that ENVELOPE has: a field may be there more than once.
    fn first(&self, who: Who) -> Option<Address> {
        let name = match who {
            Who::From => "From",
            Who::To => "To",
            Who::Cc => "Cc",
        };
        let mut fields = header::fields(self.listed).filter(|field| field.is(name));
        fields.find_map(|field| address::first(&field.text()))
    }
}
