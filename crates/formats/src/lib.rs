//! The Unix mailbox formats: what mail is brought in from, and taken out to.
//!
//! Each format reads into and writes from the same few types, so that import and export
//! know none of them.
