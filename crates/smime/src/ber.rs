//! BER to DER, as far as CMS needs it (X.690 8.1, 8.7).
//!
//! ```
//! // A SEQUENCE of indefinite length that holds NULL.
//! let der = smime::ber::to_der(&[0x30, 0x80, 5, 0, 0, 0])?;
//! assert_eq!(*der, [0x30, 2, 5, 0]);
//! # Ok::<(), smime::ber::BerError>(())
//! ```

use std::borrow::Cow;

use crate::asn1::{tag, write};

/// CMS inside CMS inside CMS nests about 40 deep.
const MAX_DEPTH: usize = 64;
/// 100 MB streamed in segments of 1 KB have 100,000 elements.
const MAX_ELEMENTS: usize = 1 << 20;

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

/// Rewrites BER (indefinite lengths, constructed octet strings, long lengths) as definite,
/// primitive and short.
///
/// SETs keep their order, so that signatures over them still hold. What needs no rewriting is
/// borrowed. Whatever follows the first element is left out.
pub fn to_der(input: &[u8]) -> Result<Cow<'_, [u8]>, BerError> {
    into_der(Cow::Borrowed(input))
}

/// As [`to_der`], in the buffer that is handed over where nothing needs rewriting.
pub(crate) fn into_der(input: Cow<'_, [u8]>) -> Result<Cow<'_, [u8]>, BerError> {
    let mut parser = Parser { rest: &input, elements: 0, rewritten: false };
    let node = parser.node(false, 0)?;
    if parser.rewritten {
        let mut der = Vec::with_capacity(node.encoded_len());
        node.write(&mut der);
        return Ok(Cow::Owned(der));
    }
    let length = input.len() - parser.rest.len();
    Ok(match input {
        Cow::Borrowed(input) => Cow::Borrowed(input.get(..length).ok_or(BerError::Malformed)?),
        Cow::Owned(mut input) => {
            input.truncate(length);
            Cow::Owned(input)
        }
    })
}

enum Node<'a> {
    Primitive {
        tag: u8,
        value: &'a [u8],
    },
    Constructed {
        tag: u8,
        children: Vec<Node<'a>>,
        length: usize,
    },
    /// A string that came in segments.
    Joined {
        tag: u8,
        segments: Vec<&'a [u8]>,
        length: usize,
    },
}

impl Node<'_> {
    fn encoded_len(&self) -> usize {
        let (Self::Constructed { length, .. } | Self::Joined { length, .. }) = self else {
            let Self::Primitive { value, .. } = self else { return 0 };
            return header_len(value.len()) + value.len();
        };
        header_len(*length) + length
    }

    fn write(&self, der: &mut Vec<u8>) {
        match self {
            Self::Primitive { tag, value } => {
                der.extend(write::header(*tag, value.len()));
                der.extend_from_slice(value);
            }
            Self::Constructed { tag, children, length } => {
                der.extend(write::header(*tag, *length));
                children.iter().for_each(|child| child.write(der));
            }
            Self::Joined { tag, segments, length } => {
                der.extend(write::header(*tag, *length));
                segments.iter().for_each(|segment| der.extend_from_slice(segment));
            }
        }
    }
}

fn header_len(length: usize) -> usize {
    write::header(0, length).len()
}

struct Header {
    tag: u8,
    /// None is the indefinite form.
    length: Option<usize>,
}

struct Parser<'a> {
    rest: &'a [u8],
    elements: usize,
    rewritten: bool,
}

const CONSTRUCTED: u8 = 0x20;
const CONSTRUCTED_OCTETS: u8 = tag::OCTET_STRING | CONSTRUCTED;

