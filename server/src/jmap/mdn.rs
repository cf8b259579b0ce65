//! `MDN` (RFC 9007); of public accounts alone, for elsewhere the relay can neither read nor write one.

mod parse;
mod read;
mod send;
mod write;

pub use parse::parse;
pub use send::send;

use jmap::{MethodError, MethodErrorType};

use super::Call;

/// How many notifications one call sends or reads.
const MOST: usize = 50;

fn supported(call: &Call) -> Result<(), MethodError> {
    match call.account.kind.is_sealed() {
        true => Err(MethodErrorType::AccountNotSupportedByMethod.into()),
        false => Ok(()),
    }
}
