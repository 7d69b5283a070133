//! LOGIN and AUTHENTICATE: RFC 9051 §6.2.2, §6.2.3, RFC 4959.

use std::sync::Arc;

use auth::{Channel, Identity, Refused};
use imap::response::Code;
use store::AccountId;

use crate::{
    Peer, Services,
    imap::{
        Suppressed,
        reach::Reach,
        referral,
        refusal::Refusal,
        state::User,
        wording::{Language, Text},
    },
};

/// What the mechanisms have to know of this connection.
pub(crate) fn channel(services: &Services, peer: &Peer) -> Channel {
    Channel {
        private: peer.tls.is_some() || peer.address.is_none() || services.plaintext_login,
        tls_exporter: peer.tls.as_ref().and_then(|tls| tls.exporter.clone()),
    }
}

/// Answers LOGIN.
///
/// # Errors
/// NO \[PRIVACYREQUIRED] where LOGINDISABLED was announced; else as [`refused`].
pub(crate) async fn login(
    services: &Services,
    peer: &Peer,
    user: &[u8],
    password: &[u8],
) -> Result<User, Refusal> {
    if !channel(services, peer).private {
        return Err(Refusal::no(
            Code::PrivacyRequired,
            "Logging in takes TLS here",
        ));
    }
    let identity = services
        .auth
        .password(peer.address, user, password)
        .await
        .map_err(refused)?;
    enter(services, peer, identity).await
}

/// Opens the mail of somebody who has proved who they are.
///
/// # Errors
/// NO \[REFERRAL] if it is on another server (RFC 2221 §4.1); what the store says.
pub(crate) async fn enter(
    services: &Services,
    peer: &Peer,
    identity: Identity,
) -> Result<User, Refusal> {
    if let Some(home) = identity.home.as_ref().filter(|home| !home.guest) {
        return Err(Refusal::no(
            referral::home(Some(&identity.name), &home.host),
            Text::with(
                "Your mail is on another server: {}",
                [home.host.to_string().into()],
            ),
        ));
    }
    let account = services.store.account(AccountId(identity.account)).await?;
    let by = format!("imap {identity} {peer}");
    let reach = Reach::new(services, &identity, (account, by));
    Ok(User {
        account: reach.own().clone(),
        reach: reach.into(),
        message_bytes_max: services.store.message_bytes_max(),
        undelete: services.undelete,
        site: Arc::clone(&services.site),
        language: identity.language.as_deref().and_then(Language::tagged),
        suppressed: Suppressed::new(identity.suppressed.iter()),
        home: identity.home.map(|home| home.host),
        remotes: referral::remotes(&identity.remote_mailboxes, &services.imap.remotes),
        progress: Arc::default(),
        name: identity.name,
    })
}

/// What a client is told of a login that failed: RFC 5530 §3.
pub(crate) fn refused(refused: Refused) -> Refusal {
    match refused {
        Refused::Credentials => Refusal::no(Code::AuthenticationFailed, "authentication failed"),
        Refused::Authorization => Refusal::no(
            Code::AuthorizationFailed,
            "not authorized to act as that user",
        ),
        Refused::Malformed(what) => Refusal::bad(what),
        Refused::Braked => Refusal::no(
            Code::Unavailable,
            "too many failed attempts, try again later",
        ),
        Refused::Unavailable => Refusal::no(Code::Unavailable, "temporary authentication failure"),
    }
}
