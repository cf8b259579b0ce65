//! What the fuzz targets share: a small world of fixed keys, watched memory, and the first inputs.
//!
//! A target asserts more than that nothing panics. Whoever mutates bytes cannot forge, so whatever
//! still counts as signed is one of the few things that the world signed; memory stays within a
//! multiple of the input; what was read and written again is the same.

// Instrumented code needs the runtime of the fuzzer, also in the program that writes first inputs.
use libfuzzer_sys as _;

pub mod gullible;
#[cfg(feature = "relay")]
pub mod html;
pub mod memory;
#[cfg(feature = "relay")]
pub mod relay;
pub mod rng;
pub mod seeds;
pub mod world;

pub use memory::bounded;
pub use world::{NOW, World, world};

/// Cuts an input at each place where `mark` stands.
pub fn pieces<'a>(data: &'a [u8], mark: &[u8]) -> Vec<&'a [u8]> {
    let (mut pieces, mut rest) = (Vec::new(), data);
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
        let (piece, after) = rest.split_at(at);
        pieces.push(piece);
        rest = &after[mark.len()..];
    }
    pieces.push(rest);
    pieces
}

/// What stands between pieces of an input that is several things at once.
pub const MARK: &[u8] = b"\xff\xfe\xfd\xfc";
