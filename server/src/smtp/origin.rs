use std::sync::Arc;

use smime::message::{Status, open};
use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::{Trust, block_on_ready};

use crate::clock::unix_time;
use crate::delivery::{is_sealed, off_thread};
use crate::outer;
use crate::relay::Relay;
use crate::store::StoreError;

/// Whether a message from outside claims to come from here and proves nothing.
///
/// People here send through the relay itself, sealed or by the clear door. A sealed message is let
/// through, for only its owner can see whether it is signed; so is one in clear with a good signature.
pub async fn is_forged(
    relay: &Arc<Relay>,
    mail_from: &str,
    message: &Arc<Vec<u8>>,
) -> Result<bool, StoreError> {
    let claims = |address: &String| relay.is_local(address);
    if !relay.is_local(mail_from) && !outer::authors(message).iter().any(claims) {
        return Ok(false);
    }
    if is_sealed(Arc::clone(message)).await? {
        return Ok(false);
    }
    let (relay, message) = (Arc::clone(relay), Arc::clone(message));
    off_thread(move || !is_signed(&relay, &message)).await
}

fn is_signed(relay: &Relay, message: &[u8]) -> bool {
    let trust = Trust { anchors: relay.trust_anchors(), ..Trust::default() };
    let no_keys = MemoryKeyring::new();
    let opened = open(&RustCrypto, &no_keys, &[], &trust, message, unix_time());
    block_on_ready(opened).is_ok_and(|opened| opened.status == Status::Verified)
}
