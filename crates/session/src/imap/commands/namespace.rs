//! NAMESPACE: RFC 9051 §6.3.10, with translations: RFC 5255 §3.4.

use imap::encode::{self, Namespace};
use store::name::DELIMITER;

use crate::{
    Outlet,
    imap::{
        referral,
        refusal::Done,
        state::{Enabled, User},
        wording::{Language, Text},
    },
};

/// Answers NAMESPACE.
pub(crate) fn namespace(user: &User, enabled: Enabled, out: &mut impl Outlet) -> Done {
    write(user, enabled, out);
    Done::new("NAMESPACE completed")
}

/// Writes the NAMESPACE response: one's own mailboxes, at the root; and as shared namespaces those
/// first levels of mailboxes on other servers that begin with `#`.
pub(crate) fn write(user: &User, enabled: Enabled, out: &mut impl Outlet) {
    let personal = [Namespace {
        prefix: "",
        translation: None,
    }];
    let levels = referral::namespaces(user);
    let prefixes: Vec<(String, &str)> = levels
        .into_iter()
        .map(|level| (format!("{level}{DELIMITER}"), level))
        .collect();
    let shared: Vec<Namespace<'_>> = prefixes
        .iter()
        .map(|(prefix, level)| Namespace {
            prefix,
            translation: translation(level, enabled.language),
        })
        .collect();
    let all: [&[Namespace<'_>]; 3] = [&personal, &[], &shared];
    encode::namespaces(out.buffer(), all, DELIMITER, enabled.names());
}

/// What a level is called in the client's language, if it is one that we know and the client has
/// chosen one.
fn translation(level: &str, language: Language) -> Option<String> {
    let text = match level {
        "#shared" => Text::from("Shared mailboxes"),
        "#public" => Text::from("Public mailboxes"),
        "#news" => Text::from("Newsgroups"),
        _ => return None,
    };
    (language != Language::Default).then(|| format!("{}{DELIMITER}", text.say(language)))
}
