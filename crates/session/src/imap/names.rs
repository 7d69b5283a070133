//! Mailbox names as clients send them: RFC 9051 §5.1, RFC 3501 §5.1.3.

use imap::{command::Mailbox, name::Encoding, response::Code};
use store::{MailboxName, name::DELIMITER};

use super::{
    reach::{Found, Place},
    referral,
    refusal::Refusal,
    state::{Enabled, User},
    wording::Text,
};

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

/// The mailbox name that a client means.
///
/// # Errors
/// NO \[CANNOT], saying what is wrong with it.
pub(crate) fn mailbox(sent: &Mailbox, enabled: Enabled) -> Result<MailboxName, Refusal> {
    Ok(MailboxName::new(&text(&sent.0, enabled)?)?)
}

/// The name for CREATE, RENAME and SUBSCRIBE, where a trailing delimiter only declares
/// that there will be names below (RFC 9051 §6.3.4).
///
/// # Errors
/// As [`mailbox`].
pub(crate) fn new_mailbox(sent: &Mailbox, enabled: Enabled) -> Result<MailboxName, Refusal> {
    let text = text(&sent.0, enabled)?;
    if text.contains(['\u{2028}', '\u{2029}']) {
        // RFC 6855 §3.
        let why = "it has a line or paragraph separator";
        return Err(store::Error::InvalidName(why).into());
    }
    Ok(MailboxName::new(
        text.strip_suffix(DELIMITER).unwrap_or(&text),
    )?)
}

/// Where the name that a client sent leads.
///
/// # Errors
/// As [`mailbox`].
#[expect(clippy::unused_async, reason = "other accounts have to be opened")]
pub(crate) async fn place(user: &User, enabled: Enabled, sent: &Mailbox) -> Result<Place, Refusal> {
    Ok(Place {
        account: user.account.clone(),
        name: mailbox(sent, enabled)?,
    })
}

/// Where a name leads for CREATE, RENAME and SUBSCRIBE.
///
/// # Errors
/// As [`new_mailbox`].
#[expect(clippy::unused_async, reason = "other accounts have to be opened")]
pub(crate) async fn new_place(
    user: &User,
    enabled: Enabled,
    sent: &Mailbox,
) -> Result<Place, Refusal> {
    Ok(Place {
        account: user.account.clone(),
        name: new_mailbox(sent, enabled)?,
    })
}

/// The mailbox that a client means.
///
/// # Errors
/// As [`mailbox`]; NO \[NONEXISTENT] if there is none, or none that the user may know of.
pub(crate) async fn find(user: &User, enabled: Enabled, sent: &Mailbox) -> Result<Found, Refusal> {
    Ok(place(user, enabled, sent).await?.found()?)
}

/// The mailbox that a command puts messages into.
///
/// # Errors
/// NO \[TRYCREATE] if it does not exist (RFC 9051 §6.3.12, §6.4.7); NO \[REFERRAL] if it is on
/// another server.
pub(crate) async fn destination(
    user: &User,
    enabled: Enabled,
    sent: &Mailbox,
) -> Result<Found, Refusal> {
    referral::here(user, enabled, sent)?;
    let place = place(user, enabled, sent).await?;
    place.found().map_err(|_| try_create())
}

/// The destination does not exist.
pub(crate) fn try_create() -> Refusal {
    Refusal::no(Code::TryCreate, "No such mailbox; CREATE would make it")
}
