use std::process::Stdio;

use jmap::AccountId;
use sealpost::relay::Relay;
use sealpost::session::app_password;
use sealpost::store::{self, StoreError};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::{Served, skip};

/// A program of Node's own WebSocket beside this file, whose input and output are pipes; none where there is no Node.
pub fn node(script: &str, arguments: &[&str]) -> Option<Child> {
    let mut node = Command::new("node");
    node.arg("--experimental-websocket").arg(format!("{}/tests/relay/{script}", env!("CARGO_MANIFEST_DIR")));
    node.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().ok()
}

/// An app password of an account.
pub async fn app_password_of(relay: &Relay, account: &str) -> String {
    let id = AccountId::from(account.to_owned());
    let issue =
        relay.store.write(move |tx| Box::pin(async move { app_password::issue(tx, &id, "node").await }));
    issue.await.map_err(|error: StoreError| error).unwrap()
}

#[tokio::test]
async fn nodes_own_websocket_speaks_jmap_and_hears_changes() {
    let served = Served::start(&["alice"], |_| ()).await;
    let alice = served.fixture.sign_in("alice").await;
    let relay = &served.fixture.relay;
    let id = AccountId::from(alice.account.clone());
    let password = app_password_of(relay, &alice.account).await;
    let url = format!("http://{}/.well-known/jmap", served.running.http);
    let Some(mut node) = node("websocket.mjs", &[&url, &format!("Bearer {password}")]) else {
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
