//! What an account's messages are searched, sorted and threaded by, side by side.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, RandomState},
    mem,
};

use mail::{
    address::{self, Address},
    collation::{Collation, Comparator},
    date,
    encoded_word::{self, Exactly},
    header, message_id, subject,
};

use super::{
    Column, Field, Text,
    intern::Interner,
    keys::Keys,
    raw::{self, Raw},
    values::{Containing, TEXT_BYTES_MAX, Values},
};
use crate::{Email, EmailId};

/// EMAILIDs for which room is made together.
const PAGE: usize = 256;

/// Octets beyond which no texts are kept, so that nobody's long fields take all memory: what is added then takes what
/// its numbers take.
const ROOM: usize = 256 << 20;

/// References that are kept of a message when there is no room.
const REFERENCES_LEAST: usize = 16;

/// What stands for a date that is not there.
const NO_DATE: i64 = i64::MIN;

/// Messages by EMAILID. A message that is in it stays as it is: it never changes.
///
/// What several have in common is there once, under a number. Numbers from different tables don't compare.
#[derive(Debug)]
pub struct Table {
    collation: Collation,
    hashes: RandomState,
    /// 1 more than the row of an EMAILID, or 0, by page.
    pages: BTreeMap<u64, Box<[u32; PAGE]>>,
    rows: Vec<Row>,
    values: Each<Values>,
    /// Base subjects.
    subjects: Keys,
    /// What is sorted by of addresses.
    people: Keys,
    /// Message identifiers.
    identifiers: Interner,
    /// Those that messages refer to, one message after the other.
    references: Vec<u32>,
    /// Octets of memory, as it was last counted.
    octets: usize,
    /// Room for the fields of the message that is being added.
    room: Each<Vec<u8>>,
}

/// A message.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// See [`NO_DATE`].
    sent: i64,
    /// What each field says.
    values: Each<u32>,
    /// Days since 1970, or [`i32::MIN`].
    sent_day: i32,
    /// 1 more than the number of its own identifier, or 0.
    identifier: u32,
    /// Where what it refers to ends.
    references: u32,
}

/// Finds messages in a table: quickly those whose EMAILIDs are near that of the one before.
#[derive(Debug)]
pub struct Finder<'a> {
    table: &'a Table,
    page: u64,
    rows: Option<&'a [u32; PAGE]>,
}

/// A message in a table.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    table: &'a Table,
    at: usize,
    row: &'a Row,
}

/// What a key of a search is, of messages in a table.
#[derive(Debug)]
pub struct Looking {
    field: Field,
    containing: Containing,
}

impl Table {
    /// A table of no messages, compared by this collation.
    pub(super) fn new(collation: Collation) -> Self {
        let hashes = RandomState::new();
        let keys = || Keys::new(collation, |octets| hashes.hash_one(octets));
        Self {
            collation,
            subjects: keys(),
            people: keys(),
            pages: BTreeMap::new(),
            rows: Vec::new(),
            values: Each::default(),
            identifiers: Interner::default(),
            references: Vec::new(),
            octets: 0,
            room: Each::default(),
            hashes,
        }
    }

