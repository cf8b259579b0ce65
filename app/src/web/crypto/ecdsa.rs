//! The two forms of an ECDSA signature: DER, as CMS and X.509 carry it (RFC 3279 2.2.3), and the two
//! numbers side by side, as WebCrypto gives and takes it (IEEE P1363).

/// Writes `r || s` as a DER sequence of two integers; none when the halves are not equally long.
pub fn der_from_raw(raw: &[u8]) -> Option<Vec<u8>> {
    if raw.is_empty() || !raw.len().is_multiple_of(2) {
        return None;
    }
    let (r, s) = raw.split_at(raw.len() / 2);
    let content = [integer(r)?, integer(s)?].concat();
    let mut der = vec![0x30];
    match u8::try_from(content.len()).ok()? {
        short @ 0..0x80 => der.push(short),
        // P-521 signatures are a little longer than what one length byte holds.
        long => der.extend([0x81, long]),
    }
    der.extend(content);
    Some(der)
}

/// Reads a DER sequence of two integers as `r || s`, each of `width` bytes.
///
/// Strict: another encoding of the same numbers is refused, as are negative and too large ones.
pub fn raw_from_der(der: &[u8], width: usize) -> Option<Vec<u8>> {
    let content = match der {
        [0x30, length @ 0..=0x7f, content @ ..] if content.len() == usize::from(*length) => content,
        [0x30, 0x81, length @ 0x80..=0xff, content @ ..] if content.len() == usize::from(*length) => content,
        _ => return None,
    };
    let (r, rest) = read_integer(content)?;
    let (s, rest) = read_integer(rest)?;
    if !rest.is_empty() {
        return None;
    }
    let mut raw = vec![0; width.checked_mul(2)?];
    let (first, second) = raw.split_at_mut(width);
    for (half, number) in [(first, r), (second, s)] {
        let start = width.checked_sub(number.len())?;
        half.get_mut(start..)?.copy_from_slice(number);
    }
    Some(raw)
}

fn integer(number: &[u8]) -> Option<Vec<u8>> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count().min(number.len().checked_sub(1)?);
    let number = number.get(zeros..)?;
    let padded = number.first().is_some_and(|byte| byte & 0x80 != 0);
    let length = u8::try_from(number.len() + usize::from(padded)).ok()?;
    let mut der = vec![0x02, length];
    if padded {
        der.push(0);
    }
    der.extend(number);
    Some(der)
}

fn read_integer(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0x02, length @ 1..=0x7f, rest @ ..] = der else { return None };
    let (number, rest) = rest.split_at_checked(usize::from(*length))?;
    let number = match number {
        [0, 0x80..=0xff, ..] => number.get(1..)?,
        [0] => number,
        // Negative, or with a zero that DER leaves out.
        [0 | 0x80..=0xff, ..] => return None,
        _ => number,
    };
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::{der_from_raw, raw_from_der};

    #[test]
    fn both_forms_turn_into_each_other_for_every_curve() {
        for width in [32, 48, 66] {
            for fill in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                let mut raw = vec![fill; width * 2];
                raw[width - 1] = 1;
                let der = der_from_raw(&raw).unwrap();
                assert_eq!(raw_from_der(&der, width).unwrap(), raw);
            }
        }
    }

    #[test]
    fn refuses_other_encodings_of_the_same_numbers() {
        assert_eq!(raw_from_der(&[0x30, 6, 2, 1, 1, 2, 1, 2], 1).unwrap(), [1, 2]);
        let twisted: [&[u8]; 7] = [
            &[0x30, 0x81, 6, 2, 1, 1, 2, 1, 2],
            &[0x30, 7, 2, 2, 0, 1, 2, 1, 2],
            &[0x30, 6, 2, 1, 0x81, 2, 1, 2],
            &[0x30, 7, 2, 1, 1, 2, 1, 2, 0],
            &[0x30, 6, 2, 1, 1, 2, 1],
            &[0x30, 8, 2, 2, 1, 1, 2, 2, 1, 2],
            &[],
        ];
        for der in twisted {
            assert_eq!(raw_from_der(der, 1), None, "{der:?}");
        }
    }
}
