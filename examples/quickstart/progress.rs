//! A progress bar, or plain lines where there is no terminal.

use std::time::Instant;

use cache_aside_examples::figures::grouped;
use indicatif::{ProgressBar, ProgressStyle};

/// How far a piece of work is.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    label: &'static str,
    started: Instant,
    unit: &'static str,
}

impl Progress {
    /// Starts at none of `steps`, which are counted in `unit`.
    pub(crate) fn new(label: &'static str, steps: u64, unit: &'static str) -> Self {
        let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos} of {human_len}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(steps).with_style(style).with_message(label);
        if bar.is_hidden() {
            println!("{label} …");
        }
        Self { bar, label, started: Instant::now(), unit }
    }

    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
        let (steps, seconds) =
            (grouped(self.bar.position() as usize), self.started.elapsed().as_secs_f64());
        println!("{}: {steps} {} in {seconds:.1} s", self.label, self.unit);
    }
}
