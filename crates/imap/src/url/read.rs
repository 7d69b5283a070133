//! Octets to a [`Url`], from left to right: RFC 5092 §11.

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::{num::NonZeroU32, str};

use super::{Access, Authorization, Message, Range, Server, Target, Url, UrlError, Verifier};
use crate::{calendar::Day, command::Section, parse};

type Result<T> = core::result::Result<T, UrlError>;

const SCHEME: &[u8] = b"imap:";

// imapurl = "imap://" iserver ipath-query; imapurl-rel = inetwork-path / iabsolute-path / …
pub(super) fn url(url: &[u8]) -> Result<Url> {
    let path = match strip(url, SCHEME) {
        Some(rest) if rest.starts_with(b"//") => rest,
        Some(_) => return Err(UrlError::Server),
        None if has_scheme(url) => return Err(UrlError::Scheme),
        None => url,
    };
    let Some(rest) = path.strip_prefix(b"//") else {
        return relative(url);
    };
    let end = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#'));
    let (authority, path) = rest.split_at(end.unwrap_or(rest.len()));
    let server = Some(server(authority)?);
    let target = match path.split_first() {
        None => Target::Server,
        Some((b'/', command)) => self::command(command, url)?,
        Some(_) => return Err(UrlError::Server),
    };
    Ok(Url { server, target })
}

fn relative(url: &[u8]) -> Result<Url> {
    let target = match url.split_first() {
        Some((b'/', command)) => self::command(command, url)?,
        // irelative-path: only the parameters, of the base's mailbox.
        Some((b';', _)) => Target::Message(message(None, None, url, url)?),
        _ => return Err(UrlError::RelativePath),
    };
    let server = None;
    Ok(Url { server, target })
}

/// RFC 3986 §3.1: whether it begins with a scheme. `;UID=1:` does not.
fn has_scheme(url: &[u8]) -> bool {
    let end = url
        .iter()
        .position(|b| matches!(b, b':' | b'/' | b'?' | b';'));
    let end = end.filter(|at| url.get(*at) == Some(&b':'));
    end.is_some_and(|end| end > 0)
}

// iserver = [iuserinfo "@"] host [ ":" port ]
fn server(authority: &[u8]) -> Result<Server> {
    let (info, place) = match memchr::memchr(b'@', authority) {
        Some(at) => {
            let (info, place) = authority.split_at(at);
            (Some(info), place.get(1..).unwrap_or_default())
        }
        None => (None, authority),
    };
    // A colon within brackets belongs to an address of IPv6.
    let bracket = memchr::memrchr(b']', place).map_or(0, |at| at + 1);
    let (host, port) = place.split_at(bracket);
    let colon = memchr::memchr(b':', port).unwrap_or(port.len());
    let (name, port) = port.split_at(colon);
    let host = [host, name].concat();
    let is_host = |b: &u8| is_uchar(*b) || matches!(b, b'&' | b'=' | b'[' | b']' | b':' | b'%');
    if host.is_empty() || !host.iter().all(is_host) {
        return Err(UrlError::Server);
    }
    let port = match port.strip_prefix(b":") {
        None | Some([]) => None,
        Some(digits) => Some(decimal(digits).ok_or(UrlError::Server)?),
    };
    let (user, auth) = info.map_or(Ok((None, None)), user_info)?;
    Ok(Server {
        user,
        auth,
        host: text(host)?,
        port: port
            .map(u16::try_from)
            .transpose()
            .map_err(|_| UrlError::Server)?,
    })
}

// iuserinfo = enc-user [iauth] / [enc-user] iauth; iauth = ";AUTH=" ( "*" / enc-auth-type )
fn user_info(info: &[u8]) -> Result<(Option<String>, Option<String>)> {
    let end = memchr::memchr(b';', info).unwrap_or(info.len());
    let (user, auth) = info.split_at(end);
    let auth = match auth {
        [] => None,
        auth => Some(strip(auth, b";AUTH=").ok_or(UrlError::Server)?),
    };
    let user = (!user.is_empty())
        .then(|| name(user, is_achar))
        .transpose()?;
    let auth = auth.map(|auth| name(auth, is_achar)).transpose()?;
    if user.is_none() && auth.is_none() {
        return Err(UrlError::Server);
    }
    Ok((user, auth))
}

