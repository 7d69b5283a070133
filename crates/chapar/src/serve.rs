//! `chapar serve` and `chapar quickstart`.

use std::{io, path::Path};

use crate::{Failed, read};

/// Serves by a configuration until told to stop.
pub(crate) fn serve(file: &Path) -> Result<(), Failed> {
    let config = read(file)?;
    server::start_log(config.log_format, &config.log_level);
    for warning in &config.warnings {
        eprintln!("{warning}");
    }
    runtime()?.block_on(async {
        let (services, settings) = server::open(&config).await?;
        Ok(server::serve(services, settings, async |_| Ok(())).await?)
    })
}

/// Makes what is missing, tests it, serves.
pub(crate) fn quickstart(directory: &Path) -> Result<(), Failed> {
    server::start_log(server::Format::Text, "warn");
    Ok(runtime()?.block_on(server::quickstart(directory, &mut io::stdout()))?)
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
