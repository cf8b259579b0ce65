//! A signed receipt as a whole message (RFC 2634 2.5).

use super::{
    address::Address,
    compose::cms_entity,
    draft::{ComposeError, Draft},
};
use crate::UnixTime;

/// The message that carries a receipt, the DER of [`crate::ess::sign_receipt`], to those who asked for it.
///
/// It is only signed, and repeats nothing of the original. Whoever gets it knows it by its type.
///
/// # Errors
/// If one of the addresses cannot be written to.
pub fn receipt_message(
    receipt: &[u8],
    from: &str,
    to: &[String],
    at: UnixTime,
) -> Result<Vec<u8>, ComposeError> {
    let draft = Draft {
        from: Address::new(from),
        to: to.iter().map(Address::new).collect(),
        date: at,
        ..Draft::default()
    };
    Ok(cms_entity(&draft.header(false)?, "signed-receipt", receipt.to_vec()))
}
