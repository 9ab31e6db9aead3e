//! What a fingerprint tells apart, and what it sees through.

mod differ;
mod see_through;
