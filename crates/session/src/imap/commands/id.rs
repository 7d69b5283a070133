//! ID: RFC 2971.

use imap::encode;

use crate::{Outlet, imap::refusal::Done};

/// RFC 2971 §3.3: the most fields.
const FIELDS_MAX: usize = 30;
/// RFC 2971 §3.3: the longest name of a field, in octets.
const FIELD_OCTETS_MAX: usize = 30;
/// RFC 2971 §3.3: the longest value, in octets.
const VALUE_OCTETS_MAX: usize = 1024;
/// So much of a client's value goes into the log, in characters.
const LOGGED_MAX: usize = 100;

/// What the server says of itself: names of fields, and their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identification(Vec<(String, String)>);

/// Name and version: what a client needs that works around what a server gets wrong.
impl Default for Identification {
    fn default() -> Self {
        let known = ["name", "version"].into_iter().filter_map(|field| {
            let value = known(field)?;
            Some((field.to_owned(), value.to_owned()))
        });
        Self(known.collect())
    }
}

impl Identification {
    /// Reads `FIELD`, of which the server knows the value, or `FIELD=VALUE`. Of nothing, nothing
    /// is said.
    ///
    /// # Errors
    /// Says what is wrong, or against RFC 2971 §3.3.
    pub fn read<T: AsRef<str>>(fields: &[T]) -> Result<Self, String> {
        let mut read: Vec<(String, String)> = Vec::new();
        for text in fields {
            let text = text.as_ref();
            let (field, value) = match text.split_once('=') {
                Some((field, value)) => (field.trim(), value.trim()),
                None => (
                    text.trim(),
                    known(text.trim()).ok_or_else(|| {
                        format!("{text:?}: `name`, `version` and `os` are known here, others want a value after `=`")
                    })?,
                ),
            };
            let visible = |text: &str| !text.contains(char::is_control);
            if field.is_empty() || field.len() > FIELD_OCTETS_MAX || !visible(field) {
                return Err(format!(
                    "{text:?}: a field's name has 1 to {FIELD_OCTETS_MAX} octets"
                ));
            }
            if value.len() > VALUE_OCTETS_MAX || !visible(value) {
                return Err(format!(
                    "{field:?}: a value has at most {VALUE_OCTETS_MAX} octets, and no control characters"
                ));
            }
            if read
                .iter()
                .any(|(other, _)| other.eq_ignore_ascii_case(field))
            {
                return Err(format!("{field:?} is there twice"));
            }
            read.push((field.to_owned(), value.to_owned()));
        }
        if read.len() > FIELDS_MAX {
            return Err(format!("more than {FIELDS_MAX} fields"));
        }
        Ok(Self(read))
    }
}

/// What the server knows of itself.
fn known(field: &str) -> Option<&'static str> {
    match field {
        "name" => Some("Chapar"),
        "version" => Some(env!("CARGO_PKG_VERSION")),
        "os" => Some(std::env::consts::OS),
        _ => None,
    }
}

/// Answers ID with who we are, and notes who the client is: for whoever looks for the cause of what
/// goes wrong with one kind of client.
pub(crate) fn id(
    identification: &Identification,
    client: &[(Vec<u8>, Option<Vec<u8>>)],
    out: &mut impl Outlet,
) -> Done {
    if !client.is_empty() {
        tracing::info!(fields = described(client), "client");
    }
    let fields = identification.0.iter();
    encode::id(
        out.buffer(),
        fields.map(|(field, value)| (field.as_bytes(), value.as_bytes())),
    );
    Done::new("ID completed")
}

/// The client's fields for the log, on one line and not without end.
fn described(fields: &[(Vec<u8>, Option<Vec<u8>>)]) -> String {
    let shown = |octets: &[u8]| -> String {
        let text = String::from_utf8_lossy(octets);
        let short: String = text.chars().take(LOGGED_MAX).collect();
        format!("{short:?}")
    };
    let pairs = fields.iter().map(|(field, value)| match value {
        Some(value) => format!("{}={}", shown(field).trim_matches('"'), shown(value)),
        None => format!("{}=NIL", shown(field).trim_matches('"')),
    });
    pairs.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_within_the_rules() {
        let long =
            |field: usize, value: usize| [format!("{}={}", "f".repeat(field), "v".repeat(value))];
        assert!(Identification::read(&["name", "os", "support-url=https://x/?a=b"]).is_ok());
        assert_eq!(
            Identification::read::<&str>(&[]),
            Ok(Identification(Vec::new()))
        );
        assert!(Identification::read(&long(30, 1024)).is_ok());
        assert!(Identification::read(&long(31, 1)).is_err());
        assert!(Identification::read(&long(1, 1025)).is_err());
        for wrong in [
            &["vendor"][..],
            &["=x"],
            &["name", "NAME=x"],
            &["a=b\r\n* BYE"],
        ] {
            assert!(Identification::read(wrong).is_err(), "{wrong:?}");
        }
        let many: Vec<String> = (0..31).map(|n| format!("f{n}=x")).collect();
        assert!(Identification::read(&many).is_err());
    }

    #[test]
    fn what_a_client_says_is_a_line_in_the_log() {
        let fields = [
            (b"name".to_vec(), Some(b"Mail\r\n\"x\"".to_vec())),
            (b"version".to_vec(), None),
            (b"os".to_vec(), Some(b"\xff".repeat(2000))),
        ];
        let line = described(&fields);
        assert!(
            line.starts_with(r#"name="Mail\r\n\"x\"" version=NIL os="#),
            "{line}"
        );
        assert!(line.len() < 400, "{line}");
    }
}
