use zeroize::Zeroizing;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-1: read in old mail, never written, and reported as weak where it carries a signature.
    Sha1,
    /// SHA-224: read, never written.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// Length of the digest in bytes.
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// A signature algorithm with all its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// ECDSA: P-256 with SHA-256 is what this crate writes by default.
    Ecdsa(Curve, Hash),
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1(Hash),
    /// RSASSA-PSS with MGF1 over the same hash.
    RsaPss {
        /// The hash of the message and of MGF1.
        hash: Hash,
        /// Length of the salt in bytes.
        salt_len: usize,
    },
    /// Ed25519 (RFC 8419).
    Ed25519,
    /// ML-DSA with an empty context (RFC 9882), not its pre-hashed form.
    MlDsa(MlDsa),
}

/// A parameter set of ML-DSA (FIPS 204).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MlDsa {
    /// ML-DSA-44, as strong as AES-128.
    Set44,
    /// ML-DSA-65, as strong as AES-192.
    Set65,
    /// ML-DSA-87, as strong as AES-256.
    Set87,
}

/// A parameter set of ML-KEM (FIPS 203).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MlKem {
    /// ML-KEM-512, as strong as AES-128.
    Set512,
    /// ML-KEM-768, as strong as AES-192.
    Set768,
    /// ML-KEM-1024, as strong as AES-256.
    Set1024,
}

/// The padding of a content-encryption key under RSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RsaPadding<'a> {
    /// RSAES-PKCS1-v1_5.
    Pkcs1v15,
    /// RSAES-OAEP (RFC 8017 7.1).
    Oaep {
        /// The hash of the label.
        hash: Hash,
        /// The hash of MGF1.
        mask: Hash,
        /// What RFC 4055 4.1 calls pSourceAlgorithm; it is written empty.
        label: &'a [u8],
    },
}

impl RsaPadding<'static> {
    /// RSAES-OAEP with one hash and an empty label.
    pub const fn oaep(hash: Hash) -> Self {
        Self::Oaep { hash, mask: hash, label: &[] }
    }
}

/// A content cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContentEncryption {
    /// AES-256-GCM: AuthEnvelopedData.
    Aes256Gcm,
    /// AES-192-GCM.
    Aes192Gcm,
    /// AES-128-GCM.
    Aes128Gcm,
    /// AES-256-CCM (RFC 5084), read only.
    Aes256Ccm,
    /// AES-192-CCM, read only.
    Aes192Ccm,
    /// AES-128-CCM, read only.
    Aes128Ccm,
    /// ChaCha20 with Poly1305 (RFC 8103), read only.
    ChaCha20Poly1305,
    /// AES-256-CBC: EnvelopedData, for readers that know no GCM.
    Aes256Cbc,
    /// AES-192-CBC.
    Aes192Cbc,
    /// AES-128-CBC.
    Aes128Cbc,
    /// Triple DES in CBC, read only and reported as weak.
    TripleDesCbc,
}

impl ContentEncryption {
    /// Length of the key in bytes.
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes256Gcm | Self::Aes256Ccm | Self::Aes256Cbc | Self::ChaCha20Poly1305 => 32,
            Self::Aes192Gcm | Self::Aes192Ccm | Self::Aes192Cbc | Self::TripleDesCbc => 24,
            Self::Aes128Gcm | Self::Aes128Ccm | Self::Aes128Cbc => 16,
        }
    }

    /// Its usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "AES-256-GCM",
            Self::Aes192Gcm => "AES-192-GCM",
            Self::Aes128Gcm => "AES-128-GCM",
            Self::Aes256Ccm => "AES-256-CCM",
            Self::Aes192Ccm => "AES-192-CCM",
            Self::Aes128Ccm => "AES-128-CCM",
            Self::ChaCha20Poly1305 => "ChaCha20-Poly1305",
            Self::Aes256Cbc => "AES-256-CBC",
            Self::Aes192Cbc => "AES-192-CBC",
            Self::Aes128Cbc => "AES-128-CBC",
            Self::TripleDesCbc => "DES-EDE3-CBC",
        }
    }

    /// True if the cipher authenticates what it encrypts.
    pub const fn is_authenticated(self) -> bool {
        !matches!(self, Self::Aes256Cbc | Self::Aes192Cbc | Self::Aes128Cbc | Self::TripleDesCbc)
    }

    /// True if messages are written with the cipher, and not only read.
    pub const fn is_written(self) -> bool {
        match self {
            Self::Aes256Gcm | Self::Aes192Gcm | Self::Aes128Gcm => true,
            Self::Aes256Cbc | Self::Aes192Cbc | Self::Aes128Cbc => true,
            Self::Aes256Ccm | Self::Aes192Ccm | Self::Aes128Ccm => false,
            Self::ChaCha20Poly1305 | Self::TripleDesCbc => false,
        }
    }

    /// True if the cipher is too old to be called encryption.
    pub const fn is_weak(self) -> bool {
        matches!(self, Self::TripleDesCbc)
    }
}

/// An elliptic curve for key agreement or ECDSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
    /// X25519 (RFC 7748).
    X25519,
}

