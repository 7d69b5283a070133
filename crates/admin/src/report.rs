//! What a verb says while it runs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A thing that a verb tells: an object for programs, a line for people.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// For programs: what `--json` prints.
    pub object: Map<String, Value>,
    /// For people, without its end. Columns are separated by tabs, and are aligned with
    /// those of other rows; what has several lines has no columns.
    pub line: String,
}

impl Row {
    /// A row of a struct's fields and a line. A field that is not known is `null`, never left out.
    ///
    /// # Panics
    /// If it is no struct, or a map with keys that are no strings.
    #[must_use]
    pub fn new(object: &impl Serialize, line: impl Into<String>) -> Self {
        let object = match serde_json::to_value(object) {
            Ok(Value::Object(object)) => object,
            other => panic!("a row is an object, not {other:?}"),
        };
        let line = line.into();
        Self { object, line }
    }
}

/// Where a verb's words go.
pub trait Report: Send {
    /// Something that was found or done.
    fn row(&mut self, row: Row);

    /// How far it is: `done` of `total` (0 if that is not known) of `what`, in the plural. May be called
    /// as often as it is convenient.
    fn progress(&mut self, done: u64, total: u64, what: &str);

    /// Something that the administrator should know, and that is no result.
    fn note(&mut self, text: &str);

    /// Whether nobody waits for the answer any more. A verb that only reads is ended at its next
    /// `await`; between those it asks. One that changes things may end between two changes.
    fn gone(&mut self) -> bool;
}

/// A report that keeps what it hears: for tests.
#[derive(Debug, Default)]
pub struct Heard {
    /// Every row.
    pub rows: Vec<Row>,
    /// Every note.
    pub notes: Vec<String>,
    /// The last progress.
    pub progress: Option<(u64, u64, String)>,
    /// What `gone` says.
    pub gone: bool,
}

impl Report for Heard {
    fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    fn progress(&mut self, done: u64, total: u64, what: &str) {
        self.progress = Some((done, total, what.to_owned()));
    }

    fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
    }

    fn gone(&mut self) -> bool {
        self.gone
    }
}
