//! Plays histories until one fails, and then tells a short one that fails the same way.
//!
//! ```text
//! simulate [--histories N] [--from SEED] [--threads N]   plays N histories, of SEED and those after it
//! simulate --list [...]                                  plays all, and lists those that fail
//! simulate --story SEED                                  plays one, shrunk if it fails
//! simulate --log SEED                                    plays one, and prints everything
//! ```

use std::env;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use cache_aside_simulation::{History, keep_panics};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    keep_panics();
    let played = match words.as_slice() {
        ["--story", seed] => seed.parse().map(story),
        ["--log", seed] => seed.parse().map(log),
        words => match Batch::read(words) {
            Some(batch) => Ok(batch.play()),
            None => {
                eprintln!(
                    "usage: simulate [--list] [--histories N] [--from SEED] [--threads N] | \
                     --story SEED | --log SEED"
                );
                Ok(false)
            }
        },
    };
    if played.is_ok_and(|is_content| is_content) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Histories to play.
#[derive(Debug)]
struct Batch {
    histories: u64,
    from: u64,
    threads: u64,
    /// Whether to go on after a failure.
    list: bool,
}

impl Batch {
    fn read(words: &[&str]) -> Option<Self> {
        let (list, words) = match words {
            ["--list", words @ ..] => (true, words),
            words => (false, words),
        };
        let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
        let mut batch = Self { histories: 10_000, from: 0, threads, list };
        for pair in words.chunks(2) {
            let [name, value] = pair else { return None };
            let value = value.parse().ok()?;
            match *name {
                "--histories" => batch.histories = value,
                "--from" => batch.from = value,
                "--threads" => batch.threads = value,
                _ => return None,
            }
        }
        Some(batch)
    }

    /// Plays until all are played or one fails; whether none did.
    fn play(&self) -> bool {
        let last = self.from + self.histories;
        println!("histories {} to {}, on {} threads", self.from, last - 1, self.threads);
        let begun = Instant::now();
        let (next, steps) = (AtomicU64::new(self.from), AtomicU64::new(0));
        let failed = Mutex::new(None);
        thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(|| {
                    while failed.lock().is_ok_and(|failed| failed.is_none()) {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= last {
                            return;
                        }
                        let history = History::draw(seed);
                        steps.fetch_add(history.steps() as u64, Ordering::Relaxed);
                        let report = history.play();
                        if report.is_content() {
                            continue;
                        }
                        if self.list {
                            println!("{seed}: {report}");
                        } else if let Ok(mut failed) = failed.lock() {
                            *failed = Some(failed.map_or(seed, |other: u64| other.min(seed)));
                        }
                    }
                });
            }
        });
        let (played, seconds) =
            (next.into_inner().min(last) - self.from, begun.elapsed().as_secs_f64());
        let each = seconds * 1000.0 * self.threads as f64 / played.max(1) as f64;
        println!(
            "{played} histories of {} steps in {seconds:.1} s: {each:.2} ms each",
            steps.into_inner()
        );
        match failed.into_inner() {
            Ok(Some(seed)) => story(seed),
            _ => true,
        }
    }
}

/// Tells a history, in short if it fails; whether it does not.
fn story(seed: u64) -> bool {
    let history = History::draw(seed);
    let report = history.play();
    if report.is_content() {
        println!("seed {seed}: {history}\n{}", history.tell());
        return true;
    }
    let short = history.shrunk();
    println!("seed {seed} fails; {} of its {} steps do:", short.steps(), history.steps());
    println!("{short}\nWhat happened:\n{}", short.tell());
    println!("\nTo see it again: simulate --story {seed}");
    false
}

fn log(seed: u64) -> bool {
    let report = History::draw(seed).tell();
    report.log().iter().for_each(|line| println!("{line}"));
    println!("{report}");
    report.is_content()
}
