//! Who may log in, and how.
//!
//! * [`directory`]: the accounts file, and which account a mail address means;
//! * [`password`]: Argon2id hashes and SCRAM keys, made and checked;
//! * [`sasl`]: the mechanisms (RFC 4422), each a small state machine;
//! * `authorization`: acting as somebody else;
//! * [`brake`]: what slows down guessing;
//! * [`urlauth`]: tokens of URLs that authorize whoever has them.
//!
//! [`Authenticator`] puts them together: it is all a session sees.

pub mod authenticator;
mod authorization;
pub mod brake;
pub mod directory;
pub mod password;
pub mod sasl;
pub mod urlauth;

pub use authenticator::{Authenticator, Identity, Refused};
pub use directory::{Directory, Home, Role, Roles};
pub use sasl::{Channel, Exchange, Mechanism, Step};
