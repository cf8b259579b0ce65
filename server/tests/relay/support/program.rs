use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Runs a program beside the relay, which may have to answer it.
pub async fn run(mut command: Command, input: &str) -> Output {
    let input = input.to_owned();
    let work = move || {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that ends early does not read.
        child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
        child.wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// What it wrote.
pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
