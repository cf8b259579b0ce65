use std::process::Stdio;

use sealpost::session::app_password;
use sealpost::store::{self, StoreError};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::support::{Served, skip};

#[tokio::test]
async fn nodes_own_websocket_speaks_jmap_and_hears_changes() {
    let served = Served::start(&["alice"], |_| ()).await;
    let alice = served.fixture.sign_in("alice").await;
    let relay = &served.fixture.relay;
    let id = jmap::AccountId::from(alice.account.clone());
    let issue = {
        let id = id.clone();
        relay.store.write(move |tx| Box::pin(async move { app_password::issue(tx, &id, "node").await }))
    };
    let password = issue.await.map_err(|error: StoreError| error).unwrap();
    let url = format!("http://{}/.well-known/jmap", served.running.http);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/relay/websocket.mjs");
    let mut node = Command::new("node");
    node.args(["--experimental-websocket", script, &url, &format!("Bearer {password}")]);
    node.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let Ok(mut node) = node.spawn() else {
        return skip("nodes_own_websocket_speaks_jmap_and_hears_changes", "node is not installed");
    };
    let mut said = BufReader::new(node.stdout.take().unwrap()).lines();
    let mut stdin = node.stdin.take().unwrap();
    let mut words = Vec::new();
    while let Some(word) = said.next_line().await.unwrap() {
        match word.as_str() {
            "revoke" => {
                let name: String = password.chars().take(8).collect();
                let id = id.clone();
                let revoke = relay
                    .store
                    .write(move |tx| Box::pin(async move { store::drop_app_password(tx, &id, &name).await }));
                assert!(revoke.await.map_err(|error: StoreError| error).unwrap());
                stdin.write_all(b"revoked\n").await.unwrap();
            }
            "touch" => {
                alice.call("Mailbox/set", json!({"create": {"k": {"name": "third"}}})).await;
            }
            _ => {}
        }
        words.push(word);
    }
    assert!(node.wait().await.unwrap().success());
    assert_eq!(words, ["revoke", "touch", "done"]);
}
