//! FIND: RFC 2062 §6.3.OBS.1, §6.3.OBS.2, for clients that know no LIST.

use std::collections::BTreeSet;

use imap::{
    command::{Find, ListSelection},
    name,
    parse::BBOARDS,
};

use crate::{
    Outlet,
    imap::{
        names,
        pattern::Pattern,
        refusal::{Done, Outcome},
        state::{Enabled, User},
        sync::flush_if_full,
        tree::{Node, Tree},
    },
};

/// The longest pattern, in characters: it costs its length times the length of all names.
const PATTERN_MAX: usize = 1000;

/// Answers FIND. Bulletin boards are the mailboxes below [`BBOARDS`], and named without it.
pub(crate) async fn find(
    user: &User,
    enabled: Enabled,
    find: &Find,
    out: &mut impl Outlet,
) -> Outcome {
    let pattern: Vec<char> = names::text(&find.pattern, enabled)?
        .chars()
        .take(PATTERN_MAX + 1)
        .collect();
    let namespace = user.reach.namespace();
    let every: Vec<Pattern> = Pattern::new(namespace, "", "*").into_iter().collect();
    let tree = Tree::new(user, &every, ListSelection::default()).await?;
    let wanted = |node: &Node| {
        if find.all {
            node.found.is_some()
        } else {
            node.subscribed
        }
    };
    let found: BTreeSet<&str> = tree
        .nodes
        .iter()
        .filter(|(_, node)| wanted(node))
        .map(|(name, _)| name.as_str())
        .filter_map(|name| {
            if find.bboards {
                name.strip_prefix(BBOARDS)
            } else {
                Some(name)
            }
        })
        .filter(|name| pattern.len() <= PATTERN_MAX && matches(&pattern, name))
        .collect();
    for found in found {
        let buffer = out.buffer();
        let response = if find.bboards {
            b"* BBOARD ".as_slice()
        } else {
            b"* MAILBOX "
        };
        buffer.extend_from_slice(response);
        // To the end of the line, without quotes: there is nothing after it.
        name::encode(found, name::Encoding::ModifiedUtf7, buffer);
        buffer.extend_from_slice(b"\r\n");
        flush_if_full(out).await?;
    }
    Ok(Done::new("FIND completed"))
}

/// Whether a name matches a pattern in which `*` stands for anything, and `%` and `?` for one
/// character. INBOX is INBOX in any case.
fn matches(pattern: &[char], name: &str) -> bool {
    let any_case = name == "INBOX";
    // How much of the pattern can have matched what was read of the name.
    let mut live = vec![false; pattern.len() + 1];
    if let Some(first) = live.first_mut() {
        *first = true;
    }
    let skip = |live: &mut [bool]| {
        let mut before = false;
        for (at, place) in live.iter_mut().enumerate() {
            let star = at.checked_sub(1).and_then(|at| pattern.get(at)) == Some(&'*');
            *place |= before && star;
            before = *place;
        }
    };
    skip(&mut live);
    for character in name.chars() {
        let mut next = vec![false; live.len()];
        for ((from, token), at) in live.iter().zip(pattern).zip(0_usize..) {
            if !from {
                continue;
            }
            let same = *token == character || any_case && token.eq_ignore_ascii_case(&character);
            let to = match token {
                '*' => at,
                '%' | '?' => at + 1,
                _ if same => at + 1,
                _ => continue,
            };
            if let Some(place) = next.get_mut(to) {
                *place = true;
            }
        }
        skip(&mut next);
        live = next;
    }
    live.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("*", "a/b", true),
            ("*", "", true),
            ("b*p", "blurdybloop", true),
            ("b*x", "blurdybloop", false),
            ("inbox", "INBOX", true),
            ("in*", "INBOX", true),
            ("work", "Work", false),
            ("?ork", "Work", true),
            ("%ork", "Work", true),
            ("%", "Work", false),
            ("**k", "Work", true),
            ("", "a", false),
            ("a", "ab", false),
        ] {
            let pattern: Vec<char> = pattern.chars().collect();
            assert_eq!(matches(&pattern, name), expected, "{pattern:?} {name}");
        }
    }
}