    /// To find messages in it.
    #[must_use]
    pub fn finder(&self) -> Finder<'_> {
        Finder {
            table: self,
            page: u64::MAX,
            rows: None,
        }
    }

    /// How many message identifiers it knows: their numbers are below this.
    #[must_use]
    pub fn identifiers(&self) -> usize {
        self.identifiers.len()
    }

    /// The place of a string in the order of all, if it has one: see [`super::Columns::arranged`].
    #[must_use]
    pub fn place(&self, of: Text, number: u32, comparator: Comparator) -> u32 {
        self.keys(of).place(number, comparator.descending)
    }

    /// How many strings have no place yet.
    pub(super) fn waiting(&self, of: Text) -> usize {
        self.keys(of).waiting()
    }

    /// Gives all strings a place.
    pub(super) fn arrange(&mut self, of: Text) {
        match of {
            Text::Subject => self.subjects.arrange(),
            _ => self.people.arrange(),
        }
    }

    fn keys(&self, of: Text) -> &Keys {
        match of {
            Text::Subject => &self.subjects,
            _ => &self.people,
        }
    }

    /// Octets of memory; whether there is room goes by what was counted last.
    pub(super) fn count_octets(&mut self) -> usize {
        let values: usize = self.values.0.iter().map(Values::octets).sum();
        let keys = self.subjects.octets() + self.people.octets();
        let pages = self.pages.len() * (PAGE * size_of::<u32>() + 2 * size_of::<u64>());
        let rows = self.rows.capacity() * size_of::<Row>();
        let references = self.references.capacity() * size_of::<u32>();
        self.octets = values + keys + pages + rows + references + self.identifiers.octets();
        self.octets
    }

    /// Adds a message, unless it is there.
    pub(super) fn add(&mut self, id: EmailId, email: &Email) {
        if self.finder().find(id).is_some() {
            return;
        }
        let digest = email.digest_ref();
        let mut room = mem::take(&mut self.room);
        for field in &mut room.0 {
            field.clear();
            field.shrink_to(TEXT_BYTES_MAX);
        }
        let fields = Fields::of((email.trace(), digest.listed), &mut room);
        let mut row = Row {
            sent: fields
                .date
                .and_then(date::sent)
                .map_or(NO_DATE, |date| date.unix),
            values: Each::default(),
            sent_day: digest.sent_days.unwrap_or(i32::MIN),
            identifier: 0,
            references: 0,
        };
        for field in Field::ALL {
            *row.values.of_mut(field) = self.value(field, Raw(room.of(field)));
        }
        row.identifier = self.refer(&fields);
        self.room = room;
        row.references = u32::try_from(self.references.len()).unwrap_or(u32::MAX);
        self.rows.push(row);
        let page = self.pages.entry(id.0 / PAGE as u64);
        let page = page.or_insert_with(|| Box::new([0; PAGE]));
        if let Some(place) = page.get_mut(within_page(id)) {
            *place = u32::try_from(self.rows.len()).unwrap_or(0);
        }
    }

    fn how(&self) -> (Collation, bool) {
        (self.collation, self.octets < ROOM)
    }

    /// The number of what a field says. What that is waits until somebody asks, unless it is long, or there is no room.
    fn value(&mut self, field: Field, raw: Raw<'_>) -> u32 {
        if raw.0.is_empty() {
            return 0;
        }
        let hash = self.hashes.hash_one(raw.0);
        let values = self.values.of_mut(field);
        let (number, is_new) = values.number(hash);
        if is_new {
            values.wait(raw);
            if raw.0.len() > TEXT_BYTES_MAX || self.octets >= ROOM {
                self.tell(Column::Says(field));
                self.tell(Column::Sorts(field));
            }
        }
        number
    }

    /// How many values are not in a column yet.
    pub(super) fn untold(&self, column: Column) -> usize {
        match column {
            Column::Says(field) => self.values.of(field).without_text(),
            Column::Sorts(field) => self.values.of(field).without_keys(),
        }
    }

    /// Puts those values in it.
    pub(super) fn tell(&mut self, column: Column) {
        let mut octets = Vec::new();
        match column {
            Column::Says(field) => {
                let how = self.how();
                let values = self.values.of_mut(field);
                while values.next_without_text(&mut octets) {
                    values.push_text(Raw(&octets).all(), how);
                }
                // So that they are not kept for that.
                if !field.is_sorted_by() {
                    self.tell(Column::Sorts(field));
                }
            }
            Column::Sorts(field) => {
                while self.values.of_mut(field).next_without_keys(&mut octets) {
                    let keys = self.keys_of(field, Raw(&octets).listed());
                    self.values.of_mut(field).push_keys(keys);
                }
            }
        }
    }

    /// What messages with that field are sorted by: of a subject the base, and whether it is a reply; of addresses
    /// the mailbox, and what is displayed.
    fn keys_of<'a>(
        &mut self,
        field: Field,
        mut values: impl Iterator<Item = &'a [u8]>,
    ) -> [u32; 2] {
        let (how, hashes) = (self.how(), &self.hashes);
        let hash = |octets: &[u8]| hashes.hash_one(octets);
        match field {
            Field::Subject => {
                let subject = subject::read(values.next().unwrap_or_default());
                let base = self.subjects.number(&subject.base, how, hash);
                [base, u32::from(subject.is_reply)]
            }
            Field::From | Field::To | Field::Cc => {
                // The first address that ENVELOPE has: a field may be there more than once.
                let first = values.find_map(|value| address::first(&header::unfold(value)));
                let mut number = |string: &Exactly| self.people.number(string, how, hash);
                let mailbox = number(&mailbox(first.as_ref()));
                [mailbox, number(&display(first.as_ref()))]
            }
            Field::Bcc | Field::MessageId => [0; 2],
        }
    }

    /// Notes whom a message answers; gives its own identifier.
    fn refer<'a>(&mut self, fields: &Fields<'a>) -> u32 {
        let has_room = self.octets < ROOM;
        let hashes = &self.hashes;
        let mut number = |id: &[u8]| self.identifiers.number(hashes.hash_one(id)).0;
        let text = |field: Option<&'a [u8]>| header::unfold(field.unwrap_or_default());
        // RFC 5256 §3: In-Reply-To counts only where References has nothing valid, and of it the first.
        let references = text(fields.references);
        let start = self.references.len();
        for id in message_id::identifiers(&references) {
            self.references.push(number(&id));
        }
        if self.references.len() == start {
            let parent = message_id::identifiers(&text(fields.in_reply_to)).next();
            self.references.extend(parent.map(|id| number(&id)));
        }
        let many = self.references.len() - start;
        if !has_room && many > REFERENCES_LEAST {
            self.references
                .drain(start..start + many - REFERENCES_LEAST);
        }
        let own = message_id::identifiers(&text(fields.message_id)).next();
        own.map_or(0, |id| number(&id).saturating_add(1))
    }
}

