//! The engine: every rule that needs no browser lives in `engine/` beside tests; `web/` does the I/O.

pub mod addresses;
pub mod ecdsa;
pub mod html;
pub mod reading;
pub mod recipients;
pub mod rows;
pub mod submission;
pub mod summary;
pub mod time;
pub mod trust;
pub mod vault;
