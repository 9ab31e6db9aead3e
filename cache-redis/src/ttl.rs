//! How long Redis keeps something.

use std::time::Duration;

/// Returns a TTL as Redis takes it: at least a millisecond, and no longer than its clock can count.
pub(crate) fn milliseconds(ttl: Duration) -> u64 {
    const LONGEST: u64 = u64::MAX / 4; // half of the signed number in which Redis adds the time of day
    u64::try_from(ttl.as_millis()).unwrap_or(LONGEST).clamp(1, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_ttl_is_too_short_or_too_long() {
        assert_eq!(milliseconds(Duration::ZERO), 1);
        assert_eq!(milliseconds(Duration::from_micros(1900)), 1);
        assert_eq!(milliseconds(Duration::from_secs(2)), 2000);
        assert_eq!(milliseconds(Duration::MAX), u64::MAX / 4);
        assert_eq!(milliseconds(Duration::from_millis(u64::MAX)), u64::MAX / 4);
    }
}
