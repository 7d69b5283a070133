//! Reads an mbox, whoever wrote it.

use std::{
    fs::{self, File},
    io::ErrorKind,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    Quoting,
    fields::Fields,
    line_starts::{Direction, LineStarts},
};
use crate::{
    from_line::{self, FROM_LINE_BYTES_MAX},
    letter::{Date, Error, Folder, Letter, Letters},
    lines::ToCrlf,
    lock::{Locked, lock},
    names::{from_safe, from_utf7},
};

const READ_BYTES: usize = 64 << 10;
/// Fields that are no part of a message are looked for in so much of its header, in octets.
const HEADER_BYTES_MAX: usize = 1 << 20;
const DEPTH_MAX: usize = 50;

/// Whether a file looks like an mbox: its first line that is not empty begins a message.
#[must_use]
pub fn is_mbox(path: &Path) -> bool {
    let mut start = vec![0; 4096];
    let read = File::open(path).and_then(|file| file.read_at(&mut start, 0));
    start.truncate(read.unwrap_or(0));
    let mut lines = start.split_inclusive(|octet| *octet == b'\n');
    let first = lines.find(|line| !line.trim_ascii().is_empty());
    first.is_some_and(|line| from_line::parse(line).is_some())
}

/// The mailboxes in a file or a tree of files, ascending: every mbox, and every empty file that is named `….mbox`.
/// Names have no `.mbox`, nor the `.sbd` of directories.
///
/// # Errors
/// [`Error::Io`].
pub fn folders(root: &Path) -> Result<Vec<Folder>, Error> {
    let mut folders = Vec::new();
    if root.is_dir() {
        look(root, &mut Vec::new(), &mut folders)?;
        folders.sort_by(|a, b| a.name.cmp(&b.name));
    } else {
        let file = root.file_name().unwrap_or_default().to_string_lossy();
        folders.push(Folder {
            name: level(&file),
            path: root.to_owned(),
        });
    }
    Ok(folders)
}

/// The level of a mailbox's name that a file's or a directory's name is.
fn level(file: &str) -> String {
    let endings = [".mbox", ".sbd"];
    let stem = endings.iter().find_map(|ending| file.strip_suffix(ending));
    let level = from_safe(stem.unwrap_or(file));
    from_utf7(&level).unwrap_or(level)
}

fn look(path: &Path, levels: &mut Vec<String>, folders: &mut Vec<Folder>) -> Result<(), Error> {
    for entry in fs::read_dir(path).map_err(Error::io(path))? {
        let entry = entry.map_err(Error::io(path))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let (path, about) = (entry.path(), entry.metadata());
        let about = about.map_err(Error::io(&path))?;
        levels.push(level(&name));
        if about.is_dir() && levels.len() < DEPTH_MAX {
            look(&path, levels, folders)?;
        } else if about.is_file() {
            let empty = about.len() == 0 && name.ends_with(".mbox");
            if empty || is_mbox(&path) {
                let name = levels.join("/");
                folders.push(Folder { name, path });
            }
        }
        levels.pop();
    }
    Ok(())
}

/// The messages of an mbox, in the order of the file. The file is locked while this lives.
#[derive(Debug)]
pub struct Reader {
    locked: Locked,
    path: PathBuf,
    length: u64,
    quoting: Quoting,
    /// How far it is.
    at: u64,
    /// Some of the file; from `start` on it is still to come.
    window: Vec<u8>,
    start: usize,
    state: State,
    /// An empty line that ends the message, or is in it.
    blank: Vec<u8>,
    body: Body,
    /// Where the message's content begins.
    content: Content,
    base: Option<(u32, u32)>,
    last_uid: u32,
    uids_believed: bool,
}

/// Where in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a line.
    LineStart,
    /// In a line of which the beginning is dealt with.
    InLine,
    /// In a body of which so much is left, whatever its lines are.
    Counted(u64),
    /// The message is over.
    Between,
}

/// What is known when a message's content begins: to begin it again.
#[derive(Debug, Default)]
struct Content {
    at: u64,
    state: Option<State>,
    blank: Vec<u8>,
    header: Vec<u8>,
}

/// What becomes of a message's octets.
#[derive(Debug)]
struct Body {
    /// What has been read ahead: the header.
    header: Vec<u8>,
    starts: LineStarts,
    lines: ToCrlf,
}

impl Body {
    fn new(quoting: Quoting) -> Self {
        Self {
            header: Vec::new(),
            starts: LineStarts::new(Direction::Read, quoting),
            lines: ToCrlf::default(),
        }
    }
}

