//! Every suite, to and from programs that others wrote.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "tests may panic, and be tables"
)]

mod bouncycastle;
mod gpgsm;
mod nss;
mod openssl;
mod suites;
#[path = "../support/mod.rs"]
mod support;
