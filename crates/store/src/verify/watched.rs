//! A verify that tells how far it is, and can be broken off.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    os::unix::fs::MetadataExt,
    path::Path,
};

use super::Verifier;
use crate::{
    engine::{Engine, Visit, Walk, WalkFn, WalkItem},
    error::Error,
    verify::{Depth, Finding, Summary},
};

/// Told how many octets have been read so far, and whether that was enough.
pub type Walked<'a> = dyn FnMut(u64) -> ControlFlow<()> + 'a;

/// As [`super::verify`], telling how far it is. What is found after `walked` has broken it off means nothing.
///
/// # Errors
/// As [`super::verify`].
pub fn verify_watched(
    directory: &Path,
    depth: Depth,
    walked: &mut Walked<'_>,
    found: &mut dyn FnMut(Finding),
) -> Result<Summary, Error> {
    let walks = Engine::walks_of_directory(directory)?;
    let run = |walks: &[Walk<'_>]| Verifier::run(walks, depth, BTreeMap::new(), found);
    watch(walks, walked, run).map(|verifier| verifier.summary)
}

/// How many octets [`verify_watched`] will read, about: those of the log's files, for each time that they
/// are read.
#[must_use]
pub fn octets(directory: &Path, depth: Depth) -> u64 {
    let list = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    let logs = list(&directory.join("partitions")).map(|partition| partition.path().join("log"));
    let segments = logs.flat_map(|log| list(&log).collect::<Vec<_>>());
    let segments = segments.filter(|file| file.path().extension().is_some_and(|e| e == "log"));
    // Of holes nothing is read.
    let octets = |metadata: fs::Metadata| metadata.len().min(metadata.blocks() * 512);
    let once: u64 = segments
        .filter_map(|file| file.metadata().ok())
        .map(octets)
        .sum();
    match depth {
        Depth::Records => once,
        Depth::Content => once * 2,
    }
}

/// Has `run` walk by walks that tell how far they are.
pub(super) fn watch<T>(
    walks: Vec<Walk<'static>>,
    walked: &mut Walked<'_>,
    run: impl FnOnce(&[Walk<'_>]) -> T,
) -> T {
    let (walked, octets) = (RefCell::new(walked), Cell::new(0));
    let (walked, octets) = (&walked, &octets);
    let watched = |walk: Box<WalkFn<'static>>| {
        let watched = move |visit: &mut Visit<'_>| {
            walk(&mut |item: WalkItem<'_>| {
                if let WalkItem::Record { body, .. } = &item {
                    octets.set(octets.get() + body.len() as u64);
                }
                visit(item)?;
                // A walk does not begin another.
                (walked.borrow_mut())(octets.get())
            })
        };
        Box::new(watched) as Box<WalkFn<'_>>
    };
    let walks: Vec<Walk<'_>> = walks
        .into_iter()
        .map(|Walk { partition, walk }| Walk {
            partition,
            walk: walk.map(watched),
        })
        .collect();
    run(&walks)
}
