//! What an expanded ML-DSA key says twice: t0 follows from its seed of A and its short vectors
//! (FIPS 204 algorithm 6). The crate does not compare, and signatures by a key whose t0 was changed
//! mostly hold.
#![expect(clippy::indexing_slicing, reason = "indices run over arrays of fixed length, as FIPS 204 has them")]

use shake::Shake128;
use shake::digest::{ExtendableOutput, Update, XofReader};
use zeroize::Zeroizing;

const Q: u64 = 8_380_417;
const N: usize = 256;
/// Dropped low bits of t.
const D: usize = 13;

type Polynomial = Zeroizing<[u64; N]>;

/// The shape of a parameter set.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Rows of A: polynomials in s2 and t.
    pub(super) k: usize,
    /// Columns of A: polynomials in s1.
    pub(super) l: usize,
    /// Largest absolute value of a coefficient of s1 and s2.
    pub(super) eta: u64,
}

/// Whether t0 is the one that belongs to the rest, and every short coefficient is in range.
/// None if the key has another length.
pub(super) fn is_consistent(expanded: &[u8], shape: Shape) -> Option<bool> {
    /// rho, K and tr come before the vectors.
    const BEFORE: usize = 128;
    let bits = if shape.eta == 2 { 3 } else { 4 };
    let rho = expanded.get(..32)?;
    let short_len = 32 * bits;
    let t0_at = BEFORE + (shape.k + shape.l) * short_len;
    let short = expanded.get(BEFORE..t0_at)?;
    let t0 = expanded.get(t0_at..).filter(|rest| rest.len() == shape.k * 32 * D)?;
    let mut vectors = short.chunks_exact(short_len).map(|packed| unpack(packed, bits));
    let mut s1 = Vec::with_capacity(shape.l);
    for packed in vectors.by_ref().take(shape.l) {
        let mut polynomial = centred(packed, shape.eta)?;
        ntt(&mut polynomial);
        s1.push(polynomial);
    }
    let mut differs = 0;
    for (row, (s2, t0)) in vectors.zip(t0.chunks_exact(32 * D)).enumerate() {
        let s2 = centred(s2, shape.eta)?;
        let mut t = Zeroizing::new([0; N]);
        for (column, s1) in s1.iter().enumerate() {
            let a = sample(rho, column, row)?;
            t.iter_mut().zip(a.iter().zip(s1.iter())).for_each(|(t, (a, s))| *t = (*t + a * s) % Q);
        }
        inverse_ntt(&mut t);
        let given = unpack(t0, D);
        for ((t, s2), given) in t.iter().zip(s2.iter()).zip(given.iter()) {
            // t0 is the low part of t, above -4096 and up to 4096, and is packed as 4096 less itself.
            let low = (t + s2) % Q % (1 << D);
            differs |= (low + given + (1 << D) - (1 << (D - 1))) % (1 << D);
            differs |= given & !((1 << D) - 1);
        }
    }
    Some(differs == 0)
}

/// The packed values, lowest bit first.
fn unpack(packed: &[u8], bits: usize) -> Polynomial {
    let mut values = Zeroizing::new([0; N]);
    let (mut buffer, mut held, mut count) = (0_u64, 0, 0);
    for octet in packed {
        buffer |= u64::from(*octet) << held;
        held += 8;
        while held >= bits && count < N {
            values[count] = buffer & ((1 << bits) - 1);
            buffer >>= bits;
            held -= bits;
            count += 1;
        }
    }
    values
}

/// Coefficients from what is packed, eta less each; None if one is out of range.
fn centred(mut packed: Polynomial, eta: u64) -> Option<Polynomial> {
    let too_large = packed.iter().fold(false, |seen, value| seen | (*value > 2 * eta));
    packed.iter_mut().for_each(|value| *value = (Q + eta - *value) % Q);
    (!too_large).then_some(packed)
}

/// An element of A (FIPS 204 algorithm 30), from public data.
fn sample(rho: &[u8], column: usize, row: usize) -> Option<[u64; N]> {
    let mut shake = Shake128::default();
    shake.update(rho);
    shake.update(&[u8::try_from(column).ok()?, u8::try_from(row).ok()?]);
    let mut reader = shake.finalize_xof();
    let mut element = [0; N];
    let mut count = 0;
    while count < N {
        let mut octets = [0; 3];
        reader.read(&mut octets);
        let [low, middle, high] = octets.map(u64::from);
        let value = low | middle << 8 | (high & 0x7f) << 16;
        if value < Q {
            element[count] = value;
            count += 1;
        }
    }
    Some(element)
}

/// The powers of 1753 that the transform takes, in its order.
fn zetas() -> [u64; N] {
    let mut powers = [1; N];
    for at in 1..N {
        powers[at] = powers[at - 1] * 1753 % Q;
    }
    let mut zetas = [0; N];
    for (at, zeta) in zetas.iter_mut().enumerate() {
        *zeta = powers[at.reverse_bits() >> (usize::BITS - 8)];
    }
    zetas
}

/// FIPS 204 algorithm 41.
fn ntt(values: &mut [u64; N]) {
    let zetas = zetas();
    let (mut next, mut length) = (0, N / 2);
    while length > 0 {
        for start in (0..N).step_by(2 * length) {
            next += 1;
            for at in start..start + length {
                let product = zetas[next] * values[at + length] % Q;
                values[at + length] = (values[at] + Q - product) % Q;
                values[at] = (values[at] + product) % Q;
            }
        }
        length /= 2;
    }
}

/// FIPS 204 algorithm 42.
fn inverse_ntt(values: &mut [u64; N]) {
    /// The inverse of 256.
    const F: u64 = 8_347_681;
    let zetas = zetas();
    let (mut next, mut length) = (N, 1);
    while length < N {
        for start in (0..N).step_by(2 * length) {
            next -= 1;
            for at in start..start + length {
                let (low, high) = (values[at], values[at + length]);
                values[at] = (low + high) % Q;
                values[at + length] = (Q - zetas[next]) * ((low + Q - high) % Q) % Q;
            }
        }
        length *= 2;
    }
    values.iter_mut().for_each(|value| *value = *value * F % Q);
}
