//! What the command line says.

use std::time::Duration;

/// How long to run, and which faults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args {
    pub(crate) time: Duration,
    /// The same seed makes the same faults in the same order.
    pub(crate) seed: u64,
}

impl Args {
    /// Reads `--seconds N` and `--seed S`, in any order; what is missing has a default.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = Self { time: Duration::from_secs(600), seed: 1 };
        while let Some(word) = words.next() {
            let value = words.next().ok_or(format!("{word} has no value"))?;
            let number = value.parse().map_err(|_| format!("{word} {value} is no number"))?;
            match word.as_str() {
                "--seconds" => args.time = Duration::from_secs(number),
                "--seed" => args.seed = number,
                _ => return Err(format!("{word} is not known: soak [--seconds N] [--seed S]")),
            }
        }
        Ok(args)
    }
}
