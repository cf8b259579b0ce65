//! What hostile certificates cost: counted by what the arithmetic is asked to do, not by a clock.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "tests may panic and speak"
)]

#[path = "../support/mod.rs"]
mod support;

mod chains;
mod forge;
mod keys;
