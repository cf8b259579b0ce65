//! Whether the other end of a TLS connection is whom the mail is for.

mod dane;

use std::sync::Arc;

use hickory_resolver::proto::rr::rdata::TLSA;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use super::reason::Reason;
use crate::config::Level;

/// What a server must prove before mail is handed to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// What an operator or the lack of any policy asks for.
    Level(Level),
    /// A certificate that one of these records names (RFC 7672); the domain is another name it may have.
    Dane {
        /// Usable records, at least one.
        records: Vec<TLSA>,
        /// The domain that the mail is for.
        domain: String,
    },
}

impl Requirement {
    /// What the TLSA records of a host ask for; none where there are no records.
    pub fn of_tlsa(records: Vec<TLSA>, domain: &str) -> Option<Self> {
        if records.is_empty() {
            return None;
        }
        let records: Vec<TLSA> = records.into_iter().filter(dane::is_usable).collect();
        // RFC 7672 2.2: what cannot be used still says that there is TLS.
        Some(match records.is_empty() {
            true => Self::Level(Level::Encrypt),
            false => Self::Dane { records, domain: domain.to_owned() },
        })
    }

    /// Whether mail may go in clear.
    pub fn admits_clear(&self) -> bool {
        matches!(self, Self::Level(Level::None | Level::May))
    }

    /// Whether who meets it is whom the mail is for.
    pub fn proves_name(&self) -> bool {
        matches!(self, Self::Level(Level::Verify) | Self::Dane { .. })
    }
}

/// The authorities that vouch for servers.
#[derive(Debug)]
pub struct Trust {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    /// Trusts the public roots and `anchors` (DER).
    pub fn new(anchors: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        roots.add_parsable_certificates(anchors.into_iter().map(CertificateDer::from));
        Self { roots: Arc::new(roots), provider: Arc::new(ring::default_provider()) }
    }

    /// What makes a TLS connection that meets `requirement`.
    pub fn connector(&self, requirement: &Requirement) -> TlsConnector {
        let verifier = Verifier {
            requirement: requirement.clone(),
            roots: Arc::clone(&self.roots),
            provider: Arc::clone(&self.provider),
        };
        let builder =
            ClientConfig::builder().dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        TlsConnector::from(Arc::new(builder.with_no_client_auth()))
    }

    /// What makes a TLS connection to a server of HTTPS.
    pub fn https(&self) -> TlsConnector {
        let builder = ClientConfig::builder().with_root_certificates(Arc::clone(&self.roots));
        TlsConnector::from(Arc::new(builder.with_no_client_auth()))
    }
}

#[derive(Debug)]
struct Verifier {
    requirement: Requirement,
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

/// No TLSA record names the certificate.
#[derive(Debug, thiserror::Error)]
#[error("no TLSA record names the certificate")]
struct NotNamed;

impl Verifier {
    fn chain(
        &self,
        roots: &Arc<RootCertStore>,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let provider = Arc::clone(&self.provider);
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), provider).build();
        let verifier = verifier.map_err(|error| Error::General(error.to_string()))?;
        verifier.verify_server_cert(leaf, others, name, &[], now)
    }

    /// RFC 7672 3.1: the leaf itself, whatever else it says, or a chain to the authority named.
    fn named(
        &self,
        (records, domain): (&[TLSA], &str),
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if dane::names_leaf(records, leaf) {
            return Ok(ServerCertVerified::assertion());
        }
        let anchors = dane::anchors(records, others);
        if anchors.is_empty() {
            return Err(CertificateError::Other(OtherError(Arc::new(NotNamed))).into());
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(anchors);
        let roots = Arc::new(roots);
        self.chain(&roots, leaf, others, name, now).or_else(|error| {
            let Ok(domain) = ServerName::try_from(domain) else { return Err(error) };
            self.chain(&roots, leaf, others, &domain, now)
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.requirement {
            Requirement::Level(Level::Verify) => {
                self.chain(&self.roots, end_entity, intermediates, server_name, now)
            }
            // Without a policy an attacker on the way could strip TLS altogether: to judge the
            // certificate would only lose the mail for those whose certificates are out of order.
            Requirement::Level(_) => Ok(ServerCertVerified::assertion()),
            Requirement::Dane { records, domain } => {
                self.named((records, domain), end_entity, intermediates, server_name, now)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Why TLS was not agreed on.
pub fn reason(error: &std::io::Error) -> Reason {
    let error = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match error {
        Some(Error::InvalidCertificate(fault)) => match fault {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Reason::Name
            }
            CertificateError::Other(OtherError(other)) if other.is::<NotNamed>() => Reason::Tlsa,
            _ => Reason::Untrusted,
        },
        _ => Reason::Handshake,
    }
}
