//! Whole messages: what sealing shows and hides, and what opening believes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    reason = "tests may panic"
)]

#[path = "../support/corpus.rs"]
mod corpus;
mod cost;
mod door;
mod envelope;
mod every_byte;
mod header_protection;
mod incoming;
mod mime_corpora;
mod mutation;
mod openssl;
mod people;
mod round_trip;
mod sealing;
mod vectors;
#[path = "../support/work.rs"]
mod work;
