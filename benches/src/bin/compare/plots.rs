//! The report as pictures: for each group of cases and number of workers an SVG.
//!
//! A row is a case, and the axis is the main figure divided by the best peer's, on a logarithmic scale: left is better. The bar
//! is ours, from the best peer's line to our place; the dots are the others. The colours are Okabe and Ito's, which the
//! colour-blind tell apart, and are chosen again where the reader's screen is dark.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use bowerbird_benches::raw;
use bowerbird_benches::runtimes::OURS;
use bowerbird_benches::servers::RAW_TWO;

use crate::plan::Group;
use crate::report::{Report, Row, rank};

const WIDTH: f64 = 840.0;
/// Where the axis begins and ends; left of it stand the names of the cases.
const AXIS: (f64, f64) = (190.0, 815.0);
const ROW: f64 = 24.0;
/// Where the first row is; above it the title, two lines of legend and the numbers of the axis.
const TOP: f64 = 110.0;
const BOTTOM: f64 = 14.0;
/// What is further off to the right stands at the edge.
const FURTHEST: f64 = 16.0;

/// Who has which colour, on light and on dark ground.
const COLOURS: &[(&str, &str, &str)] = &[
    ("tokio", "#d55e00", "#ff8a3d"),
    ("tokio-current", "#e69f00", "#ffc247"),
    ("smol", "#009e73", "#2fd1a3"),
    ("smol-static", "#56b4e9", "#8fd0f5"),
    ("async-std", "#8a5a83", "#c79ac1"),
    ("bowerbird-queue", "#0072b2", "#4da3ff"),
    ("flume", "#cc79a7", "#f0a6cf"),
    ("kanal", "#6b4c9a", "#b79be0"),
    ("go", "#00838f", "#4dd0e1"),
    ("monoio", "#a0522d", "#d99a73"),
    ("asyncio", "#8c8c8c", "#9a9a9a"),
    ("uvloop", "#b5a200", "#e6d83a"),
];

/// Writes them all and gives their names; see [`Report::main_rows`] for `by_cpu`.
pub(crate) fn write(report: &Report, by_cpu: bool, directory: &Path) -> io::Result<Vec<String>> {
    fs::create_dir_all(directory)?;
    let mut names = Vec::new();
    for group in Group::ALL {
        for workers in report.workers() {
            let rows = report.main_rows(group, workers, by_cpu);
            if !rows.is_empty() {
                let title = group.title().to_lowercase().replace(' ', "-");
                let name = format!("{title}-{workers}.svg");
                let plural = if workers == 1 { "" } else { "s" };
                let is_other = rows.iter().any(|row| row.metric.name != row.case.main);
                let what = if is_other { ", CPU time" } else { "" };
                let title = format!("{}, {workers} worker{plural}{what}", group.title());
                fs::write(directory.join(&name), draw(&title, &rows))?;
                names.push(name);
            }
        }
    }
    Ok(names)
}

/// The scale of one picture, in powers of two.
struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    fn of(rows: &[&Row]) -> Self {
        let ratios = || rows.iter().flat_map(|row| ratios(row)).map(|(_, ratio)| ratio);
        // Left of our bar its number needs room.
        let ours = rows.iter().filter_map(|row| row.verdict()).map(|verdict| verdict.ratio * 0.75);
        let least = ratios().chain(ours).fold(0.5, f64::min).log2().floor();
        let most = ratios().fold(2.0, f64::max).log2().ceil();
        Self { least: least.max(-6.0), most: most.min(FURTHEST.log2()) }
    }

    fn x(&self, ratio: f64) -> f64 {
        let part = (ratio.log2() - self.least) / (self.most - self.least);
        AXIS.0 + part.clamp(0.0, 1.0) * (AXIS.1 - AXIS.0)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.least as i32..=self.most as i32).map(|power| f64::from(power).exp2())
    }
}

/// Everybody's main figure divided by the best peer's.
fn ratios(row: &Row) -> Vec<(&str, f64)> {
    let Some(verdict) = row.verdict() else {
        return Vec::new();
    };
    let ratios = row.medians().map(|(name, median)| (name, row.ratio(median, verdict.best)));
    // One floor is enough for a picture.
    let is_shown = |name: &str, ratio: f64| ratio.is_finite() && ratio > 0.0 && name != RAW_TWO;
    ratios.filter(|(name, ratio)| is_shown(name, *ratio)).collect()
}

