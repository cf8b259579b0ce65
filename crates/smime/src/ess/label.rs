//! ESSSecurityLabel (RFC 2634 3.2).

use const_oid::ObjectIdentifier as Oid;

use crate::asn1::{self, Malformed, Tlv, tag, write};
use crate::certificate::text;

/// ub-integer-options.
const MAX_CLASSIFICATION: u32 = 256;
/// ub-security-categories.
const MAX_CATEGORIES: usize = 64;
/// A mark that is longer than any that a reader could be shown.
const MAX_MARK: usize = 1024;

const CATEGORY_TYPE: u8 = tag::context(0);
const CATEGORY_VALUE: u8 = tag::constructed(1);

/// How sensitive a content is, in the words of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityLabel {
    /// The policy that says what the rest means.
    pub policy: Oid,
    /// The step in the policy's hierarchy.
    pub classification: Option<Classification>,
    /// A text to be shown with the content; it decides about nothing.
    pub privacy_mark: Option<String>,
    /// Further restrictions, each of a type that the policy knows; at most 64.
    pub categories: Vec<SecurityCategory>,
}

/// A step in a hierarchy, 0 to 256. A policy may give the numbers any meaning; those named here are
/// the ones of RFC 2634 3.2, and only they are in an order that is known to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Classification(pub u16);

impl Classification {
    /// unmarked (0).
    pub const UNMARKED: Self = Self(0);
    /// unclassified (1).
    pub const UNCLASSIFIED: Self = Self(1);
    /// restricted (2).
    pub const RESTRICTED: Self = Self(2);
    /// confidential (3).
    pub const CONFIDENTIAL: Self = Self(3);
    /// secret (4).
    pub const SECRET: Self = Self(4);
    /// top-secret (5).
    pub const TOP_SECRET: Self = Self(5);
}

/// A restriction of a type that the policy defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityCategory {
    /// The type.
    pub kind: Oid,
    /// The DER of its value.
    pub value: Vec<u8>,
}

/// Why there is no label to act on, where there should be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// Not an ESSSecurityLabel, or beyond the bounds of RFC 2634 3.2, or repeated.
    #[error("the security label is malformed")]
    Malformed,
    /// Two good signers labelled the content differently (RFC 2634 3.1.2).
    #[error("the signers disagree about the security label")]
    Conflict,
}

impl From<Malformed> for LabelError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl SecurityLabel {
    /// Reads the DER of an ESSSecurityLabel, in whichever order its fields come.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, LabelError> {
        let (mut policy, mut classification, mut mark, mut categories) = (None, None, None, None);
        for field in asn1::single(der, tag::SET)?.reader().all(4)? {
            let repeated = match field.tag {
                tag::OID => policy.replace(field.oid()?).is_some(),
                tag::INTEGER => classification.replace(read_classification(&field)?).is_some(),
                tag::PRINTABLE_STRING | tag::UTF8_STRING => mark.replace(read_mark(&field)?).is_some(),
                tag::SET => categories.replace(read_categories(&field)?).is_some(),
                _ => return Err(LabelError::Malformed),
            };
            if repeated {
                return Err(LabelError::Malformed);
            }
        }
        Ok(Self {
            policy: policy.ok_or(LabelError::Malformed)?,
            classification,
            privacy_mark: mark,
            categories: categories.unwrap_or_default(),
        })
    }

    pub(super) fn to_der(&self) -> Result<Vec<u8>, LabelError> {
        let mark = self.privacy_mark.as_deref();
        let class = self.classification.map(|classification| classification.0);
        if class.is_some_and(|number| u32::from(number) > MAX_CLASSIFICATION)
            || mark.is_some_and(|mark| mark.is_empty() || mark.len() > MAX_MARK)
            || self.categories.len() > MAX_CATEGORIES
        {
            return Err(LabelError::Malformed);
        }
        let categories = self.categories.iter().map(write_category).collect::<Result<Vec<_>, _>>()?;
        let mut fields = vec![write::oid(self.policy)];
        fields.extend(class.map(|number| write::integer(number.into())));
        fields.extend(mark.map(write::utf8));
        if !categories.is_empty() {
            fields.push(write::set_of(tag::SET, categories));
        }
        // The fields of a SET are in the order of their tags, which is that of their encodings here.
        Ok(write::set_of(tag::SET, fields))
    }
}

fn read_classification(field: &Tlv<'_>) -> Result<Classification, Malformed> {
    let number = field.small()?;
    if number > MAX_CLASSIFICATION {
        return Err(Malformed);
    }
    u16::try_from(number).map(Classification).map_err(|_| Malformed)
}

fn read_mark(field: &Tlv<'_>) -> Result<String, Malformed> {
    text(field).filter(|mark| !mark.is_empty() && mark.len() <= MAX_MARK).ok_or(Malformed)
}

fn read_categories(field: &Tlv<'_>) -> Result<Vec<SecurityCategory>, Malformed> {
    let categories = field.reader().all(MAX_CATEGORIES)?;
    if categories.is_empty() {
        return Err(Malformed);
    }
    categories.iter().map(read_category).collect()
}

fn read_category(category: &Tlv<'_>) -> Result<SecurityCategory, Malformed> {
    let mut fields = asn1::single(category.der, tag::SEQUENCE)?.reader();
    let kind = fields.expect(CATEGORY_TYPE)?;
    let kind = Oid::from_bytes(kind.value).map_err(|_| Malformed)?;
    let value = fields.expect(CATEGORY_VALUE)?;
    fields.end()?;
    let mut inner = value.reader();
    inner.next()?;
    inner.end()?;
    Ok(SecurityCategory { kind, value: value.value.to_vec() })
}

fn write_category(category: &SecurityCategory) -> Result<Vec<u8>, Malformed> {
    let mut value = asn1::Reader::new(&category.value);
    value.next()?;
    value.end()?;
    Ok(write::sequence(&[
        &write::tlv(CATEGORY_TYPE, &[category.kind.as_bytes()]),
        &write::tlv(CATEGORY_VALUE, &[&category.value]),
    ]))
}
