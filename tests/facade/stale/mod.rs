//! What is stale is served while it is loaded again, and when that fails (P4, P5).

mod background;
mod batches;
mod scene;
mod servers;
mod serving;
