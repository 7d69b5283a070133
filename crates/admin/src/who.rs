//! `who`, `kick`: the connections of the server that runs.

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    registry::domain_named,
    report::{Report, Row},
    sessions::{Connected, Sessions},
};

/// Show who is connected to the server
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar who
  chapar who ann@example.org --json")]
pub struct Who {
    /// Only this account
    #[serde(default)]
    pub account: Option<String>,
}

/// End the sessions of an account
///
/// Clients are told, once the command that they are at is done; most come again by themselves. Disable the account
/// before, or give it another password, if they are not to.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar kick ann@example.org
  chapar kick ann --session 17")]
pub struct Kick {
    /// The account
    pub account: String,
    /// Only this one of its sessions, as `who` numbers them
    #[arg(long)]
    #[serde(default)]
    pub session: Option<u64>,
}

/// A connection for programs.
#[derive(Debug, Serialize)]
struct Line {
    session: u64,
    user: Option<String>,
    administrator: Option<String>,
    protocol: &'static str,
    address: Option<String>,
    seconds: u64,
}

fn running(context: &Context) -> Result<&Sessions, Failed> {
    let sessions = context.sessions.as_ref();
    sessions.ok_or_else(|| Failed::because("no server runs"))
}

impl Who {
    /// A row per connection, in the order in which they began; of those of whom whoever asks may know.
    ///
    /// # Errors
    /// No server runs.
    pub fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let roles = &context.roles;
        let name = self.account.as_deref();
        let name = name.map(auth::directory::comparable);
        let mut sessions = 0;
        for connected in running(context)?.every() {
            let seen = match &connected.user {
                Some(user) => roles.helps(&domain_named(user)),
                // A stranger, or another server.
                None => roles.is_administrator(),
            };
            let wanted = name.is_none() || name.as_deref() == connected.user.as_deref();
            if seen && wanted {
                sessions += 1;
                report.row(row(&connected));
            }
        }
        let text = format!("sessions {sessions}");
        Ok(Outcome::done(Row::new(
            &json!({ "sessions": sessions }),
            text,
        )))
    }
}

fn row(connected: &Connected) -> Row {
    let line = Line {
        session: connected.id,
        user: connected.user.as_deref().map(str::to_owned),
        administrator: connected.by.as_deref().map(str::to_owned),
        protocol: connected.protocol,
        address: connected.address.map(|address| address.to_string()),
        seconds: connected.since.elapsed().as_secs(),
    };
    let who = match (&line.user, &line.administrator) {
        (Some(user), Some(by)) => format!("{by} as {user}"),
        (Some(user), None) => user.clone(),
        (None, _) => "(nobody yet)".to_owned(),
    };
    let address = line.address.as_deref().unwrap_or("a local socket");
    let text = format!(
        "{}\t{who}\t{}\t{address}\tfor {} s",
        line.session, line.protocol, line.seconds
    );
    Row::new(&line, text)
}

impl Kick {
    /// How many sessions are being ended.
    ///
    /// # Errors
    /// No server runs; the account has no such session.
    pub fn run(&self, context: &Context) -> Result<Outcome, Failed> {
        let name = auth::directory::comparable(&self.account);
        let every = running(context)?.every();
        let meant = every.iter().filter(|connected| {
            connected.user.as_deref() == Some(&*name)
                && self.session.is_none_or(|id| id == connected.id)
        });
        let ended = meant.inspect(|connected| connected.end()).count();
        if ended == 0 {
            let why = format!("{:?} has no such session", self.account);
            return Err(Failed::because(why));
        }
        let text = format!("ended {ended} sessions of {}", self.account);
        Ok(Outcome::done(Row::new(&json!({ "ended": ended }), text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Heard, tests::context};

    #[tokio::test]
    async fn sessions_are_seen_by_who_may_and_ended_by_number() {
        let folder = tempfile::tempdir().unwrap();
        let mut context = context(folder.path()).await;
        let who = Who { account: None };
        let none = who.run(&context, &mut Heard::default()).unwrap_err();
        assert!(none.why.contains("no server"));
        let sessions = Sessions::default();
        context.sessions = Some(sessions.clone());
        let address = Some("192.0.2.7".parse().unwrap());
        let presences = [(); 4].map(|()| sessions.enter("imap", address));
        for (presence, user) in presences
            .iter()
            .zip(["ann@a.test", "ann@a.test", "ann@b.test"])
        {
            presence.belongs_to(Some(user), None);
        }
        presences[1].belongs_to(Some("ann@a.test"), Some("root"));
        let told = |context: &Context, account: Option<&str>| {
            let mut heard = Heard::default();
            let account = account.map(str::to_owned);
            Who { account }.run(context, &mut heard).unwrap();
            let lines = heard.rows.into_iter().map(|row| row.line);
            lines.collect::<Vec<_>>().join("\n")
        };
        assert_eq!(told(&context, None).lines().count(), 4);
        assert!(told(&context, None).contains("root as ann@a.test"));
        assert_eq!(told(&context, Some("Ann@B.test")).lines().count(), 1);
        context.roles = ["help-desk@a.test".parse().unwrap()].into_iter().collect();
        let seen = told(&context, None);
        assert!(
            seen.lines().count() == 2 && !seen.contains("b.test"),
            "{seen}"
        );
        let kick = |account: &str, session| Kick {
            account: account.to_owned(),
            session,
        };
        assert!(kick("ann@b.test", Some(1)).run(&context).is_err());
        assert!(kick("bob", None).run(&context).is_err());
        kick("ANN@a.test", Some(2)).run(&context).unwrap();
        presences[1].ended().await;
        drop(presences);
        assert!(sessions.every().is_empty());
    }
}
