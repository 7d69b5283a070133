//! What quickstart writes the first time: configuration, certificate, password.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::error::Error;

/// Where everything is.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) directory: PathBuf,
}

impl Files {
    /// The directory, made if need be: for its owner only.
    pub(super) fn prepare(directory: &Path) -> Result<Self, Error> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|source| failed(directory, source))?;
        let directory = fs::canonicalize(directory).map_err(|source| failed(directory, source))?;
        Ok(Self { directory })
    }

    pub(super) fn config(&self) -> PathBuf {
        self.directory.join("chapar.toml")
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.directory.join("certificate.pem")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.directory.join("key.pem")
    }

    /// Writes the configuration, unless there is one: somebody may have edited it.
    pub(super) fn write_config(&self, hostname: &str) -> Result<(), Error> {
        let text = include_str!("chapar.toml")
            .replace("HOSTNAME", hostname)
            .replace("DIRECTORY", &quoted(&self.directory));
        write_new(&self.config(), text.as_bytes(), 0o644)
    }

    /// Makes a self-signed certificate for this machine, unless there is one.
    pub(super) fn write_certificate(&self, hostname: &str) -> Result<(), Error> {
        if self.certificate().exists() && self.key().exists() {
            return Ok(());
        }
        let mut names = vec![
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
            "::1".to_owned(),
        ];
        if hostname != "localhost" {
            names.push(hostname.to_owned());
        }
        let made = rcgen::generate_simple_self_signed(names)
            .map_err(|error| failed(&self.certificate(), io::Error::other(error)))?;
        write_new(
            &self.key(),
            made.signing_key.serialize_pem().as_bytes(),
            0o600,
        )?;
        write_new(&self.certificate(), made.cert.pem().as_bytes(), 0o644)
    }
}

/// A path inside a TOML string.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    path.replace('\\', "\\\\").replace('"', "\\\"")
}

fn write_new(path: &Path, octets: &[u8], mode: u32) -> Result<(), Error> {
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(octets));
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(failed(path, source)),
        Ok(()) => Ok(()),
    }
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::File {
        path: path.to_owned(),
        source,
    }
}

/// A password that is easy to type and has 80 bits: four groups of four, without letters and
/// digits that look alike.
pub(super) fn password() -> Result<String, Error> {
    const LETTERS: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't',
        'u', 'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9',
    ];
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| Error::System(io::Error::other(error)))?;
    let mut password = String::new();
    for (place, octet) in random.into_iter().enumerate() {
        if place > 0 && place % 4 == 0 {
            password.push('-');
        }
        password.extend(LETTERS.get(usize::from(octet) % LETTERS.len()));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_there_is_left_alone() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = temporary.path().join("chapar-data");
        let files = Files::prepare(&directory).unwrap();
        files.write_config("mail.example").unwrap();
        files.write_certificate("mail.example").unwrap();
        let first =
            [files.config(), files.certificate(), files.key()].map(|f| fs::read(f).unwrap());
        files.write_config("other.example").unwrap();
        files.write_certificate("other.example").unwrap();
        let again =
            [files.config(), files.certificate(), files.key()].map(|f| fs::read(f).unwrap());
        assert_eq!(first, again);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700);
        assert_eq!(mode(&files.key()), 0o600);
    }

    #[test]
    fn passwords_are_readable_and_differ() {
        let (one, other) = (password().unwrap(), password().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 19);
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [4; 4]);
    }
}
