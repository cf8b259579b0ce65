use jmap::{EmailAddress, SetError};
use mail_builder::headers::address::Address;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::headers::url::URL;
use mail_builder::headers::{Header, HeaderType};
use serde::Deserialize;
use serde_json::Value;

use crate::clock::parse_date;
use crate::jmap::email::header::Form;

/// A header field to write, once or several times.
pub struct Field {
    /// The property that sets it.
    pub property: String,
    pub name: String,
    pub values: Vec<HeaderType<'static>>,
}

/// Octets of a line (RFC 5322 2.1.1).
const LONGEST_LINE: usize = 998;
/// Fields that say what the body is; they follow from it.
const OF_BODY: [&str; 3] = ["content-type", "content-transfer-encoding", "mime-version"];

/// The field that a property sets; none when it sets none.
pub fn read(property: &str, value: &Value) -> Result<Option<Field>, SetError> {
    let (name, form, all) = match property {
        "messageId" => ("Message-ID", Form::MessageIds, false),
        "inReplyTo" => ("In-Reply-To", Form::MessageIds, false),
        "references" => ("References", Form::MessageIds, false),
        "sender" => ("Sender", Form::Addresses, false),
        "from" => ("From", Form::Addresses, false),
        "to" => ("To", Form::Addresses, false),
        "cc" => ("Cc", Form::Addresses, false),
        "bcc" => ("Bcc", Form::Addresses, false),
        "replyTo" => ("Reply-To", Form::Addresses, false),
        "subject" => ("Subject", Form::Text, false),
        "sentAt" => ("Date", Form::Date, false),
        other => match other.strip_prefix("header:") {
            Some(rest) => named(rest).ok_or_else(|| wrong(property))?,
            None => return Ok(None),
        },
    };
    if value.is_null() {
        return Ok(None);
    }
    let values = match (all, value) {
        (true, Value::Array(values)) => values.iter().map(|value| field(form, value)).collect(),
        (true, _) => None,
        (false, value) => field(form, value).map(|field| vec![field]),
    };
    let values = values.ok_or_else(|| wrong(property))?;
    let field = Field { property: property.to_owned(), name: name.to_owned(), values };
    if field.fits() { Ok(Some(field)) } else { Err(wrong(property)) }
}

impl Field {
    /// Whether none of its lines is too long (RFC 5322 2.1.1): what has no space in it cannot be folded.
    pub fn fits(&self) -> bool {
        let column = self.name.len() + 2;
        self.values.iter().all(|value| {
            let mut text = vec![b' '; column];
            value.write_header(&mut text, column);
            text.split(|byte| *byte == b'\n').all(|line| line.trim_ascii_end().len() <= LONGEST_LINE)
        })
    }
}

/// RFC 8621 4.6: a field must not be set in two ways.
pub fn refuse_twice(fields: &[Field]) -> Result<(), SetError> {
    let twice = fields.iter().enumerate().find(|(place, field)| defined(fields.get(..*place), field));
    twice.map_or(Ok(()), |(_, field)| Err(wrong(&field.property)))
}

/// Whether a field is among others.
pub fn defined(others: Option<&[Field]>, field: &Field) -> bool {
    others.into_iter().flatten().any(|other| other.name.eq_ignore_ascii_case(&field.name))
}

fn wrong(property: &str) -> SetError {
    SetError::invalid_properties([property])
}

/// `Name:asForm:all`, of a field that may be set in that form.
fn named(rest: &str) -> Option<(&str, Form, bool)> {
    let (rest, all) = rest.strip_suffix(":all").map_or((rest, false), |rest| (rest, true));
    let (name, form) = match rest.split_once(':') {
        Some((name, form)) => (name, Form::named(form)?),
        None => (rest, Form::Raw),
    };
    // RFC 5322 2.2
    let plausible = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    let of_body = OF_BODY.contains(&name.to_ascii_lowercase().as_str());
    (plausible && !of_body && form.suits(name)).then_some((name, form, all))
}

fn field(form: Form, value: &Value) -> Option<HeaderType<'static>> {
    Some(match form {
        Form::Raw => HeaderType::Raw(Raw::new(raw(value)?.trim().to_owned())),
        Form::Text => HeaderType::Text(Text::new(plain(value.as_str()?)?.to_owned())),
        Form::Addresses => HeaderType::Address(Address::new_list(addresses(value)?)),
        Form::GroupedAddresses => HeaderType::Address(Address::new_list(groups(value)?)),
        Form::MessageIds => HeaderType::MessageId(MessageId { id: texts(value, is_id)? }),
        Form::Date => HeaderType::Date(Date::new(parse_date(value.as_str()?)?.div_euclid(1000))),
        Form::Urls => HeaderType::URL(URL { url: texts(value, is_id)? }),
    })
}

/// Nothing that begins another field.
fn plain(text: &str) -> Option<&str> {
    (!text.chars().any(|letter| letter.is_control() && letter != '\t')).then_some(text)
}

/// A folded value: each of its line ends is followed by a space (RFC 5322 2.2.3).
fn raw(value: &Value) -> Option<&str> {
    let text = value.as_str()?;
    let mut unfolded = text.replace("\r\n ", " ");
    unfolded = unfolded.replace("\r\n\t", "\t");
    plain(&unfolded)?;
    Some(text)
}

fn texts(value: &Value, fits: fn(&str) -> bool) -> Option<Vec<std::borrow::Cow<'static, str>>> {
    let each = value.as_array()?.iter().map(|text| text.as_str().filter(|text| fits(text)));
    each.map(|text| text.map(|text| text.to_owned().into())).collect()
}

/// Whether it can stand between angle brackets.
pub fn is_id(text: &str) -> bool {
    let fits = |letter: char| !letter.is_control() && !letter.is_whitespace() && !"<>".contains(letter);
    !text.is_empty() && text.chars().all(fits)
}

fn addresses(value: &Value) -> Option<Vec<Address<'static>>> {
    let list = Vec::<EmailAddress>::deserialize(value).ok()?;
    let each = list.into_iter().map(|EmailAddress { name, email }| {
        plain(name.as_deref().unwrap_or_default())?;
        is_id(&email).then(|| Address::new_address(name, email))
    });
    each.collect()
}

fn groups(value: &Value) -> Option<Vec<Address<'static>>> {
    let mut all = Vec::new();
    for group in value.as_array()? {
        let members = addresses(group.get("addresses")?)?;
        match group.get("name").and_then(Value::as_str) {
            Some(name) => all.push(Address::new_group(Some(plain(name)?.to_owned()), members)),
            None => all.extend(members),
        }
    }
    Some(all)
}
