use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;

use super::Shared;

/// The scheme by which a client reaches the proxy in front, where that is trusted and says so.
#[derive(Debug, Clone, Copy)]
pub struct Scheme(pub &'static str);

/// Puts what the client has in the place of what a trusted proxy has: the address, and the name that it asked for.
pub async fn believe(State(shared): State<Shared>, mut request: Request, next: Next) -> Response {
    let trusted = &shared.relay.config.forwarded_networks;
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() {
        let client = SocketAddr::new(client(peer.ip(), request.headers(), trusted), peer.port());
        request.extensions_mut().insert(ConnectInfo(client));
        if is_in(trusted, &peer.ip().to_canonical()) {
            asked_for(&mut request);
        }
    }
    next.run(request).await
}

fn is_in(trusted: &[IpNet], address: &IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// The host and the scheme that the client asked for: what the proxy next to the relay says of them.
fn asked_for(request: &mut Request) {
    let headers = request.headers();
    let host = said(headers, "host", "x-forwarded-host");
    let host = host.filter(|host| host.parse::<Authority>().is_ok()).and_then(|host| host.parse().ok());
    let scheme = said(headers, "proto", "x-forwarded-proto").map(|scheme| scheme.to_ascii_lowercase());
    if let Some(host) = host {
        request.headers_mut().insert(header::HOST, host);
    }
    match scheme.as_deref() {
        Some("https") => drop(request.extensions_mut().insert(Scheme("https"))),
        Some("http") => drop(request.extensions_mut().insert(Scheme("http"))),
        _ => {}
    }
}

/// The last value of a parameter of Forwarded (RFC 7239 4), or without one of the field that was there before it.
fn said(headers: &HeaderMap, parameter: &str, field: &str) -> Option<String> {
    let last = |name: &str| {
        let value = headers.get_all(name).into_iter().next_back()?.to_str().ok()?;
        value.rsplit(',').next().map(str::trim)
    };
    let pairs = last("forwarded").into_iter().flat_map(|element| element.split(';'));
    let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(parameter));
    let value = found.map(|(_, value)| value.trim().trim_matches('"')).or_else(|| last(field))?;
    Some(value.to_owned())
}

/// The last address in X-Forwarded-For that no trusted proxy has: what stands before it anybody may have written.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| is_in(trusted, address);
    let mut client = peer.to_canonical();
    let values = headers.get_all("x-forwarded-for").into_iter().rev();
    let names = values.flat_map(|value| value.to_str().unwrap_or("?").rsplit(','));
    for name in names {
        if !is_trusted(&client) {
            break;
        }
        let Ok(before) = name.trim().parse::<IpAddr>() else { break };
        client = before.to_canonical();
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, fields: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append("x-forwarded-for", field.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn the_name_that_was_asked_for_is_what_the_nearest_proxy_says() {
        for (name, value, host, scheme) in [
            ("x-forwarded-host", "post.example", Some("post.example"), None),
            ("x-forwarded-host", "evil.example, post.example:8443", Some("post.example:8443"), None),
            ("x-forwarded-proto", "HTTPS", None, Some("https")),
            (
                "forwarded",
                "for=192.0.2.1;Host=\"post.example:8443\";proto=https",
                Some("post.example:8443"),
                Some("https"),
            ),
            ("forwarded", "host=evil.example, for=\"[::1]\"; proto=http", None, Some("http")),
            ("x-forwarded-host", "not a host", None, None),
            ("x-forwarded-proto", "gopher", None, None),
        ] {
            let mut request = Request::new(axum::body::Body::empty());
            request.headers_mut().insert(name, value.parse().unwrap());
            asked_for(&mut request);
            let found = request.headers().get(header::HOST).map(|host| host.to_str().unwrap());
            let by = request.extensions().get::<Scheme>().map(|scheme| scheme.0);
            assert_eq!((found, by), (host, scheme), "{name}: {value}");
        }
    }

    #[test]
    fn only_what_trusted_proxies_say_is_believed() {
        assert_eq!(seen("192.0.2.1", &["203.0.113.7"]), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["203.0.113.7"]), "203.0.113.7");
        assert_eq!(seen("::ffff:10.0.0.1", &["203.0.113.7"]), "203.0.113.7");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, 203.0.113.7, 10.0.0.2"]), "203.0.113.7");
        assert_eq!(seen("::1", &["198.51.100.1", "2001:db8::7"]), "2001:db8::7");
        assert_eq!(seen("10.0.0.1", &["203.0.113.7, nobody"]), "10.0.0.1");
    }
}
