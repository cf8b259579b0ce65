use serde_json::Value;

/// About how many octets a value takes as JSON, and at least one for each value in it.
pub fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => escaped(text) + 3,
        Value::Array(items) => 2 + items.iter().map(weight).sum::<usize>(),
        Value::Object(map) => {
            2 + map.iter().map(|(key, value)| escaped(key) + 4 + weight(value)).sum::<usize>()
        }
    }
}

/// The octets of a text with what JSON writes for the characters that it must escape (RFC 8259 7).
fn escaped(text: &str) -> usize {
    let octets = |byte: u8| match byte {
        ..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    };
    text.bytes().map(octets).sum()
}
