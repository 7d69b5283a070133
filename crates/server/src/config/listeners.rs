//! Where the server listens, by what the configuration says.

use session::postfix::Dialect;

use super::read::Values;
use crate::settings::{Address, Listen, Security, Speaks};

/// Every listener, in the order in which the settings are listed.
pub(super) fn listeners(values: &Values) -> Vec<Listen> {
    const LMTP: Speaks = Speaks::Lmtp;
    const SOCKETMAP: Speaks = Speaks::Postfix(Dialect::Socketmap);
    const TCP_TABLE: Speaks = Speaks::Postfix(Dialect::TcpTable);
    const POLICY: Speaks = Speaks::Postfix(Dialect::Policy);
    let clear = Security::StartTls;
    [
        addresses(values, "imap.listen", Speaks::Imap, clear),
        addresses(values, "imap.listen-tls", Speaks::Imap, Security::Tls),
        socket(values, "lmtp.unix", LMTP, "lmtp.unix-mode"),
        addresses(values, "lmtp.listen", LMTP, clear),
        socket(values, "postfix.socketmap", SOCKETMAP, "postfix.unix-mode"),
        addresses(values, "postfix.socketmap-listen", SOCKETMAP, clear),
        addresses(values, "postfix.tcp-table-listen", TCP_TABLE, clear),
        socket(values, "postfix.policy", POLICY, "postfix.unix-mode"),
        addresses(values, "postfix.policy-listen", POLICY, clear),
    ]
    .concat()
}

/// Those on the addresses of a setting.
fn addresses(values: &Values, key: &str, speaks: Speaks, security: Security) -> Vec<Listen> {
    let listen = |address| Listen {
        speaks,
        security,
        address,
    };
    values.addresses(key).into_iter().map(listen).collect()
}

/// The one on a Unix socket, if there is one: its permissions are in another setting.
fn socket(values: &Values, key: &str, speaks: Speaks, mode: &str) -> Vec<Listen> {
    let listen = |path| Listen {
        speaks,
        security: Security::StartTls,
        address: Address::Unix {
            path,
            mode: values.mode(mode),
        },
    };
    values.path(key).into_iter().map(listen).collect()
}