impl Reader {
    /// Opens and locks a file. With [`Quoting::Cl2`] a `Content-Length` is believed, if a message or the end of
    /// the file follows where it says.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Locked`].
    pub fn open(path: &Path, quoting: Quoting) -> Result<Self, Error> {
        let locked = lock(path)?;
        let about = locked.file.metadata().map_err(Error::io(path))?;
        Ok(Self {
            locked,
            path: path.to_owned(),
            length: about.len(),
            quoting,
            at: 0,
            window: Vec::new(),
            start: 0,
            state: State::LineStart,
            blank: Vec::new(),
            body: Body::new(quoting),
            content: Content::default(),
            base: None,
            last_uid: 0,
            uids_believed: true,
        })
    }

    /// How far it is, in octets, and how long the file is.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (self.at, self.length)
    }

    /// What of the file is in memory and still to come.
    fn ahead(&self) -> &[u8] {
        self.window.get(self.start..).unwrap_or_default()
    }

    /// Sees to it that `wanted` octets are ahead, if the file has them.
    fn fill(&mut self, wanted: usize) -> Result<(), Error> {
        if self.ahead().len() >= wanted {
            return Ok(());
        }
        self.window.drain(..self.start);
        self.start = 0;
        while self.window.len() < wanted {
            let have = self.window.len();
            self.window.resize(have + READ_BYTES, 0);
            let piece = self.window.get_mut(have..).unwrap_or_default();
            let read = self.locked.file.read_at(piece, self.at + have as u64);
            self.window
                .truncate(have + read.as_ref().map_or(0, |read| *read));
            match read {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) => break,
                read => drop(read.map_err(Error::io(&self.path))?),
            }
        }
        Ok(())
    }

    /// The line ahead, or as much of it as is in memory.
    fn line(&mut self) -> Result<&[u8], Error> {
        self.fill(FROM_LINE_BYTES_MAX)?;
        let ahead = self.ahead();
        let end = ahead.iter().position(|octet| *octet == b'\n');
        let end = end.map_or(ahead.len(), |at| at + 1);
        Ok(ahead.get(..end).unwrap_or_default())
    }

    /// Takes the next octets.
    fn skip(&mut self, octets: usize) -> Vec<u8> {
        let ahead = self.ahead();
        let skipped = ahead.get(..octets).unwrap_or(ahead).to_vec();
        self.start += skipped.len();
        self.at += skipped.len() as u64;
        skipped
    }

    /// The next octets of the message as the file has them; `None` at its end.
    fn piece(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            match self.state {
                State::Between => return Ok(None),
                State::Counted(0) => {
                    // An empty line is between this message and the next.
                    self.state = State::LineStart;
                    self.blank = Vec::new();
                    let blank = matches!(self.line()?, b"\n" | b"\r\n");
                    if blank {
                        let line = self.line()?.len();
                        self.skip(line);
                    }
                    self.state = State::Between;
                }
                State::Counted(left) => {
                    self.fill(1)?;
                    let take = usize::try_from(left).unwrap_or(usize::MAX);
                    let piece = self.skip(take.min(READ_BYTES));
                    if piece.is_empty() {
                        self.state = State::Between;
                        continue;
                    }
                    self.state = State::Counted(left - piece.len() as u64);
                    return Ok(Some(piece));
                }
                State::LineStart => {
                    let line = self.line()?;
                    if line.is_empty() || from_line::parse(line).is_some() {
                        self.blank = Vec::new();
                        self.state = State::Between;
                        continue;
                    }
                    let length = line.len();
                    if matches!(line, b"\n" | b"\r\n") {
                        let line = self.skip(length);
                        let before = std::mem::replace(&mut self.blank, line);
                        if before.is_empty() {
                            continue;
                        }
                        return Ok(Some(before));
                    }
                    self.state = State::InLine;
                    if !self.blank.is_empty() {
                        return Ok(Some(std::mem::take(&mut self.blank)));
                    }
                }
                State::InLine => {
                    self.fill(1)?;
                    let ahead = self.ahead();
                    let end = ahead.iter().position(|octet| *octet == b'\n');
                    let length = end.map_or(ahead.len(), |at| at + 1);
                    let piece = self.skip(length);
                    if end.is_some() || piece.is_empty() {
                        self.state = State::LineStart;
                    }
                    if !piece.is_empty() {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }

    /// Reads a message's header: what of it is the message's is kept, the rest is what it says of itself.
    fn header(&mut self) -> Result<Fields, Error> {
        let mut fields = Fields::default();
        let (mut field, mut seen) = (Vec::new(), 0);
        self.body = Body::new(self.quoting);
        self.state = State::LineStart;
        self.blank = Vec::new();
        let mut at_start = true;
        while seen < HEADER_BYTES_MAX {
            if self.state == State::LineStart && matches!(self.line()?, b"\n" | b"\r\n") {
                // It may be all that is between this message and the next.
                let length = self.line()?.len();
                self.blank = self.skip(length);
                break;
            }
            let Some(piece) = self.piece()? else {
                break;
            };
            seen += piece.len();
            if at_start && !matches!(piece.first(), Some(b' ' | b'\t')) {
                self.finish_field(&mut fields, &mut field);
            }
            at_start = piece.ends_with(b"\n");
            field.extend_from_slice(&piece);
        }
        self.finish_field(&mut fields, &mut field);
        Ok(fields)
    }

    fn finish_field(&mut self, fields: &mut Fields, field: &mut Vec<u8>) {
        let field = std::mem::take(field);
        let length = fields.content_length;
        let internal = fields.field(&field);
        // Where lengths are the file's way, the field is not the message's.
        let counted = self.quoting == Quoting::Cl2 && fields.content_length != length;
        if !internal && !counted {
            self.body.header.extend_from_slice(&field);
        }
    }

    /// Whether what a `Content-Length` says can be: a message or the end follows there.
    fn counted(&self, length: u64) -> bool {
        let Some(end) = self
            .at
            .checked_add(length)
            .filter(|end| *end <= self.length)
        else {
            return false;
        };
        let mut after = vec![0; FROM_LINE_BYTES_MAX];
        let read = self.locked.file.read_at(&mut after, end).unwrap_or(0);
        after.truncate(read);
        let rest = after.trim_ascii_start();
        let line = rest.split_inclusive(|octet| *octet == b'\n').next();
        line.is_none_or(|line| from_line::parse(line).is_some())
    }

    /// The UID that a message says, if the file's UIDs can be believed: they ascend.
    fn uid(&mut self, uid: Option<u32>) -> Option<u32> {
        let uid = uid.filter(|_| self.uids_believed && self.base.is_some())?;
        if uid <= self.last_uid {
            self.uids_believed = false;
            return None;
        }
        self.last_uid = uid;
        Some(uid)
    }

    /// Passes over empty lines and takes the line that begins a message; what is none is passed over too.
    fn begin(&mut self) -> Result<Option<Date>, Error> {
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(None);
            }
            let (length, date) = (line.len(), from_line::parse(line));
            self.skip(length);
            if date.is_some() {
                return Ok(date);
            }
        }
    }
}

