//! NAMESPACE: RFC 9051 §6.3.10, with translations: RFC 5255 §3.4.

use imap::encode::{self, Namespace};

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

/// Writes the NAMESPACE response: where one's own mailboxes are, those of others, and those of nobody; and as shared
/// namespaces, too, those first levels of mailboxes on other servers that begin with `#`.
pub(crate) fn write(user: &User, enabled: Enabled, out: &mut impl Outlet) {
    let names = user.reach.namespace();
    let prefixes = names.prefixes();
    let told = |prefix, words: Option<Text>| Namespace {
        prefix,
        translation: words
            .as_ref()
            .and_then(|words| translation(words, names.delimiter(), enabled.language)),
    };
    let personal: Vec<Namespace<'_>> = prefixes
        .personal
        .iter()
        .map(|prefix| told(prefix, None))
        .collect();
    let others = [told(
        &prefixes.others,
        Some(Text::from("Other users' mailboxes")),
    )];
    let levels = referral::namespaces(&user.remotes).into_iter();
    let levels: Vec<(String, &str)> = levels
        .map(|level| (format!("{level}{}", names.delimiter()), level))
        .collect();
    let words = (!prefixes.shared.is_empty()).then(|| Text::from("Shared mailboxes"));
    let shared: Vec<Namespace<'_>> = std::iter::once(told(&prefixes.shared, words))
        .chain(
            levels
                .iter()
                .map(|(prefix, level)| told(prefix, words_for(level))),
        )
        .collect();
    let all: [&[Namespace<'_>]; 3] = [&personal, &others, &shared];
    encode::namespaces(out.buffer(), all, names.delimiter(), enabled.names());
}

/// What a level is called for people, if it is one that we know.
fn words_for(level: &str) -> Option<Text> {
    match level {
        "#shared" => Some(Text::from("Shared mailboxes")),
        "#public" => Some(Text::from("Public mailboxes")),
        "#news" => Some(Text::from("Newsgroups")),
        _ => None,
    }
}

/// What a namespace is called in the client's language, if it has chosen one.
fn translation(words: &Text, delimiter: char, language: Language) -> Option<String> {
    let chosen = language != Language::Default;
    chosen.then(|| format!("{}{delimiter}", words.say(language)))
}
