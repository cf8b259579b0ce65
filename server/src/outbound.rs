//! Mail to recipients elsewhere: a durable queue, retries, and a bounce when all fails.

mod bounce;
mod mx;
mod queue;
mod reach;
mod route;
mod schedule;
mod talks;
mod transport;
mod wire;

pub use queue::run;
pub use route::{Route, by_route};
pub use transport::{Envelope, Outcome, send};
