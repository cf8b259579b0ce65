//! The test runner that cargo starts for wasm32 test binaries: each runs in headless Chromium.
//!
//! The folder that `SEALPOST_SERVED` names is served beside the test.

use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    let mut arguments: Vec<_> = env::args_os().collect();
    if let Some(folder) = env::var_os("SEALPOST_SERVED") {
        // What the runner serves beside its own files is the folder that it runs in.
        if let Some(module) = arguments.get_mut(1)
            && let Ok(path) = fs::canonicalize(&*module)
        {
            *module = path.into();
        }
        if let Err(error) = env::set_current_dir(&folder) {
            eprintln!("{}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
    }
    match wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}
