//! GENURLAUTH, RESETKEY and URLFETCH: RFC 4467, RFC 5524.
//!
//! Every mailbox may have an access key, which is kept with its metadata, where no client sees it. Whatever is wrong with
//! a URL that is to be fetched, the answer is NIL: whoever tries learns nothing of what there is.

use std::sync::Arc;

use auth::urlauth;
use imap::{
    command::{Mailbox, UrlFetch, UrlOctets},
    encode::{self, EightBit},
    response::{Code, Status},
    url::{Access, Message, Server, Target, Url},
};
use store::{Account, AccountId, MailboxId, MailboxName, MetadataLimits, metadata::Entry};

use crate::{
    Outlet,
    imap::{
        fetch::source::Source,
        names,
        refusal::{Done, Outcome, Refusal, Stop},
        reply,
        state::{Enabled, Selected, User},
        sync::flush_if_full,
        url::{Base, Nothing, open},
    },
};

/// Under which name a mailbox keeps its access key.
const KEY: &str = "internal/urlauth";

/// The one mechanism: RFC 4467 §2.4.1.
const INTERNAL: &str = "INTERNAL";

/// Answers GENURLAUTH.
pub(crate) async fn generate(
    base: Base<'_>,
    urls: &[(Vec<u8>, String)],
    out: &mut impl Outlet,
) -> Outcome {
    let mut authorized = Vec::with_capacity(urls.len());
    for (rump, mechanism) in urls {
        if !mechanism.eq_ignore_ascii_case(INTERNAL) {
            return Err(Refusal::bad("INTERNAL is the only mechanism here").into());
        }
        let mailbox = to_be_authorized(base, rump)?;
        let key = key_of(&base.user.account, mailbox).await?;
        let token = urlauth::token(&key, rump);
        let mut url = rump.clone();
        url.extend_from_slice(format!(":internal:{token}").as_bytes());
        authorized.push(url);
    }
    let buffer = out.buffer();
    buffer.extend_from_slice(b"* GENURLAUTH");
    for url in &authorized {
        buffer.push(b' ');
        encode::string(buffer, url, EightBit::Literal);
    }
    buffer.extend_from_slice(b"\r\n");
    Ok(Done::new("GENURLAUTH completed"))
}

/// The mailbox of a URL that may be authorized.
///
/// # Errors
/// BAD, whatever is wrong with it (RFC 4467 §7).
fn to_be_authorized(base: Base<'_>, rump: &[u8]) -> Result<MailboxId, Refusal> {
    let url = Url::parse(rump).map_err(|error| Refusal::bad(error.why()))?;
    let Target::Message(message) = url.target else {
        return Err(Refusal::bad("The URL names no message"));
    };
    let server = url.server.filter(|server| server.user.is_some());
    let server = server.ok_or_else(|| Refusal::bad("The URL does not name its owner"))?;
    if !base.is_own(&server) {
        return Err(Refusal::bad("The URL names another server or user"));
    }
    match message.authorization {
        None => return Err(Refusal::bad("The URL does not say who may use it")),
        Some(given) if given.verifier.is_some() => {
            return Err(Refusal::bad("The URL is authorized already"));
        }
        Some(_) => {}
    }
    let mailbox = message.mailbox.as_deref().and_then(|name| {
        let name = MailboxName::new(name).ok()?;
        let snapshot = base.user.account.snapshot();
        snapshot.named(&name).map(|mailbox| mailbox.id())
    });
    mailbox.ok_or_else(|| Refusal::bad("The URL names a mailbox that is not there"))
}

/// The access key of a mailbox, made if there is none.
async fn key_of(account: &Account, mailbox: MailboxId) -> Result<Arc<[u8]>, Refusal> {
    let key = new_key()?;
    Ok(account.metadata_or(Some(mailbox), KEY, &key).await?)
}

fn new_key() -> Result<Vec<u8>, Refusal> {
    let key = urlauth::new_key().map(|key| key.to_vec());
    key.ok_or_else(|| Refusal::no(Code::Unavailable, "There are no random numbers at present"))
}

/// Answers RESETKEY: URLs that were authorized before are not any more.
pub(crate) async fn reset(
    user: &User,
    enabled: Enabled,
    which: Option<&(Mailbox, Vec<String>)>,
) -> Outcome {
    let snapshot = user.account.snapshot();
    let Some((mailbox, mechanisms)) = which else {
        for (_, mailbox) in snapshot.mailboxes() {
            if mailbox.metadata().get(None, KEY).is_some() {
                set_key(user, mailbox.id(), None).await?;
            }
        }
        return Ok(Done::new("All keys removed"));
    };
    let name = names::mailbox(mailbox, enabled)?;
    let found = snapshot.named(&name).map(|mailbox| mailbox.id());
    let mailbox = found.ok_or(store::Error::NoSuchMailbox)?;
    if mechanisms.iter().any(|m| !m.eq_ignore_ascii_case(INTERNAL)) {
        let text = "INTERNAL is the only mechanism here";
        return Err(Refusal::no(Code::Cannot, text).into());
    }
    set_key(user, mailbox, Some(new_key()?)).await?;
    Ok(Done::with(Code::UrlMech, "RESETKEY completed"))
}

async fn set_key(user: &User, mailbox: MailboxId, key: Option<Vec<u8>>) -> Result<(), Refusal> {
    let entries = [Entry {
        name: KEY.into(),
        value: key.map(Into::into),
    }];
    let limits = MetadataLimits::default();
    let account = &user.account;
    account
        .set_metadata(Some(mailbox), None, &entries, limits)
        .await?;
    Ok(())
}

