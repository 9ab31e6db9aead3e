//! P10: what is seen of a cache from outside.

mod counting;
mod dashboard;
mod ledger;
mod logging;
mod metering;
mod observers;
mod page;
mod scene;
mod scribe;
