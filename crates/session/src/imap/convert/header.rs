//! Headers whose encoded words are in another charset: RFC 5259 §6.

use std::num::NonZeroU32;

use mail::{Part, Span, What, encoded_word};
use store::Email;

use super::{ErrorCode, Failed, table::Params, text::Charset};

/// Octets of a header that are taken.
const OCTETS_MAX: u64 = 1 << 20;

/// Reads a header, its encoded words in the charset that is wanted: UTF-8, if none is.
///
/// # Errors
/// There is no such part, no such charset, or it can't be read.
pub(super) async fn read(
    email: &Email,
    structure: &Part,
    (part, mime): (&[NonZeroU32], bool),
    params: &Params<'_>,
) -> Result<Vec<u8>, Failed> {
    let failed = |why, code| Failed {
        why,
        code,
        from: None,
        to: "text/plain".to_owned(),
        params: Vec::new(),
    };
    let name = params.get("CHARSET").unwrap_or(b"UTF-8");
    let Some(charset) = Charset::named(name) else {
        let failed = failed("That charset is unknown here", ErrorCode::BadParameters);
        return Err(Failed {
            params: vec![("CHARSET".to_owned(), Some(name.to_vec()))],
            ..failed
        });
    };
    let number: Vec<u32> = part.iter().map(|n| n.get()).collect();
    let what = if mime { What::Mime } else { What::Header };
    let Some(span) = structure.span(&number, what, email.trace_len()) else {
        return Err(failed("There is no such part", ErrorCode::BadParameters));
    };
    let end = span.end.min(email.size());
    let end = end.min(span.start.saturating_add(OCTETS_MAX));
    let mut octets = Vec::new();
    if email.read(Span { end, ..span }, &mut octets).await.is_err() {
        let why = "The message can't be read";
        return Err(failed(why, ErrorCode::TempFail));
    }
    let name = String::from_utf8_lossy(name);
    let encode = |text: &str| charset.encode(text, None);
    Ok(encoded_word::recode(&octets, &name, &encode))
}
