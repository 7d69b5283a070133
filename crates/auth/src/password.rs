//! Passwords at rest: Argon2id (RFC 9106) to check one, SCRAM keys (RFC 5803) beside it.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Memory for one Argon2id hash, in KiB: with [`PASSES`], the smaller of the settings that are
/// commonly recommended for servers where many log in.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory.
const PASSES: u32 = 2;
/// PBKDF2 iterations of a SCRAM key: RFC 7677 §4 wants at least 4096.
pub const SCRAM_ITERATIONS: u32 = 15_000;
/// Octets of a password that are looked at all.
pub const OCTETS_MAX: usize = 1024;

/// Why a password can't be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Nothing in it.
    #[error("the password is empty")]
    Empty,
    /// More than [`OCTETS_MAX`] octets.
    #[error("the password is longer than 1024 octets")]
    TooLong,
    /// Characters that SASLprep (RFC 4013) forbids, or not UTF-8.
    #[error("the password has characters that no password may have")]
    Forbidden,
    /// No random numbers, or no memory.
    #[error("the password could not be hashed")]
    NotHashed,
}

/// A password in the form in which it is hashed and compared: SASLprep (RFC 4013).
///
/// # Errors
/// Says why it can't be a password.
pub fn prepare(password: &[u8]) -> Result<String, Unusable> {
    let password = std::str::from_utf8(password).map_err(|_| Unusable::Forbidden)?;
    if password.len() > OCTETS_MAX {
        return Err(Unusable::TooLong);
    }
    let prepared = stringprep::saslprep(password).map_err(|_| Unusable::Forbidden)?;
    if prepared.is_empty() {
        return Err(Unusable::Empty);
    }
    Ok(prepared.into_owned())
}

/// Memory of hashes that stays for those that follow. An allocator would keep as much for each thread that
/// ever hashed, or give it back and have the system clear it every time.
static MEMORY: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

/// Hashes that have memory of their own while nobody logs in, at most.
const KEPT_MAX: usize = 4;

/// One hash: of `octets` octets.
fn argon2id(
    prepared: &str,
    salt: &[u8],
    (version, params): (Version, Params),
    octets: usize,
) -> Option<Output> {
    let blocks = params.block_count();
    let kept = || MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    let mut out = [0; Output::MAX_LENGTH];
    let out = out.get_mut(..octets)?;
    let mut memory = kept().pop().unwrap_or_default();
    memory.resize(blocks, Block::new());
    let argon2 = Argon2::new(Algorithm::Argon2id, version, params);
    let hashed = argon2.hash_password_into_with_memory(prepared.as_bytes(), salt, out, &mut memory);
    let mut kept = kept();
    if kept.len() < KEPT_MAX && blocks <= MEMORY_KIB as usize {
        kept.push(memory);
    }
    hashed.ok()?;
    Output::new(out).ok()
}

/// Hashes a prepared password: a PHC string, `$argon2id$…`. Takes tens of milliseconds
/// of a processor and 19 MiB.
///
/// # Errors
/// [`Unusable::NotHashed`].
pub fn hash(prepared: &str) -> Result<String, Unusable> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|_| Unusable::NotHashed)?;
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|_| Unusable::NotHashed)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(|_| Unusable::NotHashed)?,
        salt: Salt::new(&salt).ok(),
        hash: argon2id(
            prepared,
            &salt,
            (Version::V0x13, params),
            Params::DEFAULT_OUTPUT_LEN,
        ),
    };
    match hash.hash {
        Some(_) => Ok(hash.to_string()),
        None => Err(Unusable::NotHashed),
    }
}

/// Whether a prepared password is the one of a PHC string. Costs as [`hash`].
#[must_use]
pub fn verify(prepared: &str, phc: &str) -> bool {
    let Ok(hash) = PasswordHash::new(phc) else {
        return false;
    };
    let version = match hash.version {
        Some(version) => Version::try_from(version).ok(),
        None => Some(Version::default()),
    };
    let known = version.zip(Params::try_from(&hash).ok());
    let (Some(salt), Some(right), Some(how)) = (hash.salt, hash.hash, known) else {
        return false;
    };
    // `Output` compares in constant time.
    is_hash(phc) && argon2id(prepared, &salt, how, right.len()).is_some_and(|it| it == right)
}

/// Whether a string is a hash that [`verify`] can use.
#[must_use]
pub fn is_hash(phc: &str) -> bool {
    PasswordHash::new(phc).is_ok() && phc.starts_with("$argon2id$")
}

/// What a server keeps for SCRAM-SHA-256: RFC 5802 §3.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramKeys {
    /// PBKDF2 iterations.
    pub iterations: u32,
    /// The salt.
    pub salt: Vec<u8>,
    /// `H(ClientKey)`.
    pub stored_key: [u8; 32],
    /// `HMAC(SaltedPassword, "Server Key")`.
    pub server_key: [u8; 32],
}

