//! Answering requests.

use super::wire::{Refusal, Request, TST_INFO};
use crate::asn1::{tag, write};
use crate::keyring::{Keyring, KeyringError};
use crate::provider::{Hash, Provider, ProviderError};
use crate::sign::{self, SignError, Signer};
use crate::time::UnixTime;

/// 2.25.119957899146680269279268593460971314835, an identifier made from a UUID (X.667) for "no
/// promise beyond RFC 3161": `const_oid` has no arcs this long, so here are its octets.
const POLICY: &[u8] = &[
    0x69, 0x81, 0xb4, 0xbf, 0x86, 0xc3, 0xd1, 0xc5, 0xaa, 0xb4, 0x97, 0x9a, 0xaf, 0x8b, 0xed, 0xb7, 0xd2,
    0xb0, 0xbd, 0x13,
];

/// Why an authority could not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// The authority's key failed.
    #[error("signing failed: {0}")]
    Key(#[from] KeyringError),
    /// The authority has no certificate, or one whose key does not sign.
    #[error("the authority has no usable certificate")]
    NoCertificate,
    /// A digest failed.
    #[error("digesting failed: {0}")]
    Provider(#[from] ProviderError),
}

impl From<SignError> for AuthorityError {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Key(error) => Self::Key(error),
            SignError::Provider(error) => Self::Provider(error),
            _ => Self::NoCertificate,
        }
    }
}

/// A timestamp authority: answers requests under its key.
#[derive(Clone, Debug)]
pub struct TimestampAuthority {
    /// The authority's key and chain, the certificate made for [`crate::issue::Usage::TimestampAuthority`].
    pub signer: Signer,
}

impl TimestampAuthority {
    /// Answers a request: always with a response, which refuses where the request is not good.
    ///
    /// `serial` must never repeat; `at` is the authority's clock.
    pub async fn respond(
        &self,
        provider: &impl Provider,
        keyring: &impl Keyring,
        request: &[u8],
        serial: u128,
        at: UnixTime,
    ) -> Result<Vec<u8>, AuthorityError> {
        let request = match acceptable(request) {
            Ok(request) => request,
            Err(refusal) => return Ok(refused(refusal)),
        };
        let info = tst_info(&request, serial, at);
        let mut signer = self.signer.clone();
        if !request.certificate_wanted {
            signer.chain.truncate(1);
        }
        let algorithm = sign::algorithm_of(&signer)?;
        let mut token =
            sign::sign_as(provider, keyring, &signer, algorithm, TST_INFO, info.into(), at, Vec::new())
                .await?;
        if !request.certificate_wanted {
            token.leave_out_certificates();
        }
        let granted = write::sequence(&[&write::integer(0)]);
        Ok(write::sequence(&[&granted, &token.to_der()]))
    }
}

fn acceptable(der: &[u8]) -> Result<Request<'_>, Refusal> {
    let request = Request::read(der)?;
    if request.imprint.hash == Some(Hash::Sha1) {
        return Err(Refusal::BadAlgorithm);
    }
    match request.policy {
        Some(policy) if policy != POLICY => Err(Refusal::UnacceptedPolicy),
        _ => Ok(request),
    }
}

fn tst_info(request: &Request<'_>, serial: u128, at: UnixTime) -> Vec<u8> {
    write::sequence(&[
        &write::integer(1),
        &write::tlv(tag::OID, &[POLICY]),
        request.imprint.der,
        &write::unsigned(&serial.to_be_bytes()),
        &write::generalized_time(at),
        // Accuracy: a second, the resolution of the time.
        &write::sequence(&[&write::integer(1)]),
        request.nonce.map(|nonce| nonce.der).unwrap_or_default(),
    ])
}

/// PKIStatusInfo of a rejection, with the bit of its reason.
fn refused(refusal: Refusal) -> Vec<u8> {
    let bit = refusal as usize;
    let mut bits = vec![0_u8; bit / 8 + 1];
    if let Some(last) = bits.last_mut() {
        *last = 0x80 >> (bit % 8);
    }
    let unused = u8::try_from(7 - bit % 8).unwrap_or(0);
    let reason = write::tlv(tag::BIT_STRING, &[&[unused], &bits]);
    write::sequence(&[&write::sequence(&[&write::integer(2), &reason])])
}
