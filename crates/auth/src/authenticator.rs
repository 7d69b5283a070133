//! Logging in: directory, passwords, mechanisms and brake together.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    authorization,
    brake::{Brake, Hardness},
    directory::{Account, Credentials, Directory, Home, Roles, comparable},
    password::{self, SCRAM_ITERATIONS, ScramKeys, hmac},
    sasl::{Channel, Exchange, Mechanism},
};

/// Somebody who has proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account's name, as in the accounts file.
    pub name: Arc<str>,
    /// The account's number, as the store knows it.
    pub account: u64,
    /// The tag of the language that is preferred for them, if one is (RFC 5255 §3.2).
    pub language: Option<Arc<str>>,
    /// Capabilities of the protocol that they are not told of, by name.
    pub suppressed: Arc<[String]>,
    /// The server that their mail is on, if that is another (RFC 2221).
    pub home: Option<Home>,
    /// Mailboxes of theirs that are on other servers, `MAILBOX: URL …` each (RFC 2193).
    pub remote_mailboxes: Arc<[String]>,
    /// The domain that they belong to, empty for the site's own.
    pub domain: Arc<str>,
    /// The groups that they were in when they logged in.
    pub groups: Arc<[Arc<str>]>,
    /// What they may administer.
    pub roles: Roles,
    /// Who it really is, by name, if an administrator has logged in as this one.
    pub by: Option<Arc<str>>,
}

/// Who acts, as it is written down: `ann`, or `root as ann`.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            Some(by) => write!(f, "{by} as {}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl Identity {
    /// Whether an authorization identity is this one.
    pub(crate) fn is(&self, other: &[u8]) -> bool {
        std::str::from_utf8(other).is_ok_and(|other| comparable(other) == *self.name)
    }
}

/// Somebody who tries to log in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    /// From where; `None` is a Unix socket.
    pub(crate) peer: Option<IpAddr>,
    /// As whom.
    pub(crate) user: &'a str,
}

/// Why a login failed. What it says is fit for the client: it does not tell
/// whether the account exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Wrong user or password, or the account is disabled.
    #[error("authentication failed")]
    Credentials,
    /// May log in, but not as the authorization identity asked for.
    #[error("not authorized to act as that user")]
    Authorization,
    /// The exchange was not what the mechanism demands: says what.
    #[error("{0}")]
    Malformed(&'static str),
    /// Too many failures lately from this address for this account; try again later.
    #[error("too many failed attempts, try again later")]
    Braked,
    /// No random numbers or no thread to be had.
    #[error("temporary authentication failure")]
    Unavailable,
}

/// Networks that the brake never refuses.
pub type Trusted = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// How long a password that was right is remembered since it was last used. Clients open many connections at
/// once, and come back every few minutes; each would cost an Argon2id hash.
const REMEMBER: Duration = Duration::from_mins(30);

/// Right passwords remembered at most.
const REMEMBERED_MAX: usize = 50_000;

/// What sessions log in with. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator {
    shared: Arc<Shared>,
}

struct Shared {
    directory: Arc<Directory>,
    brake: Brake,
    trusted: Trusted,
    /// Hashes running at once: each takes a processor and 19 MiB.
    hashing: Arc<Semaphore>,
    /// Random, of this process: keys what is remembered.
    secret: [u8; 32],
    /// What an unknown user's password is checked against, so that it takes as long.
    nobody: String,
    /// When each was last used.
    remembered: Mutex<HashMap<[u8; 32], Instant>>,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authenticator({:?}, …)", self.shared.directory)
    }
}

impl Authenticator {
    /// Over a directory, with a brake of usual hardness, which loopback is exempt from.
    #[must_use]
    pub fn new(directory: Arc<Directory>) -> Self {
        Self::with_brake(
            directory,
            Hardness::default(),
            Arc::new(|address| address.to_canonical().is_loopback()),
        )
    }

