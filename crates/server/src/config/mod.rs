//! The configuration: one TOML file, checked as a whole.

mod check;
mod keys;
mod listeners;
mod read;
mod value;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use keys::{KEYS, Key};
pub use read::{Origin, Problem, Severity};
pub use value::{Kind, Value};

use session::lmtp::OverQuota;
use session::{
    imap::{ForClients, Identification, Suppressed, referral::Remote},
    namespace::{Administrators, Aliases, Look},
};

use crate::{
    log::Format,
    network::Network,
    settings::{Address, Settings},
};
use read::Values;

/// A configuration that can be used.
#[derive(Debug)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// The server's name.
    pub hostname: Arc<str>,
    /// The store's directory.
    pub data: PathBuf,
    /// The accounts file.
    pub accounts: PathBuf,
    /// Domains whose local parts are account names.
    pub domains: Vec<String>,
    /// The control socket.
    pub control: PathBuf,
    /// Its permissions.
    pub control_mode: u32,
    /// How long things are kept.
    pub retention: admin::Retention,
    /// Users bring back by themselves what they deleted.
    pub users_undelete: bool,
    /// What the server says of itself.
    pub site: Arc<session::Site>,
    /// What is set of IMAP.
    pub imap: Arc<session::imap::Settings>,
    /// What is set of delivery.
    pub lmtp: Arc<session::lmtp::Settings>,
    /// The partition in which new accounts begin.
    pub partition: Option<Arc<str>>,
    /// Passwords may cross the network in clear.
    pub plaintext_login: bool,
    /// Networks that the brake never refuses.
    pub trusted: Vec<Network>,
    /// How hard the brake is.
    pub brake: auth::brake::Hardness,
    /// The largest message, in octets.
    pub message_bytes_max: u64,
    /// What an account may use that has no limits of its own.
    pub quotas: store::Limits,
    /// What a session may cost.
    pub limits: session::Limits,
    /// Listeners and connections.
    pub settings: Settings,
    /// How to log.
    pub log_format: Format,
    /// What to log.
    pub log_level: String,
    /// What is doubtful, though it can be used.
    pub warnings: Vec<Problem>,
    in_force: Vec<(&'static Key, Value, Origin)>,
}

