//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS: RFC 5802, RFC 7677, RFC 9266.
//!
//! The server never sees the password. An account that does not exist gets a salt too, always
//! the same one, and fails only at the proof, as a wrong password does.

use std::net::IpAddr;

use data_encoding::BASE64;
use subtle::ConstantTimeEq;

use super::{Channel, Step};
use crate::{
    authenticator::{Attempt, Authenticator, Identity, Refused},
    password::ScramKeys,
};

/// How this exchange stands to channel binding: RFC 5802 §6.
#[derive(Debug)]
pub(super) enum Binding {
    /// `-PLUS`: the client must bind to this.
    Used(Vec<u8>),
    /// Not `-PLUS`, though we offered it: a client that could have must say so.
    Offered,
    /// We can't.
    Impossible,
}

impl Binding {
    pub(super) fn used(channel: &Channel) -> Self {
        channel
            .tls_exporter
            .clone()
            .map_or(Self::Impossible, Self::Used)
    }

    pub(super) fn not_used(channel: &Channel) -> Self {
        if channel.tls_exporter.is_some() {
            Self::Offered
        } else {
            Self::Impossible
        }
    }
}

/// An exchange.
#[derive(Debug)]
pub(super) struct Scram {
    binding: Binding,
    /// Fixed in tests.
    nonce: Option<String>,
    state: State,
}

#[derive(Debug)]
enum State {
    First,
    Final(Box<Pending>),
    Acknowledge(Identity),
    Over,
}

/// What is remembered between the client's two messages.
#[derive(Debug)]
struct Pending {
    user: String,
    keys: ScramKeys,
    /// `None` if there is no such account, or it may not log in.
    identity: Option<Identity>,
    acts_as: Option<String>,
    nonce: String,
    gs2_header: String,
    /// `client-first-message-bare , server-first-message`.
    messages: String,
}

impl Scram {
    pub(super) fn new(binding: Binding) -> Self {
        Self {
            binding,
            nonce: None,
            state: State::First,
        }
    }

    pub(super) async fn step(
        &mut self,
        authenticator: &Authenticator,
        peer: Option<IpAddr>,
        message: &[u8],
    ) -> Result<Step, Refused> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::First => self.first(authenticator, peer, message),
            State::Final(pending) => self.last(authenticator, peer, &pending, message).await,
            State::Acknowledge(identity) if message.is_empty() => Ok(Step::Done(identity)),
            State::Acknowledge(_) | State::Over => {
                Err(Refused::Malformed("nothing more was expected"))
            }
        }
    }

    /// `client-first-message`: RFC 5802 §7.
    fn first(
        &mut self,
        authenticator: &Authenticator,
        peer: Option<IpAddr>,
        message: &[u8],
    ) -> Result<Step, Refused> {
        let first = ClientFirst::read(message)?;
        self.check_flag(first.flag)?;
        authenticator.permit(Attempt {
            peer,
            user: &first.user,
        })?;
        let (keys, identity) = authenticator.scram_keys(&first.user);
        let ours = match &self.nonce {
            Some(nonce) => nonce.clone(),
            None => nonce()?,
        };
        let nonce = format!("{}{ours}", first.nonce);
        let challenge = format!(
            "r={nonce},s={},i={}",
            BASE64.encode(&keys.salt),
            keys.iterations
        );
        self.state = State::Final(Box::new(Pending {
            messages: format!("{},{challenge}", first.bare),
            gs2_header: first.gs2_header,
            user: first.user,
            acts_as: first.acts_as,
            keys,
            identity,
            nonce,
        }));
        Ok(Step::Challenge(challenge.into_bytes()))
    }

    /// The client's word on channel binding must fit ours: RFC 5802 §6, against downgrades.
    fn check_flag(&self, flag: Flag) -> Result<(), Refused> {
        match (&self.binding, flag) {
            (Binding::Used(_), Flag::TlsExporter)
            | (Binding::Offered | Binding::Impossible, Flag::No)
            | (Binding::Impossible, Flag::ClientWould) => Ok(()),
            (Binding::Offered, Flag::ClientWould) => Err(Refused::Malformed(
                "channel binding is supported here: use SCRAM-SHA-256-PLUS",
            )),
            (Binding::Used(_), _) => Err(Refused::Malformed(
                "SCRAM-SHA-256-PLUS wants channel binding tls-exporter",
            )),
            (_, Flag::TlsExporter) => Err(Refused::Malformed(
                "channel binding belongs to SCRAM-SHA-256-PLUS",
            )),
        }
    }

    /// `client-final-message`: RFC 5802 §7.
    async fn last(
        &mut self,
        authenticator: &Authenticator,
        peer: Option<IpAddr>,
        pending: &Pending,
        message: &[u8],
    ) -> Result<Step, Refused> {
        let last = ClientFinal::read(message)?;
        if last.nonce != pending.nonce {
            return Err(Refused::Malformed(
                "the nonce is not the one of this exchange",
            ));
        }
        let user = &pending.user;
        let attempt = Attempt { peer, user };
        // A thousand exchanges begun at once get no more tries than one.
        authenticator.permit(attempt)?;
        let mut expected = pending.gs2_header.clone().into_bytes();
        if let Binding::Used(data) = &self.binding {
            expected.extend_from_slice(data);
        }
        let bound = bool::from(last.binding.ct_eq(&expected));
        let auth_message = format!("{},{}", pending.messages, last.without_proof);
        let proven = pending.keys.proves(&last.proof, auth_message.as_bytes());
        let identity = pending
            .identity
            .as_ref()
            .filter(|_| proven && bound)
            .cloned();
        let mut identity = authenticator.outcome(attempt, identity).await?;
        if let Some(acts_as) = &pending.acts_as {
            identity = authenticator.authorize(identity, acts_as.as_bytes())?;
        }
        self.state = State::Acknowledge(identity);
        let signature = pending.keys.signature(auth_message.as_bytes());
        Ok(Step::Challenge(
            format!("v={}", BASE64.encode(&signature)).into_bytes(),
        ))
    }
}

