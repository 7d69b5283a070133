//! Commands: one line to one value (RFC 5321 §4.1, RFC 3030, RFC 3207).
//!
//! Parsing is complete before anything acts. What is wrong with a line is
//! said by the reply that it gets.

use super::{
    path::{Path, Recipient, forward, reverse},
    reply::{self, Reply},
};

/// A command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// LHLO, with the client's name.
    Lhlo(String),
    /// HELO and EHLO, which are not LMTP.
    Helo,
    /// MAIL.
    Mail(Mail),
    /// RCPT.
    Rcpt(Rcpt),
    /// DATA.
    Data,
    /// BDAT: so many octets follow.
    Bdat(u64, Chunk),
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// VRFY.
    Vrfy,
    /// HELP.
    Help,
    /// QUIT.
    Quit,
    /// STARTTLS.
    StartTls,
    /// BDAT whose size can't be read: nobody knows where commands resume.
    Lost,
}

/// Whether a chunk is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunk {
    /// More follow.
    More,
    /// `LAST`.
    Last,
}

/// MAIL, parsed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Mail {
    /// The reverse path; empty for `<>`.
    pub(super) from: Path,
    /// The size declared: RFC 1870.
    pub(super) size: Option<u64>,
    /// `BODY=`.
    pub(super) body: Option<Body>,
    /// `SMTPUTF8`: RFC 6531.
    pub(super) utf8: bool,
}

/// RCPT, parsed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rcpt {
    /// The forward path.
    pub(super) to: Recipient,
    /// `IGNOREQUOTA`, which Cyrus has: mail is delivered though there is no room.
    pub(super) ignore_quota: bool,
}

/// What `BODY=` declares: RFC 6152, RFC 3030.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// `7BIT`.
    SevenBit,
    /// `8BITMIME`.
    EightBitMime,
    /// `BINARYMIME`.
    BinaryMime,
}

/// The longest client name that is let into a trace field, in octets: RFC 5321 §4.5.3.1.2.
const CLIENT_OCTETS_MAX: usize = 255;

/// Parses a line, its CRLF taken off.
pub(super) fn parse(line: &[u8]) -> Result<Command, Reply> {
    let (verb, rest) = word(line);
    let verb = verb.to_ascii_uppercase();
    match &*verb {
        b"LHLO" => client(rest).map(Command::Lhlo),
        b"HELO" | b"EHLO" => Ok(Command::Helo),
        b"MAIL" => mail(rest).map(Command::Mail),
        b"RCPT" => rcpt(rest).map(Command::Rcpt),
        b"BDAT" => Ok(bdat(rest)),
        b"NOOP" => Ok(Command::Noop),
        b"VRFY" => Ok(Command::Vrfy),
        b"HELP" => Ok(Command::Help),
        b"DATA" => alone(rest, Command::Data),
        b"RSET" => alone(rest, Command::Rset),
        b"QUIT" => alone(rest, Command::Quit),
        b"STARTTLS" => alone(rest, Command::StartTls),
        _ => Err(reply::UNKNOWN_COMMAND),
    }
}

/// The first word, and what follows the spaces after it.
fn word(octets: &[u8]) -> (&[u8], &[u8]) {
    let octets = octets.trim_ascii();
    let end = octets
        .iter()
        .position(|&o| o == b' ')
        .unwrap_or(octets.len());
    let (word, rest) = octets.split_at(end);
    (word, rest.trim_ascii())
}

fn alone(rest: &[u8], command: Command) -> Result<Command, Reply> {
    if rest.is_empty() {
        Ok(command)
    } else {
        Err(reply::NO_ARGUMENT)
    }
}

/// The name goes into a trace field: a domain or an address literal, nothing else.
fn client(rest: &[u8]) -> Result<String, Reply> {
    let name = str::from_utf8(rest).map_err(|_| reply::BAD_ARGUMENT)?;
    let fits = |c: char| {
        c.is_ascii_alphanumeric() || "-._:[]".contains(c) || (!c.is_ascii() && c.is_alphanumeric())
    };
    if name.is_empty() || name.len() > CLIENT_OCTETS_MAX || !name.chars().all(fits) {
        return Err(reply::BAD_ARGUMENT);
    }
    Ok(name.to_owned())
}

fn mail(rest: &[u8]) -> Result<Mail, Reply> {
    let after = keyword(rest, b"FROM:").ok_or(reply::BAD_ARGUMENT)?;
    let (from, parameters) = reverse(after).ok_or(reply::BAD_SENDER)?;
    let mut mail = Mail {
        from,
        ..Mail::default()
    };
    for parameter in words(parameters) {
        // RFC 5321 §4.1.1.11: 555 for parameters that are not known.
        mail.take(parameter).ok_or(reply::BAD_PARAMETER)?;
    }
    Ok(mail)
}

impl Mail {
    fn take(&mut self, parameter: &[u8]) -> Option<()> {
        let (name, value) = match parameter.iter().position(|&o| o == b'=') {
            Some(at) => (parameter.get(..at)?, parameter.get(at + 1..)),
            None => (parameter, None),
        };
        match (&*name.to_ascii_uppercase(), value) {
            (b"SIZE", Some(value)) if self.size.is_none() => self.size = Some(number(value)?),
            (b"BODY", Some(value)) if self.body.is_none() => self.body = Some(body(value)?),
            (b"SMTPUTF8", None) if !self.utf8 => self.utf8 = true,
            _ => return None,
        }
        Some(())
    }
}

