//! The report: `docs/benchmarks.md`, its pictures, and what they were made of; from the saved results and from nothing
//! else.

mod aims;
mod page;
mod plot;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use self::aims::{Aim, FAMILIES};
use crate::{
    failure::{Failure, Result},
    measure::Figure,
    results::{Growth, Limit, Outcome, Results, Row, Server, count},
};

/// One workload, of the newest run that has it: what each server made of it.
struct Line {
    operation: String,
    figure: Figure,
    outcomes: BTreeMap<String, Outcome>,
}

impl Line {
    fn of_row(row: &Row, servers: &[Server]) -> Self {
        let names = servers.iter().map(|server| server.name.clone());
        Self {
            operation: row.operation.clone(),
            figure: row.figure,
            outcomes: names.zip(row.outcomes.iter().cloned()).collect(),
        }
    }

    /// Whether one of ours and a peer have done it.
    fn compares(&self, servers: &[Server]) -> bool {
        let done = |ours: bool| {
            let names = servers.iter().filter(|server| server.ours == ours);
            names
                .filter_map(|server| self.outcomes.get(&server.name))
                .any(|outcome| matches!(outcome, Outcome::Done(_)))
        };
        done(true) && done(false)
    }

    /// What a server needs: nanoseconds, or octets.
    fn median(&self, server: &str) -> Option<f64> {
        self.outcomes
            .get(server)?
            .median(|round| round.figure(self.figure))
    }
}

/// Everything that is told: runs put together, the newer before the older.
struct Report {
    /// The newest run, for what is said of the machine.
    newest: Results,
    servers: Vec<Server>,
    lines: BTreeMap<String, Line>,
    /// By what there are more of, the workload, and how many there are.
    growth: BTreeMap<(String, String, u64), Line>,
    limits: Vec<Limit>,
    /// Workloads that were done only at another scale than the newest run.
    otherwise: Vec<String>,
}

/// Writes the report of saved runs, the oldest first, into a directory of documents: of those that had the same messages
/// and, where there are others, did as much as the one that did most workloads.
pub(crate) fn write(mut runs: Vec<Results>, documents: &Path) -> Result<()> {
    let most = runs.iter().max_by_key(|run| (run.rows.len(), run.began));
    if let Some((seed, scale)) = most.map(|run| (run.seed, run.scale)) {
        runs.retain(|run| run.seed == seed);
        // What comes later is told of.
        runs.sort_by_key(|run| run.scale == scale);
    }
    let report = Report::of(&runs)?;
    let pictures = documents.join("benchmarks");
    fs::create_dir_all(&pictures).map_err(Failure::at(&pictures))?;
    let put = |path: &Path, text: &str| fs::write(path, text).map_err(Failure::at(path));
    for (name, svg) in report.pictures() {
        put(&pictures.join(format!("{name}.svg")), &svg)?;
    }
    put(
        &pictures.join("results.json"),
        &(serde_json::to_string(&runs)? + "\n"),
    )?;
    put(&documents.join("benchmarks.md"), &page::page(&report))
}

impl Report {
    /// Puts runs together, the oldest first. A workload is told of from the newest run in which one of ours and a peer
    /// did it; if there is none, from the newest that has it.
    fn of(runs: &[Results]) -> Result<Self> {
        let newest = runs
            .last()
            .cloned()
            .ok_or_else(|| Failure::Broken("no results are saved".to_owned()))?;
        let mut report = Self {
            newest,
            servers: Vec::new(),
            lines: BTreeMap::new(),
            growth: BTreeMap::new(),
            limits: Vec::new(),
            otherwise: Vec::new(),
        };
        for run in runs {
            for server in &run.servers {
                report.servers.retain(|other| other.name != server.name);
                report.servers.push(server.clone());
            }
            for row in &run.rows {
                let line = Line::of_row(row, &run.servers);
                if !report.lines.contains_key(&row.workload) || line.compares(&run.servers) {
                    report.lines.insert(row.workload.clone(), line);
                }
            }
            for Growth { across, size, row } in &run.growth {
                let key = (across.clone(), row.workload.clone(), *size);
                let line = Line::of_row(row, &run.servers);
                if !report.growth.contains_key(&key) || line.compares(&run.servers) {
                    report.growth.insert(key, line);
                }
            }
            if !run.limits.is_empty() {
                report.limits.clone_from(&run.limits);
            }
        }
        let alike = runs.iter().filter(|run| run.scale == report.newest.scale);
        let alike: BTreeSet<&String> = alike
            .flat_map(|run| run.rows.iter().map(|row| &row.workload))
            .collect();
        let names = report.lines.keys().filter(|name| !alike.contains(name));
        report.otherwise = names.cloned().collect();
        // Of servers that no line has any more, nothing is said.
        let lines: Vec<&Line> = report
            .lines
            .values()
            .chain(report.growth.values())
            .collect();
        report.servers.retain(|server| {
            lines
                .iter()
                .any(|line| line.outcomes.contains_key(&server.name))
        });
        report.servers.sort_by_key(|server| !server.ours);
        Ok(report)
    }

