//! Measures every fault in turn, and writes the table in `docs/outages.md`.
//!
//! Arguments are parts of names of faults: then only those are measured, and nothing is written.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use cache_aside_tests::faults::{Fault, Figures, Pace, Table, run, shown};
use cache_test_servers::Flavour;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/outages.md");
const BEGIN: &str = "<!-- measured: begin -->\n";
const END: &str = "<!-- measured: end -->";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let wanted: Vec<String> = env::args().skip(1).collect();
    let faults = Fault::all().into_iter().filter(|fault| {
        wanted.is_empty() || wanted.iter().any(|part| fault.name.contains(part.as_str()))
    });
    let mut all = Vec::new();
    for fault in faults {
        eprintln!("{} …", fault.name);
        let figures = run(&fault, Flavour::Redis, Pace::TABLE).await?;
        tell(&figures);
        all.push(figures);
    }
    println!("{}", Table(&all));
    if wanted.is_empty() {
        write(Path::new(PAGE), &Table(&all).to_string())?;
    }
    Ok(())
}

fn tell(figures: &Figures) {
    let [memory, redis, source] = figures.got;
    eprintln!(
        "  {} calls: {memory} from memory, {redis} from Redis, {source} by the source; {} errors; \
         {} / {} / {}; invalidations {}",
        figures.calls,
        figures.errors,
        figures.took,
        figures
            .opened
            .map_or("never opened".to_owned(), |after| format!("opened after {}", shown(after))),
        figures.recovered.map_or("never recovered".to_owned(), |after| format!(
            "recovered after {}",
            shown(after)
        )),
        figures.writes_took,
    );
    for line in figures.stale.iter().take(5) {
        eprintln!("  OLD: {line}");
    }
    for problem in &figures.problems {
        eprintln!("  health: {problem}");
    }
}

/// Puts the table between its marks.
fn write(page: &Path, table: &str) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(page)?;
    let (head, rest) = text.split_once(BEGIN).ok_or("the page has no mark to begin at")?;
    let (_, tail) = rest.split_once(END).ok_or("the page has no mark to end at")?;
    fs::write(page, format!("{head}{BEGIN}\n{table}\n{END}{tail}"))?;
    Ok(())
}
