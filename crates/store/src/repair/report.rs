//! What could not be saved, written down for a person: a message's octets as far as they can be
//! read, and what is known of it.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use super::message::readable;
use crate::{
    email::Email,
    error::Error,
    flag::SystemFlags,
    id::AccountId,
    mailbox::{Message, OpenMailbox},
};

/// Names of flags, by their bits.
const FLAGS: [(SystemFlags, &str); 5] = [
    (SystemFlags::ANSWERED, "\\Answered"),
    (SystemFlags::FLAGGED, "\\Flagged"),
    (SystemFlags::DELETED, "\\Deleted"),
    (SystemFlags::SEEN, "\\Seen"),
    (SystemFlags::DRAFT, "\\Draft"),
];

/// Writes what is left of a message below a directory: `ACCOUNT-MAILBOX-UID.txt` with what is known of it,
/// and beside it `.eml` with its octets, if any can be read. Says where. What is there of an attempt
/// before is written again.
///
/// # Errors
/// [`Error::Io`].
pub(super) async fn write(
    directory: &Path,
    (account, mailbox, message): (AccountId, &OpenMailbox, &Message<'_>),
    email: Option<&Email>,
) -> Result<PathBuf, Error> {
    let mut text = about(account, mailbox, message);
    let stem = format!("{account}-{}-{}", mailbox.id(), message.uid);
    let mut octets = None;
    // Writing to a string does not fail.
    match email {
        None => text.push_str("Its record is damaged: which octets are its is not known.\n"),
        Some(email) => {
            let envelope = String::from_utf8_lossy(email.digest_ref().envelope).into_owned();
            let _ = writeln!(
                text,
                "Envelope (date, subject, from … Message-ID): {envelope}"
            );
            let (read, missing) = readable(email).await?;
            for span in missing {
                let _ = writeln!(text, "Octets {}..{} are missing.", span.start, span.end);
            }
            octets = Some(read);
        }
    }
    let failed = |path: &Path, error: io::Error| Error::Io {
        path: path.to_owned(),
        source: error.into(),
    };
    fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    let path = directory.join(format!("{stem}.txt"));
    keep(&path, text.as_bytes()).map_err(|error| failed(&path, error))?;
    let Some(octets) = octets else {
        return Ok(path);
    };
    let path = directory.join(format!("{stem}.eml"));
    keep(&path, &octets).map_err(|error| failed(&path, error))?;
    Ok(path)
}

/// What its mailbox knows of a message.
fn about(account: AccountId, mailbox: &OpenMailbox, message: &Message<'_>) -> String {
    let mut text = String::new();
    let flags = FLAGS
        .iter()
        .filter(|(flag, _)| message.system.contains(*flag));
    let flags = flags.map(|(_, name)| (*name).to_owned());
    let keywords = message.keywords.iter().filter_map(|index| {
        let keyword = mailbox.keywords().get(*index as usize)?;
        Some(keyword.to_string())
    });
    let flags: Vec<String> = flags.chain(keywords).collect();
    let lines = [
        ("Account", account.to_string()),
        ("Mailbox", mailbox.name().to_string()),
        ("UIDVALIDITY", mailbox.uid_validity().to_string()),
        ("UID", message.uid.to_string()),
        ("Flags", flags.join(" ")),
        (
            "Arrived (unix seconds)",
            message.internal_date.unix.to_string(),
        ),
        ("Placed here (unix seconds)", message.save_date.to_string()),
        ("Octets", message.size.to_string()),
        ("EMAILID", message.email.to_string()),
        ("THREADID", message.thread.to_string()),
    ];
    for (what, value) in lines {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{what}: {value}");
    }
    text
}

/// Writes a file durably: what it is of leaves its mailbox next.
fn keep(path: &Path, octets: &[u8]) -> io::Result<()> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(octets)?;
    file.sync_all()?;
    path.parent()
        .map_or(Ok(()), |directory| fs::File::open(directory)?.sync_all())
}
