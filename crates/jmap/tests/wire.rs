//! What goes over the wire, and what of others' wire is understood.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::collections::BTreeMap;

use jmap::{
    Comparator, Email, EmailFilter, EmailSubmission, Get, GetAnswer, LimitKind, Mailbox, MethodError,
    MethodErrorType, Query, RequestErrorType, Role, Set, SetAnswer, SetError, SetErrorType, StateChange,
    SubmissionSet,
};
use serde_json::{Value, json};

#[test]
fn what_later_versions_name_is_unknown_and_not_an_error() {
    assert_eq!(serde_json::from_value::<Role>(json!("memos")).unwrap(), Role::Unknown);
    let error: MethodError = serde_json::from_value(json!({"type": "tooSunny", "extra": 1})).unwrap();
    assert_eq!(error.kind, MethodErrorType::Unknown);
    let error: SetError = serde_json::from_value(json!({"type": "tooSunny"})).unwrap();
    assert_eq!(error.kind, SetErrorType::Unknown);
}

#[test]
fn a_mailbox_is_read_however_few_properties_it_shows() {
    let answer = json!({
        "accountId": "a", "state": "1", "notFound": [],
        "list": [{"id": "m1"}, {"id": "m2", "role": null, "name": "N", "parentId": "m1", "unreadEmails": 3}],
    });
    let answer: GetAnswer<Mailbox> = serde_json::from_value(answer).unwrap();
    assert_eq!(answer.list[1].parent_id, Some(answer.list[0].id.clone()));
    assert_eq!((answer.list[1].unread_emails, answer.list[1].role), (3, None));
}

#[test]
fn a_query_names_only_what_it_asks() {
    let mut query = Query::<Email>::all("a".into());
    query.filter = Some(EmailFilter { in_mailbox: Some("m".into()), ..EmailFilter::default() });
    query.sort = Some(vec![Comparator {
        property: "receivedAt".into(),
        is_ascending: false,
        keyword: None,
        collation: None,
    }]);
    query.limit = Some(50);
    let sent = serde_json::to_value(&query).unwrap();
    assert_eq!(sent["filter"], json!({"inMailbox": "m"}));
    assert_eq!(sent["sort"], json!([{"property": "receivedAt", "isAscending": false}]));
    assert!(sent.get("collapseThreads").is_none() && sent.get("anchor").is_none());
}

#[test]
fn a_condition_that_is_not_known_is_kept() {
    let filter: EmailFilter = serde_json::from_value(json!({"hasKeyword": "$seen", "text": "x"})).unwrap();
    assert_eq!(filter.has_keyword.as_deref(), Some("$seen"));
    assert_eq!(filter.other["text"], "x");
    assert_eq!(serde_json::to_value(&filter).unwrap(), json!({"hasKeyword": "$seen", "text": "x"}));
}

#[test]
fn the_extra_arguments_of_a_set_stand_beside_the_others() {
    let mut set = SubmissionSet::new("a".into());
    set.extra.on_success_destroy_email = Some(vec!["#s".into()]);
    let sent = serde_json::to_value(&set).unwrap();
    assert_eq!(sent, json!({"accountId": "a", "onSuccessDestroyEmail": ["#s"]}));
    let read: Set<EmailSubmission> = serde_json::from_value(sent).unwrap();
    assert_eq!(read.extra.on_success_destroy_email.unwrap().len(), 1);
}

#[test]
fn a_set_answer_shows_every_key() {
    let answer = SetAnswer {
        account_id: "a".into(),
        old_state: Some("1".into()),
        new_state: "2".into(),
        created: None,
        updated: Some(BTreeMap::from([("e".into(), None)])),
        destroyed: None,
        not_created: None,
        not_updated: None,
        not_destroyed: None,
    };
    let sent = serde_json::to_value(&answer).unwrap();
    for key in ["created", "destroyed", "notCreated", "notUpdated", "notDestroyed"] {
        assert_eq!(sent.get(key), Some(&Value::Null), "{key}");
    }
    assert_eq!(sent["updated"], json!({"e": null}));
}

#[test]
fn problems_are_named_as_the_rfc_names_them() {
    let problem = RequestErrorType::Limit(LimitKind::CallsInRequest).problem("too many");
    let sent = serde_json::to_value(problem).unwrap();
    let expected = json!({
        "type": "urn:ietf:params:jmap:error:limit", "status": 400, "detail": "too many",
        "limit": "maxCallsInRequest",
    });
    assert_eq!(sent, expected);
    assert_eq!(RequestErrorType::NotJson.problem("").kind, "urn:ietf:params:jmap:error:notJSON");
}

#[test]
fn a_state_change_names_its_type() {
    let change = StateChange::of("a".into(), BTreeMap::from([("Email".into(), "7".into())]));
    let sent = serde_json::to_value(change).unwrap();
    assert_eq!(sent, json!({"@type": "StateChange", "changed": {"a": {"Email": "7"}}}));
}

#[test]
fn a_get_of_nothing_is_not_a_get_of_all() {
    let none = Get::<Email> { account_id: "a".into(), ids: Some(Vec::new()), properties: None };
    assert_eq!(serde_json::to_value(none).unwrap()["ids"], json!([]));
    let all: Get<Email> = serde_json::from_value(json!({"accountId": "a", "ids": null})).unwrap();
    assert!(all.ids.is_none());
}
