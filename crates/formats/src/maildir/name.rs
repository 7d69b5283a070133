//! The name of a message's file: `1795459804.M590958P9330.host,S=540,W=561:2,Fab`.

use crate::letter::Marks;

/// The keywords that letters stand for: `a` to `z`.
pub const KEYWORDS_MAX: usize = 26;

/// A message's file's name, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileName {
    /// What stays the same when flags change: all before `:2,`.
    pub base: String,
    /// The flags, in ASCII order.
    pub letters: String,
    /// Octets of the file (`,S=`).
    pub size: Option<u64>,
    /// Octets with CRLF at the ends of lines (`,W=`).
    pub size_crlf: Option<u64>,
}

impl FileName {
    /// Takes a name apart. Any name is one.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        // Some file systems have no colons; those write one of these.
        let info = [":2,", "!2,", ";2,"]
            .iter()
            .find_map(|mark| name.rsplit_once(mark));
        let (base, letters) = info.unwrap_or((name, ""));
        let number = |key: &str| {
            let field = base
                .split(',')
                .skip(1)
                .find_map(|field| field.strip_prefix(key));
            field.and_then(|number| number.parse().ok())
        };
        Self {
            base: base.to_owned(),
            letters: letters.to_owned(),
            size: number("S="),
            size_crlf: number("W="),
        }
    }

    /// The flags, where letters stand for these keywords.
    #[must_use]
    pub fn marks(&self, keywords: &[String]) -> Marks {
        let mut marks = Marks::default();
        for letter in self.letters.chars() {
            match letter {
                'D' => marks.draft = true,
                'F' => marks.flagged = true,
                'P' => marks.add("$Forwarded"),
                'R' => marks.answered = true,
                'S' => marks.seen = true,
                'T' => marks.deleted = true,
                'a'..='z' => {
                    let at = usize::try_from(u32::from(letter) - u32::from('a')).unwrap_or(0);
                    if let Some(keyword) = keywords.get(at).filter(|keyword| !keyword.is_empty()) {
                        marks.add(keyword);
                    }
                }
                _ => {}
            }
        }
        marks
    }

    /// The letters for flags, where letters stand for these keywords; keywords that have none are left out.
    #[must_use]
    pub fn letters(marks: &Marks, keywords: &[String]) -> String {
        let passed = |keyword: &String| keyword.eq_ignore_ascii_case("$Forwarded");
        let mut letters: Vec<char> = [
            (marks.draft, 'D'),
            (marks.flagged, 'F'),
            (marks.keywords.iter().any(passed), 'P'),
            (marks.answered, 'R'),
            (marks.seen, 'S'),
            (marks.deleted, 'T'),
        ]
        .into_iter()
        .filter_map(|(set, letter)| set.then_some(letter))
        .collect();
        for (keyword, letter) in keywords.iter().zip('a'..='z') {
            if marks
                .keywords
                .iter()
                .any(|it| it.eq_ignore_ascii_case(keyword))
            {
                letters.push(letter);
            }
        }
        letters.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_they_are_found() {
        let keywords = ["$Work".to_owned(), "Later".to_owned()];
        let name = FileName::parse("1795459804.M590958P9330.mail.example.test,S=540,W=561:2,Fab");
        assert_eq!(
            name.base,
            "1795459804.M590958P9330.mail.example.test,S=540,W=561"
        );
        assert_eq!((name.size, name.size_crlf), (Some(540), Some(561)));
        let marks = name.marks(&keywords);
        assert!(marks.flagged && !marks.seen);
        assert_eq!(marks.keywords, keywords);
        assert_eq!(FileName::letters(&marks, &keywords), "Fab");
        assert!(FileName::parse("1.x!2,S").marks(&[]).seen);
        assert_eq!(
            FileName::parse("plain"),
            FileName {
                base: "plain".into(),
                ..FileName::default()
            }
        );
        assert_eq!(
            FileName::parse("1.x:2,Pz").marks(&keywords).keywords,
            ["$Forwarded"]
        );
    }

    #[test]
    fn any_name_is_one() {
        let mut random = fastrand::Rng::with_seed(2);
        for _ in 0..5000 {
            let octets: Vec<u8> = (0..random.usize(..20))
                .map(|_| *random.choice(b":2,S=W1!;aF\xff").unwrap())
                .collect();
            let name = FileName::parse(&String::from_utf8_lossy(&octets));
            let _ = name.marks(&["k".to_owned()]);
        }
    }
}
