//! A configuration file to values: every problem at once, each with its line.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    keys::{KEYS, Key},
    value::Value,
};

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nothing was written.
    Default,
    /// Written in this line.
    Line(usize),
}

/// Something wrong with a configuration, or at least doubtful.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Line and column, from 1, if it is at one place.
    pub at: Option<(usize, usize)>,
    /// Whether the server can't run with it.
    pub severity: Severity,
    /// What it is, and what would be right.
    pub what: String,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The configuration can't be used.
    Error,
    /// It can, but is it meant?
    Warning,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some((line, column)) = self.at {
            write!(f, ":{line}:{column}")?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, ": {severity}: {}", self.what)
    }
}

/// All values of a file, by key; and what is wrong so far.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) file: PathBuf,
    pub(super) problems: Vec<Problem>,
    by_key: BTreeMap<&'static str, (Value, Origin)>,
    columns: BTreeMap<&'static str, (usize, usize)>,
}

impl Values {
    /// Reads a file's text. Never fails: what is wrong is in [`Values::problems`].
    pub(super) fn read(file: &Path, text: &str) -> Self {
        let mut values = Self {
            file: file.to_owned(),
            problems: Vec::new(),
            by_key: BTreeMap::new(),
            columns: BTreeMap::new(),
        };
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let at = error.span().map(|span| position(text, span.start));
            values.problem(at, Severity::Error, error.message().trim().to_owned());
        }
        values.table(text, "", document.get_ref());
        for key in KEYS {
            if let (false, Some(default)) = (values.by_key.contains_key(key.name), key.default) {
                let value = DeValue::parse(default)
                    .ok()
                    .and_then(|v| key.kind.read(v.get_ref()));
                if let Some(value) = value {
                    values.by_key.insert(key.name, (value, Origin::Default));
                }
            }
        }
        values
    }

    fn table(&mut self, text: &str, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let full = if prefix.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{prefix}.{}", name.get_ref())
            };
            let at = position(text, name.span().start);
            let section = KEYS.iter().any(|k| {
                k.name
                    .strip_prefix(&*full)
                    .is_some_and(|rest| rest.starts_with('.'))
            });
            match (
                KEYS.iter().find(|k| k.name == full),
                value.get_ref().as_table(),
            ) {
                (Some(key), _) => self.value(text, key, at, value),
                (None, Some(inner)) if section => self.table(text, &full, inner),
                (None, _) if section => self.problem(
                    Some(at),
                    Severity::Error,
                    format!("`{full}` is a section: write [{full}]"),
                ),
                (None, _) => self.unknown(&full, at),
            }
        }
    }

    fn value(
        &mut self,
        text: &str,
        key: &'static Key,
        at: (usize, usize),
        value: &Spanned<DeValue<'_>>,
    ) {
        if let Some(read) = key.kind.read(value.get_ref()) {
            self.by_key.insert(key.name, (read, Origin::Line(at.0)));
            self.columns.insert(key.name, at);
            return;
        }
        // Those items of a list that are wrong, or else the whole.
        let items = value.get_ref().as_array().into_iter().flatten();
        let mut wrong: Vec<_> = items
            .filter(|item| !key.kind.takes_item(item.get_ref()))
            .collect();
        if wrong.is_empty() {
            wrong.push(value);
        }
        for wrong in wrong {
            let at = position(text, wrong.span().start);
            let what = format!("`{}` wants {}", key.name, key.kind.wants());
            self.problem(Some(at), Severity::Error, what);
        }
    }

    fn unknown(&mut self, name: &str, at: (usize, usize)) {
        let near = KEYS.iter().map(|k| (distance(k.name, name), k.name)).min();
        let hint = match near {
            Some((distance, near)) if distance <= 3 => format!("; did you mean `{near}`?"),
            _ => String::new(),
        };
        self.problem(
            Some(at),
            Severity::Error,
            format!("unknown setting `{name}`{hint}"),
        );
    }

    /// Notes a problem with a setting, at its place if it was written.
    pub(super) fn about(&mut self, key: &str, severity: Severity, what: String) {
        let at = self.columns.get(key).copied();
        self.problem(at, severity, what);
    }

    fn problem(&mut self, at: Option<(usize, usize)>, severity: Severity, what: String) {
        self.problems.push(Problem {
            file: self.file.clone(),
            at,
            severity,
            what,
        });
    }

    /// The value of a key, if it has one.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.by_key.get(key).map(|(value, _)| value)
    }

    /// Gives a key a value that depends on the machine or on other keys.
    pub(super) fn fall_back(&mut self, key: &'static str, value: Value) {
        self.by_key.entry(key).or_insert((value, Origin::Default));
    }

    /// Every value in force, in the order of [`KEYS`].
    pub(super) fn all(&self) -> Vec<(&'static Key, Value, Origin)> {
        let one = |key: &'static Key| self.by_key.get(key.name).map(|(v, o)| (key, v.clone(), *o));
        KEYS.iter().filter_map(one).collect()
    }
}

/// Line and column, from 1, of an octet.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    (
        before.matches('\n').count() + 1,
        before.get(line_start..).unwrap_or_default().chars().count() + 1,
    )
}

/// How many letters have to change to make one word the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (b, above) in other.iter().zip(row.iter_mut().skip(1)) {
            let cost = (diagonal + usize::from(a != *b))
                .min(*above + 1)
                .min(left + 1);
            diagonal = *above;
            *above = cost;
            left = cost;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_with_its_place() {
        let text = "data = 5\nhostnam = \"x\"\n[imap]\nlisten = [\"[::]:143\",\n  \"here\", 5]\n[limits]\nidle = \"soon\"\n[nonsense]\na = 1\n";
        let values = Values::read(Path::new("c.toml"), text);
        let said: Vec<String> = values.problems.iter().map(ToString::to_string).collect();
        for expected in [
            "c.toml:1:8: error: `data` wants a path",
            "c.toml:2:1: error: unknown setting `hostnam`; did you mean `hostname`?",
            "c.toml:5:3: error: `imap.listen` wants a list",
            "c.toml:5:11: error: `imap.listen` wants a list",
            "c.toml:7:8: error: `limits.idle` wants a string such as",
            "c.toml:8:2: error: unknown setting `nonsense`",
        ] {
            assert!(
                said.iter().any(|s| s.starts_with(expected)),
                "{expected} is not in {said:#?}"
            );
        }
        assert_eq!(said.len(), 6, "{said:#?}");
    }

    #[test]
    fn broken_syntax_has_a_line_too() {
        let values = Values::read(Path::new("c.toml"), "data = \"/d\"\nhostname = \n");
        assert!(
            values
                .problems
                .iter()
                .any(|p| p.at.is_some_and(|at| at.0 == 2)),
            "{:?}",
            values.problems
        );
    }

    #[test]
    fn every_default_is_of_its_kind() {
        let values = Values::read(Path::new("c.toml"), "");
        for key in KEYS {
            assert_eq!(
                values.get(key.name).is_some(),
                key.default.is_some(),
                "{}",
                key.name
            );
        }
    }
}
