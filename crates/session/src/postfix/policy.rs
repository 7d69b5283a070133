//! Access policy delegation: what Postfix asks a `check_policy_service`.
//!
//! A request is a line `name=value` for each attribute, and an empty line after them. What is
//! asked is whether there is room for the message, and whether this sender may post to that mailbox; everything
//! else is other people's business, so an answer is a refusal or `DUNNO`, and never `OK`, which would
//! end the questions.

use memchr::memmem;

use super::{
    Cut,
    answer::{Answer, Question},
};

/// Cuts a request off.
pub(super) fn cut(octets: &[u8]) -> Cut {
    if octets.starts_with(b"\n") {
        return Cut::Question(question(&[]), 1);
    }
    match memmem::find(octets, b"\n\n") {
        Some(end) => {
            let attributes = octets.get(..end).unwrap_or_default();
            Cut::Question(question(attributes), end + 2)
        }
        None => Cut::More,
    }
}

fn question(attributes: &[u8]) -> Question {
    let value = |wanted: &[u8]| {
        attributes.split(|&o| o == b'\n').find_map(|line| {
            let at = line.iter().position(|&o| o == b'=')?;
            (line.get(..at)? == wanted).then(|| line.get(at + 1..))?
        })
    };
    if value(b"request") != Some(b"smtpd_access_policy") {
        return Question::Unclear("A request is for smtpd_access_policy");
    }
    let recipient = value(b"recipient").unwrap_or_default();
    // Without SIZE in MAIL it is 0.
    let size = value(b"size").and_then(|size| str::from_utf8(size).ok()?.parse().ok());
    Question::room(recipient, size.unwrap_or_default())
}

/// Appends a reply. Who is not here is not for us to say: `reject_unlisted_recipient` says it.
pub(super) fn write(answer: &Answer, into: &mut Vec<u8>) {
    let action = match answer {
        Answer::Found(_) | Answer::NotFound => "DUNNO".to_owned(),
        Answer::NotNow(why) | Answer::Never(why) => {
            format!("{} {} {}", why.code, why.status, why.text)
        }
        // Mail is not lost for it: what can't be taken is refused when it is handed over.
        Answer::Unclear(what) => {
            tracing::warn!(what, "a policy request was not understood");
            "DUNNO".to_owned()
        }
    };
    into.extend_from_slice(format!("action={action}\n\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_cut_at_the_empty_line() {
        let room = |recipient: &str, size| Question::room(recipient.as_bytes(), size);
        let request = "request=smtpd_access_policy\n";
        for (rest, expected) in [
            ("recipient=a@b\nsize=12\n\nrest", room("a@b", 12)),
            ("size=x\nrecipient=a=b@c\n\n", room("a=b@c", 0)),
            ("recipient=\nsize=99\n\n", room("", 99)),
            ("no equals sign\n\n", room("", 0)),
        ] {
            let wire = format!("{request}{rest}");
            let octets = wire.len() - "rest".len() * usize::from(rest.ends_with("rest"));
            assert_eq!(cut(wire.as_bytes()), Cut::Question(expected, octets));
        }
        assert_eq!(cut(b"request=smtpd_access_policy\n"), Cut::More);
        for wrong in ["\n", "recipient=a@b\n\n", "request=other\n\n"] {
            let found = cut(wrong.as_bytes());
            let octets = wrong.len();
            assert!(
                matches!(found, Cut::Question(Question::Unclear(_), n) if n == octets),
                "{wrong:?}: {found:?}"
            );
        }
    }
}
