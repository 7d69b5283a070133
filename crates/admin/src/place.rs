//! Files and directories as administrators write them.

use std::path::{Path, PathBuf};

use crate::outcome::Failed;

/// A path as it is typed, made absolute where it is typed: the server is somewhere else.
///
/// # Errors
/// It is empty, or there is no current directory.
pub(crate) fn place(text: &str) -> Result<PathBuf, String> {
    std::path::absolute(text).map_err(|error| format!("{text:?}: {error}"))
}

/// That a path of a request is absolute.
///
/// # Errors
/// It is not.
pub(crate) fn check(path: &Path) -> Result<(), Failed> {
    if path.is_absolute() {
        return Ok(());
    }
    let path = path.display();
    Err(Failed::misunderstood(format!(
        "{path}: a request takes absolute paths"
    )))
}
