//! Many messages in one process: `smime` as `sealpost-agent` uses it, beside OpenSSL's CMS functions.
//!
//! Each round does the same work with both, one after the other; figures go to standard output as JSON.
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

mod ours;
mod peer;
mod people;

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use people::{Cipher, Kind, People};

/// Name, bytes, rounds, and how many times OpenSSL's time it may take.
const SIZES: [(&str, usize, usize, f64); 3] =
    [("10 KB", 10_000, 301, 1.5), ("1 MB", 1_000_000, 61, 1.0), ("25 MB", 25_000_000, 11, 1.0)];

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let people = People::new()?;
    let mut figures = Vec::new();
    for (name, bytes, rounds, target) in SIZES {
        let rounds = if quick { rounds / 6 + 3 } else { rounds };
        for kind in [Kind::P256, Kind::Rsa2048] {
            for cipher in [Cipher::Gcm, Cipher::Cbc] {
                let times = measure(&people, kind, cipher, bytes, rounds)?;
                let job = format!("{name} {kind} {cipher}");
                figures.extend(tell(&job, &times, target));
            }
        }
    }
    println!("{}", serde_json::to_string_pretty(&Value::Array(figures))?);
    Ok(())
}

/// Milliseconds of each round, for sealing and opening.
#[derive(Default)]
struct Times {
    ours: [Vec<f64>; 2],
    openssl: [Vec<f64>; 2],
}

fn measure(people: &People, kind: Kind, cipher: Cipher, bytes: usize, rounds: usize) -> Result<Times> {
    let mut content = vec![0; bytes];
    getrandom::fill(&mut content).ok().context("no randomness")?;
    let mut times = Times::default();
    let (our_side, peer) = (people.ours(kind), people.peer(kind));
    // The first round is warmth for both.
    for round in 0..=rounds {
        let (sealing, sealed) = timed(|| our_side.seal(cipher, &content))?;
        let (opening, opened) = timed(|| our_side.open(&sealed))?;
        ensure!(opened == bytes, "smime opened {opened} of {bytes} bytes");
        let (peer_sealing, sealed) = timed(|| peer.seal(cipher, &content))?;
        let (peer_opening, opened) = timed(|| peer.open(&sealed))?;
        ensure!(opened == bytes, "OpenSSL opened {opened} of {bytes} bytes");
        if round > 0 {
            times.ours.iter_mut().zip([sealing, opening]).for_each(|(list, time)| list.push(time));
            times
                .openssl
                .iter_mut()
                .zip([peer_sealing, peer_opening])
                .for_each(|(list, time)| list.push(time));
        }
    }
    Ok(times)
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(f64, T)> {
    let began = Instant::now();
    let result = work()?;
    Ok((began.elapsed().as_secs_f64() * 1000.0, result))
}

fn tell(job: &str, times: &Times, target: f64) -> Vec<Value> {
    let mut figures = Vec::new();
    for ((operation, ours), openssl) in ["seal", "open"].into_iter().zip(&times.ours).zip(&times.openssl) {
        let (mine, theirs) = (at(ours, 0.5), at(openssl, 0.5));
        let ratio = mine / theirs;
        let missed = if ratio <= target { "" } else { ", missed" };
        for (who, list, beside) in [
            ("openssl", openssl, String::new()),
            ("sealpost", ours, format!("{ratio:.2} x openssl, target {target}{missed}, ")),
        ] {
            figures.push(json!({
                "what": format!("native {job} {operation}: {who}"),
                "value": at(list, 0.5),
                "unit": "ms",
                "beside": format!("{beside}p95 {:.2}", at(list, 0.95)),
                "detail": {"job": job, "operation": operation, "who": who, "rounds": list.len(),
                    "median": at(list, 0.5), "p95": at(list, 0.95), "ofOpenssl": ratio, "target": target},
            }));
        }
    }
    figures
}

/// The value that this share of the list does not exceed.
fn at(list: &[f64], share: f64) -> f64 {
    let mut sorted = list.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a short list"
    )]
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}
