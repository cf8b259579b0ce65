//! The engine: it alone speaks to the relay and holds the keys.
//!
//! [`service`] lists every request and who serves it. The rules (whom a letter is sealed to, what a
//! summary holds, what of a mail's markup is shown) need no browser and are tested without one; the
//! arithmetic, the storage and the transfers come from [`crate::web`].

pub mod account;
pub mod addresses;
pub mod details;
pub mod directory;
pub mod domain;
pub mod enrol;
pub mod html;
pub mod identity;
pub mod known;
pub mod letter;
pub mod lists;
pub mod open;
pub mod reading;
pub mod receipts;
pub mod recovery;
pub mod relay;
pub mod reseal;
pub mod revocation;
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

use crate::web::charset;
use crate::web::worker::Page;
use service::Engine;

/// Serves the page of this worker. Here and not in the program, which would get a second copy of every generic
/// function: a tenth of its size.
pub fn start() {
    // Started in anything but a worker it has nobody to serve.
    let Some(page) = Page::of_this_worker() else { return };
    smime::message::use_charset_decoder(charset::decode);
    let engine = Engine::new(page.clone());
    page.serve(move |request, call| engine.clone().serve(request, call));
}

/// Collects a few entries. Where `collect` builds a map it first sorts, by a function of its own for every type.
fn few<M: Default + Extend<E>, E>(entries: impl IntoIterator<Item = E>) -> M {
    let mut map = M::default();
    map.extend(entries);
    map
}

/// Puts a few things in order, equal ones as they come. The library's sort is another function for every type.
fn in_order<T, K: Ord>(things: impl IntoIterator<Item = T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut ordered = Vec::new();
    for thing in things {
        let own = key(&thing);
        ordered.insert(ordered.partition_point(|other| key(other) <= own), thing);
    }
    ordered
}
