//! The command line and the JSON, as other programs meet them; openssl makes the keys and checks the results.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "tests may panic"
)]

mod lists;
mod office;
mod open;
mod path;
mod seal;
mod verify;
