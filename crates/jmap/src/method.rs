use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{AccountId, Id, SetError, State};

/// Arguments that know their method's name and what it answers.
pub trait Method: Serialize {
    /// What the relay answers when it succeeds.
    type Answer: DeserializeOwned;

    /// The name of the method, such as `Email/get`.
    fn name(&self) -> &'static str;
}

/// A JMAP data type that can be fetched.
pub trait Object: Serialize + DeserializeOwned {
    /// The type of its ids.
    type Id: Serialize + DeserializeOwned + Ord;
    /// Its name in a `StateChange`.
    const TYPE: &'static str;
    /// Its `/get` method.
    const GET: &'static str;
    /// Its `/changes` method.
    const CHANGES: &'static str;
}

/// A JMAP data type that can be set.
pub trait Settable: Object {
    /// Its `/set` method.
    const SET: &'static str;
    /// The arguments that its `/set` has beyond the standard ones.
    type Extra: Serialize + DeserializeOwned + Default;
}

/// A JMAP data type that can be queried.
pub trait Queryable: Object {
    /// Its `/query` method.
    const QUERY: &'static str;
    /// Its `FilterCondition`.
    type Filter: Serialize + DeserializeOwned;
}

/// `Foo/get` (RFC 8620 5.1).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct Get<T: Object> {
    /// Whose objects.
    pub account_id: AccountId,
    /// Which objects; none means all.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<T::Id>>,
    /// Which properties; none means the default ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Vec<String>>,
}

/// The answer to [`Get`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct GetAnswer<T: Object> {
    /// Whose objects.
    pub account_id: AccountId,
    /// The state that the answer shows.
    pub state: State,
    /// The objects, in no order.
    pub list: Vec<T>,
    /// Asked for and not there.
    pub not_found: Vec<T::Id>,
}

impl<T: Object> Method for Get<T> {
    type Answer = GetAnswer<T>;

    fn name(&self) -> &'static str {
        T::GET
    }
}

/// `Foo/changes` (RFC 8620 5.2).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct Changes<T: Object> {
    /// Whose objects.
    pub account_id: AccountId,
    /// The state the client holds.
    pub since_state: State,
    /// At most this many ids in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_changes: Option<u64>,
    #[serde(skip)]
    kind: std::marker::PhantomData<fn() -> T>,
}

impl<T: Object> Changes<T> {
    /// Asks what happened since `since_state`.
    pub fn since(account_id: AccountId, since_state: State, max_changes: Option<u64>) -> Self {
        Self { account_id, since_state, max_changes, kind: std::marker::PhantomData }
    }
}

/// The answer to [`Changes`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangesAnswer<I> {
    /// Whose objects.
    pub account_id: AccountId,
    /// The state asked about.
    pub old_state: State,
    /// The state after these changes.
    pub new_state: State,
    /// Whether more changes follow `new_state`.
    pub has_more_changes: bool,
    /// New objects.
    pub created: Vec<I>,
    /// Changed objects.
    pub updated: Vec<I>,
    /// Objects that are gone.
    pub destroyed: Vec<I>,
    /// For `Mailbox`: the only properties that changed (RFC 8621 2.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_properties: Option<Vec<String>>,
}

impl<T: Object> Method for Changes<T> {
    type Answer = ChangesAnswer<T::Id>;

    fn name(&self) -> &'static str {
        T::CHANGES
    }
}

/// A patch: JSON pointers without the leading slash, and their new values (RFC 8620 5.3).
pub type Patch = Map<String, Value>;

/// `Foo/set` (RFC 8620 5.3).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct Set<T: Settable> {
    /// Whose objects.
    pub account_id: AccountId,
    /// Refuse unless this is the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_in_state: Option<State>,
    /// New objects by creation id.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub create: Option<BTreeMap<String, Map<String, Value>>>,
    /// Patches by id, or by `#` and a creation id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<BTreeMap<Id, Patch>>,
    /// Ids, or `#` and creation ids, to destroy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destroy: Option<Vec<Id>>,
    /// What this type's `/set` has beyond the standard arguments.
    #[serde(flatten)]
    pub extra: T::Extra,
}

impl<T: Settable> Set<T> {
    /// A call that changes nothing yet.
    pub fn new(account_id: AccountId) -> Self {
        Self {
            account_id,
            if_in_state: None,
            create: None,
            update: None,
            destroy: None,
            extra: T::Extra::default(),
        }
    }
}

/// The answer to [`Set`]; objects are partial, so they stay JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetAnswer {
    /// Whose objects.
    pub account_id: AccountId,
    /// The state before.
    pub old_state: Option<State>,
    /// The state after.
    pub new_state: State,
    /// By creation id: the properties that the relay set.
    pub created: Option<BTreeMap<String, Map<String, Value>>>,
    /// By id: the properties that the relay changed beyond the patch.
    pub updated: Option<BTreeMap<Id, Option<Map<String, Value>>>>,
    /// Ids that are gone.
    pub destroyed: Option<Vec<Id>>,
    /// By creation id: why not.
    pub not_created: Option<BTreeMap<String, SetError>>,
    /// By id: why not.
    pub not_updated: Option<BTreeMap<Id, SetError>>,
    /// By id: why not.
    pub not_destroyed: Option<BTreeMap<Id, SetError>>,
}

impl<T: Settable> Method for Set<T> {
    type Answer = SetAnswer;

    fn name(&self) -> &'static str {
        T::SET
    }
}

/// One key of a sort order (RFC 8620 5.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparator {
    /// What to sort by.
    pub property: String,
    /// Smallest first.
    #[serde(default = "yes")]
    pub is_ascending: bool,
    /// For sorts by keyword (RFC 8621 4.4.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyword: Option<String>,
    /// How text compares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
}

/// `Foo/query` (RFC 8620 5.5), with the one extra argument of `Email/query`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct Query<T: Queryable> {
    /// Whose objects.
    pub account_id: AccountId,
    /// Which objects; an operator stays JSON.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub filter: Option<T::Filter>,
    /// In which order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<Vec<Comparator>>,
    /// From which place; negative counts from the end.
    #[serde(default)]
    pub position: i64,
    /// From this object's place instead.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub anchor: Option<T::Id>,
    /// Added to the anchor's place.
    #[serde(default)]
    pub anchor_offset: i64,
    /// At most this many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Whether the answer counts all matches.
    #[serde(default)]
    pub calculate_total: bool,
    /// `Email/query`: only the first email of each thread (RFC 8621 4.4).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub collapse_threads: bool,
}

impl<T: Queryable> Query<T> {
    /// Everything, from the start, in the relay's own order.
    pub fn all(account_id: AccountId) -> Self {
        Self {
            account_id,
            filter: None,
            sort: None,
            position: 0,
            anchor: None,
            anchor_offset: 0,
            limit: None,
            calculate_total: false,
            collapse_threads: false,
        }
    }
}

/// The answer to [`Query`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryAnswer<I> {
    /// Whose objects.
    pub account_id: AccountId,
    /// The state of this query.
    pub query_state: State,
    /// Whether `/queryChanges` can follow.
    pub can_calculate_changes: bool,
    /// The place of the first id.
    pub position: u64,
    /// The ids.
    pub ids: Vec<I>,
    /// How many match, when asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The limit the relay set, when it set one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl<T: Queryable> Method for Query<T> {
    type Answer = QueryAnswer<T::Id>;

    fn name(&self) -> &'static str {
        T::QUERY
    }
}

fn yes() -> bool {
    true
}

fn none<T>() -> Option<T> {
    None
}
