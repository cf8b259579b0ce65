//! Keys that were made elsewhere: on larger curves and X25519, for opening only; RSA, whose old padding WebCrypto
//! does not have; and post-quantum ones, of which it has nothing yet.
//!
//! Nothing in the interface imports keys yet, so that the product is built without this.

use js_sys::{Object, Reflect, Uint8Array};
#[cfg(feature = "post-quantum")]
use smime::rustcrypto::PostQuantumKey;
use smime::rustcrypto::unwrap_pkcs1v15;
use smime::{Curve, Hash, KeyId, KeyringError, RsaPadding, SignatureAlgorithm};
use web_sys::CryptoKey;
use zeroize::Zeroizing;

use super::{KeyUse, WebKeyring, failed, field, import_ec, set};
use crate::web::crypto::primitives::{Refused, ec, hash_name, import, nist, params, subtle, wait_bytes};

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

    /// Signs with what no key has that was made here.
    pub(super) async fn sign_imported(
        &self,
        record: &Object,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyringError> {
        let (name, parameters) = match algorithm {
            #[cfg(feature = "post-quantum")]
            SignatureAlgorithm::MlDsa(parameters) => {
                return self.post_quantum(record).await?.sign(parameters, message);
            }
            SignatureAlgorithm::RsaPkcs1(hash) => {
                (format!("PKCS1 {}", hash_name(hash)), params(&[("name", "RSASSA-PKCS1-v1_5".into())]))
            }
            SignatureAlgorithm::RsaPss { hash, salt_len } => {
                let salt = u32::try_from(salt_len).map_err(|_| KeyringError::Unsupported)?;
                let parameters = params(&[("name", "RSA-PSS".into()), ("saltLength", salt.into())]);
                (format!("PSS {}", hash_name(hash)), parameters)
            }
            _ => return Err(KeyringError::Unsupported),
        };
        let private: CryptoKey = field(record, &name)?;
        let signed = subtle().map_err(failed)?.sign_with_object_and_u8_array(&parameters, &private, message);
        wait_bytes(signed).await.map_err(failed)
    }

    /// Unwraps by RSA, in memory what WebCrypto cannot do: there the key is for that long, and is wiped.
    pub(super) async fn unwrap_imported(
        &self,
        record: &Object,
        padding: RsaPadding<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let (hash, label) = match padding {
            RsaPadding::Pkcs1v15 => return unwrap_pkcs1v15(&self.unsealed(record).await?, wrapped),
            RsaPadding::Oaep { hash, mask, label } if hash == mask => (hash, label),
            // One hash for the label and another for the mask: a key of WebCrypto is bound to one.
            RsaPadding::Oaep { .. } => return Err(KeyringError::Unsupported),
        };
        let private: CryptoKey = field(record, &format!("OAEP {}", hash_name(hash)))?;
        let label = Uint8Array::from(label);
        let algorithm = params(&[("name", "RSA-OAEP".into()), ("label", label.into())]);
        let opened =
            subtle().map_err(failed)?.decrypt_with_object_and_u8_array(&algorithm, &private, wrapped);
        wait_bytes(opened).await.map(Zeroizing::new).map_err(failed)
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

/// A key for agreement, with its algorithm and the length of what comes out.
pub(super) fn for_agreement(record: &Object) -> Result<(CryptoKey, Object, usize), KeyringError> {
    if let Ok(private) = field(record, "X25519") {
        return Ok((private, params(&[("name", "X25519".into())]), 32));
    }
    let private: CryptoKey = field(record, "ECDH")?;
    let (name, coordinate) = curve_of(&private).ok_or(KeyringError::Unsupported)?;
    Ok((private, ec("ECDH", name), coordinate))
}

/// The NIST curve of a key: its name and the length of a coordinate.
fn curve_of(key: &CryptoKey) -> Option<(&'static str, usize)> {
    let name = Reflect::get(key.algorithm().ok()?.as_ref(), &"namedCurve".into()).ok()?.as_string()?;
    [Curve::P256, Curve::P384, Curve::P521].into_iter().filter_map(nist).find(|(known, _)| *known == name)
}
