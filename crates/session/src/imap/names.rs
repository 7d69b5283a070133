//! Mailbox names as clients send them: RFC 9051 §5.1, RFC 3501 §5.1.3.

use imap::{command::Mailbox, name::Encoding, response::Code};
use store::{MailboxName, Rights};

use super::{
    deleted,
    reach::{Found, Place},
    referral,
    refusal::Refusal,
    state::{Enabled, User},
    wording::Text,
};
use crate::namespace::Owner;

/// The name's text, before any rule of ours: of a pattern, or of a mailbox.
///
/// # Errors
/// NO \[CANNOT] if it is neither UTF-8 nor modified UTF-7, as the dialect has it.
pub(crate) fn text(octets: &[u8], enabled: Enabled) -> Result<String, Refusal> {
    // RFC 6855 §3: UTF-8 is understood at any time, and no name in modified UTF-7 looks like it.
    let encoding = if octets.is_ascii() {
        enabled.names()
    } else {
        Encoding::Utf8
    };
    imap::name::decode(octets, encoding).map_err(|error| {
        let sentence = match encoding {
            Encoding::ModifiedUtf7 => "Invalid mailbox name: as modified UTF-7, {}",
            Encoding::Utf8 => "Invalid mailbox name: {}",
        };
        Refusal::no(Code::Cannot, Text::with(sentence, [error.why().into()]))
    })
}

/// The text of a name for CREATE, RENAME and SUBSCRIBE, where a trailing delimiter only declares
/// that there will be names below (RFC 9051 §6.3.4).
///
/// # Errors
/// As [`text`]; NO \[CANNOT] for separators of lines.
pub(crate) fn new_text(user: &User, enabled: Enabled, sent: &Mailbox) -> Result<String, Refusal> {
    let mut text = text(&sent.0, enabled)?;
    if text.contains(['\u{2028}', '\u{2029}']) {
        // RFC 6855 §3.
        let why = "it has a line or paragraph separator";
        return Err(store::Error::InvalidName(why).into());
    }
    let delimiter = user.reach.namespace().delimiter();
    if text.ends_with(delimiter) {
        text.pop();
    }
    Ok(text)
}

/// The mailbox of their own that a user means; `None` for all other names.
pub(crate) fn own(user: &User, enabled: Enabled, sent: &Mailbox) -> Option<MailboxName> {
    let text = new_text(user, enabled, sent).ok()?;
    let place = user.reach.namespace().read(&text).ok()?;
    (place.owner == Owner::Own).then_some(place.name)
}

/// Where the name that a client sent leads, another name for a special use among them.
///
/// # Errors
/// As [`text`], and as [`super::reach::Reach::place`].
pub(crate) async fn place(user: &User, enabled: Enabled, sent: &Mailbox) -> Result<Place, Refusal> {
    let place = exact_place(user, enabled, sent).await?;
    Ok(user.reach.aliased(place))
}

/// Where the name that a client sent leads, if it is a mailbox's own: what is deleted or gets another name is not
/// what the name merely stands for.
///
/// # Errors
/// As [`place`].
pub(crate) async fn exact_place(
    user: &User,
    enabled: Enabled,
    sent: &Mailbox,
) -> Result<Place, Refusal> {
    user.reach.place(&text(&sent.0, enabled)?).await
}

/// Where a name leads that CREATE or RENAME gives to a mailbox.
///
/// # Errors
/// As [`new_text`], and as [`super::reach::Reach::new_place`]; NO \[CANNOT] for what no mailbox may be called.
pub(crate) async fn free_place(
    user: &User,
    enabled: Enabled,
    sent: &Mailbox,
) -> Result<Place, Refusal> {
    let text = new_text(user, enabled, sent)?;
    // There may be mailboxes with one, which had another name in another look.
    if user.reach.namespace().delimiter() != '/' && text.contains('/') {
        return Err(store::Error::InvalidName("it has a '/'").into());
    }
    let place = user.reach.new_place(&text).await?;
    deleted::may_be_made(user, &place.name)?;
    Ok(place)
}

/// The mailbox that a client means.
///
/// # Errors
/// As [`place`]; NO \[NONEXISTENT] if there is none, or none that the user may know of.
pub(crate) async fn find(user: &User, enabled: Enabled, sent: &Mailbox) -> Result<Found, Refusal> {
    Ok(place(user, enabled, sent).await?.found()?)
}

/// The mailbox that a command puts messages into.
///
/// # Errors
/// NO \[TRYCREATE] if it does not exist, or the user may not know of it (RFC 9051 §6.3.12, §6.4.7); NO \[REFERRAL] if it is on
/// another server.
pub(crate) async fn destination(
    user: &User,
    enabled: Enabled,
    sent: &Mailbox,
) -> Result<Found, Refusal> {
    referral::here(user, enabled, sent)?;
    let found = match place(user, enabled, sent).await {
        Ok(place) => place.with(Rights::INSERT).map_err(Refusal::from),
        Err(refusal) => Err(refusal),
    };
    match found {
        Err(Refusal::No(Some(Code::NonExistent), _)) => Err(try_create()),
        found => found,
    }
}

/// The destination does not exist.
pub(crate) fn try_create() -> Refusal {
    Refusal::no(Code::TryCreate, "No such mailbox; CREATE would make it")
}
