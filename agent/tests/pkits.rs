//! NIST's PKITS through the command line: every path, with its policies and revocation lists.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

#[path = "../../crates/smime/tests/support/corpus.rs"]
mod corpus;

use std::path::Path;
use std::process::Command;

use corpus::{Tally, folder};
use serde_json::Value;

/// Within the validity of every certificate of PKITS.
const AT: &str = "2020-01-01T00:00:00Z";

fn names<'c>(case: &'c Value, field: &str) -> Vec<&'c str> {
    case[field].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()).collect()
}

/// The arguments of `path` for a case under its parameters (RFC 5280 6.1.1).
fn arguments(case: &Value, parameters: &Value) -> Vec<String> {
    let mut arguments = vec!["path".to_owned(), "--trust".to_owned()];
    arguments.push("certs/TrustAnchorRootCertificate.crt".to_owned());
    arguments.extend(["--crl".to_owned(), "crls/TrustAnchorRootCRL.crl".to_owned()]);
    let mut repeated = |option: &str, folder: &str, values: Vec<&str>| {
        arguments
            .extend(values.into_iter().flat_map(|value| [option.to_owned(), format!("{folder}{value}")]));
    };
    repeated("--crl", "crls/", names(case, "crls"));
    repeated("--untrusted", "certs/", names(case, "other_certs"));
    repeated("--policy", "", names(parameters, "user_initial_policy_set"));
    let flags = [
        ("initial_explicit_policy", "--require-explicit-policy"),
        ("initial_policy_mapping_inhibit", "--inhibit-policy-mapping"),
        ("initial_any_policy_inhibit", "--inhibit-any-policy"),
    ];
    let set = flags.iter().filter(|(name, _)| parameters[name] == true);
    arguments.extend(set.map(|(_, flag)| (*flag).to_owned()));
    arguments.extend(["--at", AT, "--json"].map(str::to_owned));
    arguments.push(format!("certs/{}", case["cert"].as_str().unwrap()));
    arguments
}

/// What the program says; `Err` is what it says that is not so.
fn judged(folder: &Path, arguments: &[String], valid: bool) -> Result<(), String> {
    let agent = env!("CARGO_BIN_EXE_sealpost-agent");
    let output = Command::new(agent).args(arguments).current_dir(folder).output().unwrap();
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let path = report["path"].as_array().unwrap();
    let consistent = report["reason"].is_null() == valid && path.is_empty() != valid;
    if report["valid"] == valid && consistent { Ok(()) } else { Err(report.to_string()) }
}

#[test]
fn pkits_paths_are_judged_on_the_command_line_as_nist_says() {
    let Some(folder) = folder("pkits-4.1-4.8", "pkits_paths_are_judged_on_the_command_line_as_nist_says")
    else {
        return;
    };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&read("pkits.json")).unwrap();
    let mut tally = Tally::new("PKITS 4.1 to 4.8, on the command line", &[]);
    for line in read("expected.tsv").lines().skip(1) {
        let fields = line.split('\t').collect::<Vec<_>>();
        let case = cases.iter().find(|case| case["name"] == fields[1]).unwrap();
        let arguments = arguments(case, &serde_json::from_str(fields[5]).unwrap());
        tally.judge(fields[1], judged(&folder, &arguments, fields[6] == "VALID"));
    }
    tally.finish(111);
}
