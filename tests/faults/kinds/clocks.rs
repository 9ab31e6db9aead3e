//! Clocks that are wrong.

use std::sync::Arc;
use std::time::Duration;

use cache_test_servers::Server;

use crate::faults::clock::WrongClock;
use crate::faults::stage::{Fault, Stage};

/// The time of day of one instance goes back by an hour.
pub const CLOCK_STEPPED_BACK: Fault = Fault {
    name: "clock of one instance stepped back an hour",
    opens: false,
    stage: |flavour| {
        const HOUR: Duration = Duration::from_secs(60 * 60);
        let clock = Arc::<WrongClock>::default();
        let server = Server::builder(flavour).start()?;
        let (url, subject) = (server.url(), (Arc::clone(&clock), server));
        let begin = |(clock, _): &(Arc<WrongClock>, Server)| clock.set_behind(HOUR);
        let end = |(clock, _): &(Arc<WrongClock>, Server)| clock.set_behind(Duration::ZERO);
        Ok(Stage::new(&url, subject, begin, end).clock(clock))
    },
    ..Fault::USUAL
};