/// What a configuration is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Serve,
    Administer,
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// Every problem there is, warnings included.
    pub fn read(file: &Path) -> Result<Self, Vec<Problem>> {
        Self::read_for(file, Purpose::Serve)
    }

    /// The same to administer the store with. What serving needs beside it, a certificate and its key, need
    /// not be there, or not be readable: it may be another machine, or another user.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn read_to_administer(file: &Path) -> Result<Self, Vec<Problem>> {
        Self::read_for(file, Purpose::Administer)
    }

    fn read_for(file: &Path, purpose: Purpose) -> Result<Self, Vec<Problem>> {
        match fs::read_to_string(file) {
            Ok(text) => Self::parse_for(file, &text, purpose),
            Err(error) => {
                let what = match error.kind() {
                    io::ErrorKind::NotFound => "there is no such file".to_owned(),
                    _ => error.to_string(),
                };
                Err(vec![Problem {
                    file: file.to_owned(),
                    at: None,
                    severity: Severity::Error,
                    what,
                }])
            }
        }
    }

    /// Checks a configuration's text; `file` is named in problems, and relative paths start
    /// from its directory.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(file: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        Self::parse_for(file, text, Purpose::Serve)
    }

    fn parse_for(file: &Path, text: &str, purpose: Purpose) -> Result<Self, Vec<Problem>> {
        let mut values = Values::read(file, text);
        values.fall_back("hostname", Value::Text(machine_name()));
        if let Some(data) = values.path("data") {
            values.fall_back("accounts", Value::Path(data.join("accounts.toml")));
            values.fall_back("control.socket", Value::Path(data.join("control.sock")));
        } else if !values.problems.iter().any(|p| p.what.starts_with("`data`")) {
            values.about(
                "data",
                Severity::Error,
                "`data` must be given: the directory of the store".to_owned(),
            );
        }
        check::check(&mut values, purpose);
        let fatal = values
            .problems
            .iter()
            .any(|p| p.severity == Severity::Error);
        match Self::from_values(&values) {
            Some(config) if !fatal => Ok(config),
            _ => Err(values.problems),
        }
    }

    fn from_values(values: &Values) -> Option<Self> {
        Some(Self {
            file: values.file.clone(),
            hostname: values.text("hostname")?.into(),
            data: values.path("data")?,
            accounts: values.path("accounts")?,
            domains: values.texts("domains"),
            control: values.path("control.socket")?,
            control_mode: values.mode("control.mode"),
            retention: admin::Retention {
                deleted: values.duration("retention.deleted")?,
            },
            users_undelete: values.flag("imap.deleted-mailboxes"),
            site: Arc::new(site(values)?),
            imap: Arc::new(imap(values)),
            lmtp: Arc::new(lmtp(values)?),
            partition: values.text("partition.default").map(Into::into),
            plaintext_login: values.flag("login.plaintext"),
            trusted: values.networks("login.trusted"),
            brake: auth::brake::Hardness {
                failures_per_account: values.count("login.failures-per-account")?,
                failures_per_network: values.count("login.failures-per-network")?,
                forget_after: values.duration("login.forget-after")?,
            },
            message_bytes_max: values.count("limits.message")?,
            quotas: quotas(values),
            limits: session::Limits {
                command_bytes_max: values.count("limits.command")?,
                command_bytes_max_before_login: values.count("limits.command-before-login")?,
                bad_commands_max: values.count("limits.bad-commands")?,
                failed_logins_max: values.count("login.failures-per-connection")?,
                login_timeout: values.duration("login.timeout")?,
                idle_timeout: values.duration("limits.idle")?,
                recipients_max: values.count("limits.recipients")?,
                lmtp_line_bytes_max: values.count("limits.lmtp-line")?,
            },
            settings: settings(values)?,
            log_format: if values.text("log.format")? == "json" {
                Format::Json
            } else {
                Format::Text
            },
            log_level: values.text("log.level")?,
            warnings: values.problems.clone(),
            in_force: values.all(),
        })
    }

    /// Where a store's limits come from that are in no account's log: for [`store::Store::allot`].
    #[must_use]
    pub fn allotment(&self, directory: &Arc<auth::Directory>) -> Arc<dyn store::quota::Allotment> {
        let directory = Arc::clone(directory);
        Arc::new(session::quota::FromDirectory::new(directory, self.quotas))
    }

    /// Every setting in force: its key, its value, and where that comes from.
    #[must_use]
    pub fn in_force(&self) -> &[(&'static Key, Value, Origin)] {
        &self.in_force
    }
}

/// What the server says of itself.
fn site(values: &Values) -> Option<session::Site> {
    let text = |key| values.text(key).map(Arc::from);
    Some(session::Site {
        look: Arc::new(look(values)),
        // Checked before.
        aliases: Arc::new(Aliases::read(&values.texts("namespace.aliases")).unwrap_or_default()),
        quota_warning: values.count("quota.warning")?,
        admin: text("imap.admin"),
        comment: text("imap.comment"),
        jmap: text("imap.jmap-url"),
        metadata: session::MetadataMax {
            value_octets: values.count("limits.metadata-value")?,
            together: store::MetadataLimits {
                entries_max: values.count("limits.metadata-entries")?,
                octets_max: values.count("limits.metadata")?,
            },
        },
    })
}

/// How mailbox names look. What is wrong with it has been said before.
fn look(values: &Values) -> Look {
    let named = values.text("namespace.look");
    let named = named.as_deref().and_then(Look::named);
    let look = named.unwrap_or_default().with_prefixes(
        values.text("namespace.others"),
        values.text("namespace.shared"),
    );
    match values.text("namespace.administrators").as_deref() {
        Some("as-users") => look.with_administrators(Administrators::AsUsers),
        Some("whole-site") => look.with_administrators(Administrators::WholeSite),
        _ => look,
    }
}

/// What an account may use that has no limits of its own.
fn quotas(values: &Values) -> store::Limits {
    let units = |key| values.count(key).map(|octets: u64| octets.div_ceil(1024));
    store::Limits {
        storage: units("quota.storage"),
        message: values.count("quota.messages"),
        mailbox: values.count("quota.mailboxes"),
        annotation_storage: units("quota.annotation-storage"),
    }
}

