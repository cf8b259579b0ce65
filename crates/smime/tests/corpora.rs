//! Public corpora; where one is not installed its tests count as skipped, by name.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "tests may panic, speak, and be tables"
)]

#[path = "corpora/cms.rs"]
mod cms;
#[path = "corpora/keys.rs"]
mod keys;
#[path = "corpora/legacy.rs"]
mod legacy;
#[path = "corpora/messages.rs"]
mod messages;
#[path = "corpora/opened.rs"]
mod opened;
#[path = "corpora/paths.rs"]
mod paths;
#[path = "corpora/post_quantum.rs"]
mod post_quantum;
mod support;
#[path = "corpora/timestamps.rs"]
mod timestamps;
#[path = "corpora/wycheproof.rs"]
mod wycheproof;
#[path = "corpora/wycheproof/operations.rs"]
mod wycheproof_operations;

use support::corpus::Tally;
