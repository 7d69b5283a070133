//! What verbs report, on the screen: aligned lines for people, or an object per line.

use std::{
    io::{self, IsTerminal, Write},
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use admin::{Report, Row};

use crate::screen::{Screen, complain};

/// Lines with columns that wait for others, to be aligned with them.
const ALIGNED_MAX: usize = 100;

/// How often progress is told to a terminal, and to a file.
const PROGRESS: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(10)];

/// How results are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// One JSON object per row; the last is the summary.
    pub(crate) json: bool,
    /// Progress also where standard error is no terminal.
    pub(crate) progress: bool,
}

/// Prints what is reported.
pub(crate) struct Printer {
    out: Screen,
    style: Style,
    /// Standard error is a terminal.
    terminal: bool,
    /// Lines that wait, in cells.
    waiting: Vec<Vec<String>>,
    /// How wide columns have been so far: they never get narrower.
    widths: Vec<usize>,
    /// When progress was last told.
    told: Option<Instant>,
    /// A line of progress is on the terminal.
    shown: bool,
    failed: Option<io::Error>,
    /// Set when the verb is to end.
    pub(crate) stop: Arc<AtomicBool>,
}

impl Printer {
    pub(crate) fn new(style: Style) -> Self {
        Self {
            out: Screen::new(),
            style,
            terminal: io::stderr().is_terminal(),
            waiting: Vec::new(),
            widths: Vec::new(),
            told: None,
            shown: false,
            failed: None,
            stop: Arc::default(),
        }
    }

    /// The last thing that is said.
    pub(crate) fn summary(&mut self, row: Row) {
        if self.style.json || !row.line.is_empty() {
            // It is no row of the table.
            self.flush();
            self.row(row);
        }
    }

    /// Prints what still waits.
    ///
    /// # Errors
    /// Whatever could not be printed.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush();
        self.clear();
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }

    fn print(&mut self, line: &str) {
        self.clear();
        if self.failed.is_none()
            && let Err(error) = writeln!(self.out, "{line}")
        {
            self.failed = Some(error);
        }
    }

    fn flush(&mut self) {
        let waiting = mem::take(&mut self.waiting);
        for cells in &waiting {
            for (place, cell) in cells.iter().enumerate() {
                let width = cell.chars().count();
                match self.widths.get_mut(place) {
                    Some(before) => *before = width.max(*before),
                    None => self.widths.push(width),
                }
            }
        }
        for cells in waiting {
            let line = aligned(&cells, &self.widths);
            self.print(&line);
        }
    }

    /// Takes the line of progress off the terminal.
    fn clear(&mut self) {
        if mem::take(&mut self.shown) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Report for Printer {
    fn row(&mut self, row: Row) {
        if self.style.json {
            match serde_json::to_string(&row.object) {
                Ok(line) => self.print(&line),
                Err(error) => self.failed = Some(error.into()),
            }
            return;
        }
        if row.line.contains('\n') {
            self.flush();
            return row
                .line
                .lines()
                .for_each(|line| self.print(&harmless(line)));
        }
        let line = harmless(&row.line);
        if !line.contains('\t') {
            self.flush();
            return self.print(&line);
        }
        self.waiting
            .push(line.split('\t').map(str::to_owned).collect());
        if self.waiting.len() >= ALIGNED_MAX {
            self.flush();
        }
    }

    fn progress(&mut self, done: u64, total: u64, what: &str) {
        let [often, seldom] = PROGRESS;
        let every = if self.terminal { often } else { seldom };
        let wanted = self.terminal || self.style.progress;
        if !wanted || self.told.is_some_and(|told| told.elapsed() < every) {
            return;
        }
        self.told = Some(Instant::now());
        self.flush();
        let line = match (u128::from(done) * 100).checked_div(u128::from(total)) {
            Some(percent) => format!("{what} {done} of {total} ({percent} %)"),
            None => format!("{what} {done}"),
        };
        if self.terminal {
            let _ = write!(io::stderr(), "\r{line}\x1b[K");
            self.shown = true;
        } else {
            complain(&line);
        }
    }

    fn note(&mut self, text: &str) {
        self.flush();
        self.clear();
        complain(&format!("chapar: {}", harmless(text)));
    }

    fn gone(&mut self) -> bool {
        self.failed.is_some() || self.out.closed() || self.stop.load(Ordering::Relaxed)
    }
}

/// Without control characters: mail comes from strangers, and terminals obey them.
fn harmless(line: &str) -> String {
    let shown = |c: char| {
        if c.is_control() && c != '\t' {
            '\u{fffd}'
        } else {
            c
        }
    };
    line.chars().map(shown).collect()
}

/// Cells in columns of these widths, two spaces apart.
fn aligned(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, &width) in cells.iter().zip(widths) {
        line.push_str(cell);
        let missing = width.saturating_sub(cell.chars().count());
        line.extend(std::iter::repeat_n(' ', missing + 2));
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let cells = |cells: &[&str]| cells.iter().map(|&c| c.to_owned()).collect::<Vec<_>>();
        assert_eq!(
            aligned(&cells(&["jürgen", "1", "x"]), &[8, 3, 1]),
            "jürgen    1    x"
        );
        assert_eq!(aligned(&cells(&["ann", ""]), &[8, 3]), "ann");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_printed() {
        assert_eq!(
            harmless("a\x1b[2Jb\tc\u{9b}d\n"),
            "a\u{fffd}[2Jb\tc\u{fffd}d\u{fffd}"
        );
    }
}
