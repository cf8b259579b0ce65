use std::cell::{Cell, RefCell};

use smime::timestamp;
use smime::{Hash, Provider};

use crate::engine::account::Account;
use crate::protocol::{Failure, Stage};
use crate::web::clock;
use crate::web::crypto::{WebCrypto, random};
use crate::web::worker::Call;

/// Has signatures timestamped (RFC 3161), and remembers when that failed.
pub struct Stamp<'a> {
    account: &'a Account,
    call: &'a Call,
    failure: RefCell<Option<Failure>>,
    stamped: Cell<bool>,
}

impl<'a> Stamp<'a> {
    /// Stamps for one call.
    pub fn new(account: &'a Account, call: &'a Call) -> Self {
        Self { account, call, failure: RefCell::default(), stamped: Cell::default() }
    }

    /// A checked token over a signature.
    pub async fn get(&self, signature: &[u8]) -> Option<Vec<u8>> {
        self.call.report(Stage::Timestamp, 0, 1);
        match self.ask(signature).await {
            Ok(token) => {
                self.stamped.set(true);
                self.call.report(Stage::Timestamp, 1, 1);
                Some(token)
            }
            Err(failure) => {
                self.failure.replace(Some(failure));
                None
            }
        }
    }

    /// Fails unless a signature was stamped: without proof of its time it would die with its certificate.
    pub fn check(&self) -> Result<(), Failure> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None if self.stamped.get() => Ok(()),
            None => Err(Failure::TimestampRefused),
        }
    }

    async fn ask(&self, signature: &[u8]) -> Result<Vec<u8>, Failure> {
        let refused = || Failure::TimestampRefused;
        let digest = WebCrypto.digest(Hash::Sha256, signature).await.map_err(|_| refused())?;
        // Positive in DER, and the response must repeat it.
        let nonce = u64::from_be_bytes(random().ok_or_else(refused)?) >> 1;
        let query = timestamp::request(Hash::Sha256, &digest, nonce);
        let response = self.account.relay.timestamp(&query).await?;
        let trust = self.account.trust();
        let token =
            timestamp::check_response(&WebCrypto, &response, &digest, nonce, &trust, clock::now()).await;
        token.map(|token| token.der().to_vec()).map_err(|_| refused())
    }
}
