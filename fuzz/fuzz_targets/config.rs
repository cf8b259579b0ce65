//! The configuration file: read, or refused in a sentence.
#![no_main]

use fuzz::bounded;
use libfuzzer_sys::fuzz_target;
use sealpost::config::Config;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match bounded(data, 200, 1 << 20, || toml::from_str::<Config>(text)) {
        Ok(config) => {
            let _ = (config.url(), config.host(), config.secure_cookies(), config.log_filter().is_ok());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