/// Tells a client that the access key of its mailbox is another: RFC 4467 §7, RESETKEY.
pub(crate) fn tell_key(selected: &mut Selected, enabled: Enabled, out: &mut impl Outlet) {
    let snapshot = selected.account().snapshot();
    let Some(mailbox) = snapshot.mailbox(selected.mailbox) else {
        return;
    };
    let key = mailbox.metadata().get(None, KEY);
    if key == selected.url_key.as_ref() {
        return;
    }
    let key = key.cloned();
    // The first key revokes nothing.
    if std::mem::replace(&mut selected.url_key, key).is_some() {
        let code = Code::UrlMech;
        let text = "URLs of this mailbox have to be authorized anew";
        reply::untagged(out, enabled.language, (Status::Ok, Some(&code)), text);
    }
}

/// The access key of a mailbox as it is now.
pub(crate) fn key_now(account: &Account, mailbox: MailboxId) -> Option<Arc<[u8]>> {
    let snapshot = account.snapshot();
    let mailbox = snapshot.mailbox(mailbox)?;
    mailbox.metadata().get(None, KEY).cloned()
}

/// Answers URLFETCH, with one response for all URLs.
pub(crate) async fn fetch(base: Base<'_>, urls: &[UrlFetch], out: &mut impl Outlet) -> Outcome {
    out.buffer().extend_from_slice(b"* URLFETCH");
    for fetch in urls {
        let found = redeem(base, &fetch.url).await;
        out.buffer().push(b' ');
        encode::string(out.buffer(), &fetch.url, EightBit::Literal);
        out.buffer().push(b' ');
        match found {
            Some(source) => write(source, fetch, out).await?,
            None => out.buffer().extend_from_slice(b"NIL"),
        }
        flush_if_full(out).await?;
    }
    out.buffer().extend_from_slice(b"\r\n");
    Ok(Done::new("URLFETCH completed"))
}

// urldata-simple / urldata-ext
async fn write(mut source: Source, fetch: &UrlFetch, out: &mut impl Outlet) -> Result<(), Stop> {
    let params = fetch.params;
    let binary = params.octets == Some(UrlOctets::Binary);
    if params.structure {
        out.buffer().extend_from_slice(b"(BODYPARTSTRUCTURE ");
        source.write_structure(binary, out.buffer()).await;
        out.buffer().push(b')');
    }
    let Some(octets) = params.octets else {
        if !params.structure {
            source.write(out).await?;
        }
        return Ok(());
    };
    if params.structure {
        out.buffer().push(b' ');
    }
    match octets {
        UrlOctets::Body => {
            out.buffer().extend_from_slice(b"(BODY ");
            source.write(out).await?;
        }
        UrlOctets::Binary => {
            out.buffer().extend_from_slice(b"(BINARY ");
            source.write_decoded(out).await?;
        }
    }
    out.buffer().push(b')');
    Ok(())
}

/// What a URL gives whoever has logged in; `None` for nothing, whatever the reason.
async fn redeem(base: Base<'_>, text: &[u8]) -> Option<Source> {
    let url = Url::parse(text).ok()?;
    let Target::Message(message) = url.target else {
        return None;
    };
    let server = url.server?;
    let authorization = message.authorization.as_ref()?;
    let verifier = authorization.verifier.as_ref()?;
    let rump = text.get(..verifier.rump)?;
    let permitted = verifier.mechanism.eq_ignore_ascii_case(INTERNAL)
        && base.services.is_named(&server.host)
        && !base.services.has_expired(message.expires)
        && may_use(base, &authorization.access);
    let owner = owner(base, &server).await;
    let mailbox = owner.as_ref().and_then(|user| named(user, &message));
    let key = mailbox.and_then(|id| key_now(&owner.as_ref()?.account, id));
    if !urlauth::is_token(&verifier.token, key.as_deref(), rump) || !permitted {
        return None;
    }
    let user = owner?;
    match read(&user, mailbox?, &message).await {
        Ok(source) => Some(source),
        Err(Nothing::Bad(_)) => None,
        Err(Nothing::Unreadable(refusal)) => {
            tracing::error!(?refusal, "what a URL names can't be read");
            None
        }
    }
}

async fn read(user: &User, mailbox: MailboxId, message: &Message) -> Result<Source, Nothing> {
    let mailbox = user.account.open_mailbox(mailbox).await?;
    open(user, &mailbox, message).await
}

/// Whether the access identifier means whoever has logged in: RFC 4467 §3. Nobody logs in as nobody here, so that
/// `anonymous` and `authuser` come to the same.
fn may_use(base: Base<'_>, access: &Access) -> bool {
    match access {
        Access::Anonymous | Access::AuthUser => true,
        Access::User(user) => base.is_user(user),
        // On whose behalf is the submission server's affair.
        Access::Submit(_) => {
            let submitters = &base.services.imap.urls.submitters;
            submitters.iter().any(|name| base.is_user(name))
        }
    }
}

/// Whose mail a URL names, with the access that they have now.
async fn owner(base: Base<'_>, server: &Server) -> Option<User> {
    let name = server.user.as_deref()?;
    if base.is_user(name) {
        return Some(base.user.clone());
    }
    let account = base.services.auth.directory().login(name)?;
    if account.disabled {
        return None;
    }
    let opened = base.services.store.account(AccountId(account.id)).await;
    Some(User {
        account: opened.ok()?,
        name: Arc::clone(&account.name),
        ..base.user.clone()
    })
}

fn named(user: &User, message: &Message) -> Option<MailboxId> {
    let name = MailboxName::new(message.mailbox.as_deref()?).ok()?;
    let snapshot = user.account.snapshot();
    snapshot.named(&name).map(|mailbox| mailbox.id())
}
