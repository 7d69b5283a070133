//! `chapar serve` and `chapar quickstart`.

use std::{io, path::Path};

use crate::{Failed, read, screen::Screen};

/// Serves by a configuration until told to stop.
pub(crate) fn serve(file: &Path) -> Result<(), Failed> {
    let config = read(file)?;
    Ok(runtime()?.block_on(server::run(&config))?)
}

/// Makes what is missing, tests it, serves.
pub(crate) fn quickstart(directory: &Path, out: &mut Screen) -> Result<(), Failed> {
    Ok(runtime()?.block_on(server::quickstart(directory, out))?)
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}
