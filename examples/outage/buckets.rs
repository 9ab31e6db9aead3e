//! The run in steps of 100 ms, as the picture shows it.

use std::time::Duration;

use crate::record::Record;

/// How long a step is.
pub(crate) const STEP: Duration = Duration::from_millis(100);

/// One step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    /// When it began, in seconds of the run.
    pub(crate) at: f64,
    /// How long reads took: half of them, 99 of 100, all.
    pub(crate) times: [Duration; 3],
    /// The shares of answers from memory, the server and the database.
    pub(crate) shares: [f64; 3],
}

/// Cuts the run into steps.
pub(crate) fn of(record: &Record) -> Vec<Bucket> {
    let (start, end) = record.bounds();
    let steps = (end - start).div_duration_f64(STEP) as u32;
    (0..steps)
        .map(|step| {
            let from = start + STEP * step;
            let window = from..from + STEP;
            let reads = record.reads(&window);
            Bucket {
                at: (from - start).as_secs_f64(),
                times: [50, 99, 100].map(|percent| reads.percentile(percent)),
                shares: record.shares(&window),
            }
        })
        .collect()
}
