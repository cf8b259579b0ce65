//! Certificate revocation lists, written (RFC 5280 5.1).

use super::{IssueError, Issuer, extension};
use crate::algorithm;
use crate::asn1::{tag, write};
use crate::certificate::KeyKind;
use crate::keyring::Keyring;
use crate::time::UnixTime;

/// A certificate that its authority took back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// The serial number, as [`crate::Certificate::serial`] gives it.
    pub serial: Vec<u8>,
    /// Since when it counts for nothing.
    pub since: UnixTime,
}

/// Signs the list of all certificates that an authority took back, in DER. It is in force from
/// `this_update` to `next_update`, and its number is the former: lists of one authority are made one after
/// the other.
pub async fn revocation_list(
    keyring: &impl Keyring,
    issuer: &Issuer,
    withdrawn: &[Withdrawn],
    this_update: UnixTime,
    next_update: UnixTime,
) -> Result<Vec<u8>, IssueError> {
    let authority = &issuer.certificate;
    let algorithm = algorithm::for_key(KeyKind::of(authority.spki())).ok_or(IssueError::UnsupportedKey)?;
    let identifier = algorithm::signature_identifier(algorithm);
    let entry = |one: &Withdrawn| {
        write::sequence(&[&write::tlv(tag::INTEGER, &[&one.serial]), &write::time(one.since)])
    };
    let entries = withdrawn.iter().map(entry).collect::<Vec<_>>().concat();
    // RFC 5280 5.1.2.6: where nothing is revoked the list is absent.
    let entries = if entries.is_empty() { entries } else { write::sequence(&[&entries]) };
    let key = match authority.subject_key_identifier() {
        Some(identifier) => identifier.to_vec(),
        None => extension::key_identifier(authority.spki())?,
    };
    let extensions =
        [extension::authority_key_identifier(&key), extension::crl_number(this_update.0)].concat();
    let tbs = write::sequence(&[
        // Version 2.
        &write::integer(1),
        &identifier,
        authority.subject_der(),
        &write::time(this_update),
        &write::time(next_update),
        &entries,
        &write::tlv(tag::constructed(0), &[&write::sequence(&[&extensions])]),
    ]);
    let signature = keyring.sign(&issuer.key, algorithm, &tbs).await?;
    Ok(write::sequence(&[&tbs, &identifier, &write::bits(&signature)]))
}
