//! `cargo xtask run`: a working mailbox on this machine.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::{build, shell, workspace};

/// Where the mailbox answers and keeps its data.
#[derive(clap::Args)]
pub struct Options {
    /// The port for browsers.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The port for mail from outside.
    #[arg(long, default_value_t = 2525)]
    smtp_port: u16,
    /// The folder that keeps accounts and letters.
    #[arg(long, default_value = "./data")]
    data: PathBuf,
    /// Builds quickly and unoptimised, for work on the program itself.
    #[arg(long)]
    dev: bool,
}

const SIGN_IN: &str = "
Sign in as one of the demo people; the password of each is sealpost-demo
    alice@sealpost.example       Alice Lin 林爱
    bob@sealpost.example         Bob Chen 陈博 (use another browser profile, or a private window)
    registry@sealpost.example    Civil Registry 民政登记处, an office
";

/// Builds what is needed, serves until Ctrl-C, and leaves the data for the next time.
pub fn run(options: &Options) -> Result<()> {
    free(options.port, "--port")?;
    free(options.smtp_port, "--smtp-port")?;
    build::build(build::Options { dev: options.dev })?;
    let relay = shell::step("Compiling the relay", || relay(options.dev))?;
    fs::create_dir_all(&options.data)
        .with_context(|| format!("the data folder {} cannot be made", options.data.display()))?;
    let data = options.data.canonicalize()?;
    let config = config(options, &data)?;
    serve(&relay, &config, &data.join("sealpost.log"), options)
}

/// Builds the relay and returns the path of its program.
pub fn relay(dev: bool) -> Result<PathBuf> {
    let mut cargo = workspace::cargo(["build", "--package", "sealpost"]);
    if !dev {
        cargo.arg("--release");
    }
    shell::run(&mut cargo)?;
    Ok(workspace::target().join(if dev { "debug" } else { "release" }).join("sealpost"))
}

fn free(port: u16, option: &str) -> Result<()> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => bail!(
            "port {port} is used by another program, perhaps a Sealpost that still runs; stop it, or choose \
             another port with {option} {}",
            port.saturating_add(1)
        ),
        Err(error) => bail!("port {port} cannot be used ({error}); choose another with {option} NUMBER"),
    }
}

fn config(options: &Options, data: &Path) -> Result<PathBuf> {
    let folder = workspace::target().join("run");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("sealpost-{}.toml", options.port));
    let quoted = |path: &Path| serde_json::Value::from(path.display().to_string()).to_string();
    let text = format!(
        "listen = \"127.0.0.1:{}\"\nsmtp_listen = \"127.0.0.1:{}\"\ndata = {}\nweb_root = {}\ndemo = true\n",
        options.port,
        options.smtp_port,
        quoted(data),
        quoted(&workspace::dist()),
    );
    fs::write(&path, text)?;
    Ok(path)
}

fn serve(relay: &Path, config: &Path, log: &Path, options: &Options) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let mut child = Command::new(relay)
        .args(["serve", "--config"])
        .arg(config)
        .stdout(Stdio::piped())
        .stderr(fs::OpenOptions::new().create(true).append(true).open(log)?)
        // Ctrl-C reaches this program alone, which then asks the relay to stop.
        .process_group(0)
        .spawn()
        .with_context(|| format!("{} could not be started", relay.display()))?;
    let stopping = Arc::new(AtomicBool::new(false));
    let (pid, asked) = (Pid::from_child(&child), Arc::clone(&stopping));
    std::thread::spawn(move || {
        for _ in signals.forever() {
            let again = asked.swap(true, Ordering::SeqCst);
            eprintln!("{}", if again { "Ending it at once ..." } else { "Stopping ..." });
            // It may have ended by itself meanwhile; then there is nobody to tell.
            let _ = kill_process(pid, if again { Signal::KILL } else { Signal::TERM });
        }
    });
    announce(&mut child, log, options)?;
    let status = child.wait()?;
    if stopping.load(Ordering::SeqCst) {
        println!("Sealpost has stopped. Its data is in {}.", options.data.display());
        return Ok(());
    }
    bail!("the relay ended by itself with {status}; the end of its log {}:\n{}", log.display(), tail(log))
}

/// Passes on what the relay prints; once it is ready, tells how to sign in.
fn announce(child: &mut Child, log: &Path, options: &Options) -> Result<()> {
    let stdout = child.stdout.take().context("a piped child has a standard output")?;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        println!("{line}");
        if line.starts_with("Sealpost is ready") {
            println!("{SIGN_IN}");
            println!("Mail from outside comes in by SMTP on localhost:{}.", options.smtp_port);
            println!("The log is {}. Ctrl-C stops it.", log.display());
        }
    }
    Ok(())
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(8)..).unwrap_or_default().join("\n")
}
