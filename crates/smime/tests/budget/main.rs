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
mod counting;
mod forge;
mod keys;

/// What one message or path may cost, in microseconds of the machine that the costs below are from.
const LIMIT: u64 = 50_000;
