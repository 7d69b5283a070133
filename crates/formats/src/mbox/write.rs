//! Writes an mbox, message by message; goes on in one that is there.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{
    Quoting, fields,
    line_starts::{Direction, LineStarts},
};
use crate::{
    from_line,
    letter::{Content, Date, Error, Letter},
    lines::ToLf,
};

/// Digits of a length that is written before it is known.
const LENGTH_DIGITS: usize = 20;

/// A mailbox's file being written.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    end: u64,
    quoting: Quoting,
    /// What the first message is to say of the mailbox.
    base: String,
}

/// A message as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Where its own octets begin in the file, as they are written there.
    pub offset: u64,
    /// How many those are.
    pub length: u64,
    /// How it is quoted: one that can't have a length before it is not as the others.
    pub quoting: Quoting,
    /// Its lines end as they are, because with LF they would not come back.
    pub exact: bool,
    /// It has a line that looks like one that has been quoted, and will not come back as it was.
    pub ambiguous: bool,
}

impl Writer {
    /// Opens a mailbox's file, and cuts it to `end` octets: what lies behind that is a message that was begun.
    /// `base`: its UIDVALIDITY, last UID and keywords.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Malformed`] if it has not so many octets.
    pub fn open(
        path: &Path,
        end: u64,
        quoting: Quoting,
        (validity, last, keywords): (u32, u32, &[String]),
    ) -> Result<Self, Error> {
        let failed = || Error::io(path);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed())?;
        if file.metadata().map_err(failed())?.len() < end {
            return Err(Error::Malformed {
                path: path.to_owned(),
                what: "it is shorter than it was when it was written",
            });
        }
        file.set_len(end).map_err(failed())?;
        file.seek(SeekFrom::Start(end)).map_err(failed())?;
        let keywords = keywords
            .iter()
            .fold(String::new(), |all, keyword| format!("{all} {keyword}"));
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(64 << 10, file),
            end,
            quoting,
            base: format!("X-IMAPbase: {validity} {last:010}{keywords}\n"),
        })
    }

    /// Writes a message.
    ///
    /// # Errors
    /// [`Error::Io`], also with what `content` says; the file is as before then, if it can be made so.
    pub fn write(
        &mut self,
        sender: &str,
        letter: &Letter,
        content: Content<'_>,
    ) -> Result<Placed, Error> {
        let written = self.try_write(sender, letter, content);
        let failed = match written {
            Ok((placed, end)) => {
                self.end = end;
                return Ok(placed);
            }
            Err(failed) => failed,
        };
        // What was written of it goes, and what may still wait in memory.
        let _ = self.file.flush();
        let _ = self.file.seek(SeekFrom::Start(self.end));
        let _ = self.file.get_ref().set_len(self.end);
        Err(Error::io(&self.path)(failed))
    }

    fn try_write(
        &mut self,
        sender: &str,
        letter: &Letter,
        content: Content<'_>,
    ) -> io::Result<(Placed, u64)> {
        let date = letter.date.unwrap_or(Date {
            unix: 0,
            zone_minutes: 0,
        });
        let mut head = from_line::format(sender, date);
        // Its first line would go on in the last field written before it.
        let indented = begins_indented(content)?;
        let quoting = match self.quoting {
            Quoting::Cl2 if indented => Quoting::Rd,
            quoting => quoting,
        };
        if !indented {
            if self.end == 0 {
                head.push_str(&self.base);
            }
            head.push_str(&fields::lines(&letter.marks, letter.uid));
        }
        let length_at = if quoting == Quoting::Cl2 {
            head.push_str("Content-Length: ");
            let at = self.end + head.len() as u64;
            head.push_str(&" ".repeat(LENGTH_DIGITS));
            head.push('\n');
            Some(at)
        } else {
            None
        };
        let offset = self.end + head.len() as u64;
        self.file.write_all(head.as_bytes())?;
        let mut text = Text::new(quoting);
        content(&mut |piece| text.push(piece, &mut self.file))?;
        let exact = text.finish(&mut self.file)?;
        if exact {
            self.file.seek(SeekFrom::Start(offset))?;
            text = Text::new(quoting);
            text.lines = None;
            content(&mut |piece| text.push(piece, &mut self.file))?;
            text.finish(&mut self.file)?;
        }
        let end = self.file.stream_position()?;
        self.file.get_ref().set_len(end)?;
        let length = end - offset;
        let mut separator: &[u8] = b"\n\n";
        if length == 0 || text.last == b'\n' {
            separator = b"\n";
        }
        self.file.write_all(separator)?;
        let next = end + separator.len() as u64;
        if let Some(at) = length_at {
            // The body begins behind the empty line; without one there is none.
            let body = text.body.map_or(0, |body| length - body) + separator.len() as u64 - 1;
            self.file.seek(SeekFrom::Start(at))?;
            write!(self.file, "{body:>LENGTH_DIGITS$}")?;
            self.file.seek(SeekFrom::Start(next))?;
        }
        self.file.flush()?;
        let placed = Placed {
            offset,
            length,
            quoting,
            exact,
            ambiguous: text.starts.ambiguous,
        };
        Ok((placed, next))
    }

    /// How the mailbox is quoted.
    #[must_use]
    pub fn quoting(&self) -> Quoting {
        self.quoting
    }

    /// Where the file ends.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The mailbox is complete, and durable on return.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(mut self) -> Result<(), Error> {
        self.file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all())
            .map_err(Error::io(&self.path))
    }
}