/// What follows the first `/` of a path. `whole` is all of the URL.
// icommand = imessagelist / imessagepart [iurlauth]
fn command(command: &[u8], whole: &[u8]) -> Result<Target> {
    let (path, search) = match memchr::memchr(b'?', command) {
        Some(at) => {
            let (path, search) = command.split_at(at);
            (path, Some(search.get(1..).unwrap_or_default()))
        }
        None => (command, None),
    };
    let path = without_dots(path);
    if path.is_empty() && search.is_none() {
        return Ok(Target::Server);
    }
    let (mailbox, rest) = value(&path, is_bchar)?;
    let (uid_validity, rest) = match strip(rest, b";UIDVALIDITY=") {
        Some(rest) => {
            let (digits, rest) = value(rest, is_slash_or_digit)?;
            (Some(number(unslashed(digits, rest))?), rest)
        }
        None => (None, rest),
    };
    let is_list = rest.is_empty();
    let mailbox = match (mailbox, uid_validity) {
        // The slash before ";UID=" is none of the name's; after a list's name it is forgiven.
        (mailbox, None) => mailbox.strip_suffix(b"/").unwrap_or(mailbox),
        (mailbox, Some(_)) => mailbox,
    };
    let mailbox = name(mailbox, is_bchar)?;
    if is_list {
        let search = search.map(|search| checked(search, is_bchar)).transpose()?;
        return Ok(Target::List {
            mailbox,
            uid_validity,
            search: search.map(|search| text(search.to_vec())).transpose()?,
        });
    }
    if search.is_some() {
        return Err(UrlError::Parameter);
    }
    let message = message(Some(mailbox), uid_validity, rest, whole)?;
    // A token is for the octets as they stand: whoever authorizes writes no dots.
    if message.authorization.is_some() && matches!(path, Cow::Owned(_)) {
        return Err(UrlError::Authorization);
    }
    Ok(Target::Message(message))
}

/// From `;UID=` on.
// imessagepart = imailbox-ref iuid [isection] [ipartial]
fn message(
    mailbox: Option<String>,
    uid_validity: Option<NonZeroU32>,
    rest: &[u8],
    whole: &[u8],
) -> Result<Message> {
    let rest = strip(rest, b";UID=").ok_or(UrlError::Parameter)?;
    let (digits, mut rest) = value(rest, is_slash_or_digit)?;
    let uid = number(unslashed(digits, rest))?;
    let mut read = Message {
        mailbox,
        uid_validity,
        uid,
        section: None,
        partial: None,
        expires: None,
        authorization: None,
    };
    if let Some(after) = strip(rest, b";SECTION=") {
        let (value, after) = value(after, is_bchar)?;
        read.section = Some(section(unslashed(value, after))?);
        rest = after;
    }
    if let Some(after) = strip(rest, b";PARTIAL=") {
        let (value, after) = value(after, |b| b.is_ascii_digit() || b == b'.')?;
        read.partial = Some(partial(value)?);
        rest = after;
    }
    if let Some(after) = strip(rest, b";EXPIRE=") {
        let (value, after) = value(after, is_bchar)?;
        read.expires = Some(date_time(value)?);
        rest = after;
    }
    if let Some(after) = strip(rest, b";URLAUTH=") {
        let before = whole.len() - after.len();
        read.authorization = Some(authorization(after, before)?);
        rest = &[];
    }
    if rest.is_empty() {
        Ok(read)
    } else {
        Err(UrlError::Parameter)
    }
}

