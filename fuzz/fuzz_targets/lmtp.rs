//! Any octets are an LMTP session: however they are cut, the same replies come out, every one of
//! RFC 5321's form, and the session comes to an end of them.

#![no_main]

use std::sync::{Arc, LazyLock};

use auth::{Authenticator, Directory};
use libfuzzer_sys::fuzz_target;
use session::{Gone, Limits, Next, Outlet, Peer, Services, lmtp::Session};
use tokio::runtime::{Builder, Runtime};

/// What every run works with: nobody has an account, so that nothing is kept.
static SERVICES: LazyLock<(Runtime, Services)> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let accounts = std::env::temp_dir().join("no-such-directory/accounts.toml");
    let directory = Directory::open(accounts, Vec::new()).expect("an absent file is no accounts");
    let options = store::Options {
        directory: None,
        message_bytes_max: 1000,
        clock: store::clock::system,
    };
    let services = Services {
        store: runtime.block_on(store::Store::open(options)).expect("a store in memory"),
        auth: Authenticator::new(Arc::new(directory)),
        limits: Limits::default(),
        hostname: "fuzz.test".into(),
        plaintext_login: false,
        undelete: None,
        site: std::sync::Arc::default(),
        imap: Arc::default(),
        lmtp: Arc::default(),
    };
    (runtime, services)
});

/// Keeps everything.
#[derive(Default)]
struct Kept(Vec<u8>);

impl Outlet for Kept {
    fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        Ok(())
    }
}

fuzz_target!(|input: &[u8]| {
    let (choices, stream) = input.split_at(input.len().min(4));
    let length = usize::from(choices.first().copied().unwrap_or(0)) % 64 + 1;
    let whole = run([stream].into_iter());
    assert_eq!(run(stream.chunks(length)), whole);
    for line in whole.split_inclusive(|&b| b == b'\n') {
        let (code, rest) = line.split_at(line.len().min(3));
        assert!(code.iter().all(u8::is_ascii_digit), "{}", line.escape_ascii());
        assert!(rest.starts_with(b" ") || rest.starts_with(b"-"), "{}", line.escape_ascii());
        assert!(rest.ends_with(b"\r\n"), "{}", line.escape_ascii());
    }
});

fn run<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let (runtime, services) = &*SERVICES;
    let mut session = Session::new(services.clone(), Peer::default());
    let mut out = Kept::default();
    runtime.block_on(async {
        for piece in pieces {
            match session.receive(piece, &mut out).await {
                Ok(Next::Wait) => {}
                Ok(_) | Err(Gone) => break,
            }
        }
    });
    out.0
}
