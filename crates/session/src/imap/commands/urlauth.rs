//! GENURLAUTH, RESETKEY and URLFETCH: RFC 4467, RFC 5524.
//!
//! Whoever may read a mailbox may have an access key for it, which is kept with its metadata, where no client sees it; that of
//! a mailbox of somebody else, with those of one's own account. Whatever is wrong with a URL that is to be fetched, the answer is NIL: whoever tries learns nothing of what there is.

use std::sync::Arc;

use auth::urlauth;
use imap::{
    command::{Mailbox, UrlFetch, UrlOctets},
    encode::{self, EightBit},
    response::{Code, Status},
    url::{Access, Message, Server, Target, Url},
};
use store::{Account, AccountId, MailboxId, MetadataLimits, metadata::Entry};

use crate::{
    Outlet,
    imap::{
        fetch::source::Source,
        names,
        reach::{Found, Reach},
        refusal::{Done, Outcome, Refusal, Stop},
        reply,
        state::{Enabled, Selected, User},
        sync::flush_if_full,
        url::{Base, Nothing, named, open},
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
        let found = to_be_authorized(base, rump).await?;
        let key = KeyPlace::new(base.user, &found).or_new(base.user).await?;
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
async fn to_be_authorized(base: Base<'_>, rump: &[u8]) -> Result<Found, Refusal> {
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
    let nowhere = |_| Refusal::bad("The URL names a mailbox that is not there");
    let name = message.mailbox.as_deref().unwrap_or_default();
    named(base.user, name).await.map_err(nowhere)
}

/// Where a user's access key for a mailbox is kept, among the metadata of the user's account.
#[derive(Debug)]
struct KeyPlace {
    /// With that mailbox; `None`: with the account as a whole.
    mailbox: Option<MailboxId>,
    name: String,
}

impl KeyPlace {
    fn new(user: &User, found: &Found) -> Self {
        Self::of(user, (&found.account, found.mailbox.id()))
    }

    fn of(user: &User, (account, mailbox): (&Account, MailboxId)) -> Self {
        if account.id() == user.account.id() {
            return Self {
                mailbox: Some(mailbox),
                name: KEY.to_owned(),
            };
        }
        Self {
            mailbox: None,
            name: format!("{KEY}/{}/{mailbox}", account.id()),
        }
    }

    /// The key as it is now.
    fn now(&self, user: &User) -> Option<Arc<[u8]>> {
        let snapshot = user.account.snapshot();
        let metadata = match self.mailbox {
            Some(id) => snapshot.mailbox(id)?.metadata(),
            None => snapshot.metadata(),
        };
        metadata.get(None, &self.name).cloned()
    }

    /// The key, made if there is none.
    async fn or_new(&self, user: &User) -> Result<Arc<[u8]>, Refusal> {
        let key = new_key()?;
        let account = &user.account;
        Ok(account.metadata_or(self.mailbox, &self.name, &key).await?)
    }

    async fn set(&self, user: &User, key: Option<Vec<u8>>) -> Result<(), Refusal> {
        let entries = [Entry {
            name: self.name.as_str().into(),
            value: key.map(Into::into),
        }];
        let limits = MetadataLimits::default();
        let account = &user.account;
        account
            .set_metadata(self.mailbox, None, &entries, limits)
            .await?;
        Ok(())
    }
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
    let Some((mailbox, mechanisms)) = which else {
        for place in every_key(user) {
            place.set(user, None).await?;
        }
        return Ok(Done::new("All keys removed"));
    };
    let found = names::find(user, enabled, mailbox).await?;
    if mechanisms.iter().any(|m| !m.eq_ignore_ascii_case(INTERNAL)) {
        let text = "INTERNAL is the only mechanism here";
        return Err(Refusal::no(Code::Cannot, text).into());
    }
    KeyPlace::new(user, &found)
        .set(user, Some(new_key()?))
        .await?;
    Ok(Done::with(Code::UrlMech, "RESETKEY completed"))
}

/// All access keys that a user has.
fn every_key(user: &User) -> Vec<KeyPlace> {
    let snapshot = user.account.snapshot();
    let with_key = snapshot.mailboxes().map(|(_, mailbox)| mailbox);
    let with_key = with_key.filter(|mailbox| mailbox.metadata().get(None, KEY).is_some());
    let own = with_key.map(|mailbox| KeyPlace {
        mailbox: Some(mailbox.id()),
        name: KEY.to_owned(),
    });
    let is_key = |name: &str| name.starts_with(KEY);
    let entries = snapshot.metadata().every();
    let others = entries.filter(|(owner, name, _)| owner.is_none() && is_key(name));
    let others = others.map(|(_, name, _)| KeyPlace {
        mailbox: None,
        name: name.to_string(),
    });
    own.chain(others).collect()
}

/// Tells a client that the access key of its mailbox is another: RFC 4467 §7, RESETKEY.
pub(crate) fn tell_key(selected: &mut Selected, enabled: Enabled, out: &mut impl Outlet) {
    let snapshot = selected.account().snapshot();
    if snapshot.mailbox(selected.mailbox).is_none() {
        return;
    }
    let key = key_now(&selected.user, (selected.account(), selected.mailbox));
    if key == selected.url_key {
        return;
    }
    // The first key revokes nothing.
    if std::mem::replace(&mut selected.url_key, key).is_some() {
        let code = Code::UrlMech;
        let text = "URLs of this mailbox have to be authorized anew";
        reply::untagged(out, enabled.language, (Status::Ok, Some(&code)), text);
    }
}

/// A user's access key for a mailbox of an account as it is now.
pub(crate) fn key_now(user: &User, mailbox: (&Account, MailboxId)) -> Option<Arc<[u8]>> {
    KeyPlace::of(user, mailbox).now(user)
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
    let found = match &owner {
        Some(user) => named(user, message.mailbox.as_deref()?).await.ok(),
        None => None,
    };
    let key = match (&owner, &found) {
        (Some(user), Some(found)) => KeyPlace::new(user, found).now(user),
        _ => None,
    };
    if !urlauth::is_token(&verifier.token, key.as_deref(), rump) || !permitted {
        return None;
    }
    match read(&found?, &message).await {
        Ok(source) => Some(source),
        Err(Nothing::Bad(_)) => None,
        Err(Nothing::Unreadable(refusal)) => {
            tracing::error!(?refusal, "what a URL names can't be read");
            None
        }
    }
}

async fn read(found: &Found, message: &Message) -> Result<Source, Nothing> {
    let mailbox = found.account.open_mailbox(found.mailbox.id()).await?;
    open(&found.account, &mailbox, message).await
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
    let by = format!("imap {} for {}", base.user.name, account.name);
    let reach = Reach::new(base.services, &account.identity(), (opened.ok()?, by));
    Some(User {
        account: reach.own().clone(),
        reach: reach.into(),
        name: Arc::clone(&account.name),
        ..base.user.clone()
    })
}
