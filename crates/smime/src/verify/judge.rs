//! The verdicts on the signers of a message, and on who signed their signatures.

use super::{Content, SignerError, SignerVerdict, TimestampVerdict, Trust, find_signer};
use crate::certificate::Certificate;
use crate::cms::attributes::{COUNTERSIGNATURE, SIGNING_TIME, TIMESTAMP_TOKEN};
use crate::cms::signed::{SignedData, SignerInfo};
use crate::ess::{RECEIPT, RequestedReceipt, Services};
use crate::path::{self, Budget, Purpose, Query, Revocations};
use crate::provider::Provider;
use crate::recipients::Capabilities;
use crate::time::UnixTime;
use crate::timestamp::{self, Known, Token};

/// What all signers of a message are judged by.
struct World<'a> {
    certificates: &'a [Certificate],
    candidates: &'a path::Candidates<'a>,
    revocations: &'a [&'a Revocations<'a>],
    trust: &'a Trust,
    now: UnixTime,
    budget: &'a mut Budget,
}

/// The verdicts in the order of the message.
pub(super) async fn judge(
    provider: &impl Provider,
    message: &SignedData<'_>,
    content: &[u8],
    (trust, now): (&Trust, UnixTime),
    budget: &mut Budget,
) -> Vec<SignerVerdict> {
    let mut certificates = message.certificates.clone();
    certificates.extend(trust.intermediates.iter().cloned());
    let mut beside = Revocations::default();
    beside.add(message.revocations.iter().copied());
    for unsigned in message.signers.iter().flatten().filter_map(|info| info.unsigned_attributes.as_ref()) {
        certificates.extend(unsigned.certificate_values());
        beside.add_values(&unsigned.revocation_values());
    }
    let known = trust.revocations();
    let candidates = path::Candidates::new(&trust.anchors, &certificates);
    let mut world = World {
        certificates: &certificates,
        candidates: &candidates,
        revocations: &[&known, &beside],
        trust,
        now,
        budget,
    };
    let mut content = Content::new(message.content_type, content);
    let mut verdicts = Vec::with_capacity(message.signers.len());
    for info in &message.signers {
        let mut verdict = match info {
            Ok(info) => judge_signer(provider, info, &mut content, &mut world).await,
            Err(_) => unread(),
        };
        // RFC 2634 2.2: a receipt asks for none, or two programs would answer each other for ever.
        if message.content_type == RECEIPT {
            verdict.services.requested_receipt = None;
        }
        verdicts.push(verdict);
    }
    verdicts
}

/// The verdict on one signer, and on those who signed that signature.
async fn judge_signer(
    provider: &impl Provider,
    info: &SignerInfo<'_>,
    content: &mut Content<'_>,
    world: &mut World<'_>,
) -> SignerVerdict {
    let mut verdict = judge_signature(provider, info, content, world).await;
    if let (Ok(_), Some(attributes)) = (&verdict.verdict, &info.signed_attributes) {
        let requested_receipt = RequestedReceipt::read(provider, info).await;
        verdict.services = Services { requested_receipt, ..Services::read(attributes) };
    }
    verdict.countersignatures = countersignatures(provider, info, world).await;
    verdict
}

/// RFC 5652 11.4: SignerInfos over the octets of the signature.
async fn countersignatures(
    provider: &impl Provider,
    info: &SignerInfo<'_>,
    world: &mut World<'_>,
) -> Vec<SignerVerdict> {
    /// Each costs a signature check and a path, and perhaps a timestamp.
    const MAX_COUNTERSIGNATURES: usize = 4;
    let mut verdicts = Vec::new();
    let Some(attributes) = &info.unsigned_attributes else { return verdicts };
    let mut content = Content::countersigned(info.signature);
    for element in attributes.all(COUNTERSIGNATURE).take(MAX_COUNTERSIGNATURES) {
        verdicts.push(match SignerInfo::read(element) {
            Ok(counter) => judge_signature(provider, &counter, &mut content, world).await,
            Err(_) => unread(),
        });
    }
    verdicts
}

async fn judge_signature(
    provider: &impl Provider,
    info: &SignerInfo<'_>,
    content: &mut Content<'_>,
    world: &mut World<'_>,
) -> SignerVerdict {
    // The anchors may hold the signer's own certificate.
    let candidates = world.certificates.iter().chain(&world.trust.anchors);
    let signed = find_signer(provider, info, content, candidates, world.budget).await;
    let certificate = signed.as_ref().map_or_else(|failed| failed.certificate, |found| Some(*found));
    let attributes = info.signed_attributes.as_ref();
    let emails = certificate.map(Certificate::emails).unwrap_or_default();
    let preferred =
        attributes.and_then(|attributes| attributes.encryption_preference(world.certificates, &emails));
    let mut verdict = SignerVerdict {
        certificate: certificate.cloned(),
        emails,
        signing_time: attributes
            .and_then(|attributes| UnixTime::from_tlv(attributes.single(SIGNING_TIME).ok()??).ok()),
        encryption: preferred,
        capabilities: attributes.map(|attributes| attributes.capabilities()).unwrap_or_default(),
        ..unread()
    };
    let certificate = match signed {
        Ok(certificate) => certificate,
        Err(failed) => {
            verdict.verdict = Err(failed.error);
            return verdict;
        }
    };
    verdict.timestamp = judge_timestamp(provider, info, world).await;
    let proven = verdict.timestamp.as_ref().and_then(|timestamp| timestamp.token.as_ref().ok());
    let mut query = Query::new(Purpose::Signing, proven.map_or(world.now, Token::time));
    query.revocation_required = world.trust.revocation_required;
    let World { candidates, revocations, budget, .. } = world;
    let path = path::validate_within(provider, certificate, candidates, revocations, &query, budget).await;
    verdict.verdict = path.map_err(SignerError::from);
    verdict
}

/// The earliest timestamp that is good, since any may be added later; if there is none, the first.
async fn judge_timestamp(
    provider: &impl Provider,
    info: &SignerInfo<'_>,
    world: &mut World<'_>,
) -> Option<TimestampVerdict> {
    /// Each token costs a signature check and a path.
    const MAX_TOKENS: usize = 4;
    let (mut earliest, mut first) = (None::<Token>, None);
    let attributes = info.unsigned_attributes.as_ref()?;
    let known = Known { trust: world.trust, revocations: world.revocations, now: world.now };
    for token in attributes.all(TIMESTAMP_TOKEN).take(MAX_TOKENS) {
        let budget = &mut *world.budget;
        let token = timestamp::verify_token_within(provider, token.der, info.signature, &known, budget).await;
        match token {
            Ok(token) if earliest.as_ref().is_none_or(|known| token.time() < known.time()) => {
                earliest = Some(token);
            }
            Ok(_) => {}
            Err(error) => drop(first.get_or_insert(error)),
        }
    }
    let token = earliest.map(Ok).or(first.map(Err))?;
    Some(TimestampVerdict { token })
}

fn unread() -> SignerVerdict {
    SignerVerdict {
        certificate: None,
        emails: Vec::new(),
        verdict: Err(SignerError::Malformed),
        signing_time: None,
        timestamp: None,
        encryption: None,
        capabilities: Capabilities::default(),
        countersignatures: Vec::new(),
        services: Services::default(),
    }
}
