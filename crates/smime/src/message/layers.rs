//! The Cryptographic Envelope (RFC 9787 4.1): layer after layer from the outside, and nothing else.
//!
//! Only layers that form an unbroken chain from the root count. A cryptographic part anywhere below
//! the payload is errant (RFC 9787 4.5): it is never decrypted, and what it would say never counts.

mod step;

use std::borrow::Cow;

use zeroize::Zeroize as _;

use super::{
    encode::{canonical, has_bare_lf},
    entity::Entity,
    field::Field,
    incoming::Incoming,
    open::{Kind, OpenError},
    report::Layer,
};
use crate::{
    Certificate, DecryptionKey, Keyring, Provider, SignedForm, SignerError, SignerVerdict, Trust, UnixTime,
    VerifiedCms, VerifyError, decrypt, path::Budget, verify::verify_within,
};

use step::{Step, is_layer, step};

pub(crate) use step::{errant, is_cms};

/// More layers than this are not unwrapped. Triple wrapping (RFC 2634) needs three.
const MAX_LAYERS: usize = 8;

/// What the layers had to say.
pub(crate) struct Envelope<'m> {
    /// The Cryptographic Payload: the entity inside the innermost layer.
    pub(crate) payload: Cow<'m, [u8]>,
    /// The layers, outermost first.
    pub(crate) layers: Vec<Layer>,
    /// Each signature, with the number of layers around it.
    pub(crate) signatures: Vec<Signature>,
    /// Certificates found on the way.
    pub(crate) certificates: Vec<Certificate>,
    /// What the payload is, if no letter.
    pub(crate) kind: Kind,
    /// What checking signatures may still cost: one budget for all layers of a message.
    pub(crate) budget: Budget,
}

/// A signature found on the way.
pub(crate) struct Signature {
    /// Its place in [`Envelope::layers`].
    pub(crate) layer: usize,
    /// What became of it.
    pub(crate) verdict: Result<SignerVerdict, VerifyError>,
}

/// What opening needs from outside.
pub(crate) struct Context<'c, P, K> {
    pub(crate) provider: &'c P,
    pub(crate) keyring: &'c K,
    pub(crate) keys: &'c [DecryptionKey],
    pub(crate) trust: &'c Trust,
    pub(crate) now: UnixTime,
}

impl<'m> Envelope<'m> {
    /// Unwraps `message` as far as its layers go, or to a wrapper that a relay made.
    pub(crate) async fn open<P: Provider, K: Keyring>(
        context: &Context<'_, P, K>,
        message: Incoming<'m>,
        budget: Budget,
    ) -> Result<Self, OpenError> {
        let (layers, signatures, certificates) = (Vec::new(), Vec::new(), Vec::new());
        let Incoming { octets: payload, mut object, .. } = message;
        let mut envelope = Self { payload, layers, signatures, certificates, kind: Kind::Letter, budget };
        loop {
            let step = match object.take() {
                Some(object) => Step::Enveloped(object.finish()),
                None => {
                    let entity = Entity::parse(&envelope.payload).map_err(|_| OpenError::HeaderTooLarge)?;
                    step(&entity, &envelope.payload)
                }
            };
            if matches!(step, Step::Payload) {
                return Ok(envelope);
            }
            if envelope.layers.len() >= MAX_LAYERS {
                return Err(OpenError::TooManyLayers);
            }
            let unwrapped = match step {
                Step::Enveloped(cms) => envelope.decrypt(context, cms).await?,
                Step::Compressed(content) => envelope.unpack(content),
                Step::Opaque(cms) => envelope.unwrap_opaque(context, &cms).await,
                Step::Detached { content, cms } => envelope.unwrap_detached(context, content, &cms).await,
                Step::Payload => false,
            };
            if !unwrapped {
                return Ok(envelope);
            }
        }
    }

    /// Whether there is a Cryptographic Envelope at all; compression alone is none (RFC 9787 4.1).
    pub(crate) fn is_protected(&self) -> bool {
        self.layers.iter().any(|layer| *layer != Layer::Compressed)
    }

    /// Whether some layer encrypts, weakly or not.
    pub(crate) fn has_encryption(&self, weakly: bool) -> bool {
        self.layers.iter().any(|layer| matches!(layer, Layer::Encrypted { weak, .. } if *weak == weakly))
    }

    pub(crate) fn is_receipt(&self) -> bool {
        matches!(self.kind, Kind::Receipt(_))
    }

    async fn decrypt<P: Provider, K: Keyring>(
        &mut self,
        context: &Context<'_, P, K>,
        cms: Vec<u8>,
    ) -> Result<bool, OpenError> {
        // It is decoded; what lies outside of all layers is no secret, and only takes room.
        if self.layers.is_empty() {
            self.payload = Cow::default();
        }
        let decrypted = decrypt(context.provider, context.keyring, context.keys, cms).await?;
        self.layers.push(Layer::Encrypted {
            cipher: decrypted.cipher,
            key: decrypted.key,
            weak: decrypted.weak,
            recipients: decrypted.recipients,
            size: decrypted.content.len(),
        });
        let mut content = decrypted.content;
        self.replace(std::mem::take(&mut *content));
        Ok(true)
    }

