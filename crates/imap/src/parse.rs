//! Bytes to a [`crate::Command`]: the grammar of RFC 9051 §9 and RFC 3501 §9.