// iurlauth-rump = [expire] ";URLAUTH=" access; iua-verifier = ":" uauth-mechanism ":" enc-urlauth
fn authorization(value: &[u8], before: usize) -> Result<Authorization> {
    let end = memchr::memchr(b':', value).unwrap_or(value.len());
    let (access, verifier) = value.split_at(end);
    let user = |rest| name(rest, is_achar);
    let access = if let Some(rest) = strip(access, b"submit+") {
        Access::Submit(user(rest)?)
    } else if let Some(rest) = strip(access, b"user+") {
        Access::User(user(rest)?)
    } else if access.eq_ignore_ascii_case(b"authuser") {
        Access::AuthUser
    } else if access.eq_ignore_ascii_case(b"anonymous") {
        Access::Anonymous
    } else {
        return Err(UrlError::Authorization);
    };
    let verifier = match verifier.strip_prefix(b":") {
        None => None,
        Some(rest) => {
            let colon = memchr::memchr(b':', rest).ok_or(UrlError::Authorization)?;
            let (mechanism, token) = rest.split_at(colon);
            let token = token.get(1..).unwrap_or_default();
            let is_mechanism = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
            if mechanism.is_empty()
                || !mechanism.iter().all(is_mechanism)
                || token.len() < 32
                || !token.iter().all(u8::is_ascii_hexdigit)
            {
                return Err(UrlError::Authorization);
            }
            Some(Verifier {
                mechanism: text(mechanism.to_vec())?,
                token: text(token.to_vec())?,
                rump: before + end,
            })
        }
    };
    Ok(Authorization { access, verifier })
}

// enc-section = 1*bchar: %-encoded version of "section-spec"
fn section(value: &[u8]) -> Result<Section> {
    let spec = decoded(value, is_bchar)?;
    parse::section(&spec).ok_or(UrlError::Section)
}

// partial-range = number ["." nz-number]
fn partial(value: &[u8]) -> Result<Range> {
    let dot = memchr::memchr(b'.', value).unwrap_or(value.len());
    let (start, count) = value.split_at(dot);
    let start = decimal(start).ok_or(UrlError::Partial)?;
    let count = match count.strip_prefix(b".") {
        None => None,
        Some(digits) => Some(
            decimal(digits)
                .filter(|n| *n > 0)
                .ok_or(UrlError::Partial)?,
        ),
    };
    Ok(Range { start, count })
}

/// RFC 3339, in unix seconds; fractions are cut off, leap seconds are the next second.
fn date_time(value: &[u8]) -> Result<i64> {
    timestamp(value).ok_or(UrlError::Expire)
}

// date-time = full-date "T" full-time
fn timestamp(value: &[u8]) -> Option<i64> {
    let (date, rest) = value.split_at_checked(10)?;
    let (b'T' | b't', rest) = rest.split_first().map(|(t, rest)| (*t, rest))? else {
        return None;
    };
    let (time, rest) = rest.split_at_checked(8)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else {
        return None;
    };
    let [h1, h2, b':', n1, n2, b':', s1, s2] = *time else {
        return None;
    };
    let day = Day {
        year: i64::try_from(decimal(&[y1, y2, y3, y4])?).ok()?,
        month: two(m1, m2, 12)?,
        of_month: two(d1, d2, 31)?,
    };
    let (hour, minute, second) = (two(h1, h2, 23)?, two(n1, n2, 59)?, two(s1, s2, 60)?);
    let zone = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let end = fraction.iter().position(|b| !b.is_ascii_digit())?;
            fraction.get(end..).filter(|_| end > 0)?
        }
        None => rest,
    };
    let east = match *zone {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let minutes = i64::from(two(h1, h2, 23)?) * 60 + i64::from(two(m1, m2, 59)?);
            if sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let of_day = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    Some(i64::from(day.to_days()?) * 86_400 + of_day - east * 60)
}

fn two(tens: u8, ones: u8, max: u8) -> Option<u8> {
    let n = u8::try_from(decimal(&[tens, ones])?).ok()?;
    (n <= max).then_some(n)
}

