//! `seeds FOLDER TARGET...`: writes the first inputs of each target into a folder of its name.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| ".".into()));
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");
    let vectors = env::var_os("SEALPOST_VECTORS").map_or_else(|| PathBuf::from(default), PathBuf::from);
    for target in arguments {
        let into = folder.join(&target);
        fs::create_dir_all(&into)?;
        for (name, bytes) in [fuzz::seeds::of(&target), fuzz::seeds::of_corpora(&target, &vectors)?].concat()
        {
            fs::write(into.join(name), bytes)?;
        }
    }
    Ok(())
}
