//! Who acts: system users by name.

use std::{fs, sync::Arc};

/// Who acts, as it is written into an account's history: `admin root`.
#[must_use]
pub fn acting(uid: u32) -> Arc<str> {
    format!("admin {}", user(uid)).into()
}

/// Who runs this process, as [`acting`] writes it.
#[must_use]
pub fn me() -> Arc<str> {
    acting(uid())
}

/// The user that this process runs as.
#[must_use]
pub fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// A user's name. Users that are not in the machine's own file (of a directory service) have
/// their number: to ask for their names takes `unsafe`.
#[must_use]
pub fn user(uid: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number: u32 = fields.nth(1)?.parse().ok()?;
        (number == uid && !name.is_empty()).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("uid {uid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_names_or_numbers() {
        assert_eq!(&*acting(0), "admin root");
        assert_eq!(&*acting(u32::MAX - 7), "admin uid 4294967288");
    }
}