    /// The same with a brake as configured.
    ///
    /// # Panics
    /// If the system has no random numbers.
    #[must_use]
    pub fn with_brake(directory: Arc<Directory>, hardness: Hardness, trusted: Trusted) -> Self {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).expect("the system has random numbers");
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let shared = Shared {
            directory,
            brake: Brake::new(hardness),
            trusted,
            hashing: Arc::new(Semaphore::new(processors)),
            secret,
            nobody: password::hash("nobody has this password").unwrap_or_default(),
            remembered: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Checks a user name and password (LOGIN, PLAIN). `ann*root` is root, who acts as ann. Hashing runs
    /// aside, off the event loop, and in bounded number.
    ///
    /// # Errors
    /// Says why not.
    pub async fn password(
        &self,
        peer: Option<IpAddr>,
        user: &[u8],
        password: &[u8],
    ) -> Result<Identity, Refused> {
        let user = String::from_utf8_lossy(user);
        let (user, acts_as) = authorization::split(&user);
        let identity = self.proven(Attempt { peer, user }, password).await?;
        match acts_as {
            Some(acts_as) => self.authorize(identity, acts_as.as_bytes()),
            None => Ok(identity),
        }
    }

    /// Whoever proves by a password to be who they say.
    async fn proven(&self, attempt: Attempt<'_>, password: &[u8]) -> Result<Identity, Refused> {
        self.permit(attempt)?;
        let Ok(prepared) = password::prepare(password) else {
            return self.outcome(attempt, None).await;
        };
        let account = self.login(attempt.user);
        let credentials = account.as_ref().and_then(|a| a.credentials.as_ref());
        let (right, hashed) = if let (Some(account), Some(credentials)) = (&account, credentials) {
            let known = (&*account.name, credentials);
            self.is_right(attempt, known, prepared).await?
        } else {
            // As long as for somebody, and for nothing.
            let nobody = self.shared.nobody.clone();
            let (_, hashed) = self.verify(attempt, prepared, nobody).await?;
            (false, Some(hashed))
        };
        let identity = account.filter(|_| right).map(|a| a.identity());
        self.settle(attempt, identity, hashed).await
    }

    /// The account that somebody may log in to by a name.
    fn login(&self, user: &str) -> Option<Arc<Account>> {
        let account = self.shared.directory.login(user);
        account.filter(|account| !account.disabled)
    }

    async fn is_right(
        &self,
        attempt: Attempt<'_>,
        (name, credentials): (&str, &Credentials),
        prepared: String,
    ) -> Result<(bool, Option<OwnedSemaphorePermit>), Refused> {
        // The hash is part of the key: a changed password is forgotten at once.
        let key = hmac(
            &self.shared.secret,
            format!("{name}\0{}\0{prepared}", credentials.password).as_bytes(),
        );
        let now = Instant::now();
        if let Some(used) = self.remembered().get_mut(&key)
            && now.duration_since(*used) < REMEMBER
        {
            *used = now;
            return Ok((true, None));
        }
        let (right, hashed) = self
            .verify(attempt, prepared, credentials.password.clone())
            .await?;
        if right {
            let mut remembered = self.remembered();
            if remembered.len() >= REMEMBERED_MAX {
                remembered.retain(|_, at| at.elapsed() < REMEMBER);
            }
            if remembered.len() < REMEMBERED_MAX {
                remembered.insert(key, Instant::now());
            }
        }
        Ok((right, Some(hashed)))
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Instant>> {
        self.shared
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the password is that of a hash; and the right to hash, which others get once the brake has been
    /// told how this went.
    async fn verify(
        &self,
        attempt: Attempt<'_>,
        prepared: String,
        phc: String,
    ) -> Result<(bool, OwnedSemaphorePermit), Refused> {
        let permit = Arc::clone(&self.shared.hashing)
            .acquire_owned()
            .await
            .map_err(|_| Refused::Unavailable)?;
        // Others from there may have failed while this one waited: a thousand connections at once
        // get no more tries than one.
        self.permit(attempt)?;
        let hashing = tokio::task::spawn_blocking(move || {
            // Held until the hash is done, even if its connection is gone.
            (password::verify(&prepared, &phc), permit)
        });
        hashing.await.map_err(|_| Refused::Unavailable)
    }

    /// Whether the brake lets somebody try.
    ///
    /// # Errors
    /// [`Refused::Braked`].
    pub(crate) fn permit(&self, attempt: Attempt<'_>) -> Result<(), Refused> {
        let permitted = match attempt.peer {
            Some(peer) if !(self.shared.trusted)(peer) => {
                let user = comparable(attempt.user);
                self.shared.brake.permits(peer, &user, Instant::now())
            }
            _ => true,
        };
        permitted.then_some(()).ok_or(Refused::Braked)
    }

    /// Tells the brake how a try ended, and holds a failure back for as long as it wants.
    ///
    /// # Errors
    /// [`Refused::Credentials`] without an identity.
    pub(crate) async fn outcome(
        &self,
        attempt: Attempt<'_>,
        identity: Option<Identity>,
    ) -> Result<Identity, Refused> {
        self.settle(attempt, identity, None).await
    }

    /// The same. Lets others hash as soon as the brake knows.
    async fn settle(
        &self,
        attempt: Attempt<'_>,
        identity: Option<Identity>,
        hashed: Option<OwnedSemaphorePermit>,
    ) -> Result<Identity, Refused> {
        let user = comparable(attempt.user);
        if let Some(identity) = identity {
            self.shared.brake.succeeded(attempt.peer, &user);
            return Ok(identity);
        }
        let delay = self
            .shared
            .brake
            .failed(attempt.peer, &user, Instant::now());
        drop(hashed);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        Err(Refused::Credentials)
    }

    /// An account's SCRAM keys; of nobody, keys that nothing proves.
    pub(crate) fn scram_keys(&self, user: &str) -> (ScramKeys, Option<Identity>) {
        if let Some(account) = self.login(user)
            && let Some(credentials) = &account.credentials
        {
            return (credentials.scram.clone(), Some(account.identity()));
        }
        // A salt that changed when the server starts again would tell that nobody has it.
        let secret = self.shared.directory.secret();
        let secret = secret.unwrap_or(self.shared.secret);
        let keyed = hmac(&secret, comparable(user).as_bytes());
        let salt = keyed.iter().take(16).copied().collect();
        (
            ScramKeys {
                iterations: SCRAM_ITERATIONS,
                salt,
                stored_key: keyed,
                server_key: keyed,
            },
            None,
        )
    }

    /// The mechanisms to offer on a channel, strongest first.
    #[must_use]
    pub fn mechanisms(&self, channel: &Channel) -> Vec<Mechanism> {
        Mechanism::EVERY
            .into_iter()
            .filter(|m| m.fits(channel))
            .collect()
    }

    /// Begins an exchange; `None` if there is no such mechanism, or not on this channel.
    #[must_use]
    pub fn start(
        &self,
        mechanism: &str,
        channel: &Channel,
        peer: Option<IpAddr>,
    ) -> Option<Exchange> {
        let mechanism = Mechanism::EVERY
            .into_iter()
            .find(|m| m.name().eq_ignore_ascii_case(mechanism))?;
        mechanism
            .fits(channel)
            .then(|| Exchange::new(self, mechanism, channel, peer))
    }

    /// The accounts.
    #[must_use]
    pub fn directory(&self) -> &Arc<Directory> {
        &self.shared.directory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authenticator(hardness: Hardness) -> (tempfile::TempDir, Authenticator) {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::open(folder.path().join("accounts.toml"), Vec::new()).unwrap();
        directory.add("ann", b"secret").unwrap();
        directory.add("off", b"secret").unwrap();
        directory.set_disabled("off", true).unwrap();
        let trusted: Trusted = Arc::new(|address| address.is_loopback());
        (
            folder,
            Authenticator::with_brake(Arc::new(directory), hardness, trusted),
        )
    }

    #[tokio::test]
    async fn right_and_wrong_passwords() {
        let (_folder, authenticator) = authenticator(Hardness::default());
        for (user, password, good) in [
            (&b"ann"[..], &b"secret"[..], true),
            (b"ANN", b"secret", true),
            (b"ann", b"secret", true),
            (b"ann", b"Secret", false),
            (b"ann", b"", false),
            (b"nobody", b"secret", false),
            (b"off", b"secret", false),
            (b"\xff", b"secret", false),
        ] {
            let outcome = authenticator.password(None, user, password).await;
            assert_eq!(outcome.is_ok(), good, "{user:?} {password:?}");
        }
    }

    #[tokio::test]
    async fn a_changed_password_is_changed_at_once() {
        let (_folder, authenticator) = authenticator(Hardness::default());
        assert!(
            authenticator
                .password(None, b"ann", b"secret")
                .await
                .is_ok()
        );
        authenticator
            .directory()
            .set_password("ann", b"new")
            .unwrap();
        assert!(
            authenticator
                .password(None, b"ann", b"secret")
                .await
                .is_err()
        );
        assert!(authenticator.password(None, b"ann", b"new").await.is_ok());
    }

    #[tokio::test]
    async fn the_operator_is_never_locked_out() {
        let hardness = Hardness {
            failures_per_account: 2,
            ..Hardness::default()
        };
        let (_folder, authenticator) = authenticator(hardness);
        let stranger = Some("192.0.2.1".parse().unwrap());
        for _ in 0..2 {
            assert_eq!(
                authenticator.password(stranger, b"ann", b"x").await,
                Err(Refused::Credentials)
            );
        }
        assert_eq!(
            authenticator.password(stranger, b"ann", b"secret").await,
            Err(Refused::Braked)
        );
        let here = Some("127.0.0.1".parse().unwrap());
        for _ in 0..3 {
            assert_eq!(
                authenticator.password(here, b"ann", b"x").await,
                Err(Refused::Credentials)
            );
        }
        assert!(
            authenticator
                .password(here, b"ann", b"secret")
                .await
                .is_ok()
        );
        assert!(
            authenticator
                .password(None, b"ann", b"secret")
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn many_connections_at_once_get_no_more_tries_than_one() {
        let hardness = Hardness {
            failures_per_account: 2,
            ..Hardness::default()
        };
        let (_folder, authenticator) = authenticator(hardness);
        let stranger = Some("192.0.2.1".parse().unwrap());
        let mut tries = tokio::task::JoinSet::new();
        for _ in 0..40 {
            let authenticator = authenticator.clone();
            tries.spawn(async move { authenticator.password(stranger, b"ann", b"x").await });
        }
        let outcomes = tries.join_all().await;
        let looked_at = outcomes.iter().filter(|o| **o == Err(Refused::Credentials));
        // One more for every hash that runs beside.
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        assert!(looked_at.count() < 2 + processors, "{outcomes:?}");
    }

    #[tokio::test]
    async fn the_address_is_a_name_too_if_its_domain_is_ours() {
        let folder = tempfile::tempdir().unwrap();
        let domains = vec!["example.org".to_owned()];
        let directory = Directory::open(folder.path().join("accounts.toml"), domains).unwrap();
        directory.add("ann", b"secret").unwrap();
        let authenticator = Authenticator::new(Arc::new(directory));
        for (user, expected) in [
            ("ann", true),
            ("Ann@Example.org", true),
            ("ann@example.net", false),
            ("ann+x@example.org", false),
            ("@example.org", false),
        ] {
            let outcome = authenticator
                .password(None, user.as_bytes(), b"secret")
                .await;
            assert_eq!(outcome.is_ok(), expected, "{user}");
        }
    }

    #[test]
    fn plain_needs_a_private_channel_and_plus_a_binding() {
        let (_folder, authenticator) = authenticator(Hardness::default());
        let names = |channel: &Channel| {
            authenticator
                .mechanisms(channel)
                .into_iter()
                .map(Mechanism::name)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(names(&Channel::default()), "SCRAM-SHA-256");
        assert_eq!(
            names(&Channel {
                private: true,
                tls_exporter: None
            }),
            "SCRAM-SHA-256 PLAIN"
        );
        let tls = Channel {
            private: true,
            tls_exporter: Some(vec![1]),
        };
        assert_eq!(names(&tls), "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN");
        assert!(
            authenticator
                .start("plain", &Channel::default(), None)
                .is_none()
        );
        assert!(
            authenticator
                .start("scram-sha-256", &Channel::default(), None)
                .is_some()
        );
    }
}
