//! The tables beside the messages: UIDs, keywords, subscriptions.

use std::collections::HashMap;

use crate::names::{from_maildir, from_utf7};

/// The UIDs of a mailbox's messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uids {
    /// UIDVALIDITY; 0 if it is not known.
    pub validity: u32,
    /// UIDNEXT, or less: servers may be behind in writing it.
    pub next: u32,
    /// UIDs by the names of files, up to `:2,`.
    pub by_base: HashMap<String, u32>,
}

/// Reads `dovecot-uidlist` (versions 1 and 3) or `courierimapuiddb`. What can't be read is left out; a UID that
/// does not ascend makes all after it unknown.
#[must_use]
pub fn parse_uids(text: &str) -> Uids {
    let mut lines = text.lines();
    let mut uids = Uids::default();
    let header: Vec<&str> = lines
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    match header.as_slice() {
        ["3", fields @ ..] => {
            let number = |letter| {
                let field = fields.iter().find_map(|field| field.strip_prefix(letter));
                field.and_then(|number| number.parse().ok()).unwrap_or(0)
            };
            (uids.validity, uids.next) = (number('V'), number('N'));
        }
        ["1", validity, next] => {
            uids.validity = validity.parse().unwrap_or(0);
            uids.next = next.parse().unwrap_or(0);
        }
        _ => return uids,
    }
    let mut last = 0;
    for line in lines {
        let Some((uid, rest)) = line.split_once(' ') else {
            continue;
        };
        let Ok(uid) = uid.parse::<u32>() else {
            continue;
        };
        if uid <= last {
            break;
        }
        last = uid;
        // Version 3 has fields before the name, which begins with a colon.
        let name = if header.first() == Some(&"3") {
            rest.split_once(':').map_or(rest, |(_, name)| name)
        } else {
            rest
        };
        let base = name.split(":2,").next().unwrap_or(name);
        uids.by_base.insert(base.to_owned(), uid);
    }
    uids.next = uids.next.max(last.saturating_add(1));
    uids
}

/// Reads `dovecot-keywords`: the keywords that the letters from `a` on stand for; empty where there is none.
#[must_use]
pub fn parse_keywords(text: &str) -> Vec<String> {
    let mut keywords = Vec::new();
    for line in text.lines() {
        let Some((index, keyword)) = line.split_once(' ') else {
            continue;
        };
        let Some(index) = index
            .parse()
            .ok()
            .filter(|index| *index < super::KEYWORDS_MAX)
        else {
            continue;
        };
        if keywords.len() <= index {
            keywords.resize(index + 1, String::new());
        }
        if let Some(place) = keywords.get_mut(index) {
            keyword.trim().clone_into(place);
        }
    }
    keywords
}

/// Reads `subscriptions` (both of Dovecot's versions) or `courierimapsubscribed`: names of mailboxes.
#[must_use]
pub fn parse_subscriptions(text: &str) -> Vec<String> {
    let mut lines = text.lines().peekable();
    let tabs = lines.next_if(|line| line.starts_with("V\t")).is_some();
    let names = lines.filter(|line| !line.is_empty()).map(|line| {
        if tabs {
            let levels = line.split('\t');
            let levels = levels.map(|level| from_utf7(level).unwrap_or_else(|| level.to_owned()));
            return levels.collect::<Vec<_>>().join("/");
        }
        // Courier writes its root before every name.
        match line.strip_prefix("INBOX.") {
            Some(rest) => from_maildir(rest),
            None => from_maildir(line),
        }
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_as_they_are_found() {
        // The next UID that is written down lags behind.
        let dovecot = "3 V1795459806 N1 G71f2ae11dc8a046b72240000522ea783\n\
                       1 :1795459804.M1P1.host,S=311,W=323\n\
                       2 W561 G12 :1795459804.M2P1.host,S=540\n";
        let uids = parse_uids(dovecot);
        assert_eq!((uids.validity, uids.next), (1_795_459_806, 3));
        assert_eq!(uids.by_base["1795459804.M2P1.host,S=540"], 2);
        let courier = "1 77 9\n3 1.a\n5 2.b:2,S\n4 3.c\n6 4.d\n";
        let uids = parse_uids(courier);
        assert_eq!((uids.validity, uids.next, uids.by_base.len()), (77, 9, 2));
        assert_eq!(uids.by_base["2.b"], 5);
        assert_eq!(parse_uids(""), Uids::default());
        assert_eq!(parse_uids("2 V1\n1 :x"), Uids::default());
    }

    #[test]
    fn keywords_and_subscriptions_as_they_are_found() {
        assert_eq!(
            parse_keywords("0 $Work\n2 Later\nx y\n26 no\n"),
            ["$Work", "", "Later"]
        );
        assert_eq!(
            parse_subscriptions("V\t2\n\nLists\timap\nSent\n"),
            ["Lists/imap", "Sent"]
        );
        assert_eq!(
            parse_subscriptions("Lists.imap\nEntw&APw-rfe\n"),
            ["Lists/imap", "Entw\u{fc}rfe"]
        );
        assert_eq!(
            parse_subscriptions("INBOX.Sent\nINBOX\n"),
            ["Sent", "INBOX"]
        );
    }

    #[test]
    fn anything_is_read_without_a_panic() {
        let mut random = fastrand::Rng::with_seed(4);
        let pieces = [
            "3 V1 N2",
            "1 7 9",
            "\n",
            " ",
            ":",
            "4294967296",
            "5",
            "a",
            "\t",
            "&-",
            "V\t2",
            "\u{e9}",
        ];
        for _ in 0..5000 {
            let text: String = (0..random.usize(..30))
                .map(|_| *random.choice(&pieces).unwrap())
                .collect();
            let _ = (
                parse_uids(&text),
                parse_keywords(&text),
                parse_subscriptions(&text),
            );
        }
    }
}