impl fmt::Debug for ScramKeys {
    /// The server key is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScramKeys({} iterations, …)", self.iterations)
    }
}

impl ScramKeys {
    /// Derives the keys of a prepared password with a fresh salt.
    ///
    /// # Errors
    /// [`Unusable::NotHashed`] if there are no random numbers.
    pub fn derive(prepared: &str) -> Result<Self, Unusable> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| Unusable::NotHashed)?;
        Ok(Self::with_salt(prepared, &salt, SCRAM_ITERATIONS))
    }

    /// Derives the keys: RFC 5802 §3.
    #[must_use]
    pub fn with_salt(prepared: &str, salt: &[u8], iterations: u32) -> Self {
        let mut salted = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(prepared.as_bytes(), salt, iterations, &mut salted);
        let client_key = hmac(&salted, b"Client Key");
        Self {
            iterations,
            salt: salt.to_vec(),
            stored_key: Sha256::digest(client_key).into(),
            server_key: hmac(&salted, b"Server Key"),
        }
    }

    /// The form at rest, RFC 5803 §2: `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "SCRAM-SHA-256${}:{}${}:{}",
            self.iterations,
            BASE64.encode(&self.salt),
            BASE64.encode(&self.stored_key),
            BASE64.encode(&self.server_key)
        )
    }

    /// Reads what [`ScramKeys::to_text`] writes.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (parameters, keys) = text.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
        let (iterations, salt) = parameters.split_once(':')?;
        let (stored, server) = keys.split_once(':')?;
        let key = |text: &str| BASE64.decode(text.as_bytes()).ok()?.try_into().ok();
        let iterations = iterations.parse().ok().filter(|&i| i >= 4096)?;
        let salt = BASE64
            .decode(salt.as_bytes())
            .ok()
            .filter(|s| !s.is_empty())?;
        Some(Self {
            iterations,
            salt,
            stored_key: key(stored)?,
            server_key: key(server)?,
        })
    }

    /// Whether a client's proof shows the password: RFC 5802 §3, in constant time.
    #[must_use]
    pub fn proves(&self, proof: &[u8], auth_message: &[u8]) -> bool {
        let signature = hmac(&self.stored_key, auth_message);
        let Ok(proof): Result<[u8; 32], _> = proof.try_into() else {
            return false;
        };
        let mut client_key = [0; 32];
        for ((key, p), s) in client_key.iter_mut().zip(proof).zip(signature) {
            *key = p ^ s;
        }
        Sha256::digest(client_key)
            .as_slice()
            .ct_eq(&self.stored_key)
            .into()
    }

    /// `ServerSignature`, which proves the server to the client.
    #[must_use]
    pub fn signature(&self, auth_message: &[u8]) -> [u8; 32] {
        hmac(&self.server_key, auth_message)
    }
}

/// HMAC-SHA-256.
pub(crate) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_its_password_and_no_other() {
        let hash = hash("pencil").unwrap();
        assert!(is_hash(&hash), "{hash}");
        assert!(verify("pencil", &hash));
        assert!(!verify("Pencil", &hash));
        assert!(!verify("pencil", "not a hash"));
        // Of another implementation, with less memory; and again after a hash with more.
        let other = "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$rzOaKr+Pi5lH94Pc/TzZX4xEG/CCc8daIfFtmPKuHXY";
        for _ in 0..2 {
            assert!(verify("pencil", other) && !verify("pen", other) && verify("pencil", &hash));
        }
        assert_ne!(
            hash,
            super::hash("pencil").unwrap(),
            "every hash has its own salt"
        );
    }

    #[test]
    fn passwords_are_prepared() {
        for (given, prepared) in [
            (&b"pencil"[..], Ok("pencil")),
            ("I\u{ad}X".as_bytes(), Ok("IX")),
            ("\u{2168}".as_bytes(), Ok("IX")),
            (b"", Err(Unusable::Empty)),
            (b"a\x07b", Err(Unusable::Forbidden)),
            (b"\xff", Err(Unusable::Forbidden)),
            (&[b'a'; 1025], Err(Unusable::TooLong)),
        ] {
            assert_eq!(prepare(given), prepared.map(str::to_owned), "{given:?}");
        }
    }

    #[test]
    fn scram_keys_survive_the_file() {
        let keys = ScramKeys::derive("pencil").unwrap();
        assert_eq!(ScramKeys::from_text(&keys.to_text()), Some(keys));
        for bad in [
            "",
            "SCRAM-SHA-256$1:AA==$AA==:AA==",
            "SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$a:b",
        ] {
            assert_eq!(ScramKeys::from_text(bad), None, "{bad}");
        }
    }
}