impl<'a> Finder<'a> {
    /// A message, if it is there.
    pub fn find(&mut self, id: EmailId) -> Option<Entry<'a>> {
        let page = id.0 / PAGE as u64;
        if page != self.page {
            self.page = page;
            self.rows = self.table.pages.get(&page).map(|page| &**page);
        }
        let at = self.rows?.get(within_page(id))?.checked_sub(1)? as usize;
        let row = self.table.rows.get(at)?;
        Some(Entry {
            table: self.table,
            at,
            row,
        })
    }
}

impl<'a> Entry<'a> {
    /// The sent date of RFC 5256 §2.2, in seconds since 1970 UTC; `None`: when it arrived.
    #[must_use]
    pub fn sent(self) -> Option<i64> {
        (self.row.sent != NO_DATE).then_some(self.row.sent)
    }

    /// See [`mail::digest::Digest::sent_days`].
    #[must_use]
    pub fn sent_days(self) -> Option<i32> {
        (self.row.sent_day != i32::MIN).then_some(self.row.sent_day)
    }

    /// The number of a string that it is sorted by; see [`Table::place`].
    #[must_use]
    pub fn text(self, of: Text) -> u32 {
        let [first, displayed] = self.keys(of.field());
        match of {
            Text::DisplayFrom | Text::DisplayTo => displayed,
            _ => first,
        }
    }

    /// The number of its base subject, and whether something marks it as a reply (RFC 5256 §3). `None`: that is empty.
    #[must_use]
    pub fn subject(self) -> (Option<u32>, bool) {
        let [base, is_reply] = self.keys(Field::Subject);
        let has_base = !self.table.subjects.is_empty(base);
        (has_base.then_some(base), is_reply > 0)
    }

    /// The number of its own message identifier.
    #[must_use]
    pub fn identifier(self) -> Option<u32> {
        self.row.identifier.checked_sub(1)
    }

    /// The numbers of those that it refers to, in their order: RFC 5256 §3.
    #[must_use]
    pub fn references(self) -> &'a [u32] {
        let before = self.at.checked_sub(1);
        let before = before.and_then(|before| self.table.rows.get(before));
        let start = before.map_or(0, |row| row.references as usize);
        let references = &self.table.references;
        references
            .get(start..self.row.references as usize)
            .unwrap_or_default()
    }

    fn keys(self, field: Field) -> [u32; 2] {
        let number = *self.row.values.of(field);
        self.table.values.of(field).keys(number)
    }
}

