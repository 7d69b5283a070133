//! One workload as lines for a terminal, while the run goes on.

use std::fmt::Write as _;

use crate::{
    measure::Figure,
    results::{Outcome, Round, Row, Server, count},
};

/// A line for every server: medians, and how many times less than the best peer it needs.
pub(crate) fn table(row: &Row, servers: &[Server]) -> String {
    let mut table = format!(
        "{:<26}{:>14}{:>12}{:>12}{:>12}{:>12}{:>10}\n",
        row.workload,
        format!("{}/s", row.operation),
        "CPU",
        "p50",
        "p99",
        match row.figure {
            Figure::Memory => "each",
            _ => "memory",
        },
        "× less"
    );
    let best = row.best_peer(servers);
    for (server, outcome) in servers.iter().zip(&row.outcomes) {
        let _ = write!(table, "  {:<24}", server.name);
        let _ = match outcome {
            Outcome::Failed(why) => writeln!(table, "failed: {why}"),
            Outcome::NotOffered(what) => writeln!(table, "not offered: {what}"),
            Outcome::Done(_) => {
                let figure = outcome.median(|round| round.figure(row.figure));
                let ratio = best.zip(figure).map(|(best, figure)| best / figure);
                // Nothing against nothing says nothing.
                let ratio = ratio.filter(|ratio| ratio.is_finite());
                writeln!(
                    table,
                    "{:>14}{:>12}{:>12}{:>12}{:>12}{:>10}",
                    number(outcome.median(Round::rate)),
                    time(outcome.median(Round::cpu_each)),
                    time(outcome.median(|round| round.p50.map_or(f64::NAN, count))),
                    time(outcome.median(|round| round.p99.map_or(f64::NAN, count))),
                    size(match row.figure {
                        Figure::Memory => figure,
                        _ => outcome.median(|round| count(round.memory)),
                    }),
                    number(ratio)
                )
            }
        };
    }
    table
}

fn number(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| {
        format!("{value:.*}", usize::from(value < 100.0))
    })
}

/// Nanoseconds, for people.
fn time(value: Option<f64>) -> String {
    scaled(value, &[("ns", 1.0), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)])
}

/// Octets, for people.
fn size(value: Option<f64>) -> String {
    scaled(value, &[("B", 1.0), ("KiB", 1024.0), ("MiB", 1_048_576.0)])
}

fn scaled(value: Option<f64>, units: &[(&str, f64)]) -> String {
    let Some(value) = value else {
        return "–".to_owned();
    };
    let unit = units.iter().rev().find(|(_, unit)| value >= *unit);
    let (name, unit) = unit.or(units.first()).copied().unwrap_or(("", 1.0));
    let digits = if value / unit < 10.0 { 2 } else { 1 };
    format!("{:.digits$} {name}", value / unit)
}
