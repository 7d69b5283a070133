//! Tables in Markdown.

use std::fmt::Write as _;

use super::{
    Line, Report,
    aims::{Aim, FAMILIES, Family, answer_grows},
    plot::{duration, grouped, significant},
};
use crate::{
    measure::Figure,
    results::{Outcome, Round, count},
};

/// The heads of two tables: what a family comes to, and all that was measured.
const DETAIL: &str = "| work | server | per second | p50 | p99 | CPU each | memory | of the best peer |\n|---|---|--:|--:|--:|--:|--:|--:|\n";

/// A figure in its unit.
pub(super) fn figure(value: f64, figure: Figure) -> String {
    match figure {
        Figure::Memory => octets(value),
        Figure::Cpu | Figure::Latency => duration(value / 1e3),
    }
}

fn octets(value: f64) -> String {
    match value {
        ..1_048_576.0 => format!("{} KiB", significant(value / 1024.0)),
        _ => format!("{} MiB", significant(value / 1_048_576.0)),
    }
}

/// How far an aim is: met, or by how much not.
pub(super) fn verdict(report: &Report, line: &Line, aim: Aim) -> Option<(bool, String)> {
    let ours = report.ours(line)?;
    let (reached, aimed) = match aim {
        // Nothing at all is below what can be measured.
        Aim::Less(times) => {
            let best = report.best(line).filter(|(_, best)| *best > 0.0)?.1;
            (best / ours / times, times)
        }
        Aim::AtMost(most) => (most / ours, most),
        Aim::Half(most) => (
            most / line
                .outcomes
                .get(&report.present()?)?
                .median(|round| round.p50.map_or(f64::NAN, count))?,
            most,
        ),
    };
    let words = match aim {
        Aim::Less(1.0) => "no more".to_owned(),
        Aim::Less(_) => format!("≥ {aimed}× less"),
        Aim::AtMost(_) => format!("≤ {}", figure(aimed, line.figure)),
        Aim::Half(_) => format!("p50 ≤ {}", duration(aimed / 1e3)),
    };
    let missing = format!("{words} | **no**, by {}×", significant(1.0 / reached));
    Some(if reached >= 1.0 {
        (true, format!("{words} | met"))
    } else {
        (false, missing)
    })
}

/// What the workloads of a family come to.
pub(super) fn summary(report: &Report, family: &Family) -> String {
    let ours = report.ours_names();
    let mut table = "| work | per |".to_owned();
    for name in &ours {
        let _ = write!(table, " {name} |");
    }
    table.push_str(" best peer | × less | aim | |\n|---|---|");
    table.push_str(&"--:|".repeat(ours.len() + 2));
    table.push_str("---|---|\n");
    for (workload, label, aim) in family.entries {
        let Some(line) = report.line(workload) else {
            continue;
        };
        let _ = write!(table, "| {label} | {} |", line.operation);
        for name in &ours {
            let _ = write!(
                table,
                " {} |",
                line.median(name)
                    .map_or(said(line.outcomes.get(name)), |value| figure(
                        value,
                        line.figure
                    ))
            );
        }
        let best = report.best(line);
        let peer = best.map_or("–".to_owned(), |(name, value)| {
            format!("{} ({name})", figure(value, line.figure))
        });
        let times = best
            .zip(report.ours(line))
            .map_or("–".to_owned(), |((_, best), ours)| {
                significant(best / ours)
            });
        let judged = verdict(report, line, *aim).map_or("– | –".to_owned(), |(_, words)| words);
        let _ = writeln!(table, " {peer} | {times} | {judged} |");
    }
    if let Some(others) = others(report, family) {
        let _ = writeln!(
            table,
            "\nWhatever else ran on the machine took {} % of its processors meanwhile.",
            significant(others * 100.0)
        );
    }
    table
}

/// Which part of the processors others had while a family was measured; none if that was not looked at.
fn others(report: &Report, family: &Family) -> Option<f64> {
    let lines = family.entries.iter();
    let lines = lines.filter_map(|(workload, ..)| report.line(workload));
    let rounds = lines
        .flat_map(|line| line.outcomes.values())
        .flat_map(Outcome::rounds);
    let (mut taken, mut given) = (0.0, 0.0);
    for (others, span) in rounds.filter_map(|round| round.others.zip(round.span)) {
        taken += count(others);
        given += count(span);
    }
    let processors = u64::try_from(report.newest.machine.processors).unwrap_or(1);
    (given > 0.0).then(|| taken / given / count(processors))
}

