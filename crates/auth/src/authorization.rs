//! Acting as somebody else: the authorization identity of RFC 4422 §2 and §3.4.1.
//!
//! Who has proved who they are may act as an account that they administer. They then are that account, with its
//! rights and no others; what they do is written down under both names.

use std::sync::Arc;

use crate::{
    authenticator::{Authenticator, Identity, Refused},
    directory::Account,
};

/// Between the account and the administrator in a user name: `ann*root` is root, who acts as ann. For clients
/// that can't send an authorization identity; no account's name has it.
const SEPARATOR: char = '*';

/// A user name, taken apart: who proves to be who, and whom they want to act as.
pub(crate) fn split(user: &str) -> (&str, Option<&str>) {
    match user.split_once(SEPARATOR) {
        Some((acts_as, user)) => (user, Some(acts_as)),
        None => (user, None),
    }
}

impl Authenticator {
    /// Whoever has proved to be `identity`, as the one that they want to act as.
    ///
    /// An account that may not log in is no obstacle: an administrator proves to be an administrator, and looks
    /// after mail that nobody else reaches.
    ///
    /// # Errors
    /// [`Refused::Authorization`], whether there is such an account or not.
    pub(crate) fn authorize(
        &self,
        identity: Identity,
        acts_as: &[u8],
    ) -> Result<Identity, Refused> {
        if identity.is(acts_as) {
            return Ok(identity);
        }
        let name = std::str::from_utf8(acts_as).map_err(|_| Refused::Authorization)?;
        let Some(account) = self.directory().login(name) else {
            return Err(Refused::Authorization);
        };
        if account.id == identity.account {
            return Ok(identity);
        }
        if !may_act_as(&identity, &account) {
            return Err(Refused::Authorization);
        }
        let by = identity.by.unwrap_or(identity.name);
        tracing::info!(
            administrator = &*by,
            account = &*account.name,
            "acts as somebody else"
        );
        Ok(Identity {
            by: Some(by),
            ..account.identity()
        })
    }
}

/// Whether somebody administers an account, and gains no role by acting as it.
fn may_act_as(identity: &Identity, account: &Arc<Account>) -> bool {
    identity.roles.administers(account.domain()) && identity.roles.cover(&account.roles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channel, Directory, Step};

    /// `root` administers everything, `chief@a.test` its domain; `boss@a.test` is an administrator in it.
    fn authenticator() -> (tempfile::TempDir, Authenticator) {
        let folder = tempfile::tempdir().unwrap();
        let domains = vec!["ours.test".to_owned()];
        let directory = Directory::open(folder.path().join("accounts.toml"), domains).unwrap();
        for (name, role) in [
            ("root", Some("administrator")),
            ("chief@a.test", Some("domain-administrator@a.test")),
            ("desk@a.test", Some("help-desk@a.test")),
            ("boss@a.test", Some("administrator")),
            ("ann@a.test", None),
            ("bob", None),
        ] {
            directory.add(name, format!("{name}'s").as_bytes()).unwrap();
            let role = role.map(|role| role.parse().unwrap());
            directory
                .set_roles(name, &role.into_iter().collect())
                .unwrap();
        }
        directory.set_disabled("bob", true).unwrap();
        directory.add_without_password("new@a.test").unwrap();
        (folder, Authenticator::new(Arc::new(directory)))
    }

    /// Who may act as whom.
    const CASES: [(&str, &str, bool); 14] = [
        ("root", "ann@a.test", true),
        ("root", "ANN@A.test", true),
        ("root", "new@a.test", true),
        ("root", "bob", true),
        ("root", "bob@ours.test", true),
        ("root", "nobody", false),
        ("root", "root", true),
        ("root", "root@ours.test", true),
        ("chief@a.test", "ann@a.test", true),
        ("chief@a.test", "desk@a.test", true),
        ("chief@a.test", "boss@a.test", false),
        ("chief@a.test", "bob", false),
        ("desk@a.test", "ann@a.test", false),
        ("ann@a.test", "root", false),
    ];

    #[tokio::test]
    async fn administrators_act_as_those_they_administer() {
        let (_folder, authenticator) = authenticator();
        let channel = Channel {
            private: true,
            tls_exporter: None,
        };
        for (user, acts_as, may) in CASES {
            let mut plain = authenticator.start("PLAIN", &channel, None).unwrap();
            let message = format!("{acts_as}\0{user}\0{user}'s");
            let done = plain.step(message.as_bytes()).await;
            let login = format!("{acts_as}*{user}");
            let secret = format!("{user}'s");
            let starred = authenticator.password(None, login.as_bytes(), secret.as_bytes());
            let starred = starred.await;
            if !may {
                assert_eq!(done, Err(Refused::Authorization), "{user} as {acts_as}");
                assert_eq!(starred, Err(Refused::Authorization), "{user} as {acts_as}");
                continue;
            }
            let Ok(Step::Done(identity)) = done else {
                panic!("{user} as {acts_as}: {done:?}");
            };
            assert_eq!(starred.as_ref(), Ok(&identity), "{user} as {acts_as}");
            let account = authenticator.directory().login(acts_as).unwrap();
            assert_eq!(identity.name, account.name);
            assert_eq!(identity.roles, account.roles);
            let by = (identity.name != user.into()).then_some(user);
            assert_eq!(identity.by.as_deref(), by, "{user} as {acts_as}");
        }
    }

    #[tokio::test]
    async fn a_wrong_password_tells_nothing_of_what_would_be_permitted() {
        let (_folder, authenticator) = authenticator();
        for user in [
            "ann@a.test*root",
            "nobody*root",
            "ann@a.test*nobody",
            "*root",
            "ann*",
        ] {
            let wrong = authenticator.password(None, user.as_bytes(), b"x").await;
            assert_eq!(wrong, Err(Refused::Credentials), "{user}");
        }
        let twice = authenticator.password(None, b"ann@a.test*bob*root", b"root's");
        assert_eq!(twice.await, Err(Refused::Credentials));
    }
}
