//! What the machine gives at most: the work of a server without the server.
//!
//! Deliveries are held against a loop that appends the same octets to a file and syncs it; bodies against one that
//! copies the same octets from the page cache to a socket.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::FileExt as _,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    corpus::Corpus,
    failure::{Failure, Result},
    measure::{Latencies, Sample},
    results::{Limit, Round},
    scene::Scale,
};

/// So much is copied at once from a file to a socket.
const PIECE: usize = 128 << 10;

/// Measures them in a directory on the file system that mail lies on.
pub(crate) fn run(
    directory: &Path,
    corpus: &Corpus,
    scale: Scale,
    rounds: u32,
) -> Result<Vec<Limit>> {
    let mut limits = Vec::new();
    for (name, together) in [("append-1", 1), ("append-8", 8), ("append-64", 64)] {
        let count = scale.pick(256, 2560);
        limits.push(Limit {
            name: name.to_owned(),
            rounds: Vec::new(),
        });
        for round in 0..u64::from(rounds) {
            let messages: Vec<Vec<u8>> = (0..count)
                .map(|n| corpus.message(round * count + n))
                .collect();
            let sample = append(directory, &messages, together)?;
            limits
                .iter_mut()
                .last()
                .into_iter()
                .for_each(|limit| limit.rounds.push(Round::from(&sample)));
        }
    }
    let mut bodies = Limit {
        name: "bodies".to_owned(),
        rounds: Vec::new(),
    };
    let count = scale.pick(10_000, 100_000);
    let path = directory.join("limit");
    let file = fill(&path, corpus, count)?;
    for round in 0..=rounds {
        let sample = copy(&file, count)?;
        // The first one is to warm up.
        if round > 0 {
            bodies.rounds.push(Round::from(&sample));
        }
    }
    fs::remove_file(&path).map_err(Failure::at(&path))?;
    limits.push(bodies);
    Ok(limits)
}

/// Appends messages to a file, and syncs it whenever so many more are in it.
fn append(directory: &Path, messages: &[Vec<u8>], together: usize) -> Result<Sample> {
    let path = directory.join("limit");
    let mut file = File::create(&path).map_err(Failure::at(&path))?;
    let mut latencies = Latencies::default();
    let (cpu, begin) = (cpu(), Instant::now());
    for group in messages.chunks(together) {
        let before = Instant::now();
        // Put together first, as a server does that writes a group with one call.
        file.write_all(&group.concat())?;
        file.sync_data()?;
        latencies.push(before.elapsed());
    }
    let sample = sample(messages.len() as u64, begin, cpu, latencies);
    fs::remove_file(&path).map_err(Failure::at(&path))?;
    Ok(sample)
}

/// A file of messages, one after the other, in the page cache.
fn fill(path: &Path, corpus: &Corpus, count: u64) -> Result<File> {
    let mut file = File::create_new(path)
        .or_else(|_| File::create(path))
        .map_err(Failure::at(path))?;
    let mut messages = Vec::new();
    for n in 0..count {
        corpus.write(n, &mut messages);
        if messages.len() > 1 << 20 {
            file.write_all(&messages)?;
            messages.clear();
        }
    }
    file.write_all(&messages)?;
    file.sync_data()?;
    File::open(path).map_err(Failure::at(path))
}

/// Copies a file to a socket, at whose other end somebody reads; the CPU time is that of the sender.
fn copy(file: &File, messages: u64) -> Result<Sample> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let reader = TcpStream::connect(listener.local_addr()?)?;
    let (mut socket, _) = listener.accept()?;
    socket.set_nodelay(true)?;
    let reading = std::thread::spawn(move || drain(reader));
    let mut piece = vec![0; PIECE];
    let mut at = 0;
    let (cpu, begin) = (cpu(), Instant::now());
    loop {
        let n = file.read_at(&mut piece, at)?;
        if n == 0 {
            break;
        }
        socket.write_all(piece.get(..n).unwrap_or_default())?;
        at += n as u64;
    }
    let spent = self::cpu().saturating_sub(cpu);
    drop(socket);
    let got = reading.join().unwrap_or(Ok(0))?;
    if got != at {
        return Err(Failure::Broken(format!("{got} octets came of {at}")));
    }
    Ok(Sample {
        cpu: spent,
        ..sample(messages, begin, cpu, Latencies::default())
    })
}

fn drain(mut socket: TcpStream) -> std::io::Result<u64> {
    let mut piece = vec![0; PIECE];
    let mut got = 0;
    loop {
        match socket.read(&mut piece)? {
            0 => return Ok(got),
            n => got += n as u64,
        }
    }
}

fn sample(operations: u64, begin: Instant, before: Duration, latencies: Latencies) -> Sample {
    Sample {
        operations,
        wall: begin.elapsed(),
        cpu: cpu().saturating_sub(before),
        others: Duration::ZERO,
        span: begin.elapsed(),
        latencies,
        memory: 0,
        grown: 0,
    }
}

/// The CPU time of this thread.
fn cpu() -> Duration {
    let line = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = line
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_arrives_that_is_copied() {
        let directory = std::env::temp_dir().join(format!("bench-limit-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let corpus = Corpus::small(1);
        let file = fill(&directory.join("limit"), &corpus, 50).unwrap();
        let copied = copy(&file, 50).unwrap();
        let messages: Vec<Vec<u8>> = (0..10).map(|n| corpus.message(n)).collect();
        let appended = append(&directory, &messages, 4).unwrap();
        assert_eq!((copied.operations, appended.operations), (50, 10));
        // Ten messages, four together: three groups.
        assert!(appended.latencies.quantile(1.0) >= appended.latencies.quantile(0.0));
        fs::remove_dir_all(&directory).unwrap();
    }
}
