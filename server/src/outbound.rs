//! Mail to recipients elsewhere: a durable queue, retries, and a bounce when all fails.

mod bounce;
mod held;
mod mx;
mod queue;
mod reach;
mod route;
mod schedule;
mod talks;
mod transport;
mod wire;

pub use held::run as run_held;
pub use queue::{run, tell};
pub use reach::{Unreachable, addresses};
pub use route::{Route, by_route};
pub use transport::{Envelope, Outcome, send};
