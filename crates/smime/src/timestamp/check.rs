//! Checking what an authority answered.

use super::wire::{self, TST_INFO, TstInfo};
use super::{TimestampError, Token};
use crate::asn1::write;
use crate::ber;
use crate::certificate::Certificate;
use crate::cms::signed::{SignedData, SignerInfo};
use crate::path::{self, Budget, Purpose, Query, Revocations, VerifiedPath};
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
    let revocations = trust.revocations();
    let known = Known { trust, revocations: &[&revocations], now };
    check(provider, token, &message, &info, &known, &mut Budget::default()).await
}

/// Checks a token over `stamped`: for a signature's timestamp, the signature value.
pub async fn verify_token(
    provider: &impl Provider,
    token: &[u8],
    stamped: &[u8],
    trust: &Trust,
    now: UnixTime,
) -> Result<Token, TimestampError> {
    let revocations = trust.revocations();
    let known = Known { trust, revocations: &[&revocations], now };
    verify_token_within(provider, token, stamped, &known, &mut Budget::default()).await
}

/// What a token is judged by.
pub(crate) struct Known<'a> {
    pub(crate) trust: &'a Trust,
    /// Those of `trust`, and those that come with the message.
    pub(crate) revocations: &'a [&'a Revocations<'a>],
    pub(crate) now: UnixTime,
}

/// As [`verify_token`], sharing its budget with other questions.
pub(crate) async fn verify_token_within(
    provider: &impl Provider,
    token: &[u8],
    stamped: &[u8],
    known: &Known<'_>,
    budget: &mut Budget,
) -> Result<Token, TimestampError> {
    let token = ber::to_der(token).map_err(|_| TimestampError::Malformed)?;
    let message = read(&token)?;
    let info = TstInfo::read(message.content.ok_or(TimestampError::Malformed)?)?;
    let hash = info.imprint.hash.ok_or(TimestampError::UnacceptableAlgorithm)?;
    if provider.digest(hash, stamped).await? != info.imprint.digest {
        return Err(TimestampError::ImprintMismatch);
    }
    check(provider, &token, &message, &info, known, budget).await
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
    known: &Known<'_>,
    budget: &mut Budget,
) -> Result<Token, TimestampError> {
    // SHA-1 collisions can be made: one stamp would cover two documents.
    if !matches!(info.imprint.hash, Some(Hash::Sha256 | Hash::Sha384 | Hash::Sha512)) {
        return Err(TimestampError::UnacceptableAlgorithm);
    }
    if !info.is_understood {
        return Err(TimestampError::NotUnderstood);
    }
    if info.time > known.now.plus(CLOCK_SKEW) {
        return Err(TimestampError::InTheFuture);
    }
    // The later end; but what is here was there by now.
    let time = info.time.plus(info.accuracy).min(known.now.max(info.time));
    let (authority, path) = authority(provider, message, time, known, budget).await?;
    Ok(Token { der: token.to_vec(), time, authority, path })
}

/// Who signed the token, and their path. Their signature vouches for the time as long as they were
/// good themselves then.
async fn authority(
    provider: &impl Provider,
    message: &SignedData<'_>,
    at: UnixTime,
    known: &Known<'_>,
    budget: &mut Budget,
) -> Result<(Certificate, VerifiedPath), TimestampError> {
    let signer = only_signer(message)?;
    let mut certificates = message.certificates.clone();
    certificates.extend(known.trust.intermediates.iter().cloned());
    let mut own = Revocations::default();
    own.add(message.revocations.iter().copied());
    if let Some(unsigned) = &signer.unsigned_attributes {
        certificates.extend(unsigned.certificate_values());
        own.add_values(&unsigned.revocation_values());
    }
    let mut content = Content::new(TST_INFO, message.content.unwrap_or_default());
    let anchors = &known.trust.timestamp_anchors;
    let candidates = certificates.iter().chain(anchors);
    let signed = find_signer(provider, signer, &mut content, candidates, budget).await;
    let authority = signed.map_err(|failed| from_signer(failed.error))?;
    let mut query = Query::new(Purpose::Timestamping, at);
    query.revocation_required = known.trust.revocation_required;
    let candidates = path::Candidates::new(anchors, &certificates);
    let revocations = known.revocations.iter().copied().chain([&own]).collect::<Vec<_>>();
    let path = path::validate_within(provider, authority, &candidates, &revocations, &query, budget).await?;
    Ok((authority.clone(), path))
}

/// RFC 3161 2.4.2: one signer only, who names their certificate among the signed attributes.
fn only_signer<'a, 'm>(message: &'m SignedData<'a>) -> Result<&'m SignerInfo<'a>, TimestampError> {
    let [Ok(signer)] = message.signers.as_slice() else { return Err(TimestampError::Malformed) };
    let attributes = signer.signed_attributes.as_ref().ok_or(TimestampError::Malformed)?;
    if attributes.signing_certificate()?.is_empty() {
        return Err(TimestampError::Malformed);
    }
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
