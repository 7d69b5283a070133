//! `chapar account`: who there is.

use std::{
    io::{self, BufRead, IsTerminal, Read, Write},
    sync::Arc,
};

use admin::{Report, Request, Row};
use auth::directory::{Account, Directory, Home};
use clap::Subcommand;
use serde_json::json;
use server::Config;

use crate::{
    Failed,
    administer::administer,
    printer::{Printer, Style},
    screen::Screen,
};

/// More than any password may have: a line without an end is not read for ever.
const LINE_OCTETS_MAX: u64 = 64 * 1024;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Add an account; the password is asked for
    Add {
        /// `user` or `user@domain`
        name: String,
        /// Take the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
        /// Give it the mail that an account of this id has left in the store
        #[arg(long, value_name = "A…")]
        id: Option<String>,
    },
    /// Remove an account; its mail stays in the store until an account gets its id again
    Remove {
        /// The account
        name: String,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
    /// List the accounts
    List,
    /// Change an account's password
    Passwd {
        /// The account
        name: String,
        /// Take the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give an account another name; its password and mail stay
    Rename {
        /// The account
        name: String,
        /// Its new name
        new: String,
    },
    /// Show one account
    Show {
        /// The account
        name: String,
    },
    /// Let an account log in no more; mail still arrives
    Disable {
        /// The account
        name: String,
    },
    /// Let a disabled account log in again
    Enable {
        /// The account
        name: String,
    },
    /// Say in which language an account's clients are spoken to that ask for the default one
    Language {
        /// The account
        name: String,
        /// `de`, `en`, `es`, `fr`, `i-default` or `ja`; without it, what `imap.language` says
        tag: Option<String>,
    },
    /// Have an account's clients not be told of some capabilities of IMAP, or of all again
    Suppress {
        /// The account
        name: String,
        /// What they are not told of, such as QRESYNC; none: they are told of all
        capabilities: Vec<String>,
    },
    /// Say that an account's mail is on another server: its clients are sent there, its mail has to be
    Home {
        /// The account
        name: String,
        /// The other server, with `:PORT` if it is not 143; without it, the mail is here
        host: Option<String>,
        /// It may log in here nevertheless, for what is shared here
        #[arg(long, requires = "host")]
        guest: bool,
    },
    /// Say that a mailbox of an account is on another server: clients are sent there
    Remote {
        /// The account
        name: String,
        /// The mailbox, with all that is below it
        mailbox: String,
        /// Where it is, `imap://HOST/MAILBOX`, its replicas too; without it, it is here
        urls: Vec<String>,
    },
    /// What is asked of the store.
    #[command(flatten)]
    Stored(admin::account::Account),
}

impl Verb {
    pub(crate) fn run(self, config: &Config, style: Style) -> Result<(), Failed> {
        match self {
            Self::Stored(verb) => administer(&Request::Account(verb), config, style),
            Self::List => tell(&directory(config)?.accounts(), style),
            Self::Show { name } => {
                let account = existing(&directory(config)?, &name)?;
                if style.json {
                    return tell(&[account], style);
                }
                Ok(show(&account, &mut Screen::new())?)
            }
            verb => verb.change(&directory(config)?, &mut Screen::new()),
        }
    }

    /// The verbs that change the accounts file, and nothing else.
    fn change(&self, directory: &Directory, out: &mut Screen) -> Result<(), Failed> {
        match self {
            Self::Add {
                name,
                password_stdin,
                id,
            } => {
                // Before anybody is asked for a password in vain.
                directory.check_new(name)?;
                let id = id.as_deref().map(number).transpose()?;
                let password = password(*password_stdin)?;
                let account = match id {
                    Some(id) => directory.add_again(name, &password, id)?,
                    None => directory.add(name, &password)?,
                };
                writeln!(out, "added {}", account.name)?;
            }
            Self::Remove { name, yes } => remove(directory, name, *yes, out)?,
            Self::Passwd {
                name,
                password_stdin,
            } => {
                let account = existing(directory, name)?;
                directory.set_password(name, &password(*password_stdin)?)?;
                writeln!(out, "{} has a new password", account.name)?;
            }
            Self::Rename { name, new } => {
                let account = existing(directory, name)?;
                let renamed = directory.rename(name, new)?;
                writeln!(out, "{} is {renamed} now", account.name)?;
            }
            Self::Disable { name } => {
                directory.set_disabled(name, true)?;
                writeln!(out, "{name} can log in no more")?;
            }
            Self::Enable { name } => {
                directory.set_disabled(name, false)?;
                writeln!(out, "{name} can log in again")?;
            }
            Self::Language { name, tag } => language(directory, name, tag.as_deref(), out)?,
            Self::Suppress { name, capabilities } => {
                suppress(directory, name, capabilities, out)?;
            }
            Self::Home { name, host, guest } => {
                home(directory, name, (host.as_deref(), *guest), out)?;
            }
            Self::Remote {
                name,
                mailbox,
                urls,
            } => remote(directory, name, (mailbox, urls), out)?,
            Self::List | Self::Show { .. } | Self::Stored(_) => {}
        }
        Ok(())
    }
}

fn language(
    directory: &Directory,
    name: &str,
    tag: Option<&str>,
    out: &mut Screen,
) -> Result<(), Failed> {
    let known = |tag: &str| {
        server::Language::tagged(tag)
            .ok_or_else(|| Failed::Because(format!("{tag:?} is no language that is spoken here")))
    };
    let language = tag.map(known).transpose()?.map(server::Language::tag);
    directory.set_language(name, language)?;
    match language {
        Some(tag) => writeln!(out, "the language of {name} is {tag}")?,
        None => writeln!(out, "{name} has no language of its own")?,
    }
    Ok(())
}

fn home(
    directory: &Directory,
    name: &str,
    (host, guest): (Option<&str>, bool),
    out: &mut Screen,
) -> Result<(), Failed> {
    if let Some(host) = host.filter(|host| !server::is_host(host)) {
        return Err(Failed::Because(format!("{host:?} is no host")));
    }
    let home = host.map(|host| Home {
        host: host.into(),
        guest,
    });
    directory.set_home(name, home.as_ref())?;
    match host {
        Some(host) => writeln!(out, "the mail of {name} is on {host}")?,
        None => writeln!(out, "the mail of {name} is here")?,
    }
    Ok(())
}

fn remote(
    directory: &Directory,
    name: &str,
    (mailbox, urls): (&str, &[String]),
    out: &mut Screen,
) -> Result<(), Failed> {
    let rule = format!("{mailbox}: {}", urls.join(" "));
    if !urls.is_empty() {
        server::Remote::read(&rule).map_err(|why| Failed::Because(format!("{rule:?}: {why}")))?;
    }
    let before = existing(directory, name)?;
    let start = format!("{mailbox}: ");
    let others = before.remote_mailboxes.iter();
    let mut remote: Vec<String> = others
        .filter(|rule| !rule.starts_with(&start))
        .cloned()
        .collect();
    if urls.is_empty() {
        writeln!(out, "{mailbox} of {name} is here")?;
    } else {
        writeln!(out, "{mailbox} of {name} is at {}", urls.join(" "))?;
        remote.push(rule);
    }
    directory.set_remote_mailboxes(name, remote)?;
    Ok(())
}

fn suppress(
    directory: &Directory,
    name: &str,
    capabilities: &[String],
    out: &mut Screen,
) -> Result<(), Failed> {
    for capability in capabilities {
        server::check_suppressed(capability)
            .map_err(|why| Failed::Because(format!("{capability}: {why}")))?;
    }
    let words: Vec<_> = capabilities.iter().map(|c| c.to_uppercase()).collect();
    directory.set_suppressed(name, words.clone())?;
    match &*words {
        [] => writeln!(out, "{name}'s clients are told of every capability")?,
        words => writeln!(out, "{name}'s clients are not told of {}", words.join(" "))?,
    }
    Ok(())
}

fn existing(directory: &Directory, name: &str) -> Result<Arc<Account>, Failed> {
    directory
        .account(name)
        .ok_or_else(|| Failed::Because(format!("there is no account {name:?}")))
}

/// An account's number in the store, as `show` and `remove` print it.
fn number(id: &str) -> Result<u64, Failed> {
    match id.parse::<store::AccountId>() {
        Ok(id) if id.0 != 0 => Ok(id.0),
        _ => Err(Failed::Because(format!(
            "{id:?} is no account's id: they look like A1f0c29"
        ))),
    }
}

fn directory(config: &Config) -> Result<Directory, Failed> {
    let directory = Directory::open(config.accounts.clone(), config.domains.clone());
    Ok(directory?)
}

/// Prints accounts, a line each.
fn tell(accounts: &[Arc<Account>], style: Style) -> Result<(), Failed> {
    let mut printer = Printer::new(style);
    for account in accounts {
        let id = format!("A{:x}", account.id);
        let object = json!({
            "account": id,
            "name": *account.name,
            "disabled": account.disabled,
            "suppressed": *account.suppressed,
        });
        let disabled = if account.disabled { "  (disabled)" } else { "" };
        printer.row(Row::new(&object, format!("{}{disabled}", account.name)));
    }
    Ok(printer.finish()?)
}

fn show(account: &Account, out: &mut Screen) -> io::Result<()> {
    let login = if account.disabled {
        "disabled"
    } else {
        "by password, SCRAM-SHA-256, SCRAM-SHA-256-PLUS"
    };
    writeln!(out, "name        {}", account.name)?;
    writeln!(out, "id          A{:x}", account.id)?;
    writeln!(out, "login       {login}")?;
    if !account.suppressed.is_empty() {
        writeln!(out, "suppressed  {}", account.suppressed.join(" "))?;
    }
    if let Some(home) = &account.home {
        let guest = if home.guest { ", a guest here" } else { "" };
        writeln!(out, "home        {}{guest}", home.host)?;
    }
    for rule in &*account.remote_mailboxes {
        writeln!(out, "remote      {rule}")?;
    }
    Ok(())
}

fn remove(directory: &Directory, name: &str, yes: bool, out: &mut Screen) -> Result<(), Failed> {
    let account = existing(directory, name)?;
    let (name, id) = (&account.name, account.id);
    if !yes {
        if !io::stdin().is_terminal() {
            return Err(Failed::Because("nobody to ask: say --yes".to_owned()));
        }
        write!(
            out,
            "Remove {name}? Its mail stays in the store as A{id:x}, but nobody can reach it. [y/N] "
        )?;
        out.flush()?;
        if !line()?.trim_ascii().eq_ignore_ascii_case(b"y") {
            return Err(Failed::Because("nothing was removed".to_owned()));
        }
    }
    directory.remove(name)?;
    writeln!(
        out,
        "removed {name}; its mail stays in the store as A{id:x}, until \
         `chapar account add NAME --id A{id:x}` gives it to an account again"
    )?;
    Ok(())
}

/// The new password: from standard input, or asked for twice.
fn password(from_stdin: bool) -> Result<Vec<u8>, Failed> {
    if from_stdin {
        return Ok(line()?);
    }
    if !io::stdin().is_terminal() {
        return Err(Failed::Because(
            "nobody to ask for the password: say --password-stdin".to_owned(),
        ));
    }
    let password = rpassword::prompt_password("Password: ")?;
    if rpassword::prompt_password("Again: ")? != password {
        return Err(Failed::Because("the two passwords differ".to_owned()));
    }
    Ok(password.into_bytes())
}

/// The first line of standard input, without its end.
fn line() -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut input = io::stdin().lock().take(LINE_OCTETS_MAX);
    input.read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(line)
}
