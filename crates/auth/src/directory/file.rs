//! The file itself: read, told apart from other versions of it, replaced as a whole.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown},
    path::Path,
};

use super::{
    Error,
    document::{Contents, Document},
};

/// What tells one version of a file from another: inode, size, modification time.
pub(super) type Stamp = (u64, u64, i64, i64);

/// The first lines of the file.
const HEAD: &str =
    "# The accounts of Chapar. Change them with `chapar account`; a running server notices.\n\n";

/// The version that is there now, if one is.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().map(|metadata| of(&metadata))
}

fn of(metadata: &fs::Metadata) -> Stamp {
    (
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
    )
}

/// What the file says, and which version it is; nothing, if there is none.
pub(super) fn read(path: &Path) -> Result<(Contents, Option<Stamp>), Error> {
    let (document, stamp) = read_document(path)?;
    Ok((Contents::of(document, path)?, stamp))
}

pub(super) fn read_document(path: &Path) -> Result<(Document, Option<Stamp>), Error> {
    let failed = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    let stamp = match fs::metadata(path) {
        Ok(metadata) => of(&metadata),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok((Document::default(), None));
        }
        Err(source) => return Err(failed(source)),
    };
    let text = fs::read_to_string(path).map_err(failed)?;
    let document = toml::from_str(&text).map_err(|e| Error::Malformed {
        path: path.to_owned(),
        what: e.to_string(),
    })?;
    Ok((document, Some(stamp)))
}

/// The folder of the file, made if need be.
pub(super) fn folder(path: &Path) -> io::Result<&Path> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    Ok(folder)
}

/// Puts a new file in the old one's place: after a crash there is one or the other.
pub(super) fn replace(path: &Path, text: &str, folder: &Path) -> io::Result<()> {
    let new = path.with_extension("new");
    // One that a crash left behind may have any permissions.
    if let Err(error) = fs::remove_file(&new)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = open_private(&new, folder)?;
    file.write_all(HEAD.as_bytes())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(folder)?.sync_all()
}

/// Opens a file to write, making it if need be: for its owner only, and that is the folder's
/// owner. Otherwise a server could not read what root has changed.
pub(super) fn open_private(path: &Path, folder: &Path) -> io::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)?;
    let (own, folder) = (file.metadata()?, fs::metadata(folder)?);
    if own.uid() == 0 && folder.uid() != 0 {
        fchown(&file, Some(folder.uid()), Some(folder.gid()))?;
    }
    Ok(file)
}
