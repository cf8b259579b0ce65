//! What other providers leave to [`RustCrypto`](super::RustCrypto).

/// Writes the named methods of an `impl Provider` that leaves them to `RustCrypto`.
#[doc(hidden)]
#[macro_export]
macro_rules! by_rust_crypto {
    ($($method:ident),+) => { $($crate::by_rust_crypto!(@$method);)+ };
    (@digest) => { $crate::by_rust_crypto!(@fn digest(hash: $crate::Hash, data: &[u8]) -> Vec<u8>); };
    (@verify) => {
        $crate::by_rust_crypto!(@fn verify(
            spki: &[u8], algorithm: $crate::SignatureAlgorithm, message: &[u8], signature: &[u8]
        ) -> ());
    };
    (@verify_dsa) => {
        $crate::by_rust_crypto!(@fn verify_dsa(
            spki: &[u8], hash: $crate::Hash, message: &[u8], signature: &[u8]
        ) -> ());
    };
    (@encrypt_in_place) => {
        $crate::by_rust_crypto!(@fn encrypt_in_place(
            cipher: $crate::ContentEncryption, key: &[u8], nonce: &[u8], aad: &[u8], buffer: &mut Vec<u8>
        ) -> ());
    };
    (@decrypt_in_place) => {
        $crate::by_rust_crypto!(@fn decrypt_in_place(
            cipher: $crate::ContentEncryption, key: &[u8], nonce: &[u8], aad: &[u8], buffer: &mut Vec<u8>, tag: &[u8]
        ) -> ());
    };
    (@wrap_rsa) => {
        $crate::by_rust_crypto!(@fn wrap_rsa(
            spki: &[u8], padding: $crate::RsaPadding<'_>, key: &[u8]
        ) -> Vec<u8>);
    };
    (@agree_ephemeral) => {
        $crate::by_rust_crypto!(@fn agree_ephemeral(
            curve: $crate::Curve, peers: &[&[u8]]
        ) -> $crate::Agreement);
    };
    (@encapsulate) => {
        $crate::by_rust_crypto!(@fn encapsulate(
            parameters: $crate::MlKem, encapsulation_key: &[u8]
        ) -> $crate::Encapsulation);
    };
    (@fn $name:ident($($argument:ident: $kind:ty),+) -> $made:ty) => {
        async fn $name(&self, $($argument: $kind),+) -> Result<$made, $crate::ProviderError> {
            $crate::Provider::$name(&$crate::rustcrypto::RustCrypto, $($argument),+).await
        }
    };
}