impl Letters for Reader {
    fn next(&mut self) -> Result<Option<Letter>, Error> {
        loop {
            while self.piece()?.is_some() {}
            let place = format!("{} at {}", self.path.display(), self.at);
            let Some(date) = self.begin()? else {
                return Ok(None);
            };
            let fields = self.header()?;
            if let Some(length) = fields.content_length
                && self.quoting == Quoting::Cl2
                && length > 0
                && !self.blank.is_empty()
                && self.counted(length)
            {
                let blank = std::mem::take(&mut self.blank);
                self.body.header.extend_from_slice(&blank);
                self.state = State::Counted(length);
            }
            self.base = fields.base.or(self.base);
            if fields.pseudo {
                continue;
            }
            self.content = Content {
                at: self.at,
                state: Some(self.state),
                blank: self.blank.clone(),
                header: self.body.header.clone(),
            };
            return Ok(Some(Letter {
                place,
                marks: fields.marks,
                date: Some(date),
                uid: self.uid(fields.uid),
            }));
        }
    }

    fn read(&mut self, into: &mut Vec<u8>) -> Result<bool, Error> {
        let mut octets = std::mem::take(&mut self.body.header);
        let mut more = !octets.is_empty();
        // Lines are short: some are put together.
        while octets.len() < READ_BYTES {
            let Some(piece) = self.piece()? else {
                break;
            };
            octets.extend_from_slice(&piece);
            more = true;
        }
        let Body { starts, lines, .. } = &mut self.body;
        let mut unquoted = Vec::with_capacity(octets.len());
        starts.push(&octets, &mut unquoted);
        if !more {
            starts.finish(&mut unquoted);
            more = !unquoted.is_empty();
        }
        lines.push(&unquoted, into);
        Ok(more)
    }

    fn again(&mut self) -> Result<(), Error> {
        let Some(state) = self.content.state else {
            return Ok(());
        };
        self.window.clear();
        self.start = 0;
        self.at = self.content.at;
        self.state = state;
        self.blank.clone_from(&self.content.blank);
        self.body = Body::new(self.quoting);
        self.body.header.clone_from(&self.content.header);
        Ok(())
    }

    fn uid_validity(&self) -> Option<u32> {
        self.base
            .map(|(validity, _)| validity)
            .filter(|validity| *validity > 0)
    }
}
