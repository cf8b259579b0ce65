use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{Fixture, Person, Served, USING, eventually, sealed_letter};

#[tokio::test]
async fn everybody_has_the_mailboxes_with_roles() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let answer = alice.call("Mailbox/get", json!({"ids": null})).await;
    let roles: Vec<&str> =
        answer["list"].as_array().unwrap().iter().map(|mailbox| mailbox["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["inbox", "drafts", "sent", "archive", "junk", "trash"]);
    assert_eq!(answer["notFound"], json!([]));
}

#[tokio::test]
async fn a_mailbox_is_made_renamed_moved_and_destroyed() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let before = alice.call("Mailbox/get", json!({"ids": []})).await["state"].clone();
    let create = json!({"a": {"name": "Projects"}, "b": {"name": "Inner", "parentId": "#a"}});
    let answer = alice.call("Mailbox/set", json!({"create": create, "ifInState": before})).await;
    assert_eq!(answer["oldState"], before);
    assert_ne!(answer["newState"], before);
    for key in ["updated", "destroyed", "notCreated", "notUpdated", "notDestroyed"] {
        assert!(answer.as_object().unwrap().contains_key(key) && answer[key].is_null(), "{key} in {answer}");
    }
    let (a, b) = (answer["created"]["a"]["id"].clone(), answer["created"]["b"]["id"].clone());
    let inner = alice.call("Mailbox/get", json!({"ids": [b], "properties": ["name", "parentId"]})).await;
    assert_eq!(inner["list"][0], json!({"id": b, "name": "Inner", "parentId": a}));

    let update = json!({a.as_str().unwrap(): {"name": "Plans"}});
    assert!(
        alice.call("Mailbox/set", json!({"update": update})).await["updated"].as_object().unwrap().len() == 1
    );
    let answer = alice.call("Mailbox/set", json!({"destroy": [a]})).await;
    assert_eq!(answer["notDestroyed"][a.as_str().unwrap()]["type"], "mailboxHasChild");
    let answer = alice.call("Mailbox/set", json!({"destroy": [b, a]})).await;
    assert_eq!(answer["destroyed"], json!([b, a]));
}

#[tokio::test]
async fn what_must_not_be_is_refused_property_by_property() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let (inbox, trash) = (alice.mailbox("inbox").await, alice.mailbox("trash").await);
    for (create, property) in [
        (json!({"name": ""}), "name"),
        (json!({"name": "x".repeat(300)}), "name"),
        (json!({"name": "new", "parentId": "m-nothing"}), "parentId"),
        (json!({"name": "new", "role": "inbox"}), "role"),
        (json!({"name": "new", "totalEmails": 1}), "totalEmails"),
    ] {
        let answer = alice.call("Mailbox/set", json!({"create": {"k": create}})).await;
        assert_eq!(answer["notCreated"]["k"]["type"], "invalidProperties", "{answer}");
        assert_eq!(answer["notCreated"]["k"]["properties"], json!([property]));
    }
    let answer = alice.call("Mailbox/set", json!({"create": {"k": {"name": "Inbox"}}})).await;
    assert_eq!(answer["notCreated"]["k"]["type"], "alreadyExists");
    assert_eq!(answer["notCreated"]["k"]["existingId"], json!(inbox));
    let circle = json!({trash.as_str(): {"parentId": trash}});
    let answer = alice.call("Mailbox/set", json!({"update": circle})).await;
    assert_eq!(answer["notUpdated"][&trash]["properties"], json!(["parentId"]));
    let answer = alice.call("Mailbox/set", json!({"destroy": [inbox, "m-nothing"]})).await;
    assert_eq!(answer["notDestroyed"][&inbox]["type"], "forbidden");
    assert_eq!(answer["notDestroyed"]["m-nothing"]["type"], "notFound");
    assert_eq!(
        alice.refused("Mailbox/set", json!({"ifInState": "999", "destroy": []})).await,
        "stateMismatch"
    );
}