impl Looking {
    /// Looks for a text, folded, in a field.
    #[must_use]
    pub fn new(field: Field, text: &str) -> Self {
        Self {
            field,
            containing: Containing::new(text),
        }
    }

    /// The field.
    #[must_use]
    pub fn field(&self) -> Field {
        self.field
    }

    /// Looks at what has come into the table, and was told of: see [`super::Columns::read`].
    pub fn look(&mut self, table: &Table) {
        self.containing.look(table.values.of(self.field));
    }

    /// Whether the message has it; `None` if it has to be asked itself.
    #[must_use]
    pub fn has(&self, entry: Entry<'_>) -> Option<bool> {
        let values = entry.table.values.of(self.field);
        self.containing
            .has(values, *entry.row.values.of(self.field))
    }
}

/// One for each field.
#[derive(Debug, Clone, Copy, Default)]
struct Each<T>([T; Field::ALL.len()]);

impl<T> Each<T> {
    fn of(&self, field: Field) -> &T {
        let [subject, from, to, cc, bcc, message_id] = &self.0;
        match field {
            Field::Subject => subject,
            Field::From => from,
            Field::To => to,
            Field::Cc => cc,
            Field::Bcc => bcc,
            Field::MessageId => message_id,
        }
    }

    fn of_mut(&mut self, field: Field) -> &mut T {
        let [subject, from, to, cc, bcc, message_id] = &mut self.0;
        match field {
            Field::Subject => subject,
            Field::From => from,
            Field::To => to,
            Field::Cc => cc,
            Field::Bcc => bcc,
            Field::MessageId => message_id,
        }
    }
}

fn within_page(id: EmailId) -> usize {
    usize::try_from(id.0 % PAGE as u64).unwrap_or(0)
}

/// The fields of a message that are looked at when it is added.
#[derive(Debug, Default)]
struct Fields<'a> {
    date: Option<&'a [u8]>,
    message_id: Option<&'a [u8]>,
    in_reply_to: Option<&'a [u8]>,
    references: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Of the trace and of the message itself; those that are kept go to `kept`.
    fn of((trace, listed): (&'a [u8], &'a [u8]), kept: &mut Each<Vec<u8>>) -> Self {
        let mut fields = Self::default();
        for field in header::fields(trace) {
            fields.take(&field, false, kept);
        }
        for field in header::fields(listed) {
            fields.take(&field, true, kept);
        }
        fields
    }

    fn take(&mut self, field: &header::Field<'a>, is_listed: bool, kept: &mut Each<Vec<u8>>) {
        let first = match field.name.len() {
            4 if field.is("Date") => &mut self.date,
            10 if field.is("Message-ID") => &mut self.message_id,
            10 if field.is("References") => &mut self.references,
            11 if field.is("In-Reply-To") => &mut self.in_reply_to,
            _ => &mut None,
        };
        if is_listed {
            first.get_or_insert(field.value);
        }
        if let Some(named) = Field::named(field.name) {
            raw::put(kept.of_mut(named), is_listed, field.value);
        }
    }
}

/// `addr-mailbox` of an address: a local part, or the name of a group.
fn mailbox(address: Option<&Address>) -> Exactly {
    match address {
        Some(Address::Mailbox { local: octets, .. } | Address::GroupStart(octets)) => {
            encoded_word::decode_exactly(octets)
        }
        Some(Address::GroupEnd) | None => Exactly::Text(String::new()),
    }
}

/// What a client shows of an address: RFC 5957 §3.
fn display(address: Option<&Address>) -> Exactly {
    let Some(Address::Mailbox {
        name, local, host, ..
    }) = address
    else {
        return mailbox(address);
    };
    let name = name.as_ref().map(|name| encoded_word::decode_exactly(name));
    let is_empty = |name: &Exactly| match name {
        Exactly::Text(text) => text.is_empty(),
        Exactly::Octets(octets) => octets.is_empty(),
    };
    name.filter(|name| !is_empty(name))
        .unwrap_or_else(|| encoded_word::decode_exactly(&[local, &b"@"[..], host].concat()))
}
