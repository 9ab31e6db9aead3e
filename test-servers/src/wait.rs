//! Waits until something holds.

use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// How long a group of servers may take to agree, on a very busy machine.
pub(crate) const GROUP_LIMIT: Duration = Duration::from_secs(60);

/// Tries until it succeeds; past the limit, the last reason why not is the error.
///
/// # Errors
///
/// [`Error::Failed`] past the limit.
pub(crate) fn until<T>(
    limit: Duration,
    mut attempt: impl FnMut() -> Result<T, String>,
) -> Result<T, Error> {
    const PAUSE: Duration = Duration::from_millis(20);
    let deadline = Instant::now() + limit;
    loop {
        match attempt() {
            Ok(outcome) => return Ok(outcome),
            Err(reason) if Instant::now() > deadline => return Err(Error::Failed(reason)),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_reason_is_the_error() {
        let mut tries = 0;

        let outcome: Result<(), _> = until(Duration::from_millis(50), || {
            tries += 1;
            Err(format!("try {tries}"))
        });

        assert!(tries > 1);
        assert!(matches!(outcome, Err(Error::Failed(reason)) if reason == format!("try {tries}")));
    }

    #[test]
    fn a_success_ends_the_wait() {
        let mut tries = 0..3;

        let outcome = until(Duration::from_secs(10), || match tries.next() {
            Some(_) => Err(String::new()),
            None => Ok("done"),
        });

        assert_eq!(outcome.unwrap(), "done");
    }
}
