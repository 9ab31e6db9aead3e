//! How long, and how much.

pub(crate) mod advice;
mod call;
mod duration;
mod lifetime;
mod settings;
mod table;
mod ttl;

pub use advice::Advice;
pub use call::CallOptions;
pub(crate) use lifetime::{Lifetime, Times};
pub use settings::{InvalidatePolicy, Settings};
pub use table::TtlTable;
pub use ttl::Ttl;