/// When mail goes by itself, by what the configuration says.
fn expiry(values: &Values) -> store::past::Rules {
    let rule = |of: &str| {
        let key = |bound| format!("expiry.{of}-{bound}");
        let rule = store::change::Expiry {
            age_seconds: values.duration(&key("age")).map(|age| age.as_secs()),
            messages_max: values.count(&key("messages")),
            octets_max: values.count(&key("octets")),
        };
        (rule != store::change::Expiry::default()).then_some(rule)
    };
    let roles = [("trash", store::Role::Trash), ("junk", store::Role::Junk)];
    let roles = roles
        .iter()
        .filter_map(|(of, role)| Some((*role, rule(of)?)));
    store::past::Rules {
        roles: roles.collect(),
        default: rule("default"),
    }
}

/// Where old mail lies, by what the configuration says.
fn archive(values: &Values) -> Option<store::archive::ArchiveRule> {
    Some(store::archive::ArchiveRule {
        partition: values.text("archive.partition")?.into(),
        age_seconds: values.duration("archive.age").map(|age| age.as_secs()),
    })
}

/// What sessions are to know of `[imap]`.
fn imap(values: &Values) -> session::imap::Settings {
    let rules = values.texts("imap.suppress-for");
    let remotes = values.texts("imap.remote-mailboxes");
    let language = values.text("imap.language");
    let language = language.and_then(|tag| session::Language::tagged(&tag));
    let rules = rules.iter().filter_map(|rule| ForClients::read(rule).ok());
    session::imap::Settings {
        suppressed: Suppressed::new(values.texts("imap.suppress")),
        suppressed_for: rules.collect(),
        message_limit: values.count("imap.message-limit"),
        save_limit: values.count("imap.save-limit"),
        literal_minus: values.flag("imap.literal-minus"),
        urls: session::imap::Urls {
            hosts: values.texts("imap.url-hosts"),
            submitters: values.texts("imap.url-submitters"),
        },
        utf8_only: values.flag("imap.utf8-only"),
        language: language.unwrap_or_default(),
        old_commands: values.flag("imap.old-commands"),
        remotes: remotes
            .iter()
            .filter_map(|rule| Remote::read(rule).ok())
            .collect(),
        moved_to: values.text("imap.moved-to").map(Into::into),
        // Checked before: what is wrong with it has been said.
        identification: Identification::read(&values.texts("imap.id")).unwrap_or_default(),
    }
}

/// What delivery is to know of `[lmtp]`.
fn lmtp(values: &Values) -> Option<session::lmtp::Settings> {
    let permanent = values.text("lmtp.over-quota")? == "permanent";
    Some(session::lmtp::Settings {
        post_user: values.text("lmtp.post-user")?.into(),
        over_quota: if permanent {
            OverQuota::Permanent
        } else {
            OverQuota::Temporary
        },
    })
}

fn settings(values: &Values) -> Option<Settings> {
    Some(Settings {
        listen: listeners::listeners(values),
        certificate: values.path("tls.certificate").zip(values.path("tls.key")),
        lmtp_allow: values.networks("lmtp.allow"),
        postfix_allow: values.networks("postfix.allow"),
        connections_max: values.count("limits.connections")?,
        connections_per_account_max: values.count("limits.connections-per-account")?,
        handshake_timeout: values.duration("limits.handshake")?,
        write_timeout: values.duration("limits.write")?,
        grace: values.duration("limits.stop")?,
        quota_mails: values
            .texts("quota.warning-mails")
            .iter()
            .filter_map(|text| value::percent(text))
            .collect(),
        expiry: expiry(values),
        expiry_every: values.duration("expiry.every")?,
        archive: archive(values),
        archive_every: values.duration("archive.every")?,
        retention: store::past::Retention {
            deleted_seconds: values.duration("retention.deleted")?.as_secs(),
        },
        compact: values.flag("compact.enabled"),
        compact_every: values.duration("compact.every")?,
        compact_rate: values.count("compact.rate")?,
        index: values.flag("search.index"),
        index_rate: values.count("search.rate")?,
        ..Settings::default()
    })
}