/// `gs2-cbind-flag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flag {
    /// `n`: the client can't.
    No,
    /// `y`: the client can, and thinks that we can't.
    ClientWould,
    /// `p=tls-exporter`.
    TlsExporter,
}

/// `client-first-message`, taken apart.
#[derive(Debug)]
struct ClientFirst {
    flag: Flag,
    gs2_header: String,
    bare: String,
    acts_as: Option<String>,
    user: String,
    nonce: String,
}

impl ClientFirst {
    fn read(message: &[u8]) -> Result<Self, Refused> {
        let wrong = Refused::Malformed;
        let text = std::str::from_utf8(message).map_err(|_| wrong("SCRAM's messages are UTF-8"))?;
        let (flag, rest) = text
            .split_once(',')
            .ok_or(wrong("no channel binding flag"))?;
        let (acts_as, bare) = rest
            .split_once(',')
            .ok_or(wrong("no authorization identity field"))?;
        let gs2_header = format!("{flag},{acts_as},");
        let flag = match flag {
            "n" => Flag::No,
            "y" => Flag::ClientWould,
            "p=tls-exporter" => Flag::TlsExporter,
            _ => return Err(wrong("a channel binding that is not supported here")),
        };
        let acts_as = match acts_as {
            "" => None,
            given => Some(
                given
                    .strip_prefix("a=")
                    .and_then(unescape)
                    .ok_or(wrong("a broken authorization identity"))?,
            ),
        };
        let mut fields = bare.split(',');
        let user = fields
            .next()
            .and_then(|f| f.strip_prefix("n="))
            .and_then(unescape);
        let user = user
            .filter(|u| !u.is_empty())
            .ok_or(wrong("no user name, or a mandatory extension"))?;
        let nonce = fields
            .next()
            .and_then(|f| f.strip_prefix("r="))
            .unwrap_or_default();
        if nonce.is_empty() || !nonce.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong("no nonce"));
        }
        Ok(Self {
            flag,
            gs2_header,
            acts_as,
            user,
            nonce: nonce.to_owned(),
            bare: bare.to_owned(),
        })
    }
}

/// `client-final-message`, taken apart.
#[derive(Debug)]
struct ClientFinal {
    binding: Vec<u8>,
    nonce: String,
    proof: Vec<u8>,
    without_proof: String,
}

