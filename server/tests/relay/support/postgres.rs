//! A PostgreSQL server of the test's own, which ends with the process however that ends.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// A running server; its folder is removed when it ends.
pub struct Postgres {
    folder: PathBuf,
    port: u16,
    programs: PathBuf,
    // Its end of the pipe closes when this process ends, and the server is stopped then.
    _watch: Child,
}

/// Makes a cluster in `$1` with the programs in `$2`, serves on port `$3` with the options `$4`, and stops when
/// its input closes.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
PATH="$2:$PATH"
initdb -D "$1" -U sealpost -A trust -E UTF8 --no-sync >"$1.log" 2>&1 || exit 1
postgres -D "$1" -k "" -h 127.0.0.1 -p "$3" -c max_connections=400 -c shared_buffers=64MB $4 >>"$1.log" 2>&1 &
read -r _
pg_ctl -D "$1" -m immediate stop >/dev/null 2>&1
wait
rm -rf "$1" "$1.log"
"#;

impl Postgres {
    /// The folder of PostgreSQL's programs, where it is installed.
    pub fn programs() -> Option<PathBuf> {
        // Debian keeps them outside of the path, by version.
        let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut debian: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
        debian.sort();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let needed = ["initdb", "pg_ctl", "pg_isready", "createdb"];
        let mut folders = debian.into_iter().rev().chain(std::env::split_paths(&path));
        folders.find(|folder| needed.iter().all(|program| folder.join(program).exists()))
    }

    /// Starts a server on a free port, with options of the command line.
    pub fn start(programs: PathBuf, options: &str) -> Self {
        let folder = std::env::temp_dir().join(sealpost::random::id('p'));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let watch = unprivileged(Path::new("sh"))
            .args(["-c", SCRIPT, "sh"])
            .args([&folder, &programs])
            .args([&port.to_string(), options])
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let server = Self { folder, port, programs, _watch: watch };
        server.wait();
        server
    }

    /// The one server of this process; it does not wait for the disk, for these tests cut no power.
    pub fn shared() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
        SERVER.get_or_init(|| Some(Self::start(Self::programs()?, "-c fsync=off"))).as_ref()
    }

    /// Makes a database and gives its address.
    pub fn database(&self, name: &str) -> String {
        let made = self.client("createdb").arg(name).status().unwrap();
        assert!(made.success(), "createdb {name}");
        self.url(name)
    }

    /// The address of a database.
    pub fn url(&self, name: &str) -> String {
        self.url_through(name, self.port)
    }

    /// The address of a database by another port.
    pub fn url_through(&self, name: &str, port: u16) -> String {
        format!("postgres://sealpost@127.0.0.1:{port}/{name}")
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its programs.
    pub fn programs_folder(&self) -> &Path {
        &self.programs
    }

    /// Where it keeps everything.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it wrote to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.with_extension("log")).unwrap()
    }

    /// The number of its first process.
    pub fn process(&self) -> u32 {
        let text = std::fs::read_to_string(self.folder.join("postmaster.pid")).unwrap();
        text.lines().next().unwrap().parse().unwrap()
    }

    /// Stops it without warning and starts it again.
    pub fn restart(&self) {
        let mut restart = unprivileged(&self.programs.join("pg_ctl"));
        restart.arg("-D").arg(&self.folder).args(["-m", "immediate", "-w", "-l"]);
        restart.arg(self.folder.with_extension("log")).arg("restart").current_dir(std::env::temp_dir());
        assert!(restart.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    }

    fn wait(&self) {
        for _ in 0..600 {
            let ready = self.client("pg_isready").args(["-t", "1", "-q"]).status();
            if ready.is_ok_and(|status| status.success()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("PostgreSQL does not start: see {}.log", self.folder.display());
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "sealpost"]);
        command
    }
}

/// PostgreSQL refuses to run as root.
fn unprivileged(program: &Path) -> Command {
    let user = Command::new("id").arg("-u").output().unwrap().stdout;
    let mut command = Command::new(if user == b"0\n" { Path::new("runuser") } else { program });
    if user == b"0\n" {
        command.args(["-u", "postgres", "--"]).arg(program);
    }
    command
}
