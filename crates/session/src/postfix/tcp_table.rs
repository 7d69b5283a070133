//! The protocol of TCP tables: `tcp_table(5)`.

use super::{
    Cut,
    answer::{Answer, Question, Table},
};

/// Cuts a request off: `get SP key LF`.
pub(super) fn cut(octets: &[u8]) -> Cut {
    let Some(end) = octets.iter().position(|&o| o == b'\n') else {
        return Cut::More;
    };
    let line = octets.get(..end).unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Cut::Question(question(line), end + 1)
}

fn question(line: &[u8]) -> Question {
    let (verb, key) = line.split_at_checked(4).unwrap_or_default();
    if !verb.eq_ignore_ascii_case(b"get ") {
        return Question::Unclear("A request is: get, a space, and a key");
    }
    match decoded(key.trim_ascii()) {
        Some(key) => Question::lookup(Table::Recipients, &key),
        None => Question::Unclear("A percent sign wants two hexadecimal digits"),
    }
}

/// Appends a reply. There are two ways to say no: that the key is not there, and to ask again later.
pub(super) fn write(answer: &Answer, into: &mut Vec<u8>) {
    let (code, text) = match answer {
        Answer::Found(value) => ("200", &**value),
        Answer::NotFound => ("500", "Not found"),
        Answer::NotNow(why) | Answer::Never(why) => ("400", why.text),
        Answer::Unclear(what) => ("400", *what),
    };
    into.extend_from_slice(code.as_bytes());
    into.push(b' ');
    encode(text, into);
    into.push(b'\n');
}

/// `None` if a `%` is not followed by two hexadecimal digits.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        match rest {
            [b'%', high, low, after @ ..] => {
                let digit = |octet: &u8| char::from(*octet).to_digit(16);
                octets.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
                rest = after;
            }
            [b'%', ..] => return None,
            [octet, after @ ..] => {
                octets.push(*octet);
                rest = after;
            }
            [] => return Some(octets),
        }
    }
}

/// Appends a text in which `%`, white space, and what can't be printed in ASCII is encoded.
fn encode(text: &str, into: &mut Vec<u8>) {
    for octet in text.bytes() {
        if octet.is_ascii_graphic() && octet != b'%' {
            into.push(octet);
        } else {
            into.extend_from_slice(format!("%{octet:02X}").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for (text, wire) in [
            ("ann", "ann"),
            ("a b", "a%20b"),
            ("100%", "100%25"),
            ("é\n", "%C3%A9%0A"),
        ] {
            let mut encoded = Vec::new();
            encode(text, &mut encoded);
            assert_eq!(encoded, wire.as_bytes());
            assert_eq!(decoded(wire.as_bytes()).unwrap(), text.as_bytes());
        }
        assert_eq!(decoded(b"%c3%A9").unwrap(), "é".as_bytes());
        for wrong in ["%", "%2", "%2g", "a%zz"] {
            assert_eq!(decoded(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
