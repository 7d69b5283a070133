//! What is asked of whoever types: passwords, and whether they mean it.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use admin::{Request, Secret, account::Account, login::Auth};

use crate::{Failed, screen::Screen};

/// More than any password may have: a line without an end is not read for ever.
const LINE_OCTETS_MAX: u64 = 64 * 1024;

/// Asks what a request still lacks.
pub(crate) fn complete(request: &mut Request) -> Result<(), Failed> {
    let verb = match request {
        Request::Account(verb) => verb,
        Request::Auth(Auth::Test(test)) => {
            test.password = Some(password(test.password_stdin)?);
            return Ok(());
        }
        _ => return Ok(()),
    };
    match verb {
        Account::Add(add) if !add.no_password => {
            add.password = Some(new_password(add.password_stdin)?);
        }
        Account::Passwd(passwd) => passwd.password = Some(new_password(passwd.password_stdin)?),
        Account::Remove(remove) if !remove.yes => {
            let name = &remove.name;
            confirm(&format!(
                "Remove {name}? Its mail stays in the store, but nobody can reach it. [y/N] "
            ))?;
        }
        _ => {}
    }
    Ok(())
}

fn confirm(question: &str) -> Result<(), Failed> {
    if !io::stdin().is_terminal() {
        return Err(Failed::Because("nobody to ask: say --yes".to_owned()));
    }
    let mut out = Screen::new();
    write!(out, "{question}")?;
    out.flush()?;
    if line()?.trim_ascii().eq_ignore_ascii_case(b"y") {
        return Ok(());
    }
    Err(Failed::Because("nothing was changed".to_owned()))
}

/// A new password: from standard input, or asked for twice.
fn new_password(from_stdin: bool) -> Result<Secret, Failed> {
    let once = password(from_stdin)?;
    if !from_stdin && rpassword::prompt_password("Again: ")?.as_bytes() != once.octets() {
        return Err(Failed::Because("the two passwords differ".to_owned()));
    }
    Ok(once)
}

/// A password: from standard input, or asked for.
fn password(from_stdin: bool) -> Result<Secret, Failed> {
    if from_stdin {
        return secret(line()?);
    }
    if !io::stdin().is_terminal() {
        return Err(Failed::Because(
            "nobody to ask for the password: say --password-stdin".to_owned(),
        ));
    }
    Ok(Secret::new(rpassword::prompt_password("Password: ")?))
}

fn secret(octets: Vec<u8>) -> Result<Secret, Failed> {
    let text = String::from_utf8(octets);
    text.map(Secret::new)
        .map_err(|_| Failed::Because("the password is not in UTF-8".to_owned()))
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
