//! The system from outside: the built `chapar`, its sockets, its files.
//!
//! * [`administration`]: what administrators ask for, and what they are told;
//! * [`transcripts`]: what a client says and hears, as text files;
//! * [`clients`]: real mail clients and a real Postfix;
//! * [`conformance`]: what is claimed, what is announced and what is shown are the same;
//! * [`costs`]: system calls and instructions, counted;
//! * [`events`]: what happened, in the log;
//! * [`faults`]: the process killed, the disk full, the file damaged;
//! * [`format`]: what is on disk can be read, by the documents alone and by later programs;
//! * [`hostile`]: input that nobody should send;
//! * [`limits`]: what large mailboxes and many of them cost, as figures;
//! * [`documents`]: the documents keep up with the code;
//! * [`notified`]: random changes, and a client that is told of them;
//! * [`simulation`]: random sessions against a naive model.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that finds something else than it expects fails"
)]

mod administration;
mod chapar;
mod clients;
mod conformance;
mod connection;
mod costs;
mod documents;
mod events;
mod faults;
mod format;
mod hostile;
mod limits;
mod notified;
mod roles;
mod simulation;
mod transcripts;