/// Makes mailboxes that lie in each other, and gives their ids from the outermost on.
async fn nested(alice: &Person, name: &str, depth: usize) -> Vec<String> {
    let create = (0..depth).map(|level| {
        let parent = level.checked_sub(1).map(|above| format!("#{name}{above}"));
        (format!("{name}{level}"), json!({"name": name, "parentId": parent}))
    });
    let made =
        alice.call("Mailbox/set", json!({"create": create.collect::<Value>()})).await["created"].clone();
    (0..depth).map(|level| made[format!("{name}{level}")]["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_lies_in_a_moved_mailbox_counts_for_the_greatest_depth() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let session = alice.get("/.well-known/jmap").await.1;
    let limit = &session["accounts"][&alice.account]["accountCapabilities"][jmap::MAIL]["maxMailboxDepth"];
    let limit = usize::try_from(limit.as_u64().unwrap()).unwrap();
    let (tower, base) = (nested(&alice, "tower", limit - 3).await, nested(&alice, "base", 4).await);
    let mv = async |moves: &[(&str, &str)]| {
        let update = moves.iter().map(|(mailbox, parent)| (*mailbox, json!({"parentId": parent})));
        alice.call("Mailbox/set", json!({"update": update.collect::<Value>()})).await
    };
    let too_deep = mv(&[(&tower[0], &base[3])]).await;
    assert_eq!(too_deep["notUpdated"][&tower[0]]["properties"], json!(["parentId"]), "{too_deep}");
    let fits = mv(&[(&tower[0], &base[2])]).await;
    assert!(fits["notUpdated"].is_null(), "{fits}");
    // Where all are told at once, the outcome counts: the tower is cut while it moves.
    let cut = mv(&[(&tower[0], &base[3]), (&tower[1], &base[0])]).await;
    assert!(cut["notUpdated"].is_null(), "{cut}");
    let create = json!({"k": {"name": "lower", "parentId": tower.last()}});
    let lower = alice.call("Mailbox/set", json!({"create": create})).await;
    assert!(lower["notCreated"].is_null(), "{lower}");
}

#[tokio::test]
async fn a_mailbox_with_mail_goes_only_when_told_so() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let letter = crate::support::sealed_letter("alice@sealpost.example", "bob@sealpost.example", "");
    let email = alice.import(letter, "junk", json!({})).await;
    let junk = alice.mailbox("junk").await;
    let answer = alice.call("Mailbox/set", json!({"destroy": [junk]})).await;
    assert_eq!(answer["notDestroyed"][&junk]["type"], "mailboxHasEmail");
    let answer = alice.call("Mailbox/set", json!({"destroy": [junk], "onDestroyRemoveEmails": true})).await;
    assert_eq!(answer["destroyed"], json!([junk]));
    assert_eq!(alice.call("Email/get", json!({"ids": [email]})).await["notFound"], json!([email]));
}

#[tokio::test]
async fn a_query_filters_and_sorts() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let by_name = json!({"sort": [{"property": "name", "isAscending": false}], "calculateTotal": true});
    let answer = alice.call("Mailbox/query", by_name).await;
    assert_eq!(
        (answer["total"].as_i64(), answer["ids"][0].as_str()),
        (Some(6), Some(&*alice.mailbox("trash").await))
    );
    let wrong = json!({"filter": {"smell": "good"}});
    assert_eq!(alice.refused("Mailbox/query", wrong).await, "unsupportedFilter");
    assert_eq!(alice.refused("Mailbox/query", json!({"anchor": "m-nothing"})).await, "anchorNotFound");
}

#[tokio::test]
async fn the_inbox_stays_the_inbox() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let inbox = alice.mailbox("inbox").await;
    for role in [Value::Null, json!("important")] {
        let update = json!({&inbox: {"role": role}});
        let answer = alice.call("Mailbox/set", json!({"update": update})).await;
        assert_eq!(answer["notUpdated"][&inbox]["properties"], json!(["role"]), "{answer}");
    }
    let renamed = alice.call("Mailbox/set", json!({"update": {&inbox: {"name": "Post"}}})).await;
    assert!(renamed["notUpdated"].is_null(), "{renamed}");
    assert_eq!(alice.mailbox("inbox").await, inbox);
}

#[tokio::test]
async fn an_unread_thread_is_counted_where_it_goes() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let letter = crate::support::sealed_letter("alice@sealpost.example", "bob@sealpost.example", "");
    let email = alice.import(letter, "inbox", json!({})).await;
    let archive = alice.mailbox("archive").await;
    alice.call("Email/set", json!({"update": {email: {"mailboxIds": {archive: true}}}})).await;
    assert_eq!(alice.counts("inbox").await, [0, 0, 0, 0]);
    assert_eq!(alice.counts("archive").await, [1, 1, 1, 1]);
}

