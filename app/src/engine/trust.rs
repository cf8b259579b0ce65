//! The certificate authorities this browser believes: pinned when it first met the relay.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jmap::SealedCapability;
use serde::{Deserialize, Serialize};
use smime::{Certificate, Trust};

use super::few;

/// More authorities than this are not read.
const MAX_ANCHORS: usize = 64;

/// Authorities, as the relay names them: base64 of DER.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchors {
    /// Those that vouch for people.
    people: BTreeSet<String>,
    /// Those that vouch for times.
    times: BTreeSet<String>,
}

/// What comparing with the pinned authorities gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same, or nothing was pinned and these are now.
    Agreed(Anchors),
    /// Others: fingerprints (SHA-256, hex) of all that the relay names.
    Changed(Vec<String>),
}

impl Anchors {
    /// What the relay names, without what is no certificate.
    pub fn offered(capability: &SealedCapability) -> Self {
        let read = |list: &[String]| {
            let good = list.iter().take(MAX_ANCHORS).filter(|text| certificate(text).is_some());
            few::<BTreeSet<_>, _>(good.cloned())
        };
        Self { people: read(&capability.trust_anchors), times: read(&capability.timestamp_anchors) }
    }

    /// Compares with what was pinned. A relay that is not believed must not change its authorities unseen.
    pub fn compare(self, pinned: Option<&Self>) -> Comparison {
        match pinned {
            Some(pinned) if *pinned != self => Comparison::Changed(self.fingerprints()),
            _ => Comparison::Agreed(self),
        }
    }

    /// SHA-256 fingerprints in hex, sorted.
    pub fn fingerprints(&self) -> Vec<String> {
        let all = self.people.union(&self.times).filter_map(|text| certificate(text));
        let fingerprints: BTreeSet<String> = few(all.map(|certificate| hex(&certificate.sha256())));
        fingerprints.into_iter().collect()
    }

    /// What messages are judged by.
    pub fn trust(&self) -> Trust {
        let read = |list: &BTreeSet<String>| list.iter().filter_map(|text| certificate(text)).collect();
        Trust { anchors: read(&self.people), timestamp_anchors: read(&self.times), ..Trust::default() }
    }
}

/// Reads a certificate as the relay and the vault carry it.
pub fn certificate(text: &str) -> Option<Certificate> {
    Certificate::from_der(&STANDARD.decode(text).ok()?).ok()
}

/// Writes a certificate as the vault carries it.
pub fn encoded(certificate: &Certificate) -> String {
    STANDARD.encode(certificate.der())
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