/// Typed looks at values; a value of a key is always of the key's kind.
impl Values {
    fn text(&self, key: &str) -> Option<String> {
        if let Some(Value::Text(text)) = self.get(key) {
            Some(text.clone())
        } else {
            None
        }
    }

    fn texts(&self, key: &str) -> Vec<String> {
        if let Some(Value::Texts(texts)) = self.get(key) {
            texts.clone()
        } else {
            Vec::new()
        }
    }

    /// Relative paths start from the configuration file's directory.
    fn path(&self, key: &str) -> Option<PathBuf> {
        let Some(Value::Path(path)) = self.get(key) else {
            return None;
        };
        Some(
            self.file
                .parent()
                .map_or_else(|| path.clone(), |folder| folder.join(path)),
        )
    }

    fn flag(&self, key: &str) -> bool {
        matches!(self.get(key), Some(Value::Flag(true)))
    }

    fn count<T: TryFrom<u64>>(&self, key: &str) -> Option<T> {
        if let Some(Value::Number(number) | Value::Bytes(number)) = self.get(key) {
            T::try_from(*number).ok()
        } else {
            None
        }
    }

    fn duration(&self, key: &str) -> Option<Duration> {
        if let Some(Value::Duration(duration)) = self.get(key) {
            Some(*duration)
        } else {
            None
        }
    }

    fn addresses(&self, key: &str) -> Vec<Address> {
        if let Some(Value::Addresses(addresses)) = self.get(key) {
            addresses.clone()
        } else {
            Vec::new()
        }
    }

    fn networks(&self, key: &str) -> Vec<Network> {
        if let Some(Value::Networks(networks)) = self.get(key) {
            networks.clone()
        } else {
            Vec::new()
        }
    }

    fn mode(&self, key: &str) -> u32 {
        if let Some(Value::Mode(mode)) = self.get(key) {
            *mode
        } else {
            0o600
        }
    }
}

