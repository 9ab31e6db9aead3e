//! Faults between instances and their server, and what callers notice of them.
//!
//! [`Fault::all`] are the rows of the table in `docs/outages.md`. A [`run`] puts two instances with
//! default settings under steady traffic, lets a fault happen and end, and returns [`Figures`].

mod clock;
mod figures;
mod judge;
mod kinds;
mod quantiles;
mod run;
mod stage;
mod table;
mod traffic;
mod watch;

pub use figures::Figures;
pub use kinds::*;
pub use quantiles::{Quantiles, shown};
pub use run::{Pace, run};
pub use stage::{Fault, Onset, Stage};
pub use table::Table;
pub use traffic::LOAD;
