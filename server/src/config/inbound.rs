use std::net::SocketAddr;

use serde::Deserialize;

/// How mail from elsewhere is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Inbound {
    /// Name servers to ask about senders; those of the system when empty.
    pub dns_servers: Vec<SocketAddr>,
    /// What is done with what the domains of senders say.
    pub sender_checks: SenderChecks,
    /// Domains whose word counts for mail that they passed on (RFC 8617).
    pub trusted_sealers: Vec<String>,
    /// A scanner that is shown clear mail before it is sealed.
    pub scanner: Option<SocketAddr>,
    /// What is done with mail that the scanner cannot be asked about.
    pub scanner_failure: ScannerFailure,
}

/// What is done with what the domains of senders say by SPF, DKIM and DMARC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SenderChecks {
    /// They are not asked.
    Off,
    /// The findings are recorded with the message.
    Record,
    /// And what the domain of the author asks for is done.
    #[default]
    Enforce,
}

/// What is done with mail that the scanner cannot be asked about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScannerFailure {
    /// It is to come again later.
    #[default]
    Defer,
    /// It is taken as if nothing spoke against it.
    Accept,
}
