//! The picture: one row for each step, one bar for each figure.

use cache_aside_examples::figures::{grouped, shown};
use cache_aside_examples::svg::{Align, Svg};

use crate::figures::Figures;

/// Narrow, with large words: it is read on a phone, too.
const WIDTH: f64 = 640.0;
const TOP: f64 = 128.0;
const ROW: f64 = 74.0;
const LEFT: f64 = 16.0;
const COLUMN: f64 = 154.0;
const BAR: f64 = 138.0;

const INK: &str = "#24292f";
const FAINT: &str = "#6e7781";
const PALE: &str = "#f0f2f4";

/// A column: its name, its colour, and how long a bar is and what stands at it.
struct Column {
    name: &'static str,
    color: &'static str,
    share: fn(&Figures, &[Figures]) -> f64,
    words: fn(&Figures) -> String,
}

const COLUMNS: [Column; 4] = [
    Column {
        name: "queries",
        color: "#f0b450",
        share: |it, all| part(it.queries, all.iter().map(|it| it.queries)),
        words: |it| grouped(it.queries),
    },
    Column {
        name: "p99 (log)",
        color: "#0969da",
        share: |it, all| {
            let micros = |it: &Figures| it.p99.as_secs_f64() * 1e6;
            let most = all.iter().map(micros).fold(10.0, f64::max);
            micros(it).max(1.0).log10() / most.log10()
        },
        words: |it| shown(it.p99),
    },
    Column {
        name: "errors",
        color: "#cf222e",
        share: |it, all| part(it.errors, all.iter().map(|it| it.errors)),
        words: |it| grouped(it.errors),
    },
    Column {
        name: "old answers",
        color: "#8250df",
        share: |it, all| part(it.old + it.owed, all.iter().map(|it| it.old + it.owed)),
        words: |it| match it.owed {
            0 => grouped(it.old),
            owed => format!("{}, {} owed", grouped(it.old), grouped(owed)),
        },
    },
];

fn part(count: usize, all: impl Iterator<Item = usize>) -> f64 {
    count as f64 / all.max().unwrap_or_default().max(1) as f64
}

/// Draws all steps.
pub(crate) fn draw(figures: &[Figures]) -> String {
    let mut svg = Svg::new(WIDTH, TOP + ROW * figures.len() as f64 + 8.0);
    let calls = grouped(figures.first().map_or(0, |it| it.calls));
    svg.label((LEFT, 36.0), Align::Left, "One day, step by step", &font(26, INK, "600"));
    let words = format!("The same {calls} reads at each step");
    svg.label((LEFT, 64.0), Align::Left, &words, &font(19, FAINT, "400"));
    for (index, column) in COLUMNS.iter().enumerate() {
        svg.area([x(index), 86.0, 14.0, 14.0], column.color);
        svg.label((x(index) + 20.0, 99.0), Align::Left, column.name, &font(19, INK, "600"));
    }
    for (row, it) in figures.iter().enumerate() {
        let top = TOP + ROW * row as f64;
        let name = format!("{}  {}", it.step as usize, it.step.name());
        svg.label((LEFT, top + 14.0), Align::Left, &name, &font(20, INK, "600"));
        for (index, column) in COLUMNS.iter().enumerate() {
            let place = (x(index), top + 22.0);
            bar(&mut svg, place, (column.share)(it, figures), column.color, &(column.words)(it));
        }
    }
    svg.finish()
}

fn bar(svg: &mut Svg, (x, y): (f64, f64), share: f64, color: &str, words: &str) {
    svg.area([x, y, BAR, 10.0], PALE);
    svg.area([x, y, BAR * share.clamp(0.0, 1.0), 10.0], color);
    svg.label((x, y + 30.0), Align::Left, words, &font(20, INK, "400"));
}

fn x(column: usize) -> f64 {
    LEFT + COLUMN * column as f64
}

fn font(size: u32, color: &str, weight: &str) -> String {
    format!("font-size=\"{size}\" fill=\"{color}\" font-weight=\"{weight}\"")
}
