//! The engine: it alone speaks to the relay and holds the keys.
//!
//! [`service`] lists every request and who serves it. The rules (whom a letter is sealed to, what a
//! summary holds, what of a mail's markup is shown) need no browser and are tested without one; the
//! arithmetic, the storage and the transfers come from [`crate::web`].

pub mod account;
pub mod addresses;
pub mod directory;
pub mod enrol;
pub mod html;
pub mod identity;
pub mod known;
pub mod letter;
pub mod lists;
pub mod open;
pub mod reading;
pub mod recovery;
pub mod relay;
pub mod reseal;
pub mod rows;
pub mod send;
pub mod service;
pub mod standing;
pub mod submission;
pub mod summary;
pub mod time;
pub mod trust;
pub mod update;
pub mod urls;
pub mod vault;
pub mod vaults;
pub mod watch;
