//! Back references: arguments taken from earlier answers of the same request (RFC 8620 3.7).

use jmap::{Invocation, MethodError, MethodErrorType, ResultReference};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::weight::weight;

/// What all references of one request may copy, in octets: copies of copies must not grow memory.
pub const COPIED: usize = 1024 * 1024;

/// Replaces each `#name` by what it refers to, as far as `budget` reaches.
pub fn resolve(
    arguments: Map<String, Value>,
    earlier: &[Invocation],
    budget: &mut usize,
) -> Result<Map<String, Value>, MethodError> {
    if !arguments.keys().any(|key| key.starts_with('#')) {
        return Ok(arguments);
    }
    let mut resolved = Map::new();
    for (key, value) in arguments {
        let (name, value) = match key.strip_prefix('#') {
            Some(name) => (name.to_owned(), follow(&value, earlier, budget)?),
            None => (key, value),
        };
        if resolved.insert(name, value).is_some() {
            return Err(MethodError::new(MethodErrorType::InvalidArguments, "an argument is given twice"));
        }
    }
    Ok(resolved)
}

fn follow(reference: &Value, earlier: &[Invocation], budget: &mut usize) -> Result<Value, MethodError> {
    let broken = |text: &str| MethodError::new(MethodErrorType::InvalidResultReference, text);
    let reference = ResultReference::deserialize(reference).map_err(|error| broken(&error.to_string()))?;
    let ResultReference { result_of, name, path } = reference;
    let mut answers = earlier.iter().filter(|Invocation(.., id)| *id == result_of);
    let Invocation(found, arguments, _) =
        answers.next().ok_or_else(|| broken("there is no such earlier call"))?;
    if *found != name {
        return Err(broken("the earlier call has another answer"));
    }
    let pointer = path.strip_prefix('/').ok_or_else(|| broken("the path does not begin with a slash"))?;
    let steps: Vec<String> =
        pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    walk(arguments, &steps, budget).ok_or_else(|| broken("the path leads nowhere, or to too much"))
}

fn walk(value: &Value, steps: &[String], budget: &mut usize) -> Option<Value> {
    let Some((step, rest)) = steps.split_first() else {
        *budget = budget.checked_sub(weight(value))?;
        return Some(value.clone());
    };
    match value {
        Value::Object(map) => walk(map.get(step)?, rest, budget),
        Value::Array(items) if step == "*" => {
            let mut gathered = Vec::new();
            for item in items {
                // RFC 8620 3.7: an array found for one item is flattened into the result.
                match walk(item, rest, budget)? {
                    Value::Array(inner) => gathered.extend(inner),
                    single => gathered.push(single),
                }
            }
            Some(Value::Array(gathered))
        }
        Value::Array(items) => walk(items.get(step.parse::<usize>().ok()?)?, rest, budget),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn earlier() -> Vec<Invocation> {
        let arguments = json!({"ids": ["a", "b"], "list": [{"k": ["x", "y"]}, {"k": ["z"]}]});
        vec![Invocation("Email/get".into(), arguments, "c0".into())]
    }

    fn resolved(path: &str) -> Result<Map<String, Value>, MethodError> {
        let arguments = json!({"#ids": {"resultOf": "c0", "name": "Email/get", "path": path}});
        resolve(arguments.as_object().unwrap().clone(), &earlier(), &mut COPIED.clone())
    }

    #[test]
    fn a_star_gathers_and_flattens() {
        assert_eq!(resolved("/list/*/k").unwrap()["ids"], json!(["x", "y", "z"]));
        assert_eq!(resolved("/ids").unwrap()["ids"], json!(["a", "b"]));
        assert_eq!(resolved("/ids/1").unwrap()["ids"], json!("b"));
    }

    #[test]
    fn a_path_that_leads_nowhere_is_an_invalid_reference() {
        for path in ["/nothing", "/ids/7", "ids", "/list/*/nothing"] {
            assert_eq!(resolved(path).unwrap_err().kind, MethodErrorType::InvalidResultReference, "{path}");
        }
    }

    #[test]
    fn an_argument_given_twice_is_invalid() {
        let twice = json!({"ids": [], "#ids": {"resultOf": "c0", "name": "Email/get", "path": "/ids"}});
        let error = resolve(twice.as_object().unwrap().clone(), &earlier(), &mut COPIED.clone()).unwrap_err();
        assert_eq!(error.kind, MethodErrorType::InvalidArguments);
    }
}
