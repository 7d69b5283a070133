//! The base subject (RFC 5256 §2.1).

use alloc::string::String;

use crate::encoded_word;

/// The base subject of an unfolded `Subject` value: what is left without
/// `Re:`, `Fwd:`, `[list]` and their like, in UTF-8.
#[must_use]
pub fn base(subject: &[u8]) -> String {
    // (1): decode; white space becomes single spaces.
    let decoded = encoded_word::decode(subject);
    let mut text = String::with_capacity(decoded.len());
    for word in decoded
        .split([' ', '\t', '\r', '\n'])
        .filter(|w| !w.is_empty())
    {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    String::from(strip(&text))
}

/// Steps (2) to (6).
fn strip(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = without_trailers(rest);
        rest = without_leaders(rest);
        match without_forward(rest) {
            Some(inner) => rest = inner,
            None => return rest,
        }
    }
}

/// (2): `subj-trailer = "(fwd)" / WSP`.
fn without_trailers(text: &str) -> &str {
    let mut rest = text.trim_matches(' ');
    while let Some(shorter) = strip_suffix_ignore_case(rest, "(fwd)") {
        rest = shorter.trim_end_matches(' ');
    }
    rest
}

/// (3) to (5): `subj-leader`, and a `subj-blob` that leaves something.
fn without_leaders(text: &str) -> &str {
    let mut rest = text.trim_start_matches(' ');
    loop {
        rest = match (leader(rest), blob(rest)) {
            (Some(shorter), _) => shorter.trim_start_matches(' '),
            (None, Some(shorter)) if !shorter.is_empty() => shorter,
            _ => return rest,
        };
    }
}

/// `*subj-blob subj-refwd`. Blobs before what is no refwd are looked at once
/// here, and dropped by the caller one by one: the limit on them keeps that linear.
fn leader(text: &str) -> Option<&str> {
    const BLOBS_MAX: usize = 16;
    let mut rest = text;
    for _ in 0..BLOBS_MAX {
        match blob(rest) {
            Some(shorter) => rest = shorter,
            None => break,
        }
    }
    refwd(rest)
}

/// `("re" / ("fw" ["d"])) *WSP [subj-blob] ":"`.
fn refwd(text: &str) -> Option<&str> {
    let rest = ["re", "fwd", "fw"]
        .iter()
        .find_map(|word| strip_prefix_ignore_case(text, word))?
        .trim_start_matches(' ');
    blob(rest).unwrap_or(rest).strip_prefix(':')
}

/// `"[" *BLOBCHAR "]" *WSP`.
fn blob(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    let end = inner.find(['[', ']'])?;
    let rest = inner.get(end..)?.strip_prefix(']')?;
    Some(rest.trim_start_matches(' '))
}

/// (6): `[fwd: … ]`.
fn without_forward(text: &str) -> Option<&str> {
    strip_prefix_ignore_case(text, "[fwd:")?.strip_suffix(']')
}

fn strip_prefix_ignore_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn strip_suffix_ignore_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let (rest, tail) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    tail.eq_ignore_ascii_case(suffix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_are_removed() {
        for (subject, expected) in [
            ("", ""),
            ("hello", "hello"),
            ("Re: hello", "hello"),
            ("RE:  Fwd : fw:hello (fwd) (FWD) ", "hello"),
            ("Re[2]: hello", "hello"),
            ("[list] Re: [list] hello", "hello"),
            ("[a][b] hello", "hello"),
            ("[only]", "[only]"),
            ("Re: [only]", "[only]"),
            ("[fwd: Re: hello]", "hello"),
            ("[fwd: [fwd: hello (fwd)]] (fwd)", "hello"),
            ("a\t b\r\n c", "a b c"),
            ("=?utf-8?q?Re:_J=C3=B6rg?=", "J\u{f6}rg"),
            ("regards", "regards"),
            ("Re: ", ""),
            ("[unclosed hello", "[unclosed hello"),
        ] {
            assert_eq!(base(subject.as_bytes()), expected, "{subject}");
        }
    }
}