/// What [`Provider::agree_ephemeral`] gives.
pub struct Agreement {
    /// The ephemeral public key: a SEC1 uncompressed point, or 32 bytes for X25519.
    pub public: Vec<u8>,
    /// One shared secret per peer, in the order of the peers.
    pub shared: Vec<Zeroizing<Vec<u8>>>,
}

/// What [`Provider::encapsulate`] gives.
pub struct Encapsulation {
    /// What the holder of the private key recovers the secret from.
    pub ciphertext: Vec<u8>,
    /// The shared secret.
    pub shared: Zeroizing<Vec<u8>>,
}

/// Why a [`Provider`] did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// The signature does not belong to the message and the key.
    #[error("the signature does not match")]
    BadSignature,
    /// A ciphertext, its tag or its padding is wrong.
    #[error("decryption failed")]
    BadCiphertext,
    /// The public key is malformed, too small or too large.
    #[error("the public key cannot be used")]
    BadKey,
    /// This implementation does not have the algorithm.
    #[error("the algorithm is not supported")]
    Unsupported,
    /// The platform failed (no randomness, no memory).
    #[error("the platform failed")]
    Platform,
}

/// Public-key and symmetric arithmetic.
///
/// The futures of an implementation need not be `Send`; those of this crate's functions are when
/// the implementation's are.
#[allow(async_fn_in_trait, reason = "WebCrypto's futures are not Send, and native ones need no bound")]
pub trait Provider {
    /// Digests `data`.
    async fn digest(&self, hash: Hash, data: &[u8]) -> Result<Vec<u8>, ProviderError>;

    /// Checks `signature` over `message` (not over its digest) with a DER SubjectPublicKeyInfo.
    ///
    /// ECDSA signatures come in the DER form of RFC 3279, as CMS and X.509 carry them. RSA-PSS that the key is
    /// not for ([`crate::KeyKind::allows_pss`]) is refused.
    async fn verify(
        &self,
        spki: &[u8],
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), ProviderError>;

    /// Checks a DSA signature (FIPS 186-4) with a SubjectPublicKeyInfo that has its parameters.
    ///
    /// Old certificate paths are judged with it, and no message; an implementation need not have it.
    async fn verify_dsa(
        &self,
        _spki: &[u8],
        _hash: Hash,
        _message: &[u8],
        _signature: &[u8],
    ) -> Result<(), ProviderError> {
        Err(ProviderError::Unsupported)
    }

    /// Encrypts in the buffer of the plaintext, so that a large message is held once; GCM appends its 16-byte
    /// tag, CBC pads as PKCS#7 does. `aad` is for authenticated ciphers alone.
    ///
    /// After an error the buffer may still hold the plaintext.
    async fn encrypt_in_place(
        &self,
        cipher: ContentEncryption,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<(), ProviderError>;

    /// Decrypts what [`Provider::encrypt_in_place`] made, in its own buffer; the tag comes apart (empty for CBC), as
    /// CMS carries it.
    ///
    /// After an error the buffer holds nothing that was decrypted.
    async fn decrypt_in_place(
        &self,
        cipher: ContentEncryption,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut Vec<u8>,
        tag: &[u8],
    ) -> Result<(), ProviderError>;

    /// As [`Provider::encrypt_in_place`], in a copy.
    async fn encrypt(
        &self,
        cipher: ContentEncryption,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        // Room for a tag or padding: growing would leave the plaintext behind.
        let mut buffer = Zeroizing::new(Vec::with_capacity(plaintext.len() + 16));
        buffer.extend_from_slice(plaintext);
        self.encrypt_in_place(cipher, key, nonce, aad, &mut buffer).await?;
        Ok(std::mem::take(&mut *buffer))
    }

    /// As [`Provider::decrypt_in_place`], in a copy.
    async fn decrypt(
        &self,
        cipher: ContentEncryption,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        let mut buffer = ciphertext.to_vec();
        self.decrypt_in_place(cipher, key, nonce, aad, &mut buffer, tag).await?;
        Ok(buffer)
    }

    /// Encrypts a short key under an RSA SubjectPublicKeyInfo.
    async fn wrap_rsa(
        &self,
        spki: &[u8],
        padding: RsaPadding<'_>,
        key: &[u8],
    ) -> Result<Vec<u8>, ProviderError>;

    /// Makes one ephemeral key and agrees with each peer (public keys as in [`Agreement::public`]).
    async fn agree_ephemeral(&self, curve: Curve, peers: &[&[u8]]) -> Result<Agreement, ProviderError>;

    /// Whether there is [`Provider::encapsulate`], without which nobody is written to under an ML-KEM key.
    fn encapsulates(&self) -> bool {
        false
    }

    /// Makes a shared secret that only the holder of an ML-KEM key can recover, given the encapsulation
    /// key's octets.
    async fn encapsulate(
        &self,
        parameters: MlKem,
        encapsulation_key: &[u8],
    ) -> Result<Encapsulation, ProviderError> {
        let _ = (parameters, encapsulation_key);
        Err(ProviderError::Unsupported)
    }
}
