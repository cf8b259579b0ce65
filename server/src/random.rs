//! Random bytes from the operating system, and ids made of them.

use crate::clock;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Random bytes.
///
/// # Panics
///
/// When the operating system has no randomness, for then nothing here would be safe.
#[expect(clippy::expect_used, reason = "without randomness no token and no key is safe")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// The operating system's randomness as the generator that keys and nonces are drawn from.
pub fn rng() -> impl rand_core::CryptoRng {
    rand_core::UnwrapErr(getrandom::SysRng)
}

/// An id that nobody can guess and that sorts by the time it was made.
///
/// New rows so stand side by side in the index, which keeps inserts cheap in a large store.
pub fn id(prefix: char) -> String {
    let mut number = u128::from(u64::try_from(clock::now()).unwrap_or_default()) << 80;
    number |= u128::from_be_bytes(bytes()) >> 48;
    let mut text = String::with_capacity(27);
    text.push(prefix);
    for place in (0..26).rev() {
        let digit = usize::try_from((number >> (place * 5)) & 31).unwrap_or_default();
        text.push(char::from(DIGITS.get(digit).copied().unwrap_or(b'0')));
    }
    text
}

/// Random letters and digits, five random bits each.
pub fn letters<const N: usize>() -> String {
    let digit = |byte: u8| char::from(DIGITS.get(usize::from(byte & 31)).copied().unwrap_or(b'0'));
    bytes::<N>().into_iter().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_keep_to_the_grammar() {
        let (one, two) = (id('e'), id('e'));
        assert_ne!(one, two);
        assert_eq!(one.len(), 27);
        assert!(jmap::EmailId::from(one).is_valid());
    }
}
