//! Everything that names `web_sys`: the channel between page and worker, the relay's HTTP, WebCrypto,
//! IndexedDB and files.

mod buffers;
pub mod charset;
pub mod client;
pub mod clock;
pub mod crypto;
pub mod database;
pub mod dom;
pub mod files;
pub mod frame;
pub mod history;
pub mod http;
pub mod letters;
pub mod push;
mod script;
mod stream;
pub mod task;
pub mod worker;
