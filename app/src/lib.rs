//! The page and its engine worker.
//!
//! Two programs are built from this crate. The page (`bin/app.rs`) holds the interface only; the
//! engine (`bin/engine.rs`) runs in a dedicated worker, owns the private keys and IndexedDB, and is the
//! only one that speaks to the relay. They meet in [`protocol`], and [`web`] is the only folder that
//! names `web_sys`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic"))]

pub mod engine;
pub mod json;
pub mod page;
pub mod protocol;
pub mod web;
