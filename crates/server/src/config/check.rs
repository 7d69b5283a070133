//! What only shows when settings are looked at together, or with the machine.

use std::{fs, time::Duration};

use session::imap::referral::Remote;
use tracing_subscriber::EnvFilter;

use super::{
    Purpose,
    read::{Severity, Values},
    value::{Value, percent},
};
use crate::settings::Address;

/// Every key that holds listeners.
const LISTENERS: [&str; 6] = [
    "imap.listen",
    "imap.listen-tls",
    "lmtp.listen",
    "postfix.socketmap-listen",
    "postfix.tcp-table-listen",
    "postfix.policy-listen",
];

/// Every key that holds the path of a socket.
const SOCKETS: [&str; 4] = [
    "lmtp.unix",
    "postfix.socketmap",
    "postfix.policy",
    "control.socket",
];

/// Notes what can't work, then what is hardly meant.
pub(super) fn check(values: &mut Values, purpose: Purpose) {
    let mut found = Vec::new();
    names(values, &mut found);
    certificate(values, &mut found);
    if purpose == Purpose::Serve {
        certificate_files(values, &mut found);
    }
    listeners(values, &mut found);
    suppressed(values, &mut found);
    if values.get("imap.message-limit").is_some() && values.get("imap.save-limit").is_some() {
        let what =
            "`imap.save-limit` can't be set beside `imap.message-limit`, which limits all commands";
        found.push(("imap.save-limit", what.to_owned()));
    }
    referrals(values, &mut found);
    for text in values.texts("quota.warning-mails") {
        if percent(&text).is_none() {
            let what = format!("`quota.warning-mails`: {text:?} is no percentage, such as \"80%\"");
            found.push(("quota.warning-mails", what));
        }
    }
    namespace(values, &mut found);
    if let Err(why) = session::imap::Identification::read(&values.texts("imap.id")) {
        found.push(("imap.id", format!("`imap.id`: {why}")));
    }
    for (key, what) in found {
        values.about(key, Severity::Error, what);
    }
    let mut found = Vec::new();
    doubtful_logins(values, &mut found);
    doubtful_listeners(values, &mut found);
    doubtful_limits(values, &mut found);
    for (key, what) in found {
        values.about(key, Severity::Warning, what);
    }
}

/// A key, and what is wrong with it.
type Found = Vec<(&'static str, String)>;

/// Whether a name can be a host's. It is said to clients as it is, in lines.
pub(super) fn is_host(name: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    name.len() <= 255
        && name
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(fits))
}

fn names(values: &Values, found: &mut Found) {
    if values.text("hostname").is_some_and(|name| !is_host(&name)) {
        let what = "`hostname` wants letters, digits, hyphens and dots";
        found.push(("hostname", what.to_owned()));
    }
    for domain in values.texts("domains") {
        if !is_host(&domain) {
            found.push(("domains", format!("`domains`: {domain:?} is no domain")));
        }
    }
    if let Some(level) = values.text("log.level")
        && let Err(error) = EnvFilter::try_new(&level)
    {
        found.push(("log.level", format!("`log.level`: {error}")));
    }
}

fn certificate(values: &Values, found: &mut Found) {
    let paths = ["tls.certificate", "tls.key"].map(|key| (key, values.path(key)));
    match &paths {
        [(key, Some(_)), (other, None)] | [(other, None), (key, Some(_))] => {
            found.push((key, format!("`{key}` needs `{other}` beside it")));
        }
        _ => {}
    }
    if !values.addresses("imap.listen-tls").is_empty() && !has_certificate(values) {
        let what = "`imap.listen-tls` needs `tls.certificate` and `tls.key`";
        found.push(("imap.listen-tls", what.to_owned()));
    }
}

fn certificate_files(values: &Values, found: &mut Found) {
    for key in ["tls.certificate", "tls.key"] {
        if let Some(path) = values.path(key)
            && let Err(error) = fs::File::open(&path)
        {
            found.push((key, format!("`{key}`: {}: {error}", path.display())));
        }
    }
}

fn has_certificate(values: &Values) -> bool {
    values.get("tls.certificate").is_some()
}

fn listeners(values: &Values, found: &mut Found) {
    let lmtp = values.addresses("lmtp.listen");
    let over_tcp = lmtp.iter().any(|a| matches!(a, Address::Tcp(_)));
    if over_tcp && values.networks("lmtp.allow").is_empty() {
        let what =
            "`lmtp.listen` needs `lmtp.allow`: whoever can connect can put mail into every account";
        found.push(("lmtp.listen", what.to_owned()));
    }
    let mut taken = Vec::new();
    for key in LISTENERS {
        for address in values.addresses(key) {
            let any_port = matches!(&address, Address::Tcp(tcp) if tcp.port() == 0);
            if taken.contains(&address) && !any_port {
                let written = Value::Addresses(vec![address.clone()]).to_string();
                let written = written.trim_matches(['[', ']']);
                found.push((key, format!("`{key}`: {written} is listened on already")));
            }
            taken.push(address);
        }
    }
    let mut taken = Vec::new();
    for key in SOCKETS {
        let Some(path) = values.path(key) else {
            continue;
        };
        if taken.contains(&path) {
            let path = path.display();
            found.push((key, format!("`{key}`: {path} is listened on already")));
        }
        taken.push(path);
    }
}

