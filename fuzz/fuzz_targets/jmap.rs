//! A request over JMAP: answered in order, or refused by the error of its kind; never a failure of the server.
#![no_main]

use fuzz::relay;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let (answer, account) = relay::with(|relay| {
        // `@` stands for the account, whose id is another each time.
        let body = String::from_utf8_lossy(data).replace('@', &relay.account);
        let answer = fuzz::bounded(body.as_bytes(), 200, 96 << 20, || {
            relay.post("/jmap/api", "application/json", body.as_bytes())
        });
        ((answer, body), relay.account.clone())
    });
    let (answer, body) = answer;
    let value: Value = serde_json::from_slice(&answer.body)
        .unwrap_or_else(|_| panic!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)));
    if answer.status != 200 {
        assert_eq!(answer.status, 400, "{value}");
        let kind = value["type"].as_str().unwrap_or_default();
        assert!(kind.starts_with("urn:ietf:params:jmap:error:"), "{value}");
        return;
    }
    let asked: jmap::Request = serde_json::from_str(&body).expect("what was answered is a request");
    let answers = value["methodResponses"].as_array().expect("answers");
    assert!(answers.len() >= asked.method_calls.len(), "a call has no answer");
    let mut ids = answers.iter().map(|answer| answer[2].as_str().expect("a call id")).peekable();
    for call in &asked.method_calls {
        assert_eq!(ids.next(), Some(&*call.2), "the answers are out of order");
        // Implicit calls answer under the same id (RFC 8621 7.5).
        while call.0 == "EmailSubmission/set"
            && ids.peek() == Some(&&*call.2)
            && answers.len() > asked.method_calls.len()
        {
            ids.next();
        }
    }
    for answer in answers.iter().filter(|answer| answer[0] == "error") {
        let kind = answer[1]["type"].as_str().expect("an error has a type");
        assert_ne!(kind, "serverFail", "{answer} to {body}");
    }
    assert!(account.len() > 1);
});
