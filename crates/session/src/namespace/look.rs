//! How names look: the delimiter, and the prefixes of the three namespaces (RFC 2342 §2).

/// Where one's own mailboxes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personal {
    /// At the root, beside INBOX: the prefix is empty.
    Root,
    /// Below INBOX: the prefix is `INBOX` and the delimiter.
    Inbox,
}

/// What administrators see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Administrators {
    /// The same as everybody.
    AsUsers,
    /// The site as Cyrus shows it to them: `user/joe` for everybody's mailboxes, the shared ones at the
    /// root, and `@domain` at the end of names of other domains.
    WholeSite,
}

/// How the names of a server look to its clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What separates levels: `/` or `.`.
    pub(super) delimiter: char,
    pub(super) personal: Personal,
    /// Before the name of an account: of other users' mailboxes.
    pub(super) others: String,
    /// Before shared mailboxes.
    pub(super) shared: String,
    pub(super) administrators: Administrators,
}

/// Why a look can't be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Impossible(&'static str);

impl Impossible {
    /// The reason, a clause.
    #[must_use]
    pub const fn why(self) -> &'static str {
        self.0
    }
}

/// The looks that have a name: what a site that comes from another server had there.
const NAMED: &[(&str, Shape)] = &[
    // Also what Cyrus has been set to since 3.0, except for administrators.
    (
        "chapar",
        (
            '/',
            Personal::Root,
            "Other Users/",
            "Shared Folders/",
            Administrators::AsUsers,
        ),
    ),
    // The defaults of Cyrus before 3.0.
    (
        "cyrus",
        ('.', Personal::Inbox, "user.", "", Administrators::WholeSite),
    ),
    // `unixhierarchysep`.
    (
        "cyrus-unix",
        ('/', Personal::Inbox, "user/", "", Administrators::WholeSite),
    ),
    // `altnamespace`.
    (
        "cyrus-alt",
        (
            '.',
            Personal::Root,
            "Other Users.",
            "Shared Folders.",
            Administrators::WholeSite,
        ),
    ),
    // Both.
    (
        "cyrus-alt-unix",
        (
            '/',
            Personal::Root,
            "Other Users/",
            "Shared Folders/",
            Administrators::WholeSite,
        ),
    ),
    (
        "dovecot",
        (
            '/',
            Personal::Root,
            "shared/",
            "Public/",
            Administrators::AsUsers,
        ),
    ),
    // With `prefix = INBOX.`, as sites that came from Courier have it.
    (
        "dovecot-inbox",
        (
            '.',
            Personal::Inbox,
            "shared.",
            "Public.",
            Administrators::AsUsers,
        ),
    ),
    (
        "uw",
        (
            '/',
            Personal::Root,
            "~",
            "#shared/",
            Administrators::AsUsers,
        ),
    ),
];

type Shape = (char, Personal, &'static str, &'static str, Administrators);

impl Default for Look {
    fn default() -> Self {
        Self::shaped((
            '/',
            Personal::Root,
            "Other Users/",
            "Shared Folders/",
            Administrators::AsUsers,
        ))
    }
}

impl Look {
    fn shaped((delimiter, personal, others, shared, administrators): Shape) -> Self {
        Self {
            delimiter,
            personal,
            others: others.to_owned(),
            shared: shared.to_owned(),
            administrators,
        }
    }

    /// The words of all looks that have a name.
    pub const WORDS: &[&str] = &[
        "chapar",
        "cyrus",
        "cyrus-unix",
        "cyrus-alt",
        "cyrus-alt-unix",
        "dovecot",
        "dovecot-inbox",
        "uw",
    ];

    /// The look of that name.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let (_, shape) = NAMED.iter().find(|(named, _)| *named == word)?;
        Some(Self::shaped(*shape))
    }

    /// With other prefixes.
    #[must_use]
    pub fn with_prefixes(mut self, others: Option<String>, shared: Option<String>) -> Self {
        self.others = others.unwrap_or(self.others);
        self.shared = shared.unwrap_or(self.shared);
        self
    }

    /// With administrators seeing that.
    #[must_use]
    pub const fn with_administrators(mut self, see: Administrators) -> Self {
        self.administrators = see;
        self
    }

    /// What separates levels.
    #[must_use]
    pub const fn delimiter(&self) -> char {
        self.delimiter
    }

    /// That every name can mean one thing.
    ///
    /// # Errors
    /// [`Impossible`]
    pub fn check(&self) -> Result<(), Impossible> {
        let at_root = |prefix: &str| prefix.trim_end_matches(self.delimiter).is_empty();
        let levels = |prefix: &str| prefix.trim_end_matches(self.delimiter).to_owned();
        let is_odd = |prefix: &str| {
            let inner = levels(prefix);
            inner
                .chars()
                .any(|c| c.is_control() || matches!(c, '*' | '%'))
                || inner.split(self.delimiter).any(str::is_empty)
                || prefix.ends_with(&[self.delimiter; 2].iter().collect::<String>())
                || (self.delimiter != '/' && inner.contains('/'))
        };
        let is_inbox = |prefix: &str| {
            let first = prefix.split(self.delimiter).next().unwrap_or_default();
            first.eq_ignore_ascii_case("INBOX")
        };
        let (others, shared) = (&self.others, &self.shared);
        let why = if at_root(others) {
            "other users' mailboxes need a prefix"
        } else if shared.is_empty() && self.personal == Personal::Root {
            "shared mailboxes need a prefix where one's own are at the root"
        } else if !shared.is_empty() && (at_root(shared) || !shared.ends_with(self.delimiter)) {
            "the prefix of shared mailboxes has to end with the delimiter"
        } else if is_odd(others) || (!shared.is_empty() && is_odd(shared)) {
            "a prefix has levels that no name can have"
        } else if is_inbox(others) || is_inbox(shared) {
            "a prefix begins with INBOX, which is everybody's own"
        } else if !shared.is_empty() && (overlap(&levels(others), &levels(shared))) {
            "one prefix begins with the other"
        } else {
            return Ok(());
        };
        Err(Impossible(why))
    }
}

/// Whether names with one of the prefixes may have the other.
fn overlap(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}
