//! Any octets are questions of Postfix in any dialect: however they are cut, the same answers come out, each
//! of the dialect's form.

#![no_main]

use std::sync::{Arc, LazyLock};

use auth::{Authenticator, Directory};
use libfuzzer_sys::fuzz_target;
use session::{
    Gone, Limits, Next, Outlet, Services,
    postfix::{Dialect, Session},
};
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
    let (choices, stream) = input.split_at(input.len().min(2));
    let dialect = match choices.first().copied().unwrap_or(0) % 3 {
        0 => Dialect::Socketmap,
        1 => Dialect::TcpTable,
        _ => Dialect::Policy,
    };
    let length = usize::from(choices.last().copied().unwrap_or(0)) % 64 + 1;
    let whole = run(dialect, [stream].into_iter());
    assert_eq!(run(dialect, stream.chunks(length)), whole);
    let answers = whole.escape_ascii();
    match dialect {
        Dialect::Socketmap => assert!(whole.is_empty() || whole.ends_with(b","), "{answers}"),
        Dialect::TcpTable => {
            for line in whole.split_inclusive(|&b| b == b'\n') {
                let code = line.get(..4).unwrap_or_default();
                assert!([b"200 ", b"400 ", b"500 "].contains(&code.try_into().unwrap()), "{answers}");
                assert!(line.ends_with(b"\n") && line.is_ascii(), "{answers}");
            }
        }
        Dialect::Policy => {
            for line in whole.split_inclusive(|&b| b == b'\n') {
                assert!(line == b"\n" || line.starts_with(b"action="), "{answers}");
            }
        }
    }
});

fn run<'a>(dialect: Dialect, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let (runtime, services) = &*SERVICES;
    let mut session = Session::new(services.clone(), dialect);
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
