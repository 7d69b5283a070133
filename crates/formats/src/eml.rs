//! A tree of files: a directory for each mailbox, a file `….eml` for each message, with all its octets as they
//! are. Names of directories are safe on any file system; the manifest has the mailboxes' own.

use std::{
    fs::{self, File},
    io::{BufWriter, Read, Seek, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    vec,
};

use crate::{
    letter::{Content, Date, Error, Folder, Letter, Letters},
    lines::ToCrlf,
    names::from_safe,
};

const READ_BYTES: usize = 64 << 10;
/// Directories in directories that are looked through: no mailbox has more levels.
const DEPTH_MAX: usize = 50;

/// The directories below `root` that have messages in them, ascending; messages in `root` itself are in INBOX.
///
/// # Errors
/// [`Error::Io`].
pub fn folders(root: &Path) -> Result<Vec<Folder>, Error> {
    let mut folders = Vec::new();
    look(root, &mut Vec::new(), &mut folders)?;
    folders.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(folders)
}

fn look(path: &Path, levels: &mut Vec<String>, folders: &mut Vec<Folder>) -> Result<(), Error> {
    let mut directories = Vec::new();
    let mut messages = false;
    for entry in fs::read_dir(path).map_err(Error::io(path))? {
        let entry = entry.map_err(Error::io(path))?;
        let kind = entry.file_type().map_err(Error::io(path))?;
        if kind.is_dir() {
            directories.push(entry.file_name());
        } else {
            messages |= is_message(&entry.path());
        }
    }
    if messages || (directories.is_empty() && !levels.is_empty()) {
        let name = if levels.is_empty() {
            "INBOX".to_owned()
        } else {
            levels.join("/")
        };
        let path = path.to_owned();
        folders.push(Folder { name, path });
    }
    if levels.len() >= DEPTH_MAX {
        return Ok(());
    }
    for directory in directories {
        levels.push(from_safe(&directory.to_string_lossy()));
        look(&path.join(&directory), levels, folders)?;
        levels.pop();
    }
    Ok(())
}

fn is_message(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("eml"))
}

/// The messages of one directory, by the names of their files.
#[derive(Debug)]
pub struct Reader {
    files: vec::IntoIter<PathBuf>,
    open: Option<(File, PathBuf, ToCrlf)>,
}

impl Reader {
    /// Lists a directory.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let mut files = Vec::new();
        for entry in fs::read_dir(directory).map_err(Error::io(directory))? {
            let path = entry.map_err(Error::io(directory))?.path();
            if is_message(&path) && !path.is_dir() {
                files.push(path);
            }
        }
        files.sort_unstable();
        let files = files.into_iter();
        Ok(Self { files, open: None })
    }
}

impl Letters for Reader {
    fn next(&mut self) -> Result<Option<Letter>, Error> {
        self.open = None;
        let Some(path) = self.files.next() else {
            return Ok(None);
        };
        let file = File::open(&path).map_err(Error::io(&path))?;
        let about = file.metadata().map_err(Error::io(&path))?;
        let letter = Letter {
            place: path.display().to_string(),
            date: Some(Date {
                unix: about.mtime(),
                zone_minutes: 0,
            }),
            ..Letter::default()
        };
        self.open = Some((file, path, ToCrlf::default()));
        Ok(Some(letter))
    }

    fn read(&mut self, into: &mut Vec<u8>) -> Result<bool, Error> {
        let Some((file, path, lines)) = &mut self.open else {
            return Ok(false);
        };
        let mut piece = vec![0; READ_BYTES];
        let length = file.read(&mut piece).map_err(Error::io(path))?;
        lines.push(piece.get(..length).unwrap_or_default(), into);
        Ok(length > 0)
    }

    fn again(&mut self) -> Result<(), Error> {
        let Some((file, path, lines)) = &mut self.open else {
            return Ok(());
        };
        *lines = ToCrlf::default();
        file.rewind().map_err(Error::io(path))
    }
}

/// Writes a message into the mailbox's directory `folder` below `root`; gives its file, below `root`.
///
/// # Errors
/// [`Error::Io`], also with what `content` says.
pub fn write(
    root: &Path,
    folder: &str,
    letter: &Letter,
    content: Content<'_>,
) -> Result<String, Error> {
    let file = format!("{folder}/{:010}.eml", letter.uid.unwrap_or(0));
    let path = root.join(&file);
    let new = path.with_extension("new");
    write_file(&new, letter, content)
        .and_then(|()| fs::rename(&new, &path))
        .map_err(Error::io(&path))?;
    Ok(file)
}

fn write_file(path: &Path, letter: &Letter, content: Content<'_>) -> std::io::Result<()> {
    let mut file = BufWriter::with_capacity(64 << 10, File::create(path)?);
    content(&mut |piece| file.write_all(piece))?;
    file.flush()?;
    if let Some(date) = letter.date {
        crate::maildir::set_time(path, date.unix)?;
    }
    Ok(())
}
