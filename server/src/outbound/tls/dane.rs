//! TLSA records (RFC 6698) as SMTP uses them (RFC 7672 3.1).

use hickory_resolver::proto::rr::rdata::TLSA;
use hickory_resolver::proto::rr::rdata::tlsa::{CertUsage, Matching, Selector};
use sha2::{Digest, Sha256, Sha512};
use smime::Certificate;
use tokio_rustls::rustls::pki_types::CertificateDer;

/// Whether a record says something that a mail server can be judged by (RFC 7672 3.1.3).
pub fn is_usable(record: &TLSA) -> bool {
    let length = record.cert_data.len();
    let fits = match record.matching {
        Matching::Raw => length > 0,
        Matching::Sha256 => length == 32,
        Matching::Sha512 => length == 64,
        _ => false,
    };
    fits && matches!(record.cert_usage, CertUsage::DaneTa | CertUsage::DaneEe)
        && matches!(record.selector, Selector::Full | Selector::Spki)
}

/// Whether a record names the server's own certificate or key: DANE-EE(3).
pub fn names_leaf(records: &[TLSA], leaf: &CertificateDer<'_>) -> bool {
    records.iter().any(|record| record.cert_usage == CertUsage::DaneEe && names(record, leaf))
}

/// The authorities that records name: DANE-TA(2); those of the chain, and those that stand in DNS whole.
pub fn anchors(records: &[TLSA], chain: &[CertificateDer<'_>]) -> Vec<CertificateDer<'static>> {
    let mut anchors = Vec::new();
    for record in records.iter().filter(|record| record.cert_usage == CertUsage::DaneTa) {
        anchors.extend(chain.iter().filter(|one| names(record, one)).map(|one| one.clone().into_owned()));
        if (record.selector, record.matching) == (Selector::Full, Matching::Raw) {
            anchors.push(CertificateDer::from(record.cert_data.clone()));
        }
    }
    anchors
}

fn names(record: &TLSA, certificate: &CertificateDer<'_>) -> bool {
    let parsed;
    let selected = match record.selector {
        Selector::Full => certificate.as_ref(),
        _ => match Certificate::from_der(certificate) {
            Ok(found) => {
                parsed = found;
                parsed.spki()
            }
            Err(_) => return false,
        },
    };
    match record.matching {
        Matching::Sha256 => Sha256::digest(selected).as_slice() == record.cert_data,
        Matching::Sha512 => Sha512::digest(selected).as_slice() == record.cert_data,
        _ => selected == record.cert_data,
    }
}