#[tokio::test]
async fn a_mailbox_with_many_emails_goes_in_pieces_between_which_others_write() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let create = json!({"a": {"name": "Old"}, "b": {"name": "Older", "parentId": "#a"}});
    let made = alice.call("Mailbox/set", json!({"create": create})).await["created"].clone();
    let (old, older) = (made["a"]["id"].clone(), made["b"]["id"].clone());
    let blob = alice.upload(sealed_letter("a@b.example", "x@y.example", "")).await;
    let inbox = alice.mailbox("inbox").await;
    let email = |mailbox: &Value, number: usize| {
        let mut mailboxes = json!({mailbox.as_str().unwrap(): true});
        if number == 0 {
            mailboxes[&inbox] = json!(true);
        }
        (format!("k{number}"), json!({"blobId": blob, "mailboxIds": mailboxes}))
    };
    for (mailbox, count) in [(&old, 600), (&older, 3)] {
        let emails: Map<String, Value> = (0..count).map(|number| email(mailbox, number)).collect();
        let answer = alice.call("Email/import", json!({"emails": emails})).await;
        assert!(answer["notCreated"].is_null(), "{answer}");
    }
    let mut changes = fixture.relay.hub.own_changes();
    let before = alice.call("Mailbox/get", json!({"ids": []})).await["state"].clone();
    let destroy = |state: &Value| {
        let ids = [json!("nothing"), old.clone(), older.clone()];
        json!({"destroy": ids, "onDestroyRemoveEmails": true, "ifInState": state})
    };
    let answer = alice.call("Mailbox/set", destroy(&before)).await;
    assert_eq!(answer["destroyed"], json!([older, old]));
    assert_eq!(answer["notDestroyed"]["nothing"]["type"], "notFound");
    let after = alice.call("Mailbox/get", json!({"ids": []})).await["state"].clone();
    assert_eq!((&answer["oldState"], &answer["newState"]), (&before, &after));
    let pieces = std::iter::from_fn(|| changes.try_recv().ok()).count();
    assert_eq!(pieces, 3, "603 emails, 256 at once");
    let left = alice.call("Email/query", json!({})).await["ids"].as_array().unwrap().len();
    assert_eq!(left, 2, "what lies elsewhere too stays");
}

/// Makes a mailbox with emails in it.
async fn filled(alice: &Person, count: usize) -> String {
    let made = alice.call("Mailbox/set", json!({"create": {"k": {"name": "Full"}}})).await;
    let id = made["created"]["k"]["id"].as_str().unwrap().to_owned();
    let blob = alice.upload(sealed_letter("a@b.example", "x@y.example", "")).await;
    let email = |number| (format!("k{number}"), json!({"blobId": blob, "mailboxIds": {&*id: true}}));
    let emails: Map<String, Value> = (0..count).map(email).collect();
    let answer = alice.call("Email/import", json!({"emails": emails})).await;
    assert!(answer["notCreated"].is_null(), "{answer}");
    id
}

#[tokio::test]
async fn what_the_call_itself_made_is_destroyed_after_many_emails() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let full = filled(&alice, 300).await;
    let call = json!({
        "create": {"new": {"name": "New"}},
        "update": {&*full: {"parentId": "#new"}},
        "destroy": ["#new", full],
        "onDestroyRemoveEmails": true,
    });
    let answer = alice.call("Mailbox/set", call).await;
    assert_eq!((&answer["destroyed"], &answer["notDestroyed"]), (&json!([full, "#new"]), &Value::Null));
}

#[tokio::test]
async fn a_mailbox_is_emptied_also_when_its_client_hangs_up() {
    let served = Served::start(&["alice"], |_| ()).await;
    let alice = served.fixture.sign_in("alice").await;
    let full = filled(&alice, 600).await;
    let destroy = json!({"accountId": alice.account, "destroy": [full], "onDestroyRemoveEmails": true});
    let body = json!({"using": USING, "methodCalls": [["Mailbox/set", destroy, "c"]]}).to_string();
    let head = format!(
        "POST /jmap/api HTTP/1.1\r\nHost: x\r\nCookie: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        alice.cookie,
        body.len()
    );
    let mut changes = served.fixture.relay.hub.own_changes();
    let mut client = TcpStream::connect(served.running.http).await.unwrap();
    client.write_all((head + &body).as_bytes()).await.unwrap();
    // The first piece is gone.
    changes.recv().await.unwrap();
    drop(client);
    eventually(async || {
        let answer = alice.call("Mailbox/get", json!({"ids": [full]})).await;
        (answer["notFound"] == json!([full])).then_some(())
    })
    .await;
    let left = alice.call("Email/query", json!({})).await;
    assert_eq!(left["ids"], json!([]));
}
