//! A bar of seconds, or lines alone where there is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, sleep};

/// How far the run is.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    /// Starts a run that takes about `whole`.
    pub(crate) fn new(whole: Duration) -> Self {
        let style = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} s");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self { bar: ProgressBar::new(whole.as_secs()).with_style(style), started: Instant::now() }
    }

    /// Writes a line above the bar.
    pub(crate) fn say(&self, line: &str) {
        self.bar.suspend(|| println!("{line}"));
    }

    /// Waits while the bar moves on.
    pub(crate) async fn wait(&self, time: Duration) {
        const STEP: Duration = Duration::from_millis(500);
        let end = Instant::now() + time;
        while Instant::now() < end {
            sleep(STEP.min(end - Instant::now())).await;
            self.bar.set_position(self.started.elapsed().as_secs());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
