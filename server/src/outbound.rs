//! Mail to recipients elsewhere: a durable queue, retries, and a bounce when all fails.

mod client;
mod destination;
mod dkim;
mod dns;
mod heard;
mod held;
mod idle;
mod notification;
mod parameters;
mod queue;
mod reach;
mod reason;
mod record;
mod route;
mod schedule;
mod sender;
mod sts;
mod talks;
mod tls;
mod transaction;
mod transport;
mod wire;

pub use dkim::DkimError;
pub use dns::DnsSetupError;
pub use heard::{hear, note};
pub use held::run as run_held;
pub use notification::Fate;
pub use parameters::Parameters;
pub use queue::run;
pub use reach::{Unreachable, addresses};
pub use reason::{Reason, Trouble};
pub use record::{file, report, tell};
pub use route::{Route, by_route};
pub use sender::{Sender, SenderError};
pub use transport::{Accepted, Envelope, Outcome, Recipient, send};
