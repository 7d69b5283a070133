//! Administrators' verbs: asked of the server if one runs, else done here.

use std::{
    fs,
    io::{self, BufRead, BufReader, ErrorKind},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use admin::{
    Context, Failed as Refused, Outcome, Registry, Report, Request, Running,
    backup::Backup,
    wire::{self, Answer},
};
use auth::{Directory, Roles};
use server::{Config, control::connect};
use store::{AccountId, Store};
use tokio::{signal::ctrl_c, sync::Notify};

use crate::{
    Failed,
    printer::{Printer, Style},
    screen::complain,
};

/// The longest line of an answer, in octets.
const ANSWER_OCTETS_MAX: u64 = 64 << 20;

/// The exit code of what Ctrl-C has ended, as shells have it.
const INTERRUPTED: u8 = 130;

/// How long a server may take to say that a request has arrived.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// Has a request done, and prints what is reported.
pub(crate) fn administer(request: &Request, config: &Config, style: Style) -> Result<(), Failed> {
    let mut printer = Printer::new(style);
    let ended = match ask(request, config, &mut printer) {
        Ok(ended) => ended,
        Err(silent) => here(request, config, &silent, &mut printer),
    };
    finish(ended, printer)
}

/// Does what needs no store, nor a configuration; `None` if it needs one.
pub(crate) fn alone(backup: &Backup, style: Style) -> Option<Result<(), Failed>> {
    let mut printer = Printer::new(style);
    let ended = backup.alone(&mut printer)?;
    Some(finish(ended, printer))
}

/// Prints how it ended.
fn finish(ended: Result<Outcome, Refused>, mut printer: Printer) -> Result<(), Failed> {
    let ended = ended.map(|outcome| {
        printer.summary(outcome.summary);
        outcome.code
    });
    printer.finish()?;
    match ended {
        Ok(0) => Ok(()),
        Ok(code) => Err(Failed::Said(code)),
        Err(Refused { why, code }) => {
            complain(&format!("chapar: {why}"));
            Err(Failed::Said(code))
        }
    }
}

/// Asks the server. Its answer; or why it does not answer.
fn ask(
    request: &Request,
    config: &Config,
    printer: &mut Printer,
) -> Result<Result<Outcome, Refused>, io::Error> {
    let server = match connect(&config.control) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Ok(Err(Refused::because(format!(
                "{}: {error}: administer as the user that the server runs as, or as root",
                config.control.display()
            ))));
        }
        server => server?,
    };
    server.set_read_timeout(Some(ANSWER_TIME))?;
    let written = wire::write(&mut &server, request);
    let mut answers = BufReader::new(&server);
    let first =
        wire::read(&mut answers, ANSWER_OCTETS_MAX).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => io::Error::other("it is silent"),
            _ => error,
        })?;
    if first.is_empty() {
        // Who is turned away gets an answer before they have asked.
        written?;
    }
    server.set_read_timeout(None)?;
    Ok(listen(first, &mut answers, printer))
}

/// Prints a server's answer, of which the first line has come.
fn listen(
    first: Vec<u8>,
    answers: &mut impl BufRead,
    printer: &mut Printer,
) -> Result<Outcome, Refused> {
    let mut line = first;
    loop {
        if line.is_empty() {
            return Err(Refused::because(
                "the server ended the connection without an answer; its log may say why",
            ));
        }
        match serde_json::from_slice(&line)? {
            Answer::Begun { .. } => {}
            Answer::Row(row) => printer.row(row),
            Answer::Progress { done, total, what } => printer.progress(done, total, &what),
            Answer::Note(text) => printer.note(&text),
            Answer::Done(outcome) => return Ok(outcome),
            Answer::Failed(failed) => return Err(failed),
        }
        // Whoever reads has enough. A verb that changes things goes on all the same.
        if printer.gone() {
            return Err(Refused::because("nobody reads the answer"));
        }
        line = wire::read(answers, ANSWER_OCTETS_MAX)?;
    }
}

