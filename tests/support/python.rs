//! Python with packages of `PyPI`, in fixed versions with fixed sums, kept below `target`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// A Python interpreter in an environment of that name with the packages of that file, made unless it is there.
pub(crate) fn environment(name: &str, requirements: &Path) -> PathBuf {
    // Of two tests that want the same one, only one makes it.
    static MAKING: Mutex<()> = Mutex::new(());
    let _alone = MAKING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // An environment knows its own path, so it is made where it stays.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let (ready, wanted) = (folder.join("ready"), std::fs::read_to_string(requirements));
    let wanted = wanted.expect("it is in the repository");
    if std::fs::read_to_string(&ready).ok().as_ref() != Some(&wanted) {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
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
