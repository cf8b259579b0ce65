use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::{Config, ConfigError, LOG_DAYS};

impl Config {
    /// The configuration, if its keys go together.
    pub(super) fn checked(self) -> Result<Self, ConfigError> {
        if self.demo && !self.listen.ip().is_loopback() {
            return Err(ConfigError::PublicDemo(self.listen));
        }
        if let Some(address) = self.metrics_listen.filter(|address| !address.ip().is_loopback())
            && !self.metrics_public
        {
            return Err(ConfigError::PublicMetrics(address));
        }
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            return Err(ConfigError::HalfTls);
        }
        let needs_tls = [
            ("tls_listen", self.tls_listen.is_some()),
            ("smtp_tls_listen", self.smtp_tls_listen.is_some()),
            ("smtp_require_tls", self.smtp_require_tls),
        ];
        if let (None, Some((key, _))) = (&self.tls_key, needs_tls.iter().find(|(_, set)| *set)) {
            return Err(ConfigError::NoTls(key));
        }
        if self.tls_listen.is_some() && !self.url().starts_with("https://") {
            return Err(ConfigError::NotHttps);
        }
        if self.log_folder.is_some() && self.log_days < LOG_DAYS {
            return Err(ConfigError::Retention(self.log_days));
        }
        self.log_filter()?;
        Ok(self)
    }

    /// What to log.
    pub fn log_filter(&self) -> Result<EnvFilter, ConfigError> {
        let log = || self.log.clone();
        // A word alone would be the name of a target: `loud` would be a filter that lets nothing pass.
        // The filter's own reader cuts at octets, and panics within a character that has several.
        let bare = |word: &&str| !word.is_ascii() || !word.contains(['=', '[', ']', '{', '}']);
        let words = self.log.split(',').map(str::trim).filter(|word| !word.is_empty()).filter(bare);
        for word in words {
            if word.parse::<LevelFilter>().is_err() {
                return Err(ConfigError::Level { log: log(), word: word.to_owned() });
            }
        }
        EnvFilter::try_new(&self.log).map_err(|source| ConfigError::Log { log: log(), source })
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    #[test]
    fn the_demo_stays_on_loopback() {
        let public = Config { demo: true, listen: "192.0.2.1:80".parse().unwrap(), ..Config::default() };
        assert!(matches!(public.checked(), Err(ConfigError::PublicDemo(_))));
        assert!(Config { demo: true, ..Config::default() }.checked().is_ok());
    }

    #[test]
    fn figures_stay_on_loopback_unless_the_operator_says_otherwise() {
        let listening = |address: &str, metrics_public| {
            let metrics_listen = Some(address.parse().unwrap());
            Config { metrics_listen, metrics_public, ..Config::default() }.checked()
        };
        for public in ["0.0.0.0:9464", "[::]:9464", "192.0.2.1:9464", "[::ffff:192.0.2.1]:9464"] {
            assert!(matches!(listening(public, false), Err(ConfigError::PublicMetrics(_))), "{public}");
            assert!(listening(public, true).is_ok(), "{public}");
        }
        assert!(listening("127.0.0.1:9464", false).is_ok() && listening("[::1]:9464", false).is_ok());
    }

    #[test]
    fn tls_needs_a_certificate_and_its_key() {
        let half = Config { tls_key: Some("key.pem".into()), ..Config::default() };
        assert!(matches!(half.checked(), Err(ConfigError::HalfTls)));
        let none = Config { smtp_require_tls: true, ..Config::default() };
        assert!(matches!(none.checked(), Err(ConfigError::NoTls("smtp_require_tls"))));
        let https = |public_url: &str| {
            let (key, certificate) = (Some("key.pem".into()), Some("mx.pem".into()));
            let public_url = Some(public_url.to_owned());
            let tls_listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
            Config { tls_listen, public_url, tls_key: key, tls_certificate: certificate, ..Config::default() }
                .checked()
        };
        assert!(matches!(https("http://post.example"), Err(ConfigError::NotHttps)));
        assert!(https("https://post.example").is_ok());
    }

    #[test]
    fn logs_in_files_are_kept_for_half_a_year_at_least() {
        let kept =
            |log_days| Config { log_folder: Some("log".into()), log_days, ..Config::default() }.checked();
        assert!(matches!(kept(179), Err(ConfigError::Retention(179))));
        assert!(kept(180).is_ok() && kept(2000).is_ok());
    }

    #[test]
    fn a_log_filter_that_cannot_be_read_is_an_error() {
        for log in ["sealpost=loud", "info,=", "a[b=debug"] {
            let wrong = Config { log: log.into(), ..Config::default() };
            let refused = wrong.checked().unwrap_err();
            assert!(refused.to_string().starts_with(&format!("log = {log:?} is no filter: ")), "{refused}");
        }
        for log in ["warn,sealpost=debug", "WARN", "off", "info,sealpost[sending{size=1}]=trace", ""] {
            let right = Config { log: log.into(), ..Config::default() };
            assert!(right.checked().is_ok(), "{log}");
        }
    }

    #[test]
    fn a_log_level_that_does_not_exist_is_an_error() {
        let loud = ("sealpost=debug, loud", "loud");
        for (log, word) in
            [("loud", "loud"), ("info,sealpost", "sealpost"), loud, (" \u{402}=7f", "\u{402}=7f")]
        {
            let wrong = Config { log: log.into(), ..Config::default() };
            let refused = wrong.checked().unwrap_err();
            assert!(matches!(&refused, ConfigError::Level { word: found, .. } if found == word), "{refused}");
        }
    }
}