fn body(value: &[u8]) -> Option<Body> {
    match &*value.to_ascii_uppercase() {
        b"7BIT" => Some(Body::SevenBit),
        b"8BITMIME" => Some(Body::EightBitMime),
        b"BINARYMIME" => Some(Body::BinaryMime),
        _ => None,
    }
}

fn rcpt(rest: &[u8]) -> Result<Rcpt, Reply> {
    let after = keyword(rest, b"TO:").ok_or(reply::BAD_ARGUMENT)?;
    let (to, parameters) = forward(after).ok_or(reply::BAD_RECIPIENT)?;
    let mut parameters = words(parameters);
    let first = parameters.next();
    let ignore_quota = first.is_some_and(|p| p.eq_ignore_ascii_case(b"IGNOREQUOTA"));
    if (first.is_some() && !ignore_quota) || parameters.next().is_some() {
        return Err(reply::BAD_PARAMETER);
    }
    Ok(Rcpt { to, ignore_quota })
}

fn bdat(rest: &[u8]) -> Command {
    let (size, last) = word(rest);
    match (number(size), &*last.to_ascii_uppercase()) {
        (Some(size), b"") => Command::Bdat(size, Chunk::More),
        (Some(size), b"LAST") => Command::Bdat(size, Chunk::Last),
        _ => Command::Lost,
    }
}

/// What follows a keyword, in any case; spaces after it are let pass, as many clients send them.
fn keyword<'a>(octets: &'a [u8], keyword: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = octets.split_at_checked(keyword.len())?;
    head.eq_ignore_ascii_case(keyword)
        .then(|| rest.trim_ascii_start())
}

fn words(octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    octets.split(|&o| o == b' ').filter(|word| !word.is_empty())
}

/// Digits only, at most 20 of them: RFC 1870 §5.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 20 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_commands() {
        for (line, command) in [
            ("lhlo mx.example", Command::Lhlo("mx.example".into())),
            ("LHLO [IPv6:::1]", Command::Lhlo("[IPv6:::1]".into())),
            ("EHLO x", Command::Helo),
            ("DATA", Command::Data),
            ("data ", Command::Data),
            ("NOOP anything at all", Command::Noop),
            ("BDAT 12", Command::Bdat(12, Chunk::More)),
            ("bdat 0 last", Command::Bdat(0, Chunk::Last)),
            ("BDAT", Command::Lost),
            ("BDAT -1", Command::Lost),
            ("BDAT 99999999999999999999", Command::Lost),
            ("BDAT 1 FIRST", Command::Lost),
        ] {
            assert_eq!(parse(line.as_bytes()), Ok(command), "{line}");
        }
    }

    #[test]
    fn mail_takes_the_parameters_offered_once_each() {
        let parsed = |line: &str| match parse(line.as_bytes()) {
            Ok(Command::Mail(mail)) => Ok((mail.size, mail.body, mail.utf8)),
            Ok(other) => panic!("{other:?}"),
            Err(reply) => Err(reply),
        };
        for (line, expected) in [
            ("MAIL FROM:<a@b>", Ok((None, None, false))),
            ("mail from: <>  size=10", Ok((Some(10), None, false))),
            (
                "MAIL FROM:<a@b> BODY=8bitmime SMTPUTF8 SIZE=1",
                Ok((Some(1), Some(Body::EightBitMime), true)),
            ),
            (
                "MAIL FROM:<a@b> BODY=BINARYMIME",
                Ok((None, Some(Body::BinaryMime), false)),
            ),
            ("MAIL FROM:<a@b> RET=FULL", Err(reply::BAD_PARAMETER)),
            ("MAIL FROM:<a@b> SIZE=1 SIZE=2", Err(reply::BAD_PARAMETER)),
            ("MAIL FROM:<a@b> SMTPUTF8=1", Err(reply::BAD_PARAMETER)),
            ("MAIL FROM:<a@b> BODY=9BIT", Err(reply::BAD_PARAMETER)),
            ("MAIL FROM:a@b", Err(reply::BAD_SENDER)),
            ("MAIL TO:<a@b>", Err(reply::BAD_ARGUMENT)),
            ("MAIL", Err(reply::BAD_ARGUMENT)),
        ] {
            assert_eq!(parsed(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_wrong_gets_its_reply() {
        for (line, expected) in [
            ("LHLO", reply::BAD_ARGUMENT),
            ("LHLO a b", reply::BAD_ARGUMENT),
            ("LHLO a(b)", reply::BAD_ARGUMENT),
            ("DATA x", reply::NO_ARGUMENT),
            ("RCPT TO:<>", reply::BAD_RECIPIENT),
            ("RCPT TO:<a@b> NOTIFY=NEVER", reply::BAD_PARAMETER),
            ("RCPT TO:<a@b> IGNOREQUOTA=1", reply::BAD_PARAMETER),
            (
                "RCPT TO:<a@b> IGNOREQUOTA IGNOREQUOTA",
                reply::BAD_PARAMETER,
            ),
            ("EXPN x", reply::UNKNOWN_COMMAND),
            ("", reply::UNKNOWN_COMMAND),
            ("\0\u{1}", reply::UNKNOWN_COMMAND),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(expected), "{line}");
        }
    }
}