    /// Ours: what there was before, and last what there is.
    fn ours_names(&self) -> Vec<String> {
        self.servers
            .iter()
            .filter(|server| server.ours)
            .map(|server| server.name.clone())
            .collect()
    }

    fn present(&self) -> Option<String> {
        self.ours_names().pop()
    }

    fn line(&self, workload: &str) -> Option<&Line> {
        self.lines.get(workload)
    }

    /// What ours needs.
    fn ours(&self, line: &Line) -> Option<f64> {
        line.median(&self.present()?)
    }

    /// Which peer needs least, and how much that is.
    fn best<'a>(&'a self, line: &Line) -> Option<(&'a str, f64)> {
        let peers = self.servers.iter().filter(|server| !server.ours);
        let all = peers.filter_map(|server| Some((&*server.name, line.median(&server.name)?)));
        all.min_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    /// Workloads of which it is known how they grow, in the order of the report.
    fn grown(&self, across: &str) -> Vec<String> {
        let mut names: Vec<String> = self
            .growth
            .keys()
            .filter(|(other, ..)| other == across)
            .map(|(_, workload, _)| workload.clone())
            .collect();
        names.dedup();
        let order = |name: &String| {
            let mut all = FAMILIES.iter().flat_map(|family| family.entries);
            all.position(|(workload, ..)| workload == name).unwrap_or(0)
        };
        names.sort_by_key(order);
        names
    }

    fn sizes(&self, across: &str) -> Vec<u64> {
        let sizes: BTreeSet<u64> = self
            .growth
            .keys()
            .filter(|(other, ..)| other == across)
            .map(|(_, _, size)| *size)
            .collect();
        sizes.into_iter().collect()
    }

    /// Size and cost in microseconds, ascending.
    fn course(&self, across: &str, workload: &str, server: &str) -> Vec<(f64, f64)> {
        let of = self
            .growth
            .iter()
            .filter(|((a, w, _), _)| a == across && w == workload);
        of.filter_map(|((.., size), line)| Some((count(*size), line.median(server)? / 1e3)))
            .collect()
    }

    /// The pictures, by name.
    fn pictures(&self) -> Vec<(String, String)> {
        // Ours first, as it is now; what it was before is not in the pictures.
        let present = self.present();
        let shown: Vec<&Server> = self
            .servers
            .iter()
            .filter(|server| !server.ours || present.as_ref() == Some(&server.name))
            .collect();
        let names: Vec<String> = shown.iter().map(|server| server.name.clone()).collect();
        let mut pictures = Vec::new();
        for family in &FAMILIES {
            let rows: Vec<plot::Row> = family
                .entries
                .iter()
                .filter_map(|(workload, label, aim)| {
                    let line = self.line(workload)?;
                    // Of a peer that took nothing, nothing is a multiple.
                    let (_, best) = self.best(line).filter(|(_, best)| *best > 0.0)?;
                    let ratios = names
                        .iter()
                        .map(|name| Some(line.median(name)? / best))
                        .collect();
                    let aim = match aim {
                        Aim::Less(times) => Some(1.0 / times),
                        Aim::AtMost(most) => Some(most / best),
                        Aim::Half(_) => None,
                    };
                    Some(plot::Row {
                        label: (*label).to_owned(),
                        ratios,
                        aim,
                    })
                })
                .collect();
            if !rows.is_empty() {
                pictures.push((
                    family.file.to_owned(),
                    plot::ratios(family.title, &names, &rows),
                ));
            }
        }
        for across in ["messages", "accounts"] {
            let panels: Vec<plot::Panel> = self
                .grown(across)
                .into_iter()
                .map(|label| {
                    let lines = names
                        .iter()
                        .map(|name| self.course(across, &label, name))
                        .collect();
                    plot::Panel { label, lines }
                })
                .collect();
            if !panels.is_empty() {
                let (title, words) = match across {
                    "messages" => ("Cost by the size of the mailbox", "messages in the mailbox"),
                    _ => ("Cost by the number of accounts", "accounts"),
                };
                pictures.push((
                    format!("growth-{across}"),
                    plot::growth(title, words, &names, &panels),
                ));
            }
        }
        pictures
    }
}