    /// Takes the place of its compressed form. That protects nothing, but what is inside belongs to the chain.
    fn unpack(&mut self, content: Vec<u8>) -> bool {
        self.layers.push(Layer::Compressed);
        self.replace(content);
        true
    }

    /// Goes one layer inwards, and wipes what was decrypted outside of it.
    fn replace(&mut self, payload: Vec<u8>) {
        wipe(&mut self.payload);
        self.payload = Cow::Owned(payload);
    }

    /// Unwraps an opaque SignedData; without content to show, the object stays what it was: a file.
    async fn unwrap_opaque<P: Provider, K: Keyring>(
        &mut self,
        context: &Context<'_, P, K>,
        cms: &[u8],
    ) -> bool {
        let judged_by = (context.trust, context.now);
        let verified = verify_within(context.provider, cms, None, judged_by, &mut self.budget).await;
        let Ok(verified) = verified else { return false };
        let receipt = verified.receipt();
        let VerifiedCms { content, content_type, signers, certificates } = verified;
        let alone = signers.is_empty() && !certificates.is_empty() && content.is_empty();
        self.certificates.extend(certificates);
        let size = content.len();
        match receipt {
            _ if alone => self.kind = Kind::Certificates,
            Some(receipt) if !signers.is_empty() => {
                self.kind = Kind::Receipt(receipt);
                self.record(SignedForm::Opaque, size, signers);
            }
            _ if is_layer(signers.len(), content_type) => {
                self.replace(content.into_owned());
                self.record(SignedForm::Opaque, size, signers);
                return true;
            }
            _ => {}
        }
        false
    }

    /// Unwraps multipart/signed; its content is shown whatever the signature is worth.
    async fn unwrap_detached<P: Provider, K: Keyring>(
        &mut self,
        context: &Context<'_, P, K>,
        content: std::ops::Range<usize>,
        cms: &[u8],
    ) -> bool {
        let as_sent = self.payload.get(content.clone()).unwrap_or_default();
        // RFC 8551 3.1.1: what was signed had CRLF line ends, whatever a file system made of them since.
        // A binary part has none: changed, it would be another file under the same signature.
        let canonical = (has_bare_lf(as_sent) && !has_binary_part(as_sent, 0)).then(|| canonical(as_sent));
        let (judged_by, budget) = ((context.trust, context.now), &mut self.budget);
        let first = Some(canonical.as_deref().unwrap_or(as_sent));
        let mut verified = verify_within(context.provider, cms, first, judged_by, budget).await;
        // Some programs sign bare line feeds as they are.
        if canonical.is_some() && verified.as_ref().is_ok_and(|verified| changed(verified)) {
            verified = verify_within(context.provider, cms, Some(as_sent), judged_by, budget).await;
        }
        match verified {
            Ok(VerifiedCms { signers, certificates, .. }) => {
                self.certificates.extend(certificates);
                self.record(SignedForm::Detached, content.len(), signers);
            }
            Err(error) => {
                let layer = self.layers.len();
                let (form, size) = (SignedForm::Detached, content.len());
                self.layers.push(Layer::Signed { form, signers: 0, size });
                self.signatures.push(Signature { layer, verdict: Err(error) });
            }
        }
        self.narrow(content);
        true
    }

    fn record(&mut self, form: SignedForm, size: usize, signers: Vec<SignerVerdict>) {
        let layer = self.layers.len();
        self.layers.push(Layer::Signed { form, signers: signers.len(), size });
        self.signatures.extend(signers.into_iter().map(|verdict| Signature { layer, verdict: Ok(verdict) }));
    }

    /// Keeps only `range` of the payload, without a second copy of a large message.
    fn narrow(&mut self, range: std::ops::Range<usize>) {
        match &mut self.payload {
            Cow::Borrowed(bytes) => *bytes = bytes.get(range).unwrap_or_default(),
            Cow::Owned(bytes) => {
                bytes.truncate(range.end);
                bytes.drain(..range.start.min(bytes.len()));
            }
        }
    }
}

impl Drop for Envelope<'_> {
    fn drop(&mut self) {
        wipe(&mut self.payload);
    }
}

fn wipe(payload: &mut Cow<'_, [u8]>) {
    if let Cow::Owned(bytes) = payload {
        bytes.zeroize();
    }
}

/// Whether some part of the entity is in the binary transfer encoding; one nested too deep may be.
fn has_binary_part(bytes: &[u8], depth: usize) -> bool {
    const MAX_DEPTH: usize = 16;
    let Ok(entity) = Entity::parse(bytes) else { return true };
    let encoding = entity.field("Content-Transfer-Encoding").map(Field::unfolded).unwrap_or_default();
    let children = entity.children().unwrap_or_default();
    encoding.eq_ignore_ascii_case("binary")
        || (!children.is_empty() && depth == MAX_DEPTH)
        || children.into_iter().any(|child| has_binary_part(child, depth + 1))
}

/// Whether some signature would hold over other content.
fn changed(verified: &VerifiedCms<'_>) -> bool {
    verified.signers.iter().any(|signer| signer.verdict == Err(SignerError::DigestMismatch))
}
