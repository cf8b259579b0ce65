//! A signed receipt as a whole message (RFC 2634 2.5).

use rand_core::CryptoRng;

use super::{
    address::Address,
    compose::cms_entity,
    draft::{ComposeError, Draft},
    seal::{SealError, SealOptions, smime_type},
};
use crate::{Certificate, Provider, UnixTime, encrypt_with};

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

/// As [`receipt_message`], encrypted: in clear the digest of a confidential message would be seen
/// (RFC 2634 2.4). Of `draft` only the header is taken, and of `options` only the ciphers.
///
/// # Errors
/// If the header cannot be written, or the receipt not be encrypted to the recipients.
pub async fn seal_receipt(
    provider: &impl Provider,
    rng: &mut impl CryptoRng,
    receipt: &[u8],
    draft: &Draft,
    recipients: &[Certificate],
    options: &SealOptions,
) -> Result<Vec<u8>, SealError> {
    let entity = cms_entity(&[], "signed-receipt", receipt.to_vec());
    let cms = encrypt_with(provider, rng, entity, recipients, options.cipher, &options.transport).await?;
    Ok(cms_entity(&draft.header(false)?, smime_type(options.cipher), cms))
}
