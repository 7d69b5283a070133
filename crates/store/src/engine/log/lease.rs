//! Who has a partition open: one process, and it says which.

use std::{io, sync::Arc};

use super::{
    disk::{Access, Disk},
    files::{Partition, io_error},
};
use crate::error::Error;

const LEASE_BYTES: usize = 256;

/// The lease, held as long as this lives.
#[derive(Debug)]
pub(crate) struct Lease<F> {
    file: F,
    path: String,
    /// The epoch written in it by the holder before.
    pub(crate) last_epoch: u64,
}

/// Takes the lease: the operating system's lock decides, which a crash releases; the text is
/// for people and for the epoch.
///
/// # Errors
/// [`Error::InUse`], naming the owner; [`Error::Io`].
pub(crate) fn take<D: Disk>(disk: &D, partition: &Partition) -> Result<Lease<D::File>, Error> {
    let path = partition.lease();
    let failed = |error| io_error(&path, error);
    let file = disk.open(&path, Access::Create).map_err(failed)?;
    let locked = disk.lock(&file).map_err(failed)?;
    let text = read(disk, &file).map_err(failed)?;
    let (epoch, owner) = text.split_once(' ').unwrap_or(("0", "somebody"));
    if !locked {
        return Err(Error::InUse(owner.trim_end().into()));
    }
    Ok(Lease {
        last_epoch: epoch.parse().unwrap_or(0),
        file,
        path,
    })
}

impl<F> Lease<F> {
    /// Writes the new epoch and who has it.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Full`].
    pub(crate) fn write<D: Disk<File = F>>(
        &self,
        disk: &D,
        epoch: u64,
        owner: &str,
    ) -> Result<(), Error> {
        let mut text = format!("{epoch} {owner}\n").into_bytes();
        text.resize(LEASE_BYTES, b' ');
        disk.write_at(&self.file, &[io::IoSlice::new(&text)], 0)
            .and_then(|()| disk.sync(&self.file))
            .map_err(|error| io_error(&self.path, error))
    }
}

fn read<D: Disk>(disk: &D, file: &D::File) -> io::Result<String> {
    let length = usize::try_from(disk.length(file)?).unwrap_or(usize::MAX);
    let mut bytes = vec![0; length.min(LEASE_BYTES)];
    disk.read_at(file, &mut bytes, 0)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// This process, for a person on this or another machine.
pub(crate) fn this_process() -> Arc<str> {
    let host = rustix::system::uname();
    format!(
        "process {} on {}",
        std::process::id(),
        host.nodename().to_string_lossy()
    )
    .into()
}