impl ClientFinal {
    fn read(message: &[u8]) -> Result<Self, Refused> {
        let wrong = Refused::Malformed;
        let text = std::str::from_utf8(message).map_err(|_| wrong("SCRAM's messages are UTF-8"))?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(wrong("no proof"))?;
        let proof = BASE64
            .decode(proof.as_bytes())
            .map_err(|_| wrong("the proof is not base64"))?;
        let mut fields = without_proof.split(',');
        let binding = fields
            .next()
            .and_then(|f| f.strip_prefix("c="))
            .ok_or(wrong("no channel binding field"))?;
        let binding = BASE64
            .decode(binding.as_bytes())
            .map_err(|_| wrong("the channel binding is not base64"))?;
        let nonce = fields
            .next()
            .and_then(|f| f.strip_prefix("r="))
            .ok_or(wrong("no nonce"))?;
        Ok(Self {
            binding,
            nonce: nonce.to_owned(),
            proof,
            without_proof: without_proof.to_owned(),
        })
    }
}

/// `saslname`: `=2C` is a comma, `=3D` an equals sign, and nothing else may follow `=`.
fn unescape(name: &str) -> Option<String> {
    let mut pieces = name.split('=');
    let mut plain = pieces.next()?.to_owned();
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2)?;
        plain.push(match code {
            "2C" => ',',
            "3D" => '=',
            _ => return None,
        });
        plain.push_str(rest);
    }
    Some(plain)
}