/// Does it here: no server answers, for that reason.
fn here(
    request: &Request,
    config: &Config,
    silent: &io::Error,
    printer: &mut Printer,
) -> Result<Outcome, Refused> {
    if request.concerns_accounts_alone() {
        return register(request, config, printer);
    }
    let data = &config.data;
    if let Err(error) = fs::read_dir(data) {
        return Err(Refused::because(format!("{}: {error}", data.display())));
    }
    if let Request::Verify(verify) = request {
        // Also a store that can't be opened, and beside a server that does not answer.
        if silent.kind() == ErrorKind::Other {
            printer.note(&format!(
                "the server does not answer: {silent}; reading its files"
            ));
        }
        return verify.walk(data, &names(config), printer);
    }
    must_be_owner(data, silent)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let stop = Arc::new(Stop::default());
    printer.stop = Arc::clone(&stop.asked);
    runtime.spawn(Arc::clone(&stop).watch());
    runtime.block_on(async {
        let context = open(config, silent).await?;
        let done = tokio::select! {
            done = request.run(&context, printer) => done,
            () = stop.notify.notified() => Err(Refused {
                why: "interrupted".to_owned(),
                code: INTERRUPTED,
            }),
        };
        // What is done is done: nothing that was acknowledged is lost by that.
        if let Err(error) = context.store.close().await {
            printer.note(&format!("closing the store: {error}"));
        }
        done
    })
}

/// Does what concerns the accounts file alone: there need be no store yet.
fn register(request: &Request, config: &Config, printer: &mut Printer) -> Result<Outcome, Refused> {
    let directory = Directory::open(config.accounts.clone(), config.domains.clone())?;
    let registry = Registry {
        directory: &directory,
        roles: &Roles::all(),
    };
    request.register(registry, printer)
}

/// What Ctrl-C does: once, the verb is ended and the store closed; twice, at once.
#[derive(Default)]
struct Stop {
    asked: Arc<AtomicBool>,
    notify: Notify,
}

impl Stop {
    async fn watch(self: Arc<Self>) {
        while ctrl_c().await.is_ok() {
            if self.asked.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(INTERRUPTED));
            }
            self.notify.notify_one();
        }
    }
}

async fn open(config: &Config, silent: &io::Error) -> Result<Context, Refused> {
    let directory = Directory::open(config.accounts.clone(), config.domains.clone())?;
    let directory = Arc::new(directory);
    let opened = Store::open(store::Options {
        directory: Some(config.data.clone()),
        message_bytes_max: config.message_bytes_max,
        clock: store::clock::system,
    });
    let store = opened.await.map_err(|error| match error {
        store::Error::InUse(_) => Refused::because(format!(
            "{error}, and its control socket {} does not answer: {silent}",
            config.control.display()
        )),
        error => error.into(),
    })?;
    store.allot(config.allotment(&directory));
    if let Some(partition) = &config.partition {
        // If there is none of that name, it may be what is to be added now.
        let _ = store.begin_accounts_in(partition);
    }
    Ok(Context {
        store,
        directory,
        data: config.data.clone(),
        retention: config.retention,
        expiry: config.settings.expiry.clone(),
        archive: config.settings.archive.clone(),
        by: admin::me(),
        roles: auth::Roles::all(),
        sessions: None,
        lately: None,
        running: Running::default(),
    })
}

/// What root writes, a server that runs as somebody else can't read.
fn must_be_owner(data: &Path, silent: &io::Error) -> Result<(), Refused> {
    let owner = fs::metadata(data)?.uid();
    let me = admin::uid();
    if owner == me {
        return Ok(());
    }
    let owner = admin::user(owner);
    Err(Refused::because(format!(
        "{} belongs to {owner}, and no server answers ({silent}): do this as {owner}, or start \
         the server",
        data.display()
    )))
}

/// What accounts are called. An accounts file that is broken does not keep the mail from being verified.
fn names(config: &Config) -> admin::verify::Names {
    let directory = Directory::open(config.accounts.clone(), config.domains.clone());
    let accounts = directory.map(|directory| directory.accounts());
    if let Err(error) = &accounts {
        complain(&format!("chapar: {error}"));
    }
    let named =
        |account: Arc<auth::directory::Account>| (AccountId(account.id), Arc::clone(&account.name));
    accounts.into_iter().flatten().map(named).collect()
}
