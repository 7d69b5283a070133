//! `bench`: Chapar and its peers at the same work, in the same run.

mod client;
mod corpus;
mod failure;
mod growth;
mod limit;
mod mailbox;
mod measure;
mod peer;
mod process;
mod report;
mod results;
mod scene;
mod terminal;
mod workload;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Arc,
};

use clap::Parser;

use corpus::Corpus;
use failure::{Failure, Result};
use peer::{
    Peer,
    chapar::Chapar,
    cyrus::Cyrus,
    dovecot::{Dovecot, Format},
};
use results::{Machine, Results};
use scene::{Scale, Scene};

/// Compare Chapar with Dovecot and Cyrus, workload by workload.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only workloads whose name begins so; may be given again
    #[arg(long, value_name = "NAME", num_args = 1..)]
    only: Vec<String>,
    /// Rounds that count, 3 or, if full, 5; one before them is to warm up, and thrown away
    #[arg(long)]
    rounds: Option<u32>,
    /// How much is done
    #[arg(long, value_enum, default_value_t = Scale::Quick)]
    scale: Scale,
    /// Only these servers: chapar, dovecot-maildir, dovecot-sdbox, dovecot-mdbox, cyrus
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    servers: Vec<String>,
    /// A chapar to measure, `PATH` or `NAME=PATH`; may be given again. Without any, the one of this source,
    /// which is built first
    #[arg(long, value_name = "NAME=PATH")]
    chapar: Vec<String>,
    /// The same work at several sizes instead
    #[arg(long)]
    growth: bool,
    /// Also what the machine gives at most
    #[arg(long)]
    limits: bool,
    /// Write docs/benchmarks.md of the saved results, and nothing else
    #[arg(long)]
    report: bool,
    /// What the messages are made from
    #[arg(long, default_value_t = corpus::SEED)]
    seed: u64,
    /// Where mail, configuration and results are kept
    #[arg(long, default_value = "target/bench")]
    directory: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("bench: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    std::fs::create_dir_all(&arguments.directory).map_err(Failure::at(&arguments.directory))?;
    let directory = std::path::absolute(&arguments.directory)?;
    if arguments.report {
        let documents = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
        return report::write(
            Results::load_all(&directory.join("results"))?,
            Path::new(documents),
        );
    }
    raise_limits()?;
    let rounds = arguments.rounds.unwrap_or(arguments.scale.pick(3, 5));
    let corpus = Arc::new(Corpus::new(arguments.seed));
    let mut scenes = Vec::new();
    for peer in peers(arguments, &directory)? {
        scenes.push(Scene::open(peer, arguments.scale, &corpus)?);
    }
    let wanted = |name: &str| {
        let only = &arguments.only;
        only.is_empty() || only.iter().any(|wanted| name.starts_with(&**wanted))
    };
    let mut results = Results {
        began: results::now(),
        machine: Machine::here(&directory),
        seed: arguments.seed,
        scale: arguments.scale,
        rounds,
        servers: scenes
            .iter()
            .map(|scene| scene.peer().description())
            .collect(),
        rows: Vec::new(),
        growth: Vec::new(),
        limits: Vec::new(),
    };
    let below = directory.join("results");
    if arguments.limits {
        results.limits = limit::run(&directory, &corpus, arguments.scale, rounds)?;
        results.save(&below)?;
    }
    let mut output = std::io::stdout();
    // Nobody may be reading any more; and a run that is broken off has saved what it had.
    if arguments.growth {
        growth::run(&mut scenes, arguments.scale, rounds, wanted, |growth| {
            let title = format!("{} {}", growth.size, growth.across);
            let _ = writeln!(
                output,
                "{title}: {}",
                terminal::table(&growth.row, &results.servers)
            );
            results.growth.push(growth);
            results.save(&below)
        })?;
    } else {
        measure::run(&mut scenes, rounds, workload::all, wanted, |row| {
            let _ = writeln!(output, "{}", terminal::table(&row, &results.servers));
            results.rows.push(row);
            results.save(&below)
        })?;
    }
    for scene in &mut scenes {
        scene.stop()?;
    }
    Ok(())
}

/// The servers that are wanted, in the order of the tables.
fn peers(arguments: &Arguments, directory: &Path) -> Result<Vec<Box<dyn Peer>>> {
    let wanted = |name: &str| {
        arguments.servers.is_empty() || arguments.servers.iter().any(|wanted| wanted == name)
    };
    let mut peers: Vec<Box<dyn Peer>> = Vec::new();
    for given in &arguments.chapar {
        let (name, program) = given.split_once('=').unwrap_or(("chapar", given));
        let program = std::path::absolute(program)?;
        let below = directory.join(name);
        peers.push(Box::new(Chapar::new(name, &program, &below)?));
    }
    if arguments.chapar.is_empty() && wanted("chapar") {
        let below = directory.join("chapar");
        peers.push(Box::new(Chapar::new("chapar", &build()?, &below)?));
    }
    for format in [Format::Maildir, Format::Sdbox, Format::Mdbox] {
        let name = Dovecot::name_of(format);
        if wanted(name) {
            peers.push(Box::new(Dovecot::new(format, &directory.join(name))?));
        }
    }
    if wanted(Cyrus::NAME) {
        let below = directory.join(Cyrus::NAME);
        peers.push(Box::new(Cyrus::new(&directory.join("peers"), &below)?));
    }
    Ok(peers)
}

/// Builds the chapar of this source as it is installed, and says where it is. Its peers are packages, too.
fn build() -> Result<PathBuf> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let built = Command::new("cargo")
        .args([
            "build",
            "--profile",
            "dist",
            "-p",
            "chapar",
            "--manifest-path",
            manifest,
        ])
        .status()?;
    // Of the same target directory as this program.
    let mut target = std::env::current_exe()?;
    target.pop();
    target.set_file_name("dist");
    let program = target.join("chapar");
    if built.success() && program.exists() {
        Ok(program)
    } else {
        Err(Failure::Broken(
            "chapar could not be built; give one with --chapar".to_owned(),
        ))
    }
}

/// Thousands of connections need as many descriptors, here and in the servers, which inherit this.
fn raise_limits() -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    for wanted in [Some(65536), now.maximum] {
        let limit = Rlimit {
            current: wanted,
            maximum: wanted.max(now.maximum),
        };
        if setrlimit(Resource::Nofile, limit).is_ok() {
            return Ok(());
        }
    }
    Err(Failure::Broken(
        "no limit of open files can be set".to_owned(),
    ))
}
