//! Which conversions there are, and what each may be told.

use mail::Part;

use super::{ErrorCode, Failed};

/// A conversion.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// From this type.
    pub(super) from: &'static str,
    /// To this one.
    pub(super) to: &'static str,
    /// What does it.
    pub(super) kind: Kind,
}

/// What does a conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// [`super::text`].
    Text,
    /// [`super::picture`].
    Picture,
}

const fn row(from: &'static str, to: &'static str, kind: Kind) -> Row {
    Row { from, to, kind }
}

/// Every conversion; of those from one type, the default one first.
const ROWS: &[Row] = &[
    row("text/plain", "text/plain", Kind::Text),
    row("text/html", "text/plain", Kind::Text),
    row("image/jpeg", "image/jpeg", Kind::Picture),
    row("image/jpeg", "image/png", Kind::Picture),
    row("image/jpeg", "image/gif", Kind::Picture),
    row("image/png", "image/jpeg", Kind::Picture),
    row("image/png", "image/png", Kind::Picture),
    row("image/png", "image/gif", Kind::Picture),
    row("image/gif", "image/jpeg", Kind::Picture),
    row("image/gif", "image/png", Kind::Picture),
    row("image/gif", "image/gif", Kind::Picture),
];

impl Kind {
    /// The parameters that it takes: RFC 5259 §7.1, RFC 2534 §3.1.
    pub(super) const fn params(self) -> &'static [&'static str] {
        match self {
            Self::Text => &["CHARSET", "UNKNOWN-CHARACTER-REPLACEMENT"],
            Self::Picture => &["PIX-X", "PIX-Y"],
        }
    }
}

impl Row {
    /// It did not succeed.
    pub(super) fn failed(&self, code: ErrorCode) -> Failed {
        Failed {
            why: "That can't be converted now",
            code,
            from: Some(self.from.to_owned()),
            to: self.to.to_owned(),
            params: Vec::new(),
        }
    }

    /// It can't be done with such a parameter.
    pub(super) fn refuses(&self, why: &'static str, name: &str, params: &Params<'_>) -> Failed {
        let value = params.get(name).map(<[u8]>::to_vec);
        Failed {
            why,
            params: vec![(name.to_owned(), value)],
            ..self.failed(ErrorCode::BadParameters)
        }
    }
}

/// Conversion parameters, as the client gave them.
#[derive(Debug)]
pub(super) struct Params<'a> {
    all: &'a [(String, Vec<u8>)],
}

impl<'a> Params<'a> {
    pub(super) fn new(all: &'a [(String, Vec<u8>)]) -> Self {
        Self { all }
    }

    /// The value of a parameter. Of one that was given twice, the first.
    pub(super) fn get(&self, name: &str) -> Option<&'a [u8]> {
        let found = self.all.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| &value[..])
    }

    /// Those that a conversion does not take.
    fn strange(&self, kind: Kind) -> Vec<(String, Option<Vec<u8>>)> {
        let strange = self.all.iter();
        strange
            .filter(|(name, _)| !kind.params().contains(&&**name))
            .map(|(name, value)| (name.clone(), Some(value.clone())))
            .collect()
    }
}

/// The conversions between types, which may be `*` or `type/*`.
pub(super) fn matching(from: &str, to: &str) -> impl Iterator<Item = &'static Row> {
    let fits = |wanted: &str, has: &str| match wanted.strip_suffix('*') {
        Some(main) => has.starts_with(main),
        None => has == wanted,
    };
    ROWS.iter()
        .filter(move |row| fits(from, row.from) && fits(to, row.to))
}

/// The conversion of a part: to that type, or to the one that suits best.
///
/// # Errors
/// There is none, or it does not take these parameters, all of which are named (RFC 5259 §9).
pub(super) fn choose(
    part: &Part,
    to: Option<&str>,
    params: &Params<'_>,
) -> Result<&'static Row, Failed> {
    let from = &*part.media_type;
    let rows = || matching(from, to.unwrap_or("*"));
    let Some(first) = rows().next() else {
        return Err(Failed {
            why: "There is no such conversion",
            code: ErrorCode::BadParameters,
            from: Some(from.to_owned()),
            to: to.unwrap_or("text/plain").to_owned(),
            params: Vec::new(),
        });
    };
    rows()
        .find(|row| params.strange(row.kind).is_empty())
        .ok_or_else(|| Failed {
            why: "The conversion does not take these parameters",
            params: params.strange(first.kind),
            ..first.failed(ErrorCode::BadParameters)
        })
}

/// The types that a part can become.
///
/// # Errors
/// As [`choose`].
pub(super) fn targets(
    part: &Part,
    to: Option<&str>,
    params: &Params<'_>,
) -> Result<Vec<&'static str>, Failed> {
    choose(part, to, params)?;
    let rows = matching(&part.media_type, to.unwrap_or("*"));
    Ok(rows
        .filter(|row| params.strange(row.kind).is_empty())
        .map(|row| row.to)
        .collect())
}
