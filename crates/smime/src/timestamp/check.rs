//! Checking what an authority answered.

use super::wire::{self, TST_INFO, TstInfo};
use super::{TimestampError, Token};
use crate::asn1::write;
use crate::ber;
use crate::cms::signed::{SignedData, SignerInfo};
use crate::path::{self, Budget, Purpose, Query};
use crate::provider::{Hash, Provider};
use crate::time::UnixTime;
use crate::verify::{Content, SignerError, Trust, find_signer};

/// Clocks of authorities and readers may differ by this many seconds.
const CLOCK_SKEW: u64 = 300;

/// Checks the response to a request for `digest` with `nonce`, and gives its token.
///
/// Of `trust`, the timestamp anchors count. The authority is judged at the token's own time.
pub async fn check_response(
    provider: &impl Provider,
    response: &[u8],
    digest: &[u8],
    nonce: u64,
    trust: &Trust,
    now: UnixTime,
) -> Result<Token, TimestampError> {
    let response = ber::to_der(response).map_err(|_| TimestampError::Malformed)?;
    let token = wire::granted(&response)?;
    let message = read(token)?;
    let info = TstInfo::read(message.content.ok_or(TimestampError::Malformed)?)?;
    if info.imprint.digest != digest {
        return Err(TimestampError::ImprintMismatch);
    }
    let expected = write::integer(nonce);
    // The octets of the INTEGER, after its two octets of header.
    if info.nonce != expected.get(2..) {
        return Err(TimestampError::NonceMismatch);
    }
    check(provider, token, &message, &info, trust, now, &mut Budget::default()).await
}

/// Checks a token over `stamped`: for a signature's timestamp, the signature value.
pub async fn verify_token(
    provider: &impl Provider,
    token: &[u8],
    stamped: &[u8],
    trust: &Trust,
    now: UnixTime,
) -> Result<Token, TimestampError> {
    verify_token_within(provider, token, stamped, trust, now, &mut Budget::default()).await
}

/// As [`verify_token`], sharing its budget with other questions.
pub(crate) async fn verify_token_within(
    provider: &impl Provider,
    token: &[u8],
    stamped: &[u8],
    trust: &Trust,
    now: UnixTime,
    budget: &mut Budget,
) -> Result<Token, TimestampError> {
    let token = ber::to_der(token).map_err(|_| TimestampError::Malformed)?;
    let message = read(&token)?;
    let info = TstInfo::read(message.content.ok_or(TimestampError::Malformed)?)?;
    let hash = info.imprint.hash.ok_or(TimestampError::UnacceptableAlgorithm)?;
    if provider.digest(hash, stamped).await? != info.imprint.digest {
        return Err(TimestampError::ImprintMismatch);
    }
    check(provider, &token, &message, &info, trust, now, budget).await
}

fn read(token: &[u8]) -> Result<SignedData<'_>, TimestampError> {
    let message = SignedData::read(token).map_err(|_| TimestampError::Malformed)?;
    if message.content_type == TST_INFO { Ok(message) } else { Err(TimestampError::Malformed) }
}

async fn check(
    provider: &impl Provider,
    token: &[u8],
    message: &SignedData<'_>,
    info: &TstInfo<'_>,
    trust: &Trust,
    now: UnixTime,
    budget: &mut Budget,
) -> Result<Token, TimestampError> {
    // SHA-1 collisions can be made: one stamp would cover two documents.
    if !matches!(info.imprint.hash, Some(Hash::Sha256 | Hash::Sha384 | Hash::Sha512)) {
        return Err(TimestampError::UnacceptableAlgorithm);
    }
    if info.time > now.plus(CLOCK_SKEW) {
        return Err(TimestampError::InTheFuture);
    }
    let signer = only_signer(message)?;
    let mut known = message.certificates.clone();
    known.extend(trust.intermediates.iter().cloned());
    let mut content = Content::new(TST_INFO, message.content.unwrap_or_default());
    let candidates = known.iter().chain(&trust.timestamp_anchors);
    let signed = find_signer(provider, signer, &mut content, candidates, budget).await;
    let authority = signed.map_err(|failed| from_signer(failed.error))?;
    // The authority's signature vouches for the time as long as the authority itself was good then.
    let mut query = Query::new(Purpose::Timestamping, info.time);
    query.revocation_required = trust.revocation_required;
    let crls = path::read_lists(&trust.crls);
    let candidates = path::Candidates::new(&trust.timestamp_anchors, &known);
    path::validate_within(provider, authority, &candidates, &crls, &query, budget).await?;
    Ok(Token { der: token.to_vec(), time: info.time, authority: authority.clone() })
}

/// RFC 3161 2.4.2: one signer only, who names their certificate among the signed attributes.
fn only_signer<'a, 'm>(message: &'m SignedData<'a>) -> Result<&'m SignerInfo<'a>, TimestampError> {
    let [Ok(signer)] = message.signers.as_slice() else { return Err(TimestampError::Malformed) };
    let attributes = signer.signed_attributes.as_ref().ok_or(TimestampError::Malformed)?;
    attributes.signing_certificate()?.ok_or(TimestampError::Malformed)?;
    Ok(signer)
}

fn from_signer(error: SignerError) -> TimestampError {
    match error {
        SignerError::NoCertificate => TimestampError::NoCertificate,
        SignerError::Path(error) => error.into(),
        SignerError::WeakAlgorithm(_) | SignerError::UnsupportedAlgorithm(_) => {
            TimestampError::UnacceptableAlgorithm
        }
        SignerError::Malformed | SignerError::MissingAttribute | SignerError::ContentTypeMismatch => {
            TimestampError::Malformed
        }
        _ => TimestampError::BadSignature,
    }
}
