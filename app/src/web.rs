//! Everything that names `web_sys`: the channel between page and worker, the relay's HTTP, WebCrypto,
//! IndexedDB and files.

pub mod client;
pub mod files;
pub mod frame;
mod script;