/// The machine's own name, if it is one that a host can have.
pub(crate) fn machine_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim().to_ascii_lowercase();
    if check::is_host(&name) {
        name
    } else {
        "localhost".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        let problems = match Config::parse(Path::new("/etc/chapar.toml"), text) {
            Ok(config) => config.warnings,
            Err(problems) => problems,
        };
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn the_defaults_are_those_of_the_code() {
        let config = Config::parse(Path::new("/etc/chapar.toml"), "data = \"d\"").unwrap();
        assert_eq!(config.data, Path::new("/etc/d"));
        assert_eq!(config.accounts, Path::new("/etc/d/accounts.toml"));
        assert_eq!(
            format!("{:?}", config.limits),
            format!("{:?}", session::Limits::default())
        );
        assert_eq!(
            format!("{:?}", config.settings),
            format!("{:?}", Settings::default())
        );
        assert_eq!(config.retention, admin::Retention::default());
        assert_eq!(*config.lmtp, session::lmtp::Settings::default());
        assert_eq!(
            format!("{:?}", config.brake),
            format!("{:?}", auth::brake::Hardness::default())
        );
    }

    #[test]
    fn rules_of_expiry_are_read() {
        let text = "data = \"d\"\n[expiry]\ntrash-age = \"30d\"\njunk-messages = 100\n\
                    junk-octets = \"1MiB\"\n";
        let config = Config::parse(Path::new("c.toml"), text).unwrap();
        let rule = |age_seconds, messages_max, octets_max| store::change::Expiry {
            age_seconds,
            messages_max,
            octets_max,
        };
        let roles = [
            (store::Role::Trash, rule(Some(30 * 86_400), None, None)),
            (store::Role::Junk, rule(None, Some(100), Some(1 << 20))),
        ];
        assert_eq!(config.settings.expiry.roles, roles.into());
        assert_eq!(config.settings.expiry.default, None);
    }

    #[test]
    fn contradictions_are_found() {
        for (text, expected) in [
            ("", "`data` must be given"),
            (
                "data = \"d\"\n[lmtp]\nlisten = [\"127.0.0.1:24\"]",
                ":3:1: error: `lmtp.listen` needs `lmtp.allow`",
            ),
            (
                "data = \"d\"\n[imap]\nlisten-tls = [\"[::1]:993\"]",
                "needs `tls.certificate`",
            ),
            (
                "data = \"d\"\n[tls]\ncertificate = \"/nowhere.pem\"",
                "needs `tls.key`",
            ),
            (
                "data = \"d\"\n[tls]\ncertificate = \"/nowhere.pem\"",
                "/nowhere.pem: No such file",
            ),
            (
                "data = \"d\"\n[imap]\nlisten = [\"0.0.0.0:143\"]\n[login]\nplaintext = true",
                "warning: `login.plaintext`",
            ),
            (
                "data = \"d\"\n[imap]\nlisten = [\"127.0.0.1:143\", \"127.0.0.1:143\"]",
                "listened on already",
            ),
            (
                "data = \"d\"\n[imap]\nlisten = [\"systemd:a\"]\nlisten-tls = [\"systemd:a\"]",
                "`imap.listen-tls`: \"systemd:a\" is listened on already",
            ),
            (
                "data = \"d\"\n[lmtp]\nlisten = [\"127.0.0.1:24\"]\nallow = [\"10.0.0.0/8\", \"::/0\"]",
                ":4:1: warning: `lmtp.allow` lets everybody",
            ),
            (
                "data = \"d\"\n[login]\ntrusted = [\"0.0.0.0/0\"]",
                "warning: `login.trusted`",
            ),
            (
                "data = \"d\"\nhostname = \"a b\"",
                ":2:1: error: `hostname`",
            ),
            ("data = \"d\"\ndomains = [\"@x\"]", ":2:1: error: `domains`"),
            (
                "data = \"d\"\n[log]\nlevel = \"loud,,=\"",
                ":3:1: error: `log.level`",
            ),
            ("data = \"d\"\n[limits]\nidle = \"5m\"", "RFC 9051"),
            (
                "data = \"d\"\n[imap]\nsuppress = [\"NOSUCH\"]",
                ":3:1: error: `imap.suppress`: NOSUCH: there is no such capability here",
            ),
            (
                "data = \"d\"\n[imap]\nsuppress-for = [\"Mutt: IMAP4rev1\"]",
                ":3:1: error: `imap.suppress-for`: \"Mutt: IMAP4rev1\": IMAP4rev1:",
            ),
            (
                "data = \"d\"\n[imap]\nmessage-limit = 999",
                ":3:1: warning: `imap.message-limit` is less than",
            ),
            (
                "data = \"d\"\n[imap]\nmessage-limit = 2000\nsave-limit = 1000",
                ":4:1: error: `imap.save-limit` can't be set beside `imap.message-limit`",
            ),
            (
                "data = \"d\"\n[namespace]\nlook = \"cyrus\"\nothers = \"INBOX.x.\"",
                ":4:1: error: `namespace.others`: a prefix begins with INBOX",
            ),
            (
                "data = \"d\"\n[namespace]\naliases = [\"Sent Items\"]",
                ":3:1: error: `namespace.aliases`: \"Sent Items\": it is neither",
            ),
            ("data = \"d\"", "nobody can read mail"),
        ] {
            let said = problems(text);
            assert!(said.contains(expected), "{expected:?} is not in:\n{said}");
        }
    }

    #[test]
    fn what_is_in_force_says_where_it_comes_from() {
        let config =
            Config::parse(Path::new("c.toml"), "hostname = \"h\"\ndata = \"d\"\n").unwrap();
        let find = |name| {
            config
                .in_force()
                .iter()
                .find(|(k, ..)| k.name == name)
                .unwrap()
        };
        assert_eq!(find("data").2, Origin::Line(2));
        assert_eq!(find("limits.idle").2, Origin::Default);
        assert_eq!(find("limits.idle").1.to_string(), "\"31m\"");
    }

    #[test]
    fn every_setting_is_documented() {
        let docs = include_str!("../../../../docs/configuration.md");
        for key in KEYS {
            assert!(
                docs.contains(&format!("`{}`", key.name)),
                "{} is not in docs/configuration.md",
                key.name
            );
            assert!(
                docs.contains(key.about),
                "docs/configuration.md says otherwise of {}: {}",
                key.name,
                key.about
            );
        }
    }
}
