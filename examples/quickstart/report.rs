//! The table at the end.

use cache_aside::{EntityStats, Stats};
use cache_aside_examples::figures::{grouped, shown};

use crate::database::Database;
use crate::model::Kind;
use crate::timings::Timings;

/// One of the two days.
#[derive(Debug)]
pub(crate) struct Side<'a> {
    pub(crate) queries: [u64; Kind::ALL.len()],
    pub(crate) timings: &'a Timings,
}

impl<'a> Side<'a> {
    /// Takes the figures of a day that `database` has just served.
    pub(crate) fn new(database: &Database, timings: &'a Timings) -> Self {
        Self { queries: Kind::ALL.map(|kind| database.queries(kind)), timings }
    }

    fn queries(&self, kinds: &[Kind]) -> u64 {
        kinds.iter().map(|kind| self.queries[*kind as usize]).sum()
    }
}

/// Both days, and what the cache says of its own.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) without: Side<'a>,
    pub(crate) with: Side<'a>,
    pub(crate) stats: Stats,
    /// Whether to show the levels apart.
    pub(crate) has_remote: bool,
}

impl Report<'_> {
    pub(crate) fn print(&self) {
        let levels =
            if self.has_remote { format!("{:>9}{:>9}", "near", "remote") } else { String::new() };
        println!(
            "\n{:<14}{:>8}{:>9}{levels}{:>22}{:>22}{:>22}",
            "", "calls", "hits", "database queries", "p50", "p99"
        );
        for kind in Kind::ALL {
            let entity = self.stats.entities.get(kind.name()).copied();
            self.line(kind.name(), &[kind], entity);
        }
        self.line("all", &Kind::ALL, Some(self.stats.total()));
        let [without, with] = [&self.without, &self.with].map(|side| side.queries(&Kind::ALL));
        let gone = 100.0 * (1.0 - with as f64 / without as f64);
        println!("Arrows: without the cache → with it. {gone:.1}% of the queries are gone.");
    }

    fn line(&self, name: &str, kinds: &[Kind], entity: Option<EntityStats>) {
        let (without, with) = (self.without.timings.of(kinds), self.with.timings.of(kinds));
        let queries = [&self.without, &self.with].map(|side| grouped(side.queries(kinds) as usize));
        let p50 = [without.percentile(50), with.percentile(50)].map(shown);
        let p99 = [without.percentile(99), with.percentile(99)].map(shown);
        println!(
            "{name:<14}{:>8}{}{}{}{}",
            grouped(with.count()),
            self.shares(entity),
            arrow(&queries),
            arrow(&p50),
            arrow(&p99)
        );
    }

    /// Returns the hit rate and, if there are two levels, the share of each.
    fn shares(&self, entity: Option<EntityStats>) -> String {
        let columns = if self.has_remote { 3 } else { 1 };
        let Some(entity) = entity else { return format!("{:>9}", "-").repeat(columns) };
        let share = |hits: u64| hits as f64 / entity.calls() as f64;
        let shares = [entity.hit_rate(), share(entity.near_hits), share(entity.remote_hits)];
        shares[..columns].iter().map(|share| format!("{:>8.1}%", 100.0 * share)).collect()
    }
}

fn arrow([without, with]: &[String; 2]) -> String {
    format!("{without:>11} → {with:>8}")
}
