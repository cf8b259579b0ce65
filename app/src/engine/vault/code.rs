//! The recovery code: 160 random bits, written so that people can copy them.

use zeroize::Zeroizing;

use crate::protocol::Secret;

/// Crockford's alphabet: no I, L, O or U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BYTES: usize = 20;
/// Five bits each.
const LETTERS: usize = 32;
const GROUP: usize = 4;

/// A recovery code; wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Zeroizing<[u8; BYTES]>);

impl std::fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCode")
    }
}

impl RecoveryCode {
    /// Takes random bytes.
    pub fn new(random: [u8; BYTES]) -> Self {
        Self(Zeroizing::new(random))
    }

    /// The bits, to derive a key from.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Eight groups of four letters.
    pub fn text(&self) -> Secret {
        let mut text = String::with_capacity(LETTERS + LETTERS / GROUP);
        for letter in 0..LETTERS {
            if letter > 0 && letter.is_multiple_of(GROUP) {
                text.push('-');
            }
            let value = (0..5).fold(0, |value, bit| value * 2 + usize::from(self.bit(letter * 5 + bit)));
            text.push(char::from(ALPHABET.get(value).copied().unwrap_or(b'0')));
        }
        Secret::new(text)
    }

    /// Reads a code as somebody typed it: case, spaces and hyphens don't matter, and look-alikes are
    /// taken for what they look like.
    pub fn parse(text: &str) -> Option<Self> {
        let mut code = Self::new([0; BYTES]);
        let mut letters = 0;
        for letter in text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '–' | '—')) {
            let value = value(letter)?;
            for bit in 0..5 {
                let place = letters * 5 + bit;
                if value >> (4 - bit) & 1 == 1 {
                    *code.0.get_mut(place / 8)? |= 0x80 >> (place % 8);
                }
            }
            letters += 1;
        }
        (letters == LETTERS).then_some(code)
    }

    fn bit(&self, place: usize) -> bool {
        self.0.get(place / 8).is_some_and(|byte| byte & (0x80 >> (place % 8)) != 0)
    }
}

fn value(letter: char) -> Option<usize> {
    let letter = match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        letter => letter,
    };
    ALPHABET.iter().position(|known| char::from(*known) == letter)
}

#[cfg(test)]
mod tests {
    use super::RecoveryCode;

    #[test]
    fn a_code_is_read_back_however_it_was_typed() {
        let code = RecoveryCode::new(std::array::from_fn(|index| u8::try_from(index * 13 % 256).unwrap()));
        let text = code.text();
        assert_eq!(text.expose().len(), 39);
        assert_eq!(RecoveryCode::parse(text.expose()), Some(code.clone()));
        let sloppy = text.expose().to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        assert_eq!(RecoveryCode::parse(&sloppy), Some(code));
    }

    #[test]
    fn refuses_codes_that_are_too_short_too_long_or_not_codes() {
        let text = RecoveryCode::new([0xa5; 20]).text().expose().to_owned();
        assert_eq!(RecoveryCode::parse(text.trim_end_matches(|_| true)), None);
        assert_eq!(RecoveryCode::parse(&format!("{text}0")), None);
        assert_eq!(RecoveryCode::parse(&text.replace('M', "U").replace('A', "!")), None);
        let shorter: String = text.chars().skip(1).collect();
        assert_eq!(RecoveryCode::parse(&shorter), None);
    }
}