impl<'a> Parser<'a> {
    fn node(&mut self, implicit_octets: bool, depth: usize) -> Result<Node<'a>, BerError> {
        if depth > MAX_DEPTH {
            return Err(BerError::TooDeep);
        }
        let Header { tag, length } = self.header()?;
        if tag & CONSTRUCTED == 0 {
            return Ok(Node::Primitive { tag, value: self.take(length.ok_or(BerError::Malformed)?)? });
        }
        self.rewritten |= length.is_none();
        let end = self.end_of(length)?;
        let segmented = implicit_octets
            && matches!(self.rest.first(), Some(&tag::OCTET_STRING | &CONSTRUCTED_OCTETS | &0));
        if tag == CONSTRUCTED_OCTETS || segmented {
            self.rewritten = true;
            let mut segments = Vec::new();
            self.segments(end, &mut segments, depth)?;
            let length = segments.iter().map(|segment| segment.len()).sum();
            return Ok(Node::Joined { tag: tag & !CONSTRUCTED, segments, length });
        }
        let mut children: Vec<Node<'a>> = Vec::new();
        while !self.at_end(end)? {
            let implicit = tag == tag::SEQUENCE && is_encrypted_content_info(&children);
            let implicit = implicit && self.rest.first() == Some(&tag::constructed(0));
            children.push(self.node(implicit, depth + 1)?);
        }
        let length = children.iter().map(Node::encoded_len).sum();
        Ok(Node::Constructed { tag, children, length })
    }

    /// The segments of a constructed octet string, which may be constructed again (X.690 8.7.3).
    fn segments(
        &mut self,
        end: Option<usize>,
        segments: &mut Vec<&'a [u8]>,
        depth: usize,
    ) -> Result<(), BerError> {
        if depth > MAX_DEPTH {
            return Err(BerError::TooDeep);
        }
        while !self.at_end(end)? {
            let Header { tag, length } = self.header()?;
            match tag {
                tag::OCTET_STRING => segments.push(self.take(length.ok_or(BerError::Malformed)?)?),
                CONSTRUCTED_OCTETS => {
                    let end = self.end_of(length)?;
                    self.segments(end, segments, depth + 1)?;
                }
                _ => return Err(BerError::Malformed),
            }
        }
        Ok(())
    }

    fn header(&mut self) -> Result<Header, BerError> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(BerError::TooMany);
        }
        let tag = self.octet()?;
        // No structure of CMS needs a tag number above 30.
        if tag & 0x1f == 0x1f {
            return Err(BerError::Malformed);
        }
        let first = self.octet()?;
        if first < 0x80 {
            return Ok(Header { tag, length: Some(usize::from(first)) });
        }
        if first == 0x80 {
            return Ok(Header { tag, length: None });
        }
        let octets = self.take(usize::from(first & 0x7f))?;
        let significant = octets.iter().position(|octet| *octet != 0).unwrap_or(octets.len());
        if octets.len() - significant > 4 {
            return Err(BerError::Malformed);
        }
        let length = octets.iter().fold(0_usize, |sum, octet| (sum << 8) | usize::from(*octet));
        self.rewritten |= significant > 0 || length < 0x80;
        Ok(Header { tag, length: Some(length) })
    }

    /// How much must be left when an element of this length has been read.
    fn end_of(&self, length: Option<usize>) -> Result<Option<usize>, BerError> {
        length.map(|length| self.rest.len().checked_sub(length).ok_or(BerError::Malformed)).transpose()
    }

    /// True at the end of the element; reads the end-of-contents octets of the indefinite form.
    fn at_end(&mut self, end: Option<usize>) -> Result<bool, BerError> {
        match end {
            Some(end) if self.rest.len() < end => Err(BerError::Malformed),
            Some(end) => Ok(self.rest.len() == end),
            None => match self.rest.strip_prefix(&[0, 0]) {
                Some(rest) => {
                    self.rest = rest;
                    Ok(true)
                }
                None => Ok(false),
            },
        }
    }

    fn octet(&mut self) -> Result<u8, BerError> {
        let (first, rest) = self.rest.split_first().ok_or(BerError::Malformed)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], BerError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(BerError::Malformed)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// True after the type and the algorithm of an EncryptedContentInfo (RFC 5652 6.1): a `[0]` that
/// follows is an IMPLICIT octet string, whose segments only the schema tells from a structure.
fn is_encrypted_content_info(children: &[Node<'_>]) -> bool {
    matches!(children, [Node::Primitive { tag: tag::OID, .. }, Node::Constructed { tag: tag::SEQUENCE, .. }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_is_borrowed() {
        let der = [0x30, 6, 4, 1, 9, 0x31, 1, 5];
        assert!(matches!(to_der(&der), Err(BerError::Malformed)), "the NULL is cut off");
        let der = [0x30, 7, 4, 1, 9, 0x31, 2, 5, 0, 0xff];
        assert!(matches!(to_der(&der), Ok(Cow::Borrowed(borrowed)) if borrowed == &der[..9]));
    }

    #[test]
    fn indefinite_lengths_and_nested_segments_are_joined() {
        let ber = [0x30, 0x80, 0x24, 0x80, 4, 1, 1, 0x24, 3, 4, 1, 2, 4, 0, 0, 0, 0, 0];
        assert_eq!(to_der(&ber).unwrap().as_ref(), [0x30, 4, 4, 2, 1, 2]);
    }

    #[test]
    fn long_lengths_become_short() {
        assert_eq!(to_der(&[0x30, 0x83, 0, 0, 3, 4, 0x81, 0]).unwrap().as_ref(), [0x30, 2, 4, 0]);
    }

    #[test]
    fn encrypted_content_is_joined_under_its_implicit_tag() {
        let ber = [0x30, 0x80, 6, 1, 42, 0x30, 0, 0xa0, 0x80, 4, 1, 7, 4, 1, 8, 0, 0, 0, 0];
        assert_eq!(to_der(&ber).unwrap().as_ref(), [0x30, 9, 6, 1, 42, 0x30, 0, 0x80, 2, 7, 8]);
    }

    #[test]
    fn nesting_is_bounded() {
        assert_eq!(to_der(&[0x30, 0x80].repeat(100)), Err(BerError::TooDeep));
        assert_eq!(to_der(&[0x24, 0x80].repeat(100)), Err(BerError::TooDeep));
    }

    #[test]
    fn no_mutation_or_truncation_makes_it_panic() {
        let ber = [0x30, 0x80, 6, 1, 42, 0x30, 0, 0xa0, 0x80, 4, 1, 7, 0x24, 3, 4, 1, 8, 0, 0, 0, 0];
        for at in 0..ber.len() {
            let _ = to_der(&ber[..at]);
            for value in 0..=u8::MAX {
                let mut mutated = ber;
                mutated[at] = value;
                let _ = to_der(&mutated);
            }
        }
    }
}
