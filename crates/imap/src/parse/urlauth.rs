//! GENURLAUTH, RESETKEY and URLFETCH: RFC 4467, RFC 5524. URLs stay as they were sent: what they are is
//! [`crate::url`]'s affair, and a wrong one is answered otherwise than a wrong command.

use alloc::{string::String, vec::Vec};

use super::{
    cursor::{Cursor, Result},
    mailbox,
};
use crate::command::{Authenticated, Command, UrlFetch, UrlFetchParams, UrlOctets};

/// The most URLs of one command: each may be a message to be read.
const URLS_MAX: usize = 1000;

// genurlauth = "GENURLAUTH" 1*(SP url-rump SP mechanism)
pub(super) fn genurlauth(c: &mut Cursor<'_>) -> Result<Command> {
    let mut urls = Vec::new();
    c.sp("GENURLAUTH")?;
    loop {
        let url = c.astring("a URL")?;
        c.sp("the URL")?;
        urls.push((url, mechanism(c)?));
        room(c, urls.len())?;
        if !c.more() {
            break;
        }
    }
    Ok(Command::Authenticated(Authenticated::GenUrlAuth(urls)))
}

// resetkey = "RESETKEY" [SP mailbox *(SP mechanism)]
pub(super) fn resetkey(c: &mut Cursor<'_>) -> Result<Command> {
    if c.rest().trim_ascii().is_empty() {
        return Ok(Command::Authenticated(Authenticated::ResetKey(None)));
    }
    let mailbox = mailbox::one(c)?;
    let mut mechanisms = Vec::new();
    while c.more() {
        mechanisms.push(mechanism(c)?);
    }
    let key = Some((mailbox, mechanisms));
    Ok(Command::Authenticated(Authenticated::ResetKey(key)))
}

// mechanism = "INTERNAL" / 1*(ALPHA / DIGIT / "-" / ".")
fn mechanism(c: &mut Cursor<'_>) -> Result<String> {
    let is_mechanism = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    c.word(is_mechanism, "a mechanism of URLAUTH")
        .map(String::from)
}

// urlfetch = "URLFETCH" 1*(SP url-fetch-arg); url-fetch-arg = url-fetch-simple / url-fetch-ext
pub(super) fn urlfetch(c: &mut Cursor<'_>) -> Result<Command> {
    let mut urls = Vec::new();
    c.sp("URLFETCH")?;
    loop {
        urls.push(if c.eat(b'(') {
            url_fetch_ext(c)?
        } else {
            UrlFetch {
                url: c.astring("a URL")?,
                params: UrlFetchParams::default(),
            }
        });
        room(c, urls.len())?;
        if !c.more() {
            break;
        }
    }
    Ok(Command::Authenticated(Authenticated::UrlFetch(urls)))
}

// url-fetch-ext = "(" url-full *(SP url-fetch-param) ")"
fn url_fetch_ext(c: &mut Cursor<'_>) -> Result<UrlFetch> {
    c.skip_spaces();
    let url = c.astring("a URL")?;
    let mut params = UrlFetchParams::default();
    while c.more() && c.peek() != Some(b')') {
        // RFC 5524 §3.1: none twice, and not both BODY and BINARY.
        let twice = if c.eat_word("BODYPARTSTRUCTURE") {
            core::mem::replace(&mut params.structure, true)
        } else if c.eat_word("BINARY") {
            params.octets.replace(UrlOctets::Binary).is_some()
        } else if c.eat_word("BODY") {
            params.octets.replace(UrlOctets::Body).is_some()
        } else {
            return c.expected("BODY, BINARY or BODYPARTSTRUCTURE");
        };
        if twice {
            return c.fault("a URL with the same item twice, or with both BODY and BINARY");
        }
    }
    c.expect(b')', "')' after a URL and its items")?;
    Ok(UrlFetch { url, params })
}

fn room(c: &Cursor<'_>, urls: usize) -> Result<()> {
    if urls > URLS_MAX {
        return c.fault("too many URLs");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString, vec};

    fn read(rest: &str) -> Option<Authenticated> {
        match crate::parse::command(format!("a {rest}").as_bytes())
            .ok()?
            .command
        {
            Command::Authenticated(command) => Some(command),
            _ => None,
        }
    }

    #[test]
    fn commands_of_urlauth() {
        let url = |url: &str| url.as_bytes().to_vec();
        let fetch = |text: &str, structure, octets| UrlFetch {
            url: url(text),
            params: UrlFetchParams { structure, octets },
        };
        let internal = || "INTERNAL".to_string();
        let mailbox = crate::command::Mailbox(url("INBOX"));
        for (rest, expected) in [
            (
                "GENURLAUTH \"x\" INTERNAL {1}\r\ny XSAMPLE",
                Some(Authenticated::GenUrlAuth(vec![
                    (url("x"), internal()),
                    (url("y"), "XSAMPLE".to_string()),
                ])),
            ),
            ("GENURLAUTH x", None),
            ("GENURLAUTH", None),
            ("RESETKEY", Some(Authenticated::ResetKey(None))),
            (
                "RESETKEY INBOX",
                Some(Authenticated::ResetKey(Some((mailbox.clone(), vec![])))),
            ),
            (
                "RESETKEY INBOX INTERNAL",
                Some(Authenticated::ResetKey(Some((mailbox, vec![internal()])))),
            ),
            (
                "URLFETCH x (y) (z BODYPARTSTRUCTURE BINARY) (v BODY)",
                Some(Authenticated::UrlFetch(vec![
                    fetch("x", false, None),
                    fetch("y", false, None),
                    fetch("z", true, Some(UrlOctets::Binary)),
                    fetch("v", false, Some(UrlOctets::Body)),
                ])),
            ),
            ("URLFETCH (x BINARY BODY)", None),
            ("URLFETCH (x BODY BODY)", None),
            ("URLFETCH (x ENVELOPE)", None),
            ("URLFETCH (x", None),
            ("URLFETCH", None),
        ] {
            assert_eq!(read(rest), expected, "{rest}");
        }
    }
}
