//! Reading JSON.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads JSON as values first, as answers of the relay have to be: a reader of text would be compiled for every type
/// once more. Not for secrets, of which the values would be copies.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Option<T> {
    T::deserialize(&value(text)?).ok()
}

fn value(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(text).ok()
}