fn draw(title: &str, rows: &[&Row]) -> String {
    let scale = Scale::of(rows);
    let height = TOP + ROW * rows.len() as f64 + BOTTOM;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <title>{title}: time beside the best peer's</title>\n{}\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\"/>\n\
         <text class=\"text\" x=\"12\" y=\"22\" font-size=\"15\" font-weight=\"600\">{title}</text>\n\
         <text class=\"faint\" x=\"{}\" y=\"22\" text-anchor=\"end\">beside the best peer, logarithmic; left is better</text>\n",
        style(),
        AXIS.1
    );
    legend(&mut svg, rows);
    for tick in scale.ticks() {
        let x = scale.x(tick);
        let class = if tick == 1.0 { "best" } else { "line" };
        let bottom = height - BOTTOM;
        let _ =
            writeln!(svg, "<path class=\"{class}\" d=\"M{x:.1} {:.1}V{bottom:.1}\"/>", TOP - 6.0);
        let label = if tick < 1.0 { format!("1/{}", 1.0 / tick) } else { format!("{tick}") };
        let y = TOP - 12.0;
        let _ = writeln!(
            svg,
            "<text class=\"faint\" x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{label}</text>"
        );
    }
    for (index, row) in rows.iter().enumerate() {
        draw_row(&mut svg, row, &scale, TOP + ROW * (index as f64 + 0.5));
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_row(svg: &mut String, row: &Row, scale: &Scale, y: f64) {
    let text_y = y + 4.0;
    let _ = writeln!(
        svg,
        "<text class=\"text\" x=\"{}\" y=\"{text_y}\" text-anchor=\"end\">{}</text>",
        AXIS.0 - 12.0,
        row.case.name
    );
    let Some(verdict) = row.verdict() else { return };
    let (best, ours) = (scale.x(1.0), scale.x(verdict.ratio));
    let class = if verdict.ratio <= 1.0 { "ahead" } else { "behind" };
    let (x, width) = (best.min(ours), (best - ours).abs().max(1.0));
    let _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"13\"/>",
        y - 6.5
    );
    for (name, ratio) in ratios(row) {
        let x = scale.x(ratio);
        let place = rank(name);
        if name == raw::NAME {
            let _ = writeln!(
                svg,
                "<path class=\"raw\" d=\"M{x:.1} {:.1}V{:.1}\"><title>raw {ratio:.2}</title></path>",
                y - 9.0,
                y + 9.0
            );
        } else if name != OURS {
            let _ = writeln!(
                svg,
                "<circle class=\"c{place}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"><title>{name} {ratio:.2}</title></circle>"
            );
        }
    }
    // On the left, where no dots are.
    let _ = writeln!(
        svg,
        "<text class=\"text\" x=\"{:.1}\" y=\"{text_y}\" text-anchor=\"end\" font-weight=\"600\">{:.2}</text>",
        x - 6.0,
        verdict.ratio
    );
}

fn legend(svg: &mut String, rows: &[&Row]) {
    let mut names: Vec<_> = rows.iter().flat_map(|row| ratios(row)).map(|(name, _)| name).collect();
    names.sort_by_key(|name| rank(name));
    names.dedup();
    let (mut x, mut y) = (12.0, 48.0);
    for name in names {
        let width = 32.0 + 6.6 * name.len() as f64;
        if x + width > WIDTH {
            (x, y) = (12.0, y + 20.0);
        }
        let middle = y - 4.0;
        let _ = match name {
            OURS => writeln!(
                svg,
                "<rect class=\"ahead\" x=\"{x}\" y=\"{}\" width=\"12\" height=\"10\"/>",
                y - 9.0
            ),
            raw::NAME => {
                writeln!(svg, "<path class=\"raw\" d=\"M{} {}V{}\"/>", x + 6.0, y - 11.0, y + 3.0)
            }
            _ => writeln!(
                svg,
                "<circle class=\"c{}\" cx=\"{}\" cy=\"{middle}\" r=\"4.5\"/>",
                rank(name),
                x + 6.0
            ),
        };
        let _ = writeln!(svg, "<text class=\"text\" x=\"{}\" y=\"{y}\">{name}</text>", x + 16.0);
        x += width;
    }
}

/// The colours by class, for light ground and, behind them, for dark.
fn style() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    let fixed = [
        (".ground", "fill", "#ffffff", "#14171a"),
        (".text", "fill", "#1c1f23", "#e8eaed"),
        (".faint", "fill", "#60666d", "#a2a9b0"),
        (".line", "stroke", "#dfe3e7", "#2c3238"),
        (".best", "stroke", "#4c5259", "#b4bac1"),
        (".ahead", "fill", "#0072b2", "#4da3ff"),
        (".behind", "fill", "#c62828", "#ff6b6b"),
        (".raw", "stroke", "#1c1f23", "#e8eaed"),
    ];
    for (class, what, on_light, on_dark) in fixed {
        let _ = write!(light, "{class}{{{what}:{on_light}}}");
        let _ = write!(dark, "{class}{{{what}:{on_dark}}}");
    }
    for (name, on_light, on_dark) in COLOURS {
        let _ = write!(light, ".c{}{{fill:{on_light}}}", rank(name));
        let _ = write!(dark, ".c{}{{fill:{on_dark}}}", rank(name));
    }
    // A rim in the colour of the ground tells dots apart that touch.
    let _ = write!(light, "circle{{stroke:#ffffff;stroke-width:1}}.raw,.best{{stroke-width:1.5}}");
    let _ = write!(dark, "circle{{stroke:#14171a}}");
    format!("<style>{light}@media (prefers-color-scheme:dark){{{dark}}}</style>\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Measurement;
    use crate::report::parse_figure;

    #[test]
    fn better_is_left_of_the_best_peer_and_worse_right() {
        let mut report = Report::default();
        for (runtime, value) in [(OURS, 1.0), ("tokio", 4.0), ("smol", 8.0)] {
            let (metric, value) = parse_figure(&format!("wall {value}")).expect("a figure");
            let budget = std::time::Duration::ZERO;
            let of = Measurement { runtime: runtime.to_owned(), case: "fib", workers: 1, budget };
            report.add(&of, metric, value);
        }
        let rows = report.main_rows(Group::Scheduling, 1, false);
        let scale = Scale::of(&rows);
        let places: Vec<_> = ratios(rows[0]).iter().map(|&(_, ratio)| scale.x(ratio)).collect();
        assert!(AXIS.0 < places[0] && places[0] < places[1] && places[1] < places[2]);
        assert_eq!(places[2], AXIS.1);
        let svg = draw("Scheduling", &rows);
        assert!(svg.contains(">fib</text>") && svg.contains(">0.25</text>"), "{svg}");
    }
}
