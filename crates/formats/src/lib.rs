//! The Unix mailbox formats: what mail is brought in from, and taken out to.
//!
//! Each format reads into and writes from the same few types, so that import and export
//! know none of them. Content goes through in pieces of some ten KiB, with CRLF at the end of lines, whatever
//! a file has.
//!
//! * [`maildir`]: Maildir++, as Dovecot and Courier have it.
//! * [`mbox`]: one file per mailbox; all four ways of quoting.
//! * [`eml`]: a file per message, a directory per mailbox.
//! * [`names`]: mailbox names as names of files.
//! * [`lines`]: what becomes of the ends of lines.

pub mod eml;
pub mod from_line;
pub mod letter;
pub mod lines;
pub mod lock;
pub mod maildir;
pub mod mbox;
pub mod names;

#[cfg(test)]
mod tests;

pub use letter::{Content, Date, Error, Folder, Letter, Letters, Marks, Take};

/// Makes durable what was written on the file system that a directory is on.
///
/// # Errors
/// The file system's.
pub fn sync(directory: &std::path::Path) -> std::io::Result<()> {
    let directory = std::fs::File::open(directory)?;
    rustix::fs::syncfs(&directory).map_err(Into::into)
}
