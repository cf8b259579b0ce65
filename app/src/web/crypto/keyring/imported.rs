//! Keys that were made elsewhere: on larger curves and X25519, for opening only; RSA, whose old padding WebCrypto
//! does not have; and post-quantum ones, of which it has nothing yet.
//!
//! Nothing in the interface imports keys yet, so that the product is built without this.

use js_sys::{Object, Uint8Array};
#[cfg(feature = "post-quantum")]
use smime::rustcrypto::PostQuantumKey;
use smime::rustcrypto::unwrap_pkcs1v15;
use smime::{Curve, Hash, KeyId, KeyringError};
use zeroize::Zeroizing;

use super::{KeyUse, WebKeyring, field, import_ec, set};
use crate::web::crypto::primitives::{Refused, ec, hash_name, import, nist, params};

impl WebKeyring {
    /// Takes in a key: P-256 and RSA for every use they have, others on curves for key agreement.
    pub async fn insert_pkcs8(&self, id: &KeyId, pkcs8: &[u8]) -> Result<(), KeyringError> {
        let record = Object::new();
        if import_ec(&record, pkcs8, KeyUse::Signing).await.is_ok() {
            import_ec(&record, pkcs8, KeyUse::Encryption).await.map_err(|_| KeyringError::Malformed)?;
            return self.keep(id, record).await;
        }
        for (name, _) in [Curve::P384, Curve::P521].into_iter().filter_map(nist) {
            let algorithm = ec("ECDH", name);
            if let Ok(key) = import("pkcs8", pkcs8, &algorithm, false, &["deriveBits"]).await {
                set(&record, "ECDH", &key);
                return self.keep(id, record).await;
            }
        }
        let x25519 = params(&[("name", "X25519".into())]);
        if let Ok(key) = import("pkcs8", pkcs8, &x25519, false, &["deriveBits"]).await {
            set(&record, "X25519", &key);
            return self.keep(id, record).await;
        }
        #[cfg(feature = "post-quantum")]
        let post_quantum = PostQuantumKey::from_pkcs8(pkcs8).is_ok();
        #[cfg(not(feature = "post-quantum"))]
        let post_quantum = false;
        if !post_quantum {
            import_rsa(&record, pkcs8).await.map_err(|_| KeyringError::Malformed)?;
        }
        let sealed = self.device.seal(pkcs8).await.ok_or(KeyringError::Failed)?;
        set(&record, "sealed", &Uint8Array::from(sealed.as_slice()));
        self.keep(id, record).await
    }

    /// What WebCrypto cannot do; the key is in memory for that long and is wiped.
    pub(super) async fn unwrap_in_memory(
        &self,
        record: &Object,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        unwrap_pkcs1v15(&self.unsealed(record).await?, wrapped)
    }

    /// The key in memory, for one operation.
    #[cfg(feature = "post-quantum")]
    pub(super) async fn post_quantum(&self, record: &Object) -> Result<PostQuantumKey, KeyringError> {
        // Whatever else is kept like this is of another kind.
        PostQuantumKey::from_pkcs8(&self.unsealed(record).await?).map_err(|_| KeyringError::WrongKind)
    }

    async fn unsealed(&self, record: &Object) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let sealed: Uint8Array = field(record, "sealed")?;
        self.device.open_sealed(&sealed.to_vec()).await.ok_or(KeyringError::Malformed)
    }
}

async fn import_rsa(record: &Object, pkcs8: &[u8]) -> Result<(), Refused> {
    let kinds =
        [("RSASSA-PKCS1-v1_5", "PKCS1", "sign"), ("RSA-PSS", "PSS", "sign"), ("RSA-OAEP", "OAEP", "decrypt")];
    for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512].map(hash_name) {
        for (name, short, operation) in kinds {
            let algorithm = params(&[("name", name.into()), ("hash", hash.into())]);
            let key = import("pkcs8", pkcs8, &algorithm, false, &[operation]).await?;
            set(record, &format!("{short} {hash}"), &key);
        }
    }
    Ok(())
}
