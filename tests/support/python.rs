//! Python programs in an environment of their own below `target`, with packages in fixed versions with fixed sums.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes an environment in that folder with what the file of requirements says, unless it is there. Gives its interpreter.
pub(crate) fn environment(folder: &Path, requirements: &Path) -> PathBuf {
    // An environment knows its own path, so it is made where it stays.
    let ready = folder.join("ready");
    let wanted = std::fs::read_to_string(requirements).expect("it is in the repository");
    if std::fs::read_to_string(&ready).ok().as_ref() != Some(&wanted) {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
        run(Command::new(folder.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--requirement"])
            .arg(requirements));
        std::fs::write(&ready, wanted).expect("it can be written");
    }
    folder.join("bin/python")
}

/// Runs it to its end; fails with all that it has written.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let written = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?} ended with {}:\n{written}", output.status);
    written
}
