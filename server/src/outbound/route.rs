use std::collections::BTreeMap;

use crate::address;
use crate::config::{Config, Smarthost};

/// Where mail goes next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// To this server, whatever the recipient.
    Smarthost(Smarthost),
    /// To the mail exchangers of this domain.
    Domain(String),
}

/// Puts recipients that go the same way together.
pub fn by_route<T>(
    config: &Config,
    recipients: impl IntoIterator<Item = (String, T)>,
) -> BTreeMap<Route, Vec<(String, T)>> {
    let mut routes: BTreeMap<Route, Vec<(String, T)>> = BTreeMap::new();
    for (recipient, with) in recipients {
        let route = match &config.smarthost {
            Some(host) => Route::Smarthost(host.clone()),
            None => Route::Domain(address::domain(&recipient).unwrap_or_default().to_lowercase()),
        };
        routes.entry(route).or_default().push((recipient, with));
    }
    routes
}
