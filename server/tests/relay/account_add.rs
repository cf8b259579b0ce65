//! `sealpost account add` with a certificate of another authority.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::support::{Client, Folder, PASSWORD, Served, clear_letter, database, holds};

const KIM: &str = "kim@sealpost.example";

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn openssl(folder: &Path, arguments: &str) -> Vec<u8> {
    run(Command::new("openssl").args(arguments.split(' ')).current_dir(folder))
}

#[tokio::test]
async fn mail_in_clear_is_sealed_to_the_certificate_that_the_account_was_made_with() {
    let folder = Arc::new(Folder::new());
    let path = folder.path();
    openssl(
        path,
        "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 30 -subj /CN=Kim \
         -addext keyUsage=critical,keyEncipherment",
    );
    std::fs::write(path.join("password"), format!("{PASSWORD}\n")).unwrap();
    let database = database(&folder).map_or_else(String::new, |one| format!("database = '{}'\n", one.url()));
    let config = format!("data = '{}'\nlog = 'error'\n{database}", path.join("data").display());
    std::fs::write(path.join("relay.toml"), config).unwrap();
    let add = ["account", "add", KIM, "--cert", "cert.pem", "--password-file", "password"];
    run(Command::new(env!("CARGO_BIN_EXE_sealpost"))
        .args(add)
        .args(["--config", "relay.toml"])
        .current_dir(path));
    let here = Served::open(Arc::clone(&folder), |_| ()).await;
    let letter = clear_letter("a@b.example", KIM, "", "for kim alone");
    let taken = Client::greeted(here.running.smtp).await.deliver(&[KIM], &letter).await;
    assert!(taken.starts_with("250"), "{taken}");
    let kim = here.fixture.sign_in("kim").await;
    let sealed = kim.message(&kim.emails_in("inbox").await[0]).await;
    assert!(!holds(&sealed, "for kim alone"));
    std::fs::write(path.join("sealed.eml"), &sealed).unwrap();
    let opened = openssl(path, "cms -decrypt -in sealed.eml -recip cert.pem -inkey key.pem");
    assert!(holds(&opened, "for kim alone"), "{}", String::from_utf8_lossy(&opened));
}
