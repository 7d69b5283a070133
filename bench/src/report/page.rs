//! The page: what was measured, on what, how to do it again, and what came of it.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{
    Report,
    aims::{FAMILIES, durability},
    plot::{grouped, significant},
    table,
};
use crate::{
    results::{Limit, Round, count},
    scene::Scale,
};

const HEAD: &str = "\
# Benchmarks

Chapar and its peers at the same work, on the same machine, in the same run: loopback, the same deterministic messages,
each server as its packager builds it and sets it up, and rounds interleaved (A B A B …). This page is written by the benchmark; the
figures behind it are in [`benchmarks/results.json`](benchmarks/results.json).

What counts is the **server's CPU time per operation**: of all its processes, those included that have ended, until it is
at rest again. Rates and latencies depend on what else a machine does; they are in the tables of all figures. Medians over
the rounds. In the pictures, a bar to the left says how many times less Chapar needs than the best of its peers, and the
tick is what was aimed at.

## Do it again

```sh
bench/peers                                   # as root, on Debian: gets Dovecot and Cyrus
cargo run --release -p bench                  # every workload, all servers
cargo run --release -p bench -- --limits --only delivery-64 fetch-bodies
cargo run --release -p bench -- --growth      # at several sizes
cargo run --release -p bench -- --report      # writes this page
```

`--scale full` takes mailboxes of 100,000 and 1,000,000 messages; `--chapar before=PATH --chapar after=PATH` compares two
programs; `--only NAME…` does some of the workloads. Loaded mailboxes are kept in `target/bench`, and used again.
";

/// The whole of it.
pub(super) fn page(report: &Report) -> String {
    let mut page = HEAD.to_owned();
    page.push_str(&setting(report));
    let (met, all, missed) = table::met(report);
    let _ = writeln!(page, "\n## What came of it\n\n{met} of {all} aims are met.");
    if !missed.is_empty() {
        let _ = writeln!(page, "Not met:\n");
        for one in missed {
            let _ = writeln!(page, "* {one}");
        }
    }
    for family in &FAMILIES {
        if !family
            .entries
            .iter()
            .any(|(workload, ..)| report.line(workload).is_some())
        {
            continue;
        }
        let (title, file) = (family.title, family.file);
        let _ = writeln!(
            page,
            "\n### {title}\n\n![{title}: costs as ratios to the best peer](benchmarks/{file}.svg)\n"
        );
        page.push_str(&table::summary(report, family));
        let _ = writeln!(
            page,
            "\n<details><summary>All figures</summary>\n\n{}\n</details>",
            table::details(report, family)
        );
    }
    page.push_str(&limits(report));
    page.push_str(&growth(report));
    page
}

/// How many rounds what is told had, from the fewest to the most: a run may repeat some workloads of another.
fn rounds(report: &Report) -> String {
    let outcomes = report
        .lines
        .values()
        .flat_map(|line| line.outcomes.values());
    let had = outcomes
        .map(|outcome| outcome.rounds().len())
        .filter(|rounds| *rounds > 0);
    let (fewest, most) = had.fold((usize::MAX, 0), |(fewest, most), rounds| {
        (fewest.min(rounds), most.max(rounds))
    });
    if fewest < most {
        format!("{fewest} to {most}")
    } else {
        most.to_string()
    }
}

/// On what it was measured, and of what.
fn setting(report: &Report) -> String {
    let newest = &report.newest;
    let machine = &newest.machine;
    let day = i64::try_from(newest.began)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    let day = day.map_or(String::new(), |when| when.strftime("%-d %B %Y").to_string());
    let size = match newest.scale {
        Scale::Quick => "quick: mailboxes of 10,000 messages",
        Scale::Full => "full: mailboxes of 100,000 messages",
    };
    let mut text = format!(
        "\n## On what\n\n| | |\n|---|---|\n| when | {day} |\n| processor | {} × {} |\n| memory | {} GiB |\n| kernel | {} |\n\
         | system | {} |\n| file system | {} |\n| scale | {size} |\n| rounds | {} |\n| messages | seed {}; sizes log-normal, \
         median 8 KB, mean 25 KB |\n\n| server | version | durability |\n|---|---|---|\n",
        machine.processors,
        machine.processor,
        machine.memory >> 30,
        machine.kernel,
        machine.system,
        machine.file_system,
        rounds(report),
        newest.seed,
    );
    for server in &report.servers {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            server.name,
            server.version,
            durability(&server.name)
        );
    }
    if !report.otherwise.is_empty() {
        let other = match newest.scale {
            Scale::Quick => "full",
            Scale::Full => "quick",
        };
        let names = report.otherwise.join("`, `");
        let _ = writeln!(text, "\nThese are of a {other} run: `{names}`.");
    }
    text
}

/// What the machine gives at most, and how much of it Chapar reaches.
fn limits(report: &Report) -> String {
    let mut text = String::new();
    let rate = |limit: &Limit| {
        let mut rates: Vec<f64> = limit.rounds.iter().map(Round::rate).collect();
        rates.sort_unstable_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied()
    };
    let Some(present) = report.present() else {
        return text;
    };
    for (name, workload, words, aim) in [
        (
            "append-1",
            "delivery-1",
            "appending and syncing one message at a time",
            None,
        ),
        (
            "append-8",
            "delivery-8",
            "appending and syncing 8 at a time",
            None,
        ),
        (
            "append-1",
            "delivery-64",
            "appending and syncing one message at a time",
            Some(0.7),
        ),
        (
            "append-64",
            "delivery-64",
            "appending and syncing 64 at a time",
            Some(0.7),
        ),
        (
            "bodies",
            "fetch-bodies",
            "copying from the page cache to a socket",
            Some(0.75),
        ),
    ] {
        let limit = report
            .limits
            .iter()
            .find(|limit| limit.name == name)
            .and_then(rate);
        let reached = report
            .line(workload)
            .and_then(|line| line.outcomes.get(&present)?.median(Round::rate));
        let (Some(limit), Some(reached)) = (limit, reached) else {
            continue;
        };
        if text.is_empty() {
            text.push_str("\n## Against the limit\n\nMessages a second, of the same octets, without a server and with one.\n\n");
            text.push_str("| bare loop | messages/s | workload | messages/s | of the limit | aim | |\n|---|--:|---|--:|--:|--:|---|\n");
        }
        let part = reached / limit;
        let _ = writeln!(
            text,
            "| {words} | {} | {workload} | {} | {} % | {} | {} |",
            significant(limit),
            significant(reached),
            significant(part * 100.0),
            aim.map_or("–".to_owned(), |aim| format!(
                "≥ {} %",
                significant(aim * 100.0)
            )),
            match aim {
                Some(aim) if part < aim => "**no**",
                Some(_) => "met",
                None => "–",
            }
        );
    }
    text
}

fn growth(report: &Report) -> String {
    let mut text = String::new();
    for across in ["messages", "accounts"] {
        if report.grown(across).is_empty() {
            continue;
        }
        if text.is_empty() {
            text.push_str("\n## Cost as it grows\n\nMessages of 1 to 2 KB. What grows faster than the answer is in bold.\n");
        }
        let sizes: Vec<String> = report
            .sizes(across)
            .into_iter()
            .map(|size| grouped(count(size)))
            .collect();
        let _ = writeln!(
            text,
            "\n### By the number of {across}: {}\n\n![Growth by {across}](benchmarks/growth-{across}.svg)\n",
            sizes.join(", ")
        );
        text.push_str(&table::growth(report, across));
    }
    text
}
