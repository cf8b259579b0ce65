//! Certificate revocation lists (RFC 5280 5 and 6.3).

use const_oid::ObjectIdentifier as Oid;

use super::Purpose;
use crate::algorithm::{self, Identifier};
use crate::asn1::{self, Malformed, Reader, Tlv, tag};
use crate::certificate::{Certificate, normalized_name};
use crate::provider::Provider;
use crate::time::UnixTime;

const MAX_EXTENSIONS: usize = 32;

const CRL_NUMBER: Oid = Oid::new_unwrap("2.5.29.20");
const REASON: Oid = Oid::new_unwrap("2.5.29.21");
const INVALIDITY_DATE: Oid = Oid::new_unwrap("2.5.29.24");
const AUTHORITY_KEY_IDENTIFIER: Oid = Oid::new_unwrap("2.5.29.35");

/// A list, read in place.
pub(crate) struct Crl<'a> {
    tbs: &'a [u8],
    algorithm: Identifier<'a>,
    signature: &'a [u8],
    issuer: Vec<u8>,
    this_update: UnixTime,
    next_update: Option<UnixTime>,
    revoked: Reader<'a>,
    /// Whether it has a critical extension that is not understood: then it can revoke, but being
    /// absent from it proves nothing (RFC 5280 5.2). Partial and indirect lists are among these.
    is_partial: bool,
}

impl<'a> Crl<'a> {
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut outer = asn1::single(der, tag::SEQUENCE)?.reader();
        let tbs = outer.expect(tag::SEQUENCE)?;
        let algorithm = outer.expect(tag::SEQUENCE)?;
        let signature = outer.expect(tag::BIT_STRING)?.bits()?;
        outer.end()?;
        let mut fields = tbs.reader();
        fields.optional(tag::INTEGER)?;
        if fields.expect(tag::SEQUENCE)?.der != algorithm.der {
            return Err(Malformed);
        }
        let issuer = normalized_name(fields.expect(tag::SEQUENCE)?.der);
        let this_update = UnixTime::from_tlv(&fields.next()?)?;
        let next_update = match fields.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => Some(UnixTime::from_tlv(&fields.next()?)?),
            _ => None,
        };
        let revoked = fields.optional(tag::SEQUENCE)?.map_or(Reader::new(&[]), |list| list.reader());
        let is_partial = match fields.optional(tag::constructed(0))? {
            Some(wrapper) => {
                let extensions = asn1::single(wrapper.value, tag::SEQUENCE)?.reader();
                has_unknown_critical(extensions, &[CRL_NUMBER, AUTHORITY_KEY_IDENTIFIER])?
            }
            None => false,
        };
        fields.end()?;
        let algorithm = Identifier::read(algorithm.reader())?;
        Ok(Self { tbs: tbs.der, algorithm, signature, issuer, this_update, next_update, revoked, is_partial })
    }

    /// `issuer` is in the form of [`Certificate::issuer_name`].
    pub(super) fn is_of(&self, issuer: &[u8]) -> bool {
        self.issuer == issuer
    }

    /// Whether absence from the list proves that a certificate, valid until `not_after`, was good at
    /// the moment: a list in force then does, and so does a later one, made while the certificate
    /// still had to be on it.
    pub(super) fn proves_at(&self, at: UnixTime, not_after: UnixTime) -> bool {
        let in_force = self.this_update <= at && self.next_update.is_some_and(|next| at <= next);
        let later = at < self.this_update && self.this_update <= not_after;
        !self.is_partial && (in_force || later)
    }

    pub(super) async fn is_signed_by(&self, provider: &impl Provider, authority: &Certificate) -> bool {
        let key = authority.key_kind();
        let Ok(algorithm) = algorithm::signature(&self.algorithm, None, key) else { return false };
        algorithm::weakness(algorithm, key).is_none()
            && provider.verify(authority.spki(), algorithm, self.tbs, self.signature).await.is_ok()
    }

    /// What the list says of the certificate with this serial number.
    pub(super) fn revocation(&self, serial: &[u8]) -> Result<Option<Revocation>, Malformed> {
        let mut entries = self.revoked;
        while !entries.is_empty() {
            let mut entry = entries.sequence()?;
            if entry.expect(tag::INTEGER)?.value == serial {
                return Revocation::read(entry).map(Some);
            }
        }
        Ok(None)
    }
}

/// An entry of a list.
pub(super) struct Revocation {
    since: UnixTime,
    /// Whether the list says that the key stayed with its owner.
    is_benign: bool,
}

impl Revocation {
    /// From what follows the serial number (RFC 5280 5.3).
    fn read(mut entry: Reader<'_>) -> Result<Self, Malformed> {
        let mut revocation = Self { since: UnixTime::from_tlv(&entry.next()?)?, is_benign: false };
        let Some(extensions) = entry.optional(tag::SEQUENCE)? else { return Ok(revocation) };
        for extension in extensions.reader().all(MAX_EXTENSIONS)? {
            let (oid, critical, value) = read_extension(&extension)?;
            match oid {
                REASON => {
                    let reason = asn1::single(value, tag::ENUMERATED)?.value;
                    // unspecified, affiliationChanged, superseded, cessationOfOperation.
                    revocation.is_benign = matches!(reason, [0 | 3 | 4 | 5]);
                }
                INVALIDITY_DATE => {
                    let date = UnixTime::from_tlv(&Reader::new(value).next()?)?;
                    revocation.since = revocation.since.min(date);
                }
                // An entry that is not understood may mean anything, so it is taken at its worst.
                _ if critical => return Err(Malformed),
                _ => {}
            }
        }
        Ok(revocation)
    }

    /// Whether a signature made at `at` is lost. What a stolen key signs can carry any date, so for
    /// a timestamp authority only a benign reason saves what is older (RFC 3161 4).
    pub(super) fn counts_at(&self, at: UnixTime, purpose: Purpose) -> bool {
        self.since <= at || (purpose == Purpose::Timestamping && !self.is_benign)
    }
}

fn has_unknown_critical(extensions: Reader<'_>, known: &[Oid]) -> Result<bool, Malformed> {
    for extension in extensions.all(MAX_EXTENSIONS)? {
        let (oid, critical, _) = read_extension(&extension)?;
        if critical && !known.contains(&oid) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The type of an extension, whether it is critical, and its value.
fn read_extension<'a>(extension: &Tlv<'a>) -> Result<(Oid, bool, &'a [u8]), Malformed> {
    let mut fields = extension.reader();
    let oid = fields.oid()?;
    let critical = fields.optional(tag::BOOLEAN)?.map_or(Ok(false), |critical| critical.boolean())?;
    Ok((oid, critical, fields.expect(tag::OCTET_STRING)?.value))
}
