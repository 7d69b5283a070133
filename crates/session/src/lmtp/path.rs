//! Reverse and forward paths: RFC 5321 §4.1.2, RFC 6531 §3.3.

/// What stood between `<` and `>`, without a source route: octets, since they may
/// be of any charset, but without a control character, so that they fit into a header field.
pub(super) type Path = Vec<u8>;

/// A forward path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recipient {
    /// As the client wrote it, for trace fields.
    pub(super) path: Path,
    /// Without quotes.
    pub(super) local_part: String,
    /// Absent from `<postmaster>` and the like.
    pub(super) domain: Option<String>,
}

/// The longest path, in octets. RFC 5321 §4.5.3.1.3 asks for 256; this is as much as
/// fits into a line of a trace field (RFC 5322 §2.1.1).
const PATH_OCTETS_MAX: usize = 900;

/// A reverse path, `<>` included, and what follows it.
pub(super) fn reverse(octets: &[u8]) -> Option<(Path, &[u8])> {
    let (path, rest) = bracketed(octets)?;
    if !path.is_empty() {
        split(path)?;
    }
    Some((path.to_vec(), rest))
}

/// A forward path, and what follows it.
pub(super) fn forward(octets: &[u8]) -> Option<(Recipient, &[u8])> {
    let (path, rest) = bracketed(octets)?;
    let (local_part, domain) = split(path)?;
    let recipient = Recipient {
        path: path.to_vec(),
        local_part: String::from_utf8(local_part).ok()?,
        domain: match domain {
            Some(domain) => Some(str::from_utf8(domain).ok()?.to_owned()),
            None => None,
        },
    };
    Some((recipient, rest))
}

/// What is between the brackets, without a source route, and what follows them.
fn bracketed(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = octets.strip_prefix(b"<")?;
    let (mut quoted, mut escaped) = (false, false);
    let end = inner.iter().position(|&octet| {
        let escape = std::mem::replace(&mut escaped, false);
        match octet {
            _ if escape => {}
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' => return !quoted,
            _ => {}
        }
        false
    })?;
    let (path, rest) = (inner.get(..end)?, inner.get(end + 1..)?);
    if end > PATH_OCTETS_MAX || path.iter().any(u8::is_ascii_control) {
        return None;
    }
    if !rest.is_empty() && !rest.starts_with(b" ") {
        return None;
    }
    Some((without_route(path)?, rest))
}

/// RFC 5321 appendix C: a source route is taken and ignored.
fn without_route(path: &[u8]) -> Option<&[u8]> {
    if !path.starts_with(b"@") {
        return Some(path);
    }
    path.get(path.iter().position(|&o| o == b':')? + 1..)
}

/// The local part, unquoted, and the domain.
fn split(path: &[u8]) -> Option<(Vec<u8>, Option<&[u8]>)> {
    let (local_part, rest) = match path.strip_prefix(b"\"") {
        Some(quoted) => unquote(quoted)?,
        None => plain(path),
    };
    let domain = match rest {
        [] => None,
        [b'@', domain @ ..] => Some(domain),
        _ => return None,
    };
    let domain_fits =
        domain.is_none_or(|d| !d.is_empty() && !d.iter().any(|o| b" <>\"@".contains(o)));
    (!local_part.is_empty() && domain_fits).then_some((local_part, domain))
}

fn plain(path: &[u8]) -> (Vec<u8>, &[u8]) {
    let end = path.iter().position(|&o| o == b'@').unwrap_or(path.len());
    let (local_part, rest) = path.split_at(end);
    if local_part.iter().any(|o| b" <>\"(),:;\\".contains(o)) {
        return (Vec::new(), rest);
    }
    (local_part.to_vec(), rest)
}

/// The content of a quoted string whose first quote is gone, and what follows it.
fn unquote(octets: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut content = Vec::with_capacity(octets.len());
    let mut rest = octets;
    loop {
        match rest {
            [b'"', after @ ..] => return Some((content, after)),
            [b'\\', octet, after @ ..] | [octet, after @ ..] => {
                content.push(*octet);
                rest = after;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forward_paths() {
        for (wire, expected) in [
            ("<a@b.c>", Some(("a", Some("b.c"), ""))),
            ("<a+b/c@b> X", Some(("a+b/c", Some("b"), " X"))),
            ("<postmaster>", Some(("postmaster", None, ""))),
            ("<@x,@y:a@b>", Some(("a", Some("b"), ""))),
            ("<\"a b\\\"@>\"@b>", Some(("a b\"@>", Some("b"), ""))),
            ("<a@[192.0.2.1]>", Some(("a", Some("[192.0.2.1]"), ""))),
            ("<иван@почта.рф>", Some(("иван", Some("почта.рф"), ""))),
            ("<>", None),
            ("<a@>", None),
            ("<@b>", None),
            ("<a b@c>", None),
            ("<a@b@c>", None),
            ("<\"a>", None),
            ("<\"a\"b@c>", None),
            ("<a@b", None),
            ("a@b", None),
            ("<a@b>X", None),
            ("<a\r\nb@c>", None),
            ("<a\0@b>", None),
        ] {
            let parsed = forward(wire.as_bytes());
            let parsed = parsed.as_ref().map(|(r, rest)| {
                let rest = str::from_utf8(rest).unwrap();
                (&*r.local_part, r.domain.as_deref(), rest)
            });
            assert_eq!(parsed, expected, "{wire}");
        }
    }

    #[test]
    fn reverse_paths_may_be_empty_or_of_any_charset() {
        assert_eq!(reverse(b"<>"), Some((Vec::new(), &b""[..])));
        assert_eq!(
            reverse(b"<caf\xe9@b> SIZE=1"),
            Some((b"caf\xe9@b".to_vec(), &b" SIZE=1"[..]))
        );
        assert_eq!(reverse(b"<a\nb@c>"), None);
        let long = format!("<{}@b>", "a".repeat(PATH_OCTETS_MAX));
        assert_eq!(reverse(long.as_bytes()), None);
    }

    #[test]
    fn a_recipient_of_no_charset_is_nobody() {
        assert_eq!(forward(b"<caf\xe9@b>"), None);
    }
}
