//! Figures for Prometheus. No label names a person, an account, a domain or anything that a stranger chose.

use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::clock::now;
use crate::relay::Relay;
use crate::store::{self, StoreError};

/// Names and values that this program knows beforehand.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// What is counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels<3>, Counter>,
    request_seconds: Family<Labels<1>, Histogram>,
    calls: Family<Labels<2>, Counter>,
    call_seconds: Family<Labels<1>, Histogram>,
    deliveries: Family<Labels<1>, Counter>,
    refusals: Family<Labels<1>, Counter>,
    streams: Gauge,
    queue: Family<Labels<1>, Gauge>,
    readers: Family<Labels<1>, Gauge>,
}

/// From half a millisecond to about eight seconds.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 15))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sealpost");
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        let build: Family<Labels<1>, Gauge> = Family::default();
        build.get_or_create(&version).set(1);
        registry.register("build", "The release that runs", build);
        let metrics = Self {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds),
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(seconds),
            deliveries: Family::default(),
            refusals: Family::default(),
            streams: Gauge::default(),
            queue: Family::default(),
            readers: Family::default(),
            registry: Registry::default(),
        };
        registry.register("http_requests", "HTTP requests", metrics.requests.clone());
        let times = "Time until the head of an HTTP answer";
        registry.register_with_unit("http_request", times, Unit::Seconds, metrics.request_seconds.clone());
        registry.register("jmap_calls", "JMAP method calls", metrics.calls.clone());
        let times = "Time of a JMAP method call";
        registry.register_with_unit("jmap_call", times, Unit::Seconds, metrics.call_seconds.clone());
        registry.register(
            "deliveries",
            "Messages for mailboxes here, by outcome",
            metrics.deliveries.clone(),
        );
        registry.register("refusals", "What was refused because of a limit", metrics.refusals.clone());
        registry.register("streams", "Streams and sockets that listen", metrics.streams.clone());
        registry.register("queue", "Messages that wait to be sent elsewhere", metrics.queue.clone());
        registry.register("readers", "Connections to the store that read", metrics.readers.clone());
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// Counts an HTTP request; `room` is the known beginning of its path.
    pub fn request(&self, method: &axum::http::Method, room: &'static str, status: u16, time: Duration) {
        let method = match *method {
            axum::http::Method::GET => "GET",
            axum::http::Method::POST => "POST",
            _ => "other",
        };
        let status = match status / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        self.requests.get_or_create(&[("method", method), ("route", room), ("status", status)]).inc();
        self.request_seconds.get_or_create(&[("route", room)]).observe(time.as_secs_f64());
    }

    /// Counts a JMAP method call.
    pub fn call(&self, method: &'static str, is_answered: bool, time: Duration) {
        let outcome = if is_answered { "ok" } else { "error" };
        self.calls.get_or_create(&[("method", method), ("outcome", outcome)]).inc();
        self.call_seconds.get_or_create(&[("method", method)]).observe(time.as_secs_f64());
    }

    /// Counts messages for mailboxes here.
    pub fn delivery(&self, mailboxes: usize, is_kept: bool) {
        let outcome = if is_kept { "kept" } else { "failed" };
        let mailboxes = u64::try_from(mailboxes).unwrap_or(u64::MAX);
        self.deliveries.get_or_create(&[("outcome", outcome)]).inc_by(mailboxes);
    }

    /// Counts something that was refused because of `limit`.
    pub fn refusal(&self, limit: &'static str) {
        self.refusals.get_or_create(&[("limit", limit)]).inc();
    }

    /// All figures as Prometheus reads them (OpenMetrics).
    pub async fn text(&self, relay: &Relay) -> Result<String, StoreError> {
        let wide = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.streams.set(wide(relay.hub.listening()));
        let (open, idle) = relay.store.readers();
        self.readers.get_or_create(&[("state", "idle")]).set(wide(idle));
        self.readers.get_or_create(&[("state", "busy")]).set(wide(open.saturating_sub(idle)));
        let mut connection = relay.store.read().await?;
        let depth = store::queue_depth(&mut connection, now()).await?;
        self.queue.get_or_create(&[("state", "due")]).set(depth.due);
        self.queue.get_or_create(&[("state", "waiting")]).set(depth.waiting);
        let mut text = String::new();
        // Writing to a text does not fail.
        encode(&mut text, &self.registry).ok();
        Ok(text)
    }
}
