use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The greatest number of elements and members in all: each takes up to a hundred times the memory of its text.
pub const MOST: usize = 200_000;

/// Why a text is not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// It is no I-JSON.
    #[error(transparent)]
    Malformed(serde_json::Error),
    /// It holds more than [`MOST`] values.
    #[error("there are more than {MOST} values")]
    TooMany,
}

/// Reads I-JSON (RFC 7493): no object names a member twice, or programs would differ about which one counts.
pub fn read(text: &[u8]) -> Result<Value, JsonError> {
    let left = Cell::new(Some(MOST));
    let wrong = |error| if left.get().is_none() { JsonError::TooMany } else { JsonError::Malformed(error) };
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Strict(&left).deserialize(&mut deserializer).map_err(wrong)?;
    deserializer.end().map_err(JsonError::Malformed)?;
    Ok(value)
}

/// How many values there may still be; none when there were too many.
#[derive(Clone, Copy)]
struct Strict<'a>(&'a Cell<Option<usize>>);

impl Strict<'_> {
    fn take<E: Error>(self) -> Result<(), E> {
        self.0.set(self.0.get().and_then(|left| left.checked_sub(1)));
        self.0.get().map(drop).ok_or_else(|| E::custom("too many values"))
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            self.take()?;
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.take()?;
            let value = members.next_value_seed(self)?;
            if all.insert(name, value).is_some() {
                return Err(A::Error::custom("an object names a member twice"));
            }
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_can_say_is_read_as_it_is_and_no_member_twice() {
        let text = r#"{"a": [null, true, -1, 18446744073709551615, 1.5, "\u00e9"], "b": {"a": {}}}"#;
        assert_eq!(read(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        for wrong in [r#"{"a": 1, "a": 1}"#, r#"[{"b": {"a": 1, "\u0061": 2}}]"#, "{} {}", "", r#""\ud800""#]
        {
            assert!(matches!(read(wrong.as_bytes()), Err(JsonError::Malformed(_))), "{wrong}");
        }
    }

    #[test]
    fn there_are_only_so_many_values_in_all() {
        let of = |count: usize| format!(r#"[[{}],[{}{{"a":1}}]]"#, ["0"; 9].join(","), "0,".repeat(count));
        assert!(read(of(MOST - 13).as_bytes()).is_ok());
        assert!(matches!(read(of(MOST - 12).as_bytes()), Err(JsonError::TooMany)));
    }
}