/// All that was measured of a family.
pub(super) fn details(report: &Report, family: &Family) -> String {
    let mut table = DETAIL.to_owned();
    for (workload, label, _) in family.entries {
        let Some(line) = report.line(workload) else {
            continue;
        };
        // Nothing is a multiple of nothing.
        let best = report.best(line).map(|(_, best)| best);
        let best = best.filter(|best| *best > 0.0);
        for server in &report.servers {
            let Some(outcome) = line.outcomes.get(&server.name) else {
                continue;
            };
            if !matches!(outcome, Outcome::Done(_)) {
                let _ = writeln!(
                    table,
                    "| {label} | {} | {} | | | | | |",
                    server.name,
                    said(Some(outcome))
                );
                continue;
            }
            let show = |value: Option<f64>, form: &dyn Fn(f64) -> String| {
                value.map_or("–".to_owned(), form)
            };
            let time = |nanoseconds: f64| duration(nanoseconds / 1e3);
            let value = line.median(&server.name);
            let _ = writeln!(
                table,
                "| {label} | {} | {} | {} | {} | {} | {} | {} |",
                server.name,
                show(outcome.median(Round::rate), &significant),
                show(
                    outcome.median(|round| round.p50.map_or(f64::NAN, count)),
                    &time
                ),
                show(
                    outcome.median(|round| round.p99.map_or(f64::NAN, count)),
                    &time
                ),
                show(outcome.median(Round::cpu_each), &time),
                match line.figure {
                    Figure::Memory => show(value, &octets),
                    _ => show(outcome.median(|round| count(round.memory)), &octets),
                },
                show(
                    value.zip(best).map(|(value, best)| value / best),
                    &|ratio| format!("{}×", significant(ratio))
                ),
            );
        }
    }
    table
}

/// What there is to say of a server without figures.
fn said(outcome: Option<&Outcome>) -> String {
    match outcome {
        None | Some(Outcome::Done(_)) => "–".to_owned(),
        Some(Outcome::NotOffered(_)) => "not offered".to_owned(),
        Some(Outcome::Failed(_)) => "failed".to_owned(),
    }
}

/// Costs by size, and what grows faster than its answer.
pub(super) fn growth(report: &Report, across: &str) -> String {
    let sizes = report.sizes(across);
    let mut table = "| work | server |".to_owned();
    for size in &sizes {
        let _ = write!(table, " {} |", grouped(count(*size)));
    }
    table.push_str(" grows with |\n|---|---|");
    table.push_str(&"--:|".repeat(sizes.len()));
    table.push_str("---|\n");
    for workload in report.grown(across) {
        for server in &report.servers {
            let line = report.course(across, &workload, &server.name);
            if line.is_empty() {
                continue;
            }
            let _ = write!(table, "| {workload} | {} |", server.name);
            for size in &sizes {
                let at = line.iter().find(|(x, _)| (x - count(*size)).abs() < 0.5);
                let _ = write!(
                    table,
                    " {} |",
                    at.map_or("–".to_owned(), |(_, y)| duration(*y))
                );
            }
            let power = power(&line);
            let allowed = if answer_grows(&workload) { 1.0 } else { 0.0 };
            let words = match power {
                None => "–".to_owned(),
                Some(power) if power > allowed + 0.25 => format!("**n^{power:.1}**"),
                Some(power) => format!("n^{:.1}", power.max(0.0)),
            };
            let _ = writeln!(table, " {words} |");
        }
    }
    table
}

/// With what power of the size a cost grows, from the first to the last.
fn power(line: &[(f64, f64)]) -> Option<f64> {
    let ((x0, y0), (x1, y1)) = (line.first()?, line.last()?);
    (x1 > x0 && *y0 > 0.0 && *y1 > 0.0).then(|| (y1 / y0).ln() / (x1 / x0).ln())
}

/// How many aims are met, and those that are not.
pub(super) fn met(report: &Report) -> (usize, usize, Vec<String>) {
    let (mut met, mut all, mut missed) = (0, 0, Vec::new());
    for (workload, label, aim) in FAMILIES.iter().flat_map(|family| family.entries) {
        let judged = report
            .line(workload)
            .and_then(|line| verdict(report, line, *aim));
        if let Some((good, words)) = judged {
            all += 1;
            met += usize::from(good);
            if !good {
                missed.push(format!("{label}: {}", words.replace(" | ", ": ")));
            }
        }
    }
    (met, all, missed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_grows_with_a_power_of_the_size() {
        assert_eq!(power(&[(1e3, 5.0), (1e6, 5.0)]), Some(0.0));
        let linear = power(&[(1e3, 1.0), (1e4, 10.0), (1e5, 100.0)]).unwrap();
        assert!((linear - 1.0).abs() < 1e-9);
        assert_eq!(power(&[(1e3, 1.0)]), None);
    }
}
