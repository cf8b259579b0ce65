use const_oid::ObjectIdentifier;

use super::tag;

/// The input is not the DER that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// One element: its identifier, its contents, and both as they were encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tlv<'a> {
    pub(crate) tag: u8,
    pub(crate) value: &'a [u8],
    pub(crate) der: &'a [u8],
}

/// Reads elements one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element, of whatever kind.
    pub(crate) fn next(&mut self) -> Result<Tlv<'a>, Malformed> {
        let (tag, rest) = self.rest.split_first().ok_or(Malformed)?;
        // No structure of this crate needs a tag number above 30.
        if tag & 0x1f == 0x1f {
            return Err(Malformed);
        }
        let (length, body) = read_length(rest)?;
        let value = body.get(..length).ok_or(Malformed)?;
        let after = body.get(length..).ok_or(Malformed)?;
        let der = self.rest.get(..self.rest.len() - after.len()).ok_or(Malformed)?;
        self.rest = after;
        Ok(Tlv { tag: *tag, value, der })
    }

    /// The next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Tlv<'a>, Malformed> {
        if self.peek() == Some(tag) { self.next() } else { Err(Malformed) }
    }

    /// The next element if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, Malformed> {
        if self.peek() == Some(tag) { self.next().map(Some) } else { Ok(None) }
    }

    /// The contents of the next SEQUENCE.
    pub(crate) fn sequence(&mut self) -> Result<Reader<'a>, Malformed> {
        Ok(self.expect(tag::SEQUENCE)?.reader())
    }

    pub(crate) fn oid(&mut self) -> Result<ObjectIdentifier, Malformed> {
        self.expect(tag::OID)?.oid()
    }

    /// Fails unless everything was read.
    pub(crate) const fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// All remaining elements; at most `limit`.
    pub(crate) fn all(mut self, limit: usize) -> Result<Vec<Tlv<'a>>, Malformed> {
        let mut elements = Vec::new();
        while !self.is_empty() {
            if elements.len() == limit {
                return Err(Malformed);
            }
            elements.push(self.next()?);
        }
        Ok(elements)
    }
}

/// Reads exactly one element, with nothing after it.
pub(crate) fn single(input: &[u8], tag: u8) -> Result<Tlv<'_>, Malformed> {
    let mut reader = Reader::new(input);
    let element = reader.expect(tag)?;
    reader.end()?;
    Ok(element)
}

impl<'a> Tlv<'a> {
    pub(crate) const fn reader(&self) -> Reader<'a> {
        Reader::new(self.value)
    }

    pub(crate) fn oid(&self) -> Result<ObjectIdentifier, Malformed> {
        if self.tag != tag::OID {
            return Err(Malformed);
        }
        ObjectIdentifier::from_bytes(self.value).map_err(|_| Malformed)
    }

    pub(crate) fn boolean(&self) -> Result<bool, Malformed> {
        match (self.tag, self.value) {
            (tag::BOOLEAN, [0]) => Ok(false),
            (tag::BOOLEAN, [_]) => Ok(true),
            _ => Err(Malformed),
        }
    }

    /// A BIT STRING of whole octets.
    pub(crate) fn bits(&self) -> Result<&'a [u8], Malformed> {
        match self.value.split_first() {
            Some((0, octets)) => Ok(octets),
            _ => Err(Malformed),
        }
    }

    /// A non-negative INTEGER that fits.
    pub(crate) fn small(&self) -> Result<u32, Malformed> {
        match self.value {
            [] => Err(Malformed),
            [first, ..] if first & 0x80 != 0 => Err(Malformed),
            value if value.len() > 5 || (value.len() == 5 && value.first() != Some(&0)) => Err(Malformed),
            value => Ok(value.iter().fold(0, |sum, octet| (sum << 8) | u32::from(*octet))),
        }
    }
}

fn read_length(input: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    let (first, rest) = input.split_first().ok_or(Malformed)?;
    if *first < 0x80 {
        return Ok((usize::from(*first), rest));
    }
    let count = usize::from(first & 0x7f);
    // 0x80 is BER's indefinite form; four octets name 4 GiB, more than is ever in memory here.
    if count == 0 || count > 4 {
        return Err(Malformed);
    }
    let octets = rest.get(..count).ok_or(Malformed)?;
    let length = octets.iter().fold(0_usize, |sum, octet| (sum << 8) | usize::from(*octet));
    // DER 10.1: the shortest form only.
    if length < 0x80 || octets.first() == Some(&0) {
        return Err(Malformed);
    }
    Ok((length, rest.get(count..).ok_or(Malformed)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_knows_its_own_encoding() {
        let input = [0x30, 3, 2, 1, 5, 0x04, 0];
        let mut reader = Reader::new(&input);
        let sequence = reader.expect(tag::SEQUENCE).unwrap();
        assert_eq!(sequence.der, &input[..5]);
        assert_eq!(sequence.reader().next().unwrap().small(), Ok(5));
        assert_eq!(reader.next().unwrap().der, &[0x04, 0]);
        assert_eq!(reader.end(), Ok(()));
    }

    #[test]
    fn refuses_lengths_that_der_does_not_know() {
        for input in
            [&[4, 0x80, 0, 0][..], &[4, 0x81, 1, 0], &[4, 0x82, 0, 0x80], &[4, 0x85, 0, 0, 0, 0, 1, 9]]
        {
            assert!(Reader::new(input).next().is_err(), "{input:?}");
        }
    }

    #[test]
    fn refuses_elements_that_end_too_early() {
        for input in [&[][..], &[4], &[4, 2, 1], &[0x30, 0x82, 1], &[0x1f, 0x81, 1, 0]] {
            assert!(Reader::new(input).next().is_err(), "{input:?}");
        }
    }

    #[test]
    fn a_small_number_is_bounded() {
        let read = |value: &[u8]| Tlv { tag: tag::INTEGER, value, der: &[] }.small();
        assert_eq!(read(&[0, 0xff, 0xff, 0xff, 0xff]), Ok(u32::MAX));
        assert_eq!(read(&[1, 0, 0, 0, 0]), Err(Malformed));
        assert_eq!(read(&[0x80]), Err(Malformed));
        assert_eq!(read(&[]), Err(Malformed));
    }
}
