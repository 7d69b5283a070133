//! Passwords in requests.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A password. It goes over the control socket, and into nothing that is kept or shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A password as it was typed.
    #[must_use]
    pub fn new(password: String) -> Self {
        Self(password)
    }

    /// Its octets.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
