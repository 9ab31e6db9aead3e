//! What comes out, as a part of the page.

use std::fmt::Write;
use std::time::Duration;

use cache_aside_examples::figures::{grouped, shown};

use crate::chat::{self, Plan};
use crate::counts::{Count, Counts};
use crate::latency::Latency;
use crate::platform::{self, ENTITIES};

/// Entities of the chat product, and the hit rates that were published.
const CHAT: [(&str, &str); 4] = [
    ("tier", "80–90 %"),
    ("userProfile", "70–80 %"),
    ("conversations", "60–70 %"),
    ("apiResponses", "50–60 %"),
];

/// What a query of the platform takes, by entity, and what an answer took with its cache.
pub(crate) const QUERIES: [(Duration, &str); 4] = [
    (Duration::from_millis(85), "2 ms"),
    (Duration::from_millis(120), "3 ms"),
    (Duration::from_millis(95), "2 ms"),
    (Duration::from_millis(150), "5 ms"),
];

/// Writes the part of the chat product.
pub(crate) fn chat(counts: &Counts, shared: &Counts) -> Result<String, std::fmt::Error> {
    let mut text = format!("*Assumed*: {}\n\n", chat::ASSUMED);
    writeln!(text, "| hit rate | calls | free | core | studio | all | published |")?;
    writeln!(text, "|---|---:|---:|---:|---:|---:|---:|")?;
    let lines = CHAT.map(|(entity, published)| (counts, entity, "", published));
    let alike = (shared, "apiResponses", ", if all on a plan share them", "");
    for (counts, entity, more, published) in lines.into_iter().chain([alike]) {
        let of = |plan: Option<Plan>| counts.of(entity, plan.map(Plan::text));
        let rates = Plan::ALL.map(|plan| rate(of(Some(plan)))).join(" | ");
        let (calls, all) = (grouped(of(None).calls as usize), rate(of(None)));
        writeln!(text, "| {entity}{more} | {calls} | {rates} | {all} | {published} |")?;
    }
    writeln!(text, "\n{}", gone(counts.all(), "40 %"))?;
    Ok(text)
}

/// Writes the part of the platform.
pub(crate) fn platform(
    counts: &Counts,
    latencies: &[Latency],
    level: &str,
) -> Result<String, std::fmt::Error> {
    let mut text = format!("*Assumed*: {}\n\n", platform::ASSUMED);
    writeln!(
        text,
        "| | calls | hit rate | query | {level} | memory | mean of the day | published |"
    )?;
    writeln!(text, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
    for ((entity, latency), (query, published)) in ENTITIES.iter().zip(latencies).zip(QUERIES) {
        let count = counts.of(entity, None);
        let misses = 1.0 - count.hit_rate().unwrap_or_default();
        let mean = latency.database.mul_f64(misses) + latency.remote.mul_f64(1.0 - misses);
        let times = [latency.database, latency.remote, latency.near, mean].map(shown).join(" | ");
        let calls = grouped(count.calls as usize);
        let before = query.as_millis();
        let rate = rate(count);
        writeln!(text, "| {entity} | {calls} | {rate} | {times} | {before} → {published} |")?;
    }
    writeln!(text, "\n{}", gone(counts.all(), "90 %"))?;
    Ok(text)
}

fn rate(count: Count) -> String {
    count.hit_rate().map_or_else(String::new, |rate| format!("{:.1} %", 100.0 * rate))
}

fn gone(all: Count, published: &str) -> String {
    format!(
        "**{} of the queries are gone** ({} → {}, writes included); published: {published}.",
        rate(all),
        grouped(all.calls as usize),
        grouped(all.queries as usize)
    )
}
