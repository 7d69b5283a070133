//! Pictures, as SVG: how servers compare in a family of workloads, and how costs grow.
//!
//! SVG is text, and these are lines, dots and words; so they are written here. They carry the colours of a light and
//! of a dark page, and the reader's system says which is shown.

use std::fmt::Write as _;

/// What one server needs for a workload, beside the best of its peers.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// What is done.
    pub(crate) label: String,
    /// For each server, in the order of the names: its cost as a ratio to the best peer's.
    pub(crate) ratios: Vec<Option<f64>>,
    /// The ratio that is aimed at.
    pub(crate) aim: Option<f64>,
}

/// A small picture of growth.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    /// What is done, and what is counted.
    pub(crate) label: String,
    /// For each server, in the order of the names: size and cost, ascending in size.
    pub(crate) lines: Vec<Vec<(f64, f64)>>,
}

const WIDTH: f64 = 900.0;
const LABEL: f64 = 250.0;
const MARGIN: f64 = 24.0;
const ROW: f64 = 30.0;

/// Marks and colours by the server's place; ours is the first.
const MARKS: usize = 5;

const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;font-size:13px;fill:#1f2328}\
.page{fill:#ffffff;stroke:#d1d9e0}.band{fill:#f6f8fa}\
.title{font-size:17px;font-weight:600}.quiet{fill:#59636e;font-size:12px}\
.good{fill:#1a7f37;font-weight:600}.bad{fill:#cf222e;font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}\
.grid{stroke:#d1d9e0;stroke-width:1}.base{stroke:#59636e;stroke-width:1.5}\
.aim{stroke:#9a6700;stroke-width:2}.bar{opacity:.22}.line{fill:none;stroke-width:2}.dash{stroke-dasharray:5 4}\
.f0{fill:#0969da}.s0{stroke:#0969da}.f1{fill:#bc4c00}.s1{stroke:#bc4c00}.f2{fill:#8250df}.s2{stroke:#8250df}\
.f3{fill:#1b7c83}.s3{stroke:#1b7c83}.f4{fill:#bf3989}.s4{stroke:#bf3989}.hollow{fill:#ffffff;stroke-width:2}\
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.page{fill:#0d1117;stroke:#3d444d}.band{fill:#151b23}\
.quiet{fill:#9198a1}.good{fill:#3fb950}.bad{fill:#f85149}.grid{stroke:#2f3742}.base{stroke:#9198a1}.aim{stroke:#d29922}\
.f0{fill:#4493f8}.s0{stroke:#4493f8}.f1{fill:#f0883e}.s1{stroke:#f0883e}.f2{fill:#ab7df8}.s2{stroke:#ab7df8}\
.f3{fill:#39c5cf}.s3{stroke:#39c5cf}.f4{fill:#db61a2}.s4{stroke:#db61a2}.hollow{fill:#0d1117}}";

/// Each row is a workload; the line in the middle is what the best peer needs, and what is left of it is cheaper, on a
/// logarithmic scale. The first name is ours.
pub(crate) fn ratios(title: &str, names: &[String], rows: &[Row]) -> String {
    let scale = Scale::of(rows);
    let top = 92.0;
    let bottom = top + ROW * number(rows.len());
    let mut svg = open(title, bottom + 52.0);
    legend(names, &mut svg);
    for at in (0..rows.len()).step_by(2) {
        let y = top + ROW * number(at);
        let _ = writeln!(
            svg,
            r#"<rect class="band" x="{MARGIN}" y="{y:.1}" width="{:.1}" height="{ROW}"/>"#,
            WIDTH - 2.0 * MARGIN
        );
    }
    for power in scale.low..=scale.high {
        let (x, ratio) = (scale.x(10_f64.powi(power)), 10_f64.powi(power));
        let class = if power == 0 { "base" } else { "grid" };
        let _ = writeln!(
            svg,
            r#"<line class="{class}" x1="{x:.1}" y1="{top}" x2="{x:.1}" y2="{bottom}"/>"#
        );
        let words = match power {
            0 => "best peer".to_owned(),
            ..0 => format!("{}× less", 1.0 / ratio),
            _ => format!("{ratio}× more"),
        };
        let _ = writeln!(
            svg,
            r#"<text class="quiet middle" x="{x:.1}" y="{:.1}">{words}</text>"#,
            bottom + 18.0
        );
    }
    for (at, row) in rows.iter().enumerate() {
        ratio_row(row, top + ROW * (number(at) + 0.5), &scale, &mut svg);
    }
    let words = "Bars: ours. Tick: the aim. Logarithmic.";
    let _ = writeln!(
        svg,
        r#"<text class="quiet" x="{MARGIN}" y="{:.1}">{words}</text>"#,
        bottom + 38.0
    );
    svg + "</svg>\n"
}

/// Where a ratio is, from left to right: whole powers of ten.
struct Scale {
    low: i32,
    high: i32,
}

impl Scale {
    fn of(rows: &[Row]) -> Self {
        let all = rows
            .iter()
            .flat_map(|row| row.ratios.iter().flatten().copied().chain(row.aim))
            .filter(|ratio| *ratio > 0.0);
        let (least, most) = all.fold((0.1_f64, 2.0_f64), |(least, most), ratio| {
            (least.min(ratio), most.max(ratio))
        });
        Self {
            low: whole(least.log10().floor()),
            high: whole(most.log10().ceil()),
        }
    }

    fn x(&self, ratio: f64) -> f64 {
        let part = (ratio.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        LABEL + 10.0 + part.clamp(0.0, 1.0) * (WIDTH - LABEL - MARGIN - 90.0)
    }
}

fn ratio_row(row: &Row, y: f64, scale: &Scale, svg: &mut String) {
    let _ = writeln!(
        svg,
        r#"<text class="end" x="{LABEL:.1}" y="{:.1}">{}</text>"#,
        y + 4.5,
        escape(&row.label)
    );
    let ours = row.ratios.first().copied().flatten();
    if let Some(ours) = ours {
        let (from, to) = (scale.x(ours.min(1.0)), scale.x(ours.max(1.0)));
        let _ = writeln!(
            svg,
            r#"<rect class="bar f0" x="{from:.1}" y="{:.1}" width="{:.1}" height="12" rx="2"/>"#,
            y - 6.0,
            to - from
        );
    }
    if let Some(aim) = row.aim {
        let x = scale.x(aim);
        let _ = writeln!(
            svg,
            r#"<line class="aim" x1="{x:.1}" y1="{:.1}" x2="{x:.1}" y2="{:.1}"/>"#,
            y - 10.0,
            y + 10.0
        );
    }
    for (at, ratio) in row.ratios.iter().enumerate().rev() {
        if let Some(ratio) = ratio {
            mark(at, scale.x(*ratio), y, svg);
        }
    }
    let (class, words) = match ours {
        None => ("quiet", "–".to_owned()),
        Some(ours) if ours <= 1.0 => {
            let met = row.aim.is_none_or(|aim| ours <= aim);
            (
                if met { "good" } else { "quiet" },
                format!("{}× less", significant(1.0 / ours)),
            )
        }
        Some(ours) => ("bad", format!("{}× more", significant(ours))),
    };
    let _ = writeln!(
        svg,
        r#"<text class="{class} end" x="{:.1}" y="{:.1}">{words}</text>"#,
        WIDTH - MARGIN - 8.0,
        y + 4.5
    );
}

/// A mark for each server of its own: seen without colours too.
fn mark(server: usize, x: f64, y: f64, svg: &mut String) {
    let class = server % MARKS;
    let _ = match class {
        0 => writeln!(svg, r#"<circle class="f0" cx="{x:.1}" cy="{y:.1}" r="6"/>"#),
        1 => writeln!(
            svg,
            r#"<circle class="hollow s1" cx="{x:.1}" cy="{y:.1}" r="4.5"/>"#
        ),
        2 => writeln!(
            svg,
            r#"<rect class="hollow s2" x="{:.1}" y="{:.1}" width="8" height="8"/>"#,
            x - 4.0,
            y - 4.0
        ),
        3 => writeln!(
            svg,
            r#"<path class="hollow s3" d="M{x:.1} {:.1}l5.5 9.5h-11z"/>"#,
            y - 6.0
        ),
        _ => writeln!(
            svg,
            r#"<path class="hollow s4" d="M{x:.1} {:.1}l5.5 5.5l-5.5 5.5l-5.5 -5.5z"/>"#,
            y - 5.5
        ),
    };
}

fn legend(names: &[String], svg: &mut String) {
    let mut x = MARGIN + 6.0;
    for (at, name) in names.iter().enumerate() {
        mark(at, x, 64.0, svg);
        let _ = writeln!(
            svg,
            r#"<text x="{:.1}" y="68.5">{}</text>"#,
            x + 12.0,
            escape(name)
        );
        x += 40.0 + 7.6 * number(name.chars().count());
    }
}

/// How costs grow: panels, three in a row, both axes logarithmic; ours is the line without gaps.
pub(crate) fn growth(title: &str, across: &str, names: &[String], panels: &[Panel]) -> String {
    const PANEL: (f64, f64) = ((WIDTH - 2.0 * MARGIN) / 3.0, 210.0);
    let rows = panels.len().div_ceil(3);
    let mut svg = open(title, 96.0 + number(rows) * PANEL.1 + 30.0);
    legend(names, &mut svg);
    for (at, panel) in panels.iter().enumerate() {
        let place = (
            MARGIN + PANEL.0 * number(at % 3),
            92.0 + PANEL.1 * number(at / 3),
        );
        draw_panel(panel, place, (PANEL.0, PANEL.1), &mut svg);
    }
    let y = 96.0 + number(rows) * PANEL.1 + 12.0;
    let _ = writeln!(
        svg,
        r#"<text class="quiet" x="{MARGIN}" y="{y:.1}">Across: {}. Up: server CPU. Both logarithmic.</text>"#,
        escape(across)
    );
    svg + "</svg>\n"
}

fn draw_panel(
    panel: &Panel,
    (left, top): (f64, f64),
    (width, height): (f64, f64),
    svg: &mut String,
) {
    let (x0, x1, y0, y1) = (
        left + 52.0,
        left + width - 14.0,
        top + height - 36.0,
        top + 26.0,
    );
    let points = || {
        panel
            .lines
            .iter()
            .flatten()
            .filter(|(x, y)| *x > 0.0 && *y > 0.0)
    };
    let powers = |value: fn(&(f64, f64)) -> f64| {
        let (least, most) = points()
            .map(value)
            .fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
        let low = whole((least.log10() + 0.001).floor());
        (low, whole((most.log10() - 0.001).ceil()).max(low + 1))
    };
    let _ = writeln!(
        svg,
        r#"<text x="{:.1}" y="{:.1}">{}</text>"#,
        left + 8.0,
        top + 14.0,
        escape(&panel.label)
    );
    if points().next().is_none() {
        return;
    }
    let ((xl, xh), (yl, yh)) = (powers(|point| point.0), powers(|point| point.1));
    let place = |(x, y): (f64, f64)| {
        let part = |value: f64, low: i32, high: i32| {
            (value.log10() - f64::from(low)) / f64::from(high - low)
        };
        (
            x0 + part(x, xl, xh) * (x1 - x0),
            y0 + part(y, yl, yh) * (y1 - y0),
        )
    };
    for power in xl..=xh {
        let (x, _) = place((10_f64.powi(power), 10_f64.powi(yl)));
        let _ = writeln!(
            svg,
            r#"<line class="grid" x1="{x:.1}" y1="{y0:.1}" x2="{x:.1}" y2="{y1:.1}"/>"#
        );
        let _ = writeln!(
            svg,
            r#"<text class="quiet middle" x="{x:.1}" y="{:.1}">{}</text>"#,
            y0 + 16.0,
            power_of_ten(power)
        );
    }
    for power in yl..=yh {
        let (_, y) = place((10_f64.powi(xl), 10_f64.powi(power)));
        let _ = writeln!(
            svg,
            r#"<line class="grid" x1="{x0:.1}" y1="{y:.1}" x2="{x1:.1}" y2="{y:.1}"/>"#
        );
        let _ = writeln!(
            svg,
            r#"<text class="quiet end" x="{:.1}" y="{:.1}">{}</text>"#,
            x0 - 6.0,
            y + 4.0,
            duration(10_f64.powi(power))
        );
    }
    for (server, line) in panel.lines.iter().enumerate().rev() {
        let dash = if server == 0 { "" } else { " dash" };
        let path: Vec<String> = line
            .iter()
            .filter(|(x, y)| *x > 0.0 && *y > 0.0)
            .map(|point| place(*point))
            .map(|(x, y)| format!("{x:.1} {y:.1}"))
            .collect();
        if path.len() > 1 {
            let _ = writeln!(
                svg,
                r#"<path class="line{dash} s{}" d="M{}"/>"#,
                server % MARKS,
                path.join("L")
            );
        }
        for point in line.iter().filter(|(x, y)| *x > 0.0 && *y > 0.0) {
            let (x, y) = place(*point);
            mark(server, x, y, svg);
        }
    }
}

fn open(title: &str, height: f64) -> String {
    let title = escape(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height:.0}\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"page\" x=\"0.5\" y=\"0.5\" width=\"{:.1}\" height=\"{:.1}\" rx=\"8\"/>\n\
         <text class=\"title\" x=\"{MARGIN}\" y=\"36\">{title}</text>\n",
        WIDTH - 1.0,
        height - 1.0
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Microseconds as a person reads them.
pub(crate) fn duration(microseconds: f64) -> String {
    match microseconds {
        ..1.0 => format!("{} ns", significant(microseconds * 1e3)),
        ..1e3 => format!("{} µs", significant(microseconds)),
        ..1e6 => format!("{} ms", significant(microseconds / 1e3)),
        _ => format!("{} s", significant(microseconds / 1e6)),
    }
}

/// `10³`.
fn power_of_ten(power: i32) -> String {
    let digits = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"];
    let digit = usize::try_from(power)
        .ok()
        .and_then(|power| digits.get(power));
    digit.map_or(format!("10^{power}"), |digit| format!("10{digit}"))
}

/// Two or three digits that say something.
pub(crate) fn significant(value: f64) -> String {
    match value {
        ..0.1 => format!("{value:.3}"),
        ..1.0 => format!("{value:.2}"),
        ..10.0 => {
            let short = format!("{value:.1}");
            short.strip_suffix(".0").map(str::to_owned).unwrap_or(short)
        }
        ..1000.0 => format!("{value:.0}"),
        _ => grouped(value),
    }
}

/// A whole number, with commas.
pub(crate) fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "there are some dozens of them")]
fn number(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, reason = "a power of ten is small")]
fn whole(power: f64) -> i32 {
    power as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(1_234_567.0), "1,234,567");
        assert_eq!(significant(12.34), "12");
        assert_eq!(significant(2.0), "2");
        assert_eq!(duration(0.25), "250 ns");
        assert_eq!(duration(1_500.0), "1.5 ms");
    }

    #[test]
    fn what_is_drawn_is_well_formed_and_within_the_page() {
        let names = ["chapar".to_owned(), "a<b".to_owned()];
        let rows = [
            Row {
                label: "x & y".to_owned(),
                ratios: vec![Some(0.003), Some(1.0)],
                aim: Some(0.1),
            },
            Row {
                label: "none".to_owned(),
                ratios: vec![None, Some(12.0)],
                aim: None,
            },
        ];
        let svg = ratios("Title", &names, &rows);
        assert!(svg.contains("x &amp; y") && svg.contains("a&lt;b") && svg.contains("333× less"));
        for x in svg.split("cx=\"").skip(1) {
            let x: f64 = x.split('"').next().unwrap().parse().unwrap();
            assert!((0.0..WIDTH).contains(&x));
        }
        let panel = Panel {
            label: "p".to_owned(),
            lines: vec![vec![(1e3, 5.0), (1e6, 5.0)], vec![]],
        };
        let svg = growth("Title", "messages", &names, &[panel]);
        assert!(svg.contains("10⁶") && svg.ends_with("</svg>\n"));
        assert_eq!(
            growth(
                "Title",
                "n",
                &names,
                &[Panel {
                    label: String::new(),
                    lines: vec![]
                }]
            )
            .matches("<path")
            .count(),
            0
        );
    }
}
