//! Puts a copy of the proxy's source where `src/lib.rs` can include it. The fuzz target joins a client and an endpoint to the
//! proxy in memory, which its public interface does not allow and nobody but tests needs; so it is compiled as a part of this
//! crate, where nothing of it is hidden.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let source = Path::new("../src");
    println!("cargo::rerun-if-changed={}", source.display());
    let copy = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where")).join("src");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    copy_all(source, &copy)?;
    // What is included is no crate, and cannot say what the crate is for.
    let root = fs::read_to_string(source.join("lib.rs"))?;
    let body: Vec<&str> = root.lines().filter(|line| !line.starts_with("//!")).collect();
    fs::write(copy.join("lib.rs"), body.join("\n"))
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_all(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
