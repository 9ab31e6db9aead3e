//! What fuzzing runs, and what replays its seeds as an ordinary test.
//!
//! A target takes any bytes, and panics if a promise does not hold for them. Here for the harness in
//! `fuzz/` and for the tests of this workspace; see `docs/testing.md`. No part of the public face.

mod envelope;
mod keys;
mod mutation;
mod replay;
mod sample;
mod settings;
mod shape;
mod source;

pub use envelope::envelope;
pub use keys::keys;
pub use mutation::mutation;
pub use replay::replay;
pub use settings::settings;
pub use source::Source;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_bytes_are_never_misread() {
        replay("envelope", envelope);
    }

    #[test]
    fn a_changed_entry_is_a_miss_or_the_same_value() {
        replay("mutation", mutation);
    }

    #[test]
    fn different_arguments_never_make_the_same_key() {
        replay("keys", keys);
    }

    #[test]
    fn settings_that_are_read_are_within_bounds() {
        replay("settings", settings);
    }
}
