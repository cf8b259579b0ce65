use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};

use crate::clock::Millis;

/// RFC 8292 2: at most a day.
const LIFE: Millis = 12 * 60 * 60;

/// The Authorization field by which a push service knows the relay again (RFC 8292).
pub fn authorization(key: &SigningKey, audience: &str, contact: &str, now: Millis) -> String {
    let text = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = text(json!({"typ": "JWT", "alg": "ES256"}));
    let claims = text(json!({"aud": audience, "exp": now / 1000 + LIFE, "sub": contact}));
    let signed = format!("{header}.{claims}");
    let signature: Signature = key.sign(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
    format!("vapid t={signed}.{signature}, k={}", public_key(key))
}

/// The public key as subscriptions are bound to it: an uncompressed point in base64url.
pub fn public_key(key: &SigningKey) -> String {
    URL_SAFE_NO_PAD.encode(key.verifying_key().to_sec1_point(false).as_bytes())
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::Verifier;

    use super::*;

    #[test]
    fn the_token_is_signed_and_names_the_service() {
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        let field = authorization(&key, "https://push.example", "https://mail.example", 1_000_000);
        let token = field.strip_prefix("vapid t=").unwrap().split(',').next().unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        key.verifying_key().verify(signed.as_bytes(), &signature).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!((&claims["aud"], &claims["exp"]), (&json!("https://push.example"), &json!(1000 + LIFE)));
    }
}
