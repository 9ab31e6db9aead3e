//! The table of all faults, as text.

use std::fmt;

use super::figures::Figures;
use super::quantiles::shown;

/// The table of all faults, in Markdown.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a>(pub &'a [Figures]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEAD: [&str; 11] = [
            "fault",
            "memory / Redis / source",
            "call p50 / p99 / max",
            "past memory",
            "loads/s before → during",
            "errors",
            "to open",
            "to recovery",
            "invalidations told / journalled / failed",
            "old values",
            "lasted",
        ];
        line(f, &HEAD.map(str::to_owned))?;
        line(f, &HEAD.map(|_| "---".to_owned()))?;
        self.0.iter().try_for_each(|figures| line(f, &cells(figures)))?;
        writeln!(f, "\n| fault | what health says |\n|---|---|")?;
        for figures in self.0 {
            writeln!(f, "| {} | {} |", figures.name, reasons(figures))?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, cells: &[String]) -> fmt::Result {
    writeln!(f, "| {} |", cells.join(" | "))
}

fn cells(figures: &Figures) -> [String; 11] {
    let share = |count: usize| 100.0 * count as f64 / figures.calls.max(1) as f64;
    let [memory, redis, source] = figures.got.map(share);
    let [before, during] = figures.loads;
    let [told, journalled, failed] = figures.told;
    [
        figures.name.to_owned(),
        format!("{memory:.0} / {redis:.0} / {source:.0} %"),
        figures.took.to_string(),
        figures.took_past_memory.to_string(),
        format!("{before:.0} → {during:.0}"),
        figures.errors.to_string(),
        opened(figures),
        figures.recovered.map_or("—".to_owned(), shown),
        format!("{told} / {journalled} / {failed}"),
        figures.stale.len().to_string(),
        shown(figures.lasted),
    ]
}

fn opened(figures: &Figures) -> String {
    match (figures.opened, figures.openings) {
        (None, 0) => "—".to_owned(),
        (None, count) => format!("not both ({count}×)"),
        (Some(after), 0..=2) => shown(after),
        (Some(after), count) => format!("{} ({count}×)", shown(after)),
    }
}

fn reasons(figures: &Figures) -> String {
    match &figures.problems[..] {
        [] => "nothing is wrong".to_owned(),
        problems => problems.join("; "),
    }
}
