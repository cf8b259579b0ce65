//! The text form of certificates (RFC 7468).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Certificate, CertificateError};

impl Certificate {
    /// Reads the first certificate of a PEM text (RFC 7468).
    pub fn from_pem(pem: &str) -> Result<Self, CertificateError> {
        Self::all_from_pem(pem)?.into_iter().next().ok_or(CertificateError::NoPem)
    }

    /// Reads every certificate of a PEM text, in its order.
    pub fn all_from_pem(pem: &str) -> Result<Vec<Self>, CertificateError> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        const END: &str = "-----END CERTIFICATE-----";
        let mut certificates = Vec::new();
        let mut rest = pem;
        while let Some((_, block)) = rest.split_once(BEGIN) {
            let (text, after) = block.split_once(END).ok_or(CertificateError::NoPem)?;
            let compact = text.split_ascii_whitespace().collect::<String>();
            let der = STANDARD.decode(compact).map_err(|_| CertificateError::NoPem)?;
            certificates.push(Self::from_der(&der)?);
            rest = after;
        }
        Ok(certificates)
    }

    /// The PEM text of this certificate (RFC 7468).
    pub fn to_pem(&self) -> String {
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        for (index, symbol) in STANDARD.encode(self.der()).chars().enumerate() {
            if index > 0 && index % 64 == 0 {
                pem.push('\n');
            }
            pem.push(symbol);
        }
        pem.push_str("\n-----END CERTIFICATE-----\n");
        pem
    }
}
