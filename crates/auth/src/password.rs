//! Passwords at rest: Argon2id (RFC 9106) to check one, SCRAM keys (RFC 5803) beside it.
