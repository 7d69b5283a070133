//! Reads a message of an mbox again whose place is known, as a manifest says it: all its octets as they were.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    Quoting,
    line_starts::{Direction, LineStarts},
};
use crate::{letter::Error, lines::ToCrlf};

const READ_BYTES: usize = 64 << 10;

/// The message.
#[derive(Debug)]
pub struct Stored {
    file: File,
    path: PathBuf,
    at: u64,
    end: u64,
    starts: LineStarts,
    lines: Option<ToCrlf>,
    finished: bool,
}

impl Stored {
    /// The message in `length` octets from `offset` on; `exact`: its lines end as they are.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(
        path: &Path,
        (offset, length): (u64, u64),
        quoting: Quoting,
        exact: bool,
    ) -> Result<Self, Error> {
        Ok(Self {
            file: File::open(path).map_err(Error::io(path))?,
            path: path.to_owned(),
            at: offset,
            end: offset.saturating_add(length),
            starts: LineStarts::new(Direction::Undo, quoting),
            lines: (!exact).then(ToCrlf::default),
            finished: false,
        })
    }

    /// Appends the next octets to `into`; `false`: there are no more.
    ///
    /// # Errors
    /// [`Error::Io`], also if the file is too short.
    pub fn read(&mut self, into: &mut Vec<u8>) -> Result<bool, Error> {
        let mut text = Vec::new();
        let take = usize::try_from(self.end - self.at)
            .unwrap_or(READ_BYTES)
            .min(READ_BYTES);
        if take == 0 {
            if std::mem::replace(&mut self.finished, true) {
                return Ok(false);
            }
            self.starts.finish(&mut text);
        } else {
            let mut piece = vec![0; take];
            self.file
                .read_exact_at(&mut piece, self.at)
                .map_err(Error::io(&self.path))?;
            self.at += take as u64;
            self.starts.push(&piece, &mut text);
        }
        match &mut self.lines {
            Some(lines) => lines.push(&text, into),
            None => into.extend_from_slice(&text),
        }
        Ok(true)
    }
}