/// Whether a message begins with a space or a tab: then fields before it would go on in it.
fn begins_indented(content: Content<'_>) -> io::Result<bool> {
    let mut first = None;
    let found = content(&mut |piece| {
        first = first.or(piece.first().copied());
        match first {
            Some(_) => Err(io::ErrorKind::Interrupted.into()),
            None => Ok(()),
        }
    });
    match (found, first) {
        (_, Some(first)) => Ok(matches!(first, b' ' | b'\t')),
        (found, None) => found.map(|()| false),
    }
}

/// A message's octets on their way into the file.
struct Text {
    /// `None`: lines keep their ends.
    lines: Option<ToLf>,
    starts: LineStarts,
    /// Octets written.
    written: u64,
    /// Where its body begins.
    body: Option<u64>,
    last: u8,
    buffers: (Vec<u8>, Vec<u8>),
}

impl Text {
    fn new(quoting: Quoting) -> Self {
        Self {
            lines: Some(ToLf::default()),
            starts: LineStarts::new(Direction::Write, quoting),
            written: 0,
            body: None,
            last: 0,
            buffers: Default::default(),
        }
    }

    fn push(&mut self, piece: &[u8], file: &mut impl Write) -> io::Result<()> {
        let (lf, quoted) = &mut self.buffers;
        lf.clear();
        match &mut self.lines {
            Some(lines) => lines.push(piece, lf),
            None => lf.extend_from_slice(piece),
        }
        // Line by line in the header: where it ends is to be known.
        let mut rest = lf.as_slice();
        while self.starts.in_header() && !rest.is_empty() {
            let end = rest.iter().position(|octet| *octet == b'\n');
            let (line, after) = rest.split_at(end.map_or(rest.len(), |at| at + 1));
            quoted.clear();
            self.starts.push(line, quoted);
            self.written += quoted.len() as u64;
            self.last = quoted.last().copied().unwrap_or(self.last);
            file.write_all(quoted)?;
            if !self.starts.in_header() {
                self.body = Some(self.written);
            }
            rest = after;
        }
        quoted.clear();
        self.starts.push(rest, quoted);
        self.written += quoted.len() as u64;
        self.last = quoted.last().copied().unwrap_or(self.last);
        file.write_all(quoted)
    }

    /// What is left; whether its lines would not come back.
    fn finish(&mut self, file: &mut impl Write) -> io::Result<bool> {
        let (mut lf, mut quoted) = (Vec::new(), Vec::new());
        let odd = self
            .lines
            .as_mut()
            .is_some_and(|lines| lines.finish(&mut lf));
        self.starts.push(&lf, &mut quoted);
        self.starts.finish(&mut quoted);
        self.written += quoted.len() as u64;
        self.last = quoted.last().copied().unwrap_or(self.last);
        file.write_all(&quoted)?;
        Ok(odd)
    }
}
