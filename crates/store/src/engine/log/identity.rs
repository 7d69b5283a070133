//! `store.toml`: the version of the format, and which store it is.

use std::{fmt::Write as _, io};

use super::{
    disk::{Access, Disk},
    files::{self, STORE, io_error},
    format::FORMAT_VERSION,
};
use crate::error::Error;

const BYTES_MAX: u64 = 4096;

/// Reads the store's id, or makes one for a store that is new.
///
/// # Errors
/// [`Error::Corrupt`] if the file is not ours or of a newer format, [`Error::Io`].
pub(crate) fn identify<D: Disk>(disk: &D) -> Result<[u8; 16], Error> {
    let failed = |error| io_error(STORE, error);
    match disk.open(STORE, Access::Read) {
        Ok(file) => {
            let length = disk.length(&file).map_err(failed)?.min(BYTES_MAX);
            let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
            disk.read_at(&file, &mut bytes, 0).map_err(failed)?;
            parse(&String::from_utf8_lossy(&bytes)).map_err(|what| Error::Corrupt {
                file: STORE.into(),
                offset: 0,
                what: what.into(),
            })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A store whose file was lost still knows itself by its segments.
            let known = files::segments(disk)?.whole;
            let id = match known.first() {
                Some(segment) => segment.header().store,
                None => random_id()?,
            };
            write(disk, id)?;
            Ok(id)
        }
        Err(error) => Err(failed(error)),
    }
}

fn write<D: Disk>(disk: &D, id: [u8; 16]) -> Result<(), Error> {
    let mut text = format!("# A Chapar store. Do not edit.\nformat = {FORMAT_VERSION}\nid = \"");
    for octet in id {
        // Writing to a string does not fail.
        let _ = write!(text, "{octet:02x}");
    }
    text.push_str("\"\n");
    let new = format!("{STORE}.new");
    disk.open(&new, Access::Create)
        .and_then(|file| {
            disk.set_length(&file, 0)?;
            disk.write_at(&file, &[io::IoSlice::new(text.as_bytes())], 0)?;
            disk.sync(&file)?;
            disk.rename(&new, STORE)?;
            disk.sync_dir("")
        })
        .map_err(|error| io_error(STORE, error))
}

fn parse(text: &str) -> Result<[u8; 16], String> {
    let value = |key: &str| {
        text.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            (name.trim() == key).then(|| value.trim().trim_matches('"'))
        })
    };
    let format = value("format").ok_or("it does not say its format")?;
    if format != FORMAT_VERSION.to_string() {
        return Err(format!(
            "the store has format {format}, this program knows {FORMAT_VERSION}"
        ));
    }
    value("id")
        .and_then(|id| Some(u128::from_str_radix(id, 16).ok()?.to_be_bytes()))
        .ok_or_else(|| "it does not say the store's id".into())
}

/// Sixteen random octets.
fn random_id() -> Result<[u8; 16], Error> {
    let mut id = [0; 16];
    getrandom::fill(&mut id)
        .map_err(|error| io_error(STORE, io::Error::other(error.to_string())))?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::log::ram::RamDisk;

    #[test]
    fn a_store_keeps_its_id() {
        let disk = RamDisk::default();
        let id = identify(&disk).unwrap();
        assert_eq!(identify(&disk).unwrap(), id);
        disk.remove(STORE).unwrap();
        assert_ne!(identify(&disk).unwrap(), id);
    }

    #[test]
    fn what_is_not_ours_is_refused_with_the_reason() {
        for (text, why) in [
            ("", "it does not say its format"),
            (
                "format = 2\nid = \"00\"\n",
                "the store has format 2, this program knows 1",
            ),
            (
                "format = 1\nid = \"xyz\"\n",
                "it does not say the store's id",
            ),
        ] {
            assert_eq!(parse(text), Err(why.to_owned()), "{text}");
        }
    }
}
