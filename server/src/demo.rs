//! The three people of a demonstration.

use crate::people::{self, AddError};
use crate::relay::Relay;
use crate::store::{AccountKind, NewAccount};

/// The password of the demo people.
pub const PASSWORD: &str = "sealpost-demo";

const PEOPLE: [(&str, &str, AccountKind, Option<&str>); 3] = [
    ("alice", "Alice Lin 林爱", AccountKind::Personal, None),
    ("bob", "Bob Chen 陈博", AccountKind::Personal, None),
    ("registry", "Civil Registry 民政登记处", AccountKind::Office, Some("Civil Registry 民政登记处")),
];

/// Makes those of the demo people that are not there yet.
pub async fn add_people(relay: &Relay) -> Result<(), AddError> {
    for (local, name, kind, organisation) in PEOPLE {
        let address = format!("{local}@{}", relay.config.domain);
        if people::exists(relay, &address).await? {
            continue;
        }
        let password = people::hash(PASSWORD.to_owned()).await?;
        let organisation = organisation.map(str::to_owned);
        let new = NewAccount { address, name: name.to_owned(), kind, organisation, password };
        people::add(relay, new).await?;
    }
    Ok(())
}
