//! What is seen of a cache from outside.

mod counting;
mod observers;
