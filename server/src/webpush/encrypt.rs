use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes128Gcm, Key, Nonce};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use p256::ecdh::diffie_hellman;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::random;

/// The keys of a client, as it gave them: base64url without padding (RFC 8620 7.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// Its P-256 point, uncompressed.
    pub p256dh: String,
    /// Its secret of 16 octets.
    pub auth: String,
}

/// RFC 8188 2.1: one record holds the whole message.
const RECORD: u32 = 4096;
/// What of the 4096 octets that every push service takes (RFC 8030 7.2) is message: less what stands before the
/// record, the delimiter and the tag.
pub const MOST: usize = 4096 - 17 - 86;

/// Whether these are keys that can be encrypted to.
pub fn is_key(keys: &Keys) -> bool {
    point(&keys.p256dh).is_some() && octets(&keys.auth).is_some_and(|secret| secret.len() == 16)
}

/// The message as `aes128gcm` content to the client's keys (RFC 8291).
pub fn encrypt(keys: &Keys, message: &[u8]) -> Option<Vec<u8>> {
    let own = SecretKey::from_slice(Zeroizing::new(random::bytes::<32>()).as_slice()).ok()?;
    sealed(keys, &own, random::bytes(), message)
}

fn sealed(keys: &Keys, own: &SecretKey, salt: [u8; 16], message: &[u8]) -> Option<Vec<u8>> {
    if message.len() > MOST {
        return None;
    }
    let (theirs, auth) = (point(&keys.p256dh)?, octets(&keys.auth)?);
    let own_point = own.public_key().to_sec1_point(false);
    let shared = diffie_hellman(own.to_nonzero_scalar(), theirs.as_affine());
    let mut info = b"WebPush: info\0".to_vec();
    info.extend_from_slice(theirs.to_sec1_point(false).as_bytes());
    info.extend_from_slice(own_point.as_bytes());
    let mut secret = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(&auth), shared.raw_secret_bytes()).expand(&info, secret.as_mut()).ok()?;
    let content = Hkdf::<Sha256>::new(Some(&salt), secret.as_ref());
    let (mut key, mut nonce) = (Zeroizing::new([0; 16]), [0; 12]);
    content.expand(b"Content-Encoding: aes128gcm\0", key.as_mut()).ok()?;
    content.expand(b"Content-Encoding: nonce\0", &mut nonce).ok()?;
    // RFC 8188 2: the delimiter of the last record.
    let padded = [message, &[2]].concat();
    let cipher = Aes128Gcm::new(&Key::<Aes128Gcm>::from(*key));
    let sealed = cipher.encrypt(&Nonce::from(nonce), padded.as_slice()).ok()?;
    let mut body = salt.to_vec();
    body.extend_from_slice(&RECORD.to_be_bytes());
    body.push(u8::try_from(own_point.as_bytes().len()).ok()?);
    body.extend_from_slice(own_point.as_bytes());
    body.extend(sealed);
    Some(body)
}

fn point(text: &str) -> Option<PublicKey> {
    PublicKey::from_sec1_bytes(&octets(text)?).ok()
}

fn octets(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_8291_comes_out() {
        let keys = Keys {
            p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
                .into(),
            auth: "BTBZMqHH6r4Tts7J_aSIgg".into(),
        };
        let own =
            SecretKey::from_slice(&octets("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw").unwrap()).unwrap();
        let salt = octets("DGv6ra1nlYgDCS1FRnbzlw").unwrap().try_into().unwrap();
        let body = sealed(&keys, &own, salt, b"When I grow up, I want to be a watermelon").unwrap();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(body),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn what_is_no_key_is_told() {
        let keys = Keys { p256dh: "AAAA".into(), auth: "BTBZMqHH6r4Tts7J_aSIgg".into() };
        assert!(!is_key(&keys));
        assert!(encrypt(&keys, b"x").is_none());
    }
}
