//! What fuzzing runs, and what replays its seeds as an ordinary test.
//!
//! A target takes any bytes, and panics if a promise does not hold for them. Here for the harness in
//! `fuzz/` and for the tests of this crate; see `docs/testing.md`.

mod answers;
mod connection;
mod pushes;
mod values;

pub use answers::answers;
pub use connection::connection;
pub use pushes::pushes;

/// What must not be shown, wherever it stands.
const SECRET: &str = "CANARYpw";

/// Checks that an error shows nothing of what it is about.
fn check_error(error: &crate::Error) {
    let mut shown = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        shown += &format!("{error} {error:?}");
        cause = error.source();
    }
    assert!(!shown.contains(SECRET), "{shown}");
}

#[cfg(test)]
mod tests {
    use cache_core::fuzz::replay;

    use super::*;

    #[test]
    fn no_answer_of_a_server_is_taken_for_more_than_it_says() {
        replay("answers", answers);
    }

    #[test]
    fn no_url_and_no_variable_shows_a_password() {
        replay("connection", connection);
    }

    #[test]
    fn what_a_push_tells_is_heard_or_everything_ends() {
        replay("pushes", pushes);
    }
}
