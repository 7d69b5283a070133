//! Every setting there is: what it is called, what it takes, what holds without it.
//!
//! This table is the only list: reading, `config show`, and the test that
//! `docs/configuration.md` leaves nothing out all go by it.

use super::value::Kind;

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Its full name, `section.key`.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Its default, as it would be written; `None` if there is none.
    pub default: Option<&'static str>,
    /// What it is for, in a line.
    pub about: &'static str,
}

const fn key(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    about: &'static str,
) -> Key {
    Key {
        name,
        kind,
        default,
        about,
    }
}

/// Every setting, in the order in which they are shown.
pub const KEYS: &[Key] = &[
    key(
        "hostname",
        Kind::Text,
        None,
        "the name in greetings and trace fields; the machine's own, if not given",
    ),
    key(
        "data",
        Kind::Path,
        None,
        "the directory of the store; must be given",
    ),
    key(
        "accounts",
        Kind::Path,
        None,
        "the accounts file; `accounts.toml` in the data directory, if not given",
    ),
    key(
        "domains",
        Kind::Texts,
        Some("[]"),
        "domains whose local parts are account names; none means any",
    ),
    key(
        "control.socket",
        Kind::Path,
        None,
        "where `chapar` talks to the running server; `control.sock` in the data directory, if not given",
    ),
    key(
        "control.mode",
        Kind::Mode,
        Some("\"0600\""),
        "its permissions; `0666` lets in users of the machine that have a role, and whoever the directory lets in is asked for it",
    ),
    key(
        "retention.deleted",
        Kind::Duration,
        Some("\"14d\""),
        "how long expunged messages and deleted mailboxes can be brought back",
    ),
    key(
        "partition.default",
        Kind::Text,
        None,
        "the partition in which new accounts begin; the first that there is, if not given",
    ),
    key(
        "namespace.look",
        Kind::Choice(session::namespace::Look::WORDS),
        Some("\"chapar\""),
        "how mailbox names look to clients: as on the server that they come from",
    ),
    key(
        "namespace.others",
        Kind::Text,
        None,
        "before the names of other users' mailboxes; the look's own, if not given",
    ),
    key(
        "namespace.shared",
        Kind::Text,
        None,
        "before the names of shared mailboxes; the look's own, if not given",
    ),
    key(
        "namespace.administrators",
        Kind::Choice(&["as-users", "whole-site"]),
        None,
        "whether administrators see names as users do, or as Cyrus shows them the whole site; as the look has it, if not given",
    ),
    key(
        "expiry.every",
        Kind::Duration,
        Some("\"1h\""),
        "how often it is looked what has to go",
    ),
    key(
        "expiry.default-age",
        Kind::Duration,
        None,
        "how long messages stay; every mailbox without a rule of its own",
    ),
    key(
        "expiry.default-messages",
        Kind::Count,
        None,
        "how many messages stay, the oldest go; every mailbox without a rule of its own",
    ),
    key(
        "expiry.default-octets",
        Kind::Bytes,
        None,
        "how many octets stay, the oldest messages go; every mailbox without a rule of its own",
    ),
    key(
        "expiry.trash-age",
        Kind::Duration,
        None,
        "how long messages stay; mailboxes for `\\Trash`",
    ),
    key(
        "expiry.trash-messages",
        Kind::Count,
        None,
        "how many messages stay, the oldest go; mailboxes for `\\Trash`",
    ),
    key(
        "expiry.trash-octets",
        Kind::Bytes,
        None,
        "how many octets stay, the oldest messages go; mailboxes for `\\Trash`",
    ),
    key(
        "expiry.junk-age",
        Kind::Duration,
        None,
        "how long messages stay; mailboxes for `\\Junk`",
    ),
    key(
        "expiry.junk-messages",
        Kind::Count,
        None,
        "how many messages stay, the oldest go; mailboxes for `\\Junk`",
    ),
    key(
        "expiry.junk-octets",
        Kind::Bytes,
        None,
        "how many octets stay, the oldest messages go; mailboxes for `\\Junk`",
    ),
    key(
        "archive.partition",
        Kind::Text,
        None,
        "the partition in which old mail lies; without it, mail stays where it arrived",
    ),
    key(
        "archive.age",
        Kind::Duration,
        None,
        "how old messages are that lie there; every mailbox whose metadata says nothing else",
    ),
    key(
        "archive.every",
        Kind::Duration,
        Some("\"24h\""),
        "how often it is looked what has to go there",
    ),
    key(
        "compact.enabled",
        Kind::Flag,
        Some("true"),
        "space that nobody needs any more is given back by the clock",
    ),
    key(
        "compact.every",
        Kind::Duration,
        Some("\"1d\""),
        "how often it is given back",
    ),
    key(
        "compact.rate",
        Kind::Bytes,
        Some("\"32MiB\""),
        "octets that may be read for that in a second; 0 is as fast as it goes",
    ),
    key(
        "search.index",
        Kind::Flag,
        Some("true"),
        "the text of messages is indexed in the background, so that searches are quick",
    ),
    key(
        "search.rate",
        Kind::Bytes,
        Some("\"16MiB\""),
        "octets that may be read for that in a second; 0 is as fast as it goes",
    ),
    key(
        "imap.listen",
        Kind::Addresses,
        Some("[]"),
        "IMAP with STARTTLS",
    ),
    key(
        "imap.listen-tls",
        Kind::Addresses,
        Some("[]"),
        "IMAP with TLS from the beginning",
    ),
    key(
        "imap.deleted-mailboxes",
        Kind::Flag,
        Some("true"),
        "users find what they deleted below `#deleted`, and bring it back",
    ),
    key(
        "imap.old-commands",
        Kind::Flag,
        Some("false"),
        "what clients of before IMAP4rev1 say is understood",
    ),
    key(
        "imap.remote-mailboxes",
        Kind::Texts,
        Some("[]"),
        "mailboxes of every account that are on other servers, `MAILBOX: URL …` each",
    ),
    key(
        "imap.moved-to",
        Kind::Text,
        None,
        "the host that every client is sent to; nobody can log in here",
    ),
    key(
        "imap.id",
        Kind::Texts,
        Some("[\"name\", \"version\"]"),
        "what the server says of itself to ID",
    ),
    key(
        "imap.language",
        Kind::Choice(&["i-default", "en", "de", "fr", "es", "ja"]),
        Some("\"i-default\""),
        "the language of clients that ask for the default one",
    ),
    key(
        "imap.suppress",
        Kind::Texts,
        Some("[]"),
        "capabilities that clients are not told of, and can't ENABLE",
    ),
    key(
        "imap.suppress-for",
        Kind::Texts,
        Some("[]"),
        "the same for some clients: `\"NAME/VERSION: CAPABILITY …\"`, as they say in ID; `*` stands for anything",
    ),
    key(
        "imap.message-limit",
        Kind::Count,
        None,
        "messages that one command may work on (MESSAGELIMIT); any number, if not given",
    ),
    key(
        "imap.save-limit",
        Kind::Count,
        None,
        "messages that one COPY or APPEND may make (SAVELIMIT); any number, if not given",
    ),
    key(
        "imap.literal-minus",
        Kind::Flag,
        Some("false"),
        "offer LITERAL- instead of LITERAL+: clients ask before they send more than 4096 octets",
    ),
    key(
        "imap.url-hosts",
        Kind::Texts,
        Some("[]"),
        "further names of this server in IMAP URLs, besides `hostname`",
    ),
    key(
        "imap.url-submitters",
        Kind::Texts,
        Some("[]"),
        "accounts of submission servers: they may fetch what `submit+` URLs name",
    ),
    key(
        "imap.utf8-only",
        Kind::Flag,
        Some("false"),
        "clients have to enable UTF8=ACCEPT",
    ),
    key(
        "imap.admin",
        Kind::Text,
        None,
        "how clients reach the administrator, a URI: `/shared/admin` of METADATA",
    ),
    key(
        "imap.comment",
        Kind::Text,
        None,
        "a note on the server: `/shared/comment` of METADATA, where the account has none of its own",
    ),
    key(
        "imap.jmap-url",
        Kind::Text,
        None,
        "where the same mail is to be had over JMAP; JMAPACCESS is offered only with it",
    ),
    key("lmtp.unix", Kind::Path, None, "a Unix socket for LMTP"),
    key(
        "lmtp.unix-mode",
        Kind::Mode,
        Some("\"0660\""),
        "its permissions",
    ),
    key(
        "lmtp.listen",
        Kind::Addresses,
        Some("[]"),
        "LMTP over TCP; needs `lmtp.allow`",
    ),
    key(
        "lmtp.allow",
        Kind::Networks,
        Some("[]"),
        "networks that may use LMTP over TCP",
    ),
    key(
        "lmtp.over-quota",
        Kind::Choice(&["temporary", "permanent"]),
        Some("\"temporary\""),
        "how mail is refused for which there is no room: it may be tried again, or not",
    ),
    key(
        "lmtp.post-user",
        Kind::Text,
        Some("\"post\""),
        "shared mailboxes are posted to by `post+board@`; `+board@` always is understood",
    ),
    key(
        "postfix.socketmap",
        Kind::Path,
        None,
        "a Unix socket for lookups by socketmap",
    ),
    key(
        "postfix.socketmap-listen",
        Kind::Addresses,
        Some("[]"),
        "lookups by socketmap over TCP",
    ),
    key(
        "postfix.tcp-table-listen",
        Kind::Addresses,
        Some("[]"),
        "lookups by tcp_table",
    ),
    key(
        "postfix.policy",
        Kind::Path,
        None,
        "a Unix socket for the policy service",
    ),
    key(
        "postfix.policy-listen",
        Kind::Addresses,
        Some("[]"),
        "the policy service over TCP",
    ),
    key(
        "postfix.unix-mode",
        Kind::Mode,
        Some("\"0660\""),
        "permissions of both sockets",
    ),
    key(
        "postfix.allow",
        Kind::Networks,
        Some("[\"127.0.0.0/8\", \"::1\"]"),
        "networks that may ask over TCP",
    ),
    key(
        "tls.certificate",
        Kind::Path,
        None,
        "the certificate chain, PEM; read again when it changes",
    ),
    key("tls.key", Kind::Path, None, "its private key, PEM"),
    key(
        "login.plaintext",
        Kind::Flag,
        Some("false"),
        "passwords may cross the network in clear text",
    ),
    key(
        "login.trusted",
        Kind::Networks,
        Some("[\"127.0.0.0/8\", \"::1\"]"),
        "networks whose logins are never refused for guessing",
    ),
    key(
        "login.failures-per-account",
        Kind::Count,
        Some("10"),
        "wrong passwords for one account from one network before it is refused",
    ),
    key(
        "login.failures-per-network",
        Kind::Count,
        Some("100"),
        "wrong passwords from one network in all before it is refused",
    ),
    key(
        "login.forget-after",
        Kind::Duration,
        Some("\"1m\""),
        "the time after which one wrong password is forgotten",
    ),
    key(
        "login.failures-per-connection",
        Kind::Count,
        Some("5"),
        "wrong passwords before the connection is closed",
    ),
    key(
        "login.timeout",
        Kind::Duration,
        Some("\"1m\""),
        "silence before login",
    ),
    key(
        "limits.message",
        Kind::Bytes,
        Some("\"150MiB\""),
        "the largest message",
    ),
    key(
        "limits.command",
        Kind::Bytes,
        Some("\"4MiB\""),
        "the longest IMAP command",
    ),
    key(
        "limits.command-before-login",
        Kind::Bytes,
        Some("\"16KiB\""),
        "the longest IMAP command before login",
    ),
    key(
        "limits.bad-commands",
        Kind::Count,
        Some("50"),
        "commands answered BAD in a row before the connection is closed",
    ),
    key(
        "limits.idle",
        Kind::Duration,
        Some("\"31m\""),
        "silence after login; the standard wants 30 minutes or more",
    ),
    key(
        "limits.connections",
        Kind::Count,
        Some("50000"),
        "connections in all",
    ),
    key(
        "limits.connections-per-account",
        Kind::Count,
        Some("200"),
        "connections of one account",
    ),
    key(
        "limits.recipients",
        Kind::Count,
        Some("1000"),
        "recipients of one LMTP transaction",
    ),
    key(
        "limits.lmtp-line",
        Kind::Bytes,
        Some("\"4KiB\""),
        "the longest LMTP command line",
    ),
    key(
        "limits.metadata",
        Kind::Bytes,
        Some("\"1MiB\""),
        "all metadata of an account, names and values",
    ),
    key(
        "limits.metadata-value",
        Kind::Bytes,
        Some("\"64KiB\""),
        "the longest value of metadata; the standard wants 1 KiB or more",
    ),
    key(
        "limits.metadata-entries",
        Kind::Count,
        Some("100"),
        "entries of metadata of one mailbox, or of the server; the standard wants 10 or more",
    ),
    key(
        "limits.handshake",
        Kind::Duration,
        Some("\"30s\""),
        "the longest TLS handshake",
    ),
    key(
        "limits.write",
        Kind::Duration,
        Some("\"2m\""),
        "how long a client may read nothing of its answer",
    ),
    key(
        "limits.stop",
        Kind::Duration,
        Some("\"20s\""),
        "how long connections may take to finish when the server stops",
    ),
    key(
        "log.format",
        Kind::Choice(&["text", "json"]),
        Some("\"text\""),
        "a line per event for people, or a JSON object",
    ),
    key(
        "log.level",
        Kind::Text,
        Some("\"info\""),
        "`error`, `warn`, `info`, `debug`, `trace`; or by target, `info,session=debug`",
    ),
];
