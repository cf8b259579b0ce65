use serde::{Deserialize, Serialize};

use crate::{Id, NoExtra, Object, Settable};

/// What is answered while the owner is away (RFC 8621 8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VacationResponse {
    /// Always `singleton`.
    pub id: Id,
    /// Whether anything is answered.
    #[serde(default)]
    pub is_enabled: bool,
    /// From when (RFC 3339, UTC).
    #[serde(default)]
    pub from_date: Option<String>,
    /// Until when (RFC 3339, UTC).
    #[serde(default)]
    pub to_date: Option<String>,
    /// The subject of the answer.
    #[serde(default)]
    pub subject: Option<String>,
    /// Its text.
    #[serde(default)]
    pub text_body: Option<String>,
    /// Its text in HTML.
    #[serde(default)]
    pub html_body: Option<String>,
}

impl Object for VacationResponse {
    type Id = Id;
    const TYPE: &'static str = "VacationResponse";
    const GET: &'static str = "VacationResponse/get";
    const CHANGES: &'static str = "VacationResponse/changes";
}

impl Settable for VacationResponse {
    const SET: &'static str = "VacationResponse/set";
    type Extra = NoExtra;
}