fn namespace(values: &Values, found: &mut Found) {
    if let Err(why) = session::namespace::Aliases::read(&values.texts("namespace.aliases")) {
        found.push(("namespace.aliases", format!("`namespace.aliases`: {why}")));
    }
    if let Err(error) = super::look(values).check() {
        let mut keys = ["namespace.others", "namespace.shared"].into_iter();
        let given = keys.find(|key| values.get(key).is_some());
        let key = given.unwrap_or("namespace.look");
        found.push((key, format!("`{key}`: {}", error.why())));
    }
}

fn referrals(values: &Values, found: &mut Found) {
    for rule in values.texts("imap.remote-mailboxes") {
        if let Err(why) = Remote::read(&rule) {
            let what = format!("`imap.remote-mailboxes`: {rule:?}: {why}");
            found.push(("imap.remote-mailboxes", what));
        }
    }
    if values
        .text("imap.moved-to")
        .is_some_and(|host| !session::imap::referral::is_host(&host))
    {
        let what = "`imap.moved-to` wants a host, with `:PORT` if it is not 143";
        found.push(("imap.moved-to", what.to_owned()));
    }
}

fn suppressed(values: &Values, found: &mut Found) {
    for name in values.texts("imap.suppress") {
        if let Err(why) = session::imap::check_suppressed(&name) {
            found.push(("imap.suppress", format!("`imap.suppress`: {name}: {why}")));
        }
    }
    for rule in values.texts("imap.suppress-for") {
        if let Err(why) = session::imap::ForClients::read(&rule) {
            let what = format!("`imap.suppress-for`: {rule:?}: {why}");
            found.push(("imap.suppress-for", what));
        }
    }
}

fn doubtful_logins(values: &Values, found: &mut Found) {
    let listen = values.addresses("imap.listen");
    let public = |address: &Address| match address {
        Address::Tcp(address) => !address.ip().to_canonical().is_loopback(),
        Address::Passed(_) => true,
        Address::Unix { .. } => false,
    };
    let plaintext = values.flag("login.plaintext");
    if plaintext && listen.iter().any(public) {
        let what = "`login.plaintext` lets passwords cross the network in clear text";
        found.push(("login.plaintext", what.to_owned()));
    }
    if !has_certificate(values) && !plaintext && !listen.is_empty() {
        let what = "without `tls.certificate` only SCRAM logins are possible";
        found.push(("imap.listen", what.to_owned()));
    }
    if is_everybody(values, "login.trusted") {
        let what = "`login.trusted` lets everybody guess passwords without end";
        found.push(("login.trusted", what.to_owned()));
    }
    let idle = values.duration("limits.idle");
    if idle.is_some_and(|idle| idle < Duration::from_mins(30)) {
        let what = "`limits.idle` is less than the 30 minutes that RFC 9051 §5.4 wants";
        found.push(("limits.idle", what.to_owned()));
    }
}

fn doubtful_listeners(values: &Values, found: &mut Found) {
    let silent = |key| values.addresses(key).is_empty();
    if silent("imap.listen") && silent("imap.listen-tls") {
        let what = "no IMAP listener: nobody can read mail";
        found.push(("imap.listen", what.to_owned()));
    }
    if silent("lmtp.listen") && values.get("lmtp.unix").is_none() {
        let what = "no LMTP listener: no mail can be delivered";
        found.push(("lmtp.unix", what.to_owned()));
    }
    if is_everybody(values, "lmtp.allow") {
        let what = "`lmtp.allow` lets everybody put mail into every account";
        found.push(("lmtp.allow", what.to_owned()));
    }
    if is_everybody(values, "postfix.allow") {
        let what = "`postfix.allow` lets everybody ask which addresses there are";
        found.push(("postfix.allow", what.to_owned()));
    }
}

fn doubtful_limits(values: &Values, found: &mut Found) {
    for key in ["imap.message-limit", "imap.save-limit"] {
        if values.count::<u32>(key).is_some_and(|limit| limit < 1000) {
            let what = format!("`{key}` is less than the 1000 messages that RFC 9738 §3 wants");
            found.push((key, what));
        }
    }
}

/// Whether a list of networks has one with all addresses in it.
fn is_everybody(values: &Values, key: &str) -> bool {
    let networks = values.networks(key);
    networks.iter().any(|n| n.to_string().ends_with("/0"))
}
