//! LANGUAGE: RFC 5255 §3.2, §3.3.

use imap::response::Code;

use crate::{
    Outlet,
    imap::{
        commands::namespace,
        refusal::{Done, Outcome, Refusal},
        reply,
        state::{Enabled, User},
        wording::{Language, Text},
    },
};

/// Answers LANGUAGE: without a range, which languages there are; else chooses one, which everything
/// after the LANGUAGE response is in. `preferred` is what the administrator prefers, for `default`.
pub(crate) fn language(
    enabled: &mut Enabled,
    ranges: &[String],
    preferred: Language,
    user: Option<&User>,
    out: &mut impl Outlet,
) -> Outcome {
    if ranges.is_empty() {
        let tags = Language::EVERY.map(Language::tag).join(" ");
        reply::line(out, format_args!("* LANGUAGE ({tags})"));
        return Ok(Done::new("These languages are spoken here"));
    }
    let Some(language) = Language::looked_up(ranges.iter().map(String::as_str), preferred) else {
        let asked = ranges.join(", ");
        let text = Text::with("None of these languages is spoken here: {}", [asked.into()]);
        return Err(Refusal::no(Code::Cannot, text).into());
    };
    enabled.language = language;
    reply::line(out, format_args!("* LANGUAGE ({})", language.tag()));
    if let Some(user) = user {
        // §3.4: the names of namespaces may be others now.
        namespace::write(user, *enabled, out);
    }
    Ok(Done::new("This is the language from now on"))
}