/// Takes a prefix off, in any case.
fn strip<'a>(octets: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = octets.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// A value up to the next parameter.
fn value(octets: &[u8], permitted: fn(u8) -> bool) -> Result<(&[u8], &[u8])> {
    let end = memchr::memchr(b';', octets).unwrap_or(octets.len());
    let (value, rest) = octets.split_at(end);
    Ok((checked(value, permitted)?, rest))
}

/// A value without the slash that belongs to the parameter after it.
fn unslashed<'a>(value: &'a [u8], rest: &[u8]) -> &'a [u8] {
    match value.strip_suffix(b"/") {
        Some(value) if !rest.is_empty() => value,
        _ => value,
    }
}

fn checked(value: &[u8], permitted: fn(u8) -> bool) -> Result<&[u8]> {
    if value.iter().all(|&b| permitted(b) || b == b'%') {
        Ok(value)
    } else {
        Err(UrlError::Character)
    }
}

fn number(digits: &[u8]) -> Result<NonZeroU32> {
    let number = decimal(digits).and_then(|n| u32::try_from(n).ok());
    number.and_then(NonZeroU32::new).ok_or(UrlError::Number)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().try_fold(0_i64, |n, digit| {
        n.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
    });
    number.and_then(|n| u64::try_from(n).ok())
}

/// A name, decoded: UTF-8, and not empty.
fn name(value: &[u8], permitted: fn(u8) -> bool) -> Result<String> {
    if value.is_empty() {
        return Err(UrlError::Name);
    }
    String::from_utf8(decoded(value, permitted)?).map_err(|_| UrlError::Name)
}

fn text(octets: Vec<u8>) -> Result<String> {
    String::from_utf8(octets).map_err(|_| UrlError::Character)
}

// pct-encoded = "%" HEXDIG HEXDIG
fn decoded(value: &[u8], permitted: fn(u8) -> bool) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        if octet != b'%' {
            if !permitted(octet) {
                return Err(UrlError::Character);
            }
            out.push(octet);
            continue;
        }
        let (pair, after) = after.split_at_checked(2).ok_or(UrlError::Character)?;
        if !pair.iter().all(u8::is_ascii_hexdigit) {
            return Err(UrlError::Character);
        }
        let pair = str::from_utf8(pair).map_err(|_| UrlError::Character)?;
        out.push(u8::from_str_radix(pair, 16).map_err(|_| UrlError::Character)?);
        rest = after;
    }
    Ok(out)
}

/// RFC 3986 §5.2.4, of a path without its first `/`.
fn without_dots(path: &[u8]) -> Cow<'_, [u8]> {
    let is_dots = |segment: &[u8]| matches!(segment, b"." | b"..");
    if !path.split(|b| *b == b'/').any(is_dots) {
        return Cow::Borrowed(path);
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut ends_open = false;
    for segment in path.split(|b| *b == b'/') {
        ends_open = is_dots(segment);
        match segment {
            b"." => {}
            b".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let mut path = kept.join(&b'/');
    if ends_open && !path.is_empty() {
        path.push(b'/');
    }
    Cow::Owned(path)
}

// uchar = unreserved / sub-delims-sh / pct-encoded
const fn is_uchar(b: u8) -> bool {
    b.is_ascii_alphanumeric()
        || matches!(
            b,
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'\'' | b'(' | b')' | b'*' | b'+' | b','
        )
}

// achar = uchar / "&" / "="
const fn is_achar(b: u8) -> bool {
    is_uchar(b) || matches!(b, b'&' | b'=')
}

// bchar = achar / ":" / "@" / "/"
const fn is_bchar(b: u8) -> bool {
    is_achar(b) || matches!(b, b':' | b'@' | b'/')
}

const fn is_slash_or_digit(b: u8) -> bool {
    b.is_ascii_digit() || b == b'/'
}