/// 144 random bits.
fn nonce() -> Result<String, Refused> {
    let mut bytes = [0; 18];
    getrandom::fill(&mut bytes).map_err(|_| Refused::Unavailable)?;
    Ok(BASE64.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;
    use std::sync::Arc;

    /// RFC 7677 §3.
    const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";

    fn authenticator() -> (tempfile::TempDir, Authenticator) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.toml");
        let keys = ScramKeys::with_salt("pencil", &BASE64.decode(SALT.as_bytes()).unwrap(), 4096);
        let hash = crate::password::hash("pencil").unwrap();
        std::fs::write(
            &path,
            format!("[[account]]\nname = \"user\"\nid = \"A1\"\npassword = \"{hash}\"\nscram-sha-256 = \"{}\"\n", keys.to_text()),
        )
        .unwrap();
        (
            folder,
            Authenticator::new(Arc::new(Directory::open(path, Vec::new()).unwrap())),
        )
    }

    fn challenge(step: Result<Step, Refused>) -> String {
        match step.unwrap() {
            Step::Challenge(bytes) => String::from_utf8(bytes).unwrap(),
            Step::Done(_) => panic!("too early"),
        }
    }

    #[tokio::test]
    async fn the_example_of_rfc_7677() {
        let (_folder, authenticator) = authenticator();
        let mut scram = Scram::new(Binding::Impossible);
        scram.nonce = Some("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".to_owned());
        let first = scram
            .step(&authenticator, None, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
            .await;
        assert_eq!(
            challenge(first),
            format!("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s={SALT},i=4096")
        );
        let last = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        let step = scram.step(&authenticator, None, last).await;
        assert_eq!(
            challenge(step),
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
        let done = scram.step(&authenticator, None, b"").await.unwrap();
        assert!(matches!(done, Step::Done(identity) if &*identity.name == "user"));
    }

    #[tokio::test]
    async fn what_does_not_fit_is_refused() {
        let (_folder, authenticator) = authenticator();
        let exporter = || Binding::Used(vec![7; 32]);
        for (binding, first) in [
            (Binding::Offered, &b"y,,n=user,r=abc"[..]),
            (Binding::Impossible, b"p=tls-exporter,,n=user,r=abc"),
            (exporter(), b"n,,n=user,r=abc"),
            (exporter(), b"p=tls-unique,,n=user,r=abc"),
            (Binding::Impossible, b"n,,m=x,n=user,r=abc"),
            (Binding::Impossible, b"n,,n=us=er,r=abc"),
            (Binding::Impossible, b"n,,n=user,r="),
            (Binding::Impossible, b"n,,n="),
            (Binding::Impossible, b""),
            (Binding::Impossible, b"\xff,,"),
        ] {
            let refused = Scram::new(binding).step(&authenticator, None, first).await;
            assert!(
                matches!(refused, Err(Refused::Malformed(_))),
                "{first:?}: {refused:?}"
            );
        }
    }

    /// Answers a challenge as a client that knows the password would.
    fn prove(first_bare: &str, challenge: &str, gs2: &[u8], password: &str) -> Vec<u8> {
        use crate::password::hmac;
        use sha2::{Digest, Sha256};
        let mut fields = challenge.split(',').map(|f| f.split_at(2).1);
        let (nonce, salt, iterations) = (
            fields.next().unwrap(),
            fields.next().unwrap(),
            fields.next().unwrap(),
        );
        let without_proof = format!("c={},r={nonce}", BASE64.encode(gs2));
        let auth_message = format!("{first_bare},{challenge},{without_proof}");
        let mut salted = [0; 32];
        let salt = BASE64.decode(salt.as_bytes()).unwrap();
        pbkdf2::pbkdf2_hmac::<Sha256>(
            password.as_bytes(),
            &salt,
            iterations.parse().unwrap(),
            &mut salted,
        );
        let client_key = hmac(&salted, b"Client Key");
        let signature = hmac(&Sha256::digest(client_key), auth_message.as_bytes());
        let proof: Vec<u8> = client_key
            .iter()
            .zip(signature)
            .map(|(k, s)| k ^ s)
            .collect();
        format!("{without_proof},p={}", BASE64.encode(&proof)).into_bytes()
    }

    #[tokio::test]
    async fn binding_password_and_user_must_all_be_right() {
        let (_folder, authenticator) = authenticator();
        let exporter = [7_u8; 32];
        let bound = |data: &[u8]| [b"p=tls-exporter,,", data].concat();
        for (user, password, binding, good) in [
            ("user", "pencil", bound(&exporter), true),
            ("user", "pencil", bound(&[8; 32]), false),
            ("user", "pencil", b"p=tls-exporter,,".to_vec(), false),
            ("user", "wrong", bound(&exporter), false),
            ("nobody", "pencil", bound(&exporter), false),
        ] {
            let mut scram = Scram::new(Binding::Used(exporter.to_vec()));
            let bare = format!("n={user},r=abc");
            let first = format!("p=tls-exporter,,{bare}");
            let first = scram.step(&authenticator, None, first.as_bytes()).await;
            let last = prove(&bare, &challenge(first), &binding, password);
            let outcome = scram.step(&authenticator, None, &last).await;
            assert_eq!(outcome.is_ok(), good, "{user} {password}");
            assert!(good || outcome == Err(Refused::Credentials));
        }
    }

    #[tokio::test]
    async fn an_administrator_may_act_as_somebody() {
        let (_folder, authenticator) = authenticator();
        let directory = authenticator.directory();
        directory.add_without_password("ann").unwrap();
        let act_as = async |acts_as: &str| {
            let mut scram = Scram::new(Binding::Impossible);
            let (gs2, bare) = (format!("n,a={acts_as},"), "n=user,r=abc");
            let first = format!("{gs2}{bare}");
            let first = scram.step(&authenticator, None, first.as_bytes()).await;
            let last = prove(bare, &challenge(first), gs2.as_bytes(), "pencil");
            scram.step(&authenticator, None, &last).await?;
            scram.step(&authenticator, None, b"").await
        };
        assert_eq!(act_as("ann").await, Err(Refused::Authorization));
        let root = ["administrator".parse().unwrap()].into_iter().collect();
        directory.set_roles("user", &root).unwrap();
        assert_eq!(act_as("nobody").await, Err(Refused::Authorization));
        let Step::Done(ann) = act_as("ann").await.unwrap() else {
            panic!("not done");
        };
        assert_eq!((&*ann.name, ann.by.as_deref()), ("ann", Some("user")));
        assert!(ann.roles.is_empty());
    }

    #[tokio::test]
    async fn nobody_has_a_salt_too() {
        let (folder, authenticator) = authenticator();
        // A name in the file, so that the file gets its secret.
        authenticator.directory().add("ann", b"x").unwrap();
        let salt = async |authenticator: &Authenticator, user: &str| {
            let first = format!("n,,n={user},r=a");
            let mut scram = Scram::new(Binding::Impossible);
            let first = scram.step(authenticator, None, first.as_bytes());
            challenge(first.await).split(',').nth(1).unwrap().to_owned()
        };
        let nobody = salt(&authenticator, "nobody").await;
        assert_eq!(nobody, salt(&authenticator, "Nobody").await);
        assert_ne!(nobody, salt(&authenticator, "nobody2").await);
        let path = folder.path().join("accounts.toml");
        let restarted = Authenticator::new(Arc::new(Directory::open(path, Vec::new()).unwrap()));
        assert_eq!(nobody, salt(&restarted, "nobody").await);
    }
}
