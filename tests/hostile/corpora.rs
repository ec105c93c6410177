//! What others have collected, fetched once from the package registries by their own clients, in fixed versions with fixed
//! sums, and kept below `target`. None of it is ours, so none of it is in the repository.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::python::{environment, run};

/// The crate with requests that are told apart by how dangerous they are.
const GUARDIAN: (&str, &str, &str) =
    ("http_desync_guardian", "0.1.3", "ad6e2c57ee440735bff81df73424914248782406defb1c301042baae2cf4ae74");

/// The crate with a scanner for request smuggling.
const SCANNER: (&str, &str, &str) =
    ("smugglex", "0.4.0", "65060759d181e7d0ba89d9a8b001b4b1f5c5a73edc366fa3e818010b2af1f3ab");

/// gunicorn's requests: a folder with `valid` and `invalid`.
pub(crate) fn gunicorn() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        once("gunicorn-27.0.1", |folder| {
            run(Command::new(python_with_packages())
                .args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--require-hashes"])
                .arg("--requirement")
                .arg(beside("sources.txt"))
                .arg("--dest")
                .arg(folder));
            run(Command::new("tar").arg("-xzf").arg(folder.join("gunicorn-27.0.1.tar.gz")).arg("-C").arg(folder));
        })
    });
    folder.join("gunicorn-27.0.1/tests/requests")
}

/// The guardian's cases: a folder of YAML files.
pub(crate) fn guardian() -> PathBuf {
    crates().join(GUARDIAN.0).join("tests")
}

/// The scanner's binary.
pub(crate) fn scanner() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        // Its sum is checked where it is fetched; cargo holds both to the same index. What it finds does not depend on how fast it
        // is, and unoptimised it is built in half the time.
        let _checked = crates();
        once(&format!("{}-{}", SCANNER.0, SCANNER.1), |folder| {
            run(cargo()
                .args(["install", "--quiet", "--debug", "--locked", SCANNER.0, "--version", SCANNER.1])
                .arg("--root")
                .arg(folder)
                .arg("--target-dir")
                .arg(folder.join("build")));
            std::fs::remove_dir_all(folder.join("build")).expect("what was built there is not needed");
        })
    });
    folder.join("bin").join(SCANNER.0)
}

/// A Python interpreter with the packages of `requirements.txt`.
pub(crate) fn python_with_packages() -> PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| environment(&folder().join("python"), &beside("requirements.txt"))).clone()
}

/// The sources of both crates, as folders with their names.
fn crates() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        once(&format!("crates-{}-{}", GUARDIAN.1, SCANNER.1), |folder| {
            let wanted = [GUARDIAN, SCANNER].map(|(name, version, _)| format!("{name} = \"={version}\"\n")).concat();
            let manifest = format!(
                "[package]\nname = \"corpora\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n[dependencies]\n{wanted}"
            );
            std::fs::write(folder.join("Cargo.toml"), manifest).expect("it can be written");
            std::fs::write(folder.join("lib.rs"), "").expect("it can be written");
            run(cargo().args(["vendor", "--quiet"]).arg(folder.join("vendor")).current_dir(folder));
            for (name, _, sum) in [GUARDIAN, SCANNER] {
                let sums = std::fs::read(folder.join("vendor").join(name).join(".cargo-checksum.json"));
                let sums: serde_json::Value = serde_json::from_slice(&sums.expect(name)).expect("it is JSON");
                assert_eq!(sums["package"], sum, "the crate {name} is another one");
            }
        })
    });
    folder.join("vendor")
}

/// Makes a folder of that name below `target`, unless it is there, whole.
fn once(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let (corpora, whole) = (folder(), folder().join(name));
    if !whole.exists() {
        let unfinished = tempfile::tempdir_in(corpora).expect("a folder can be made");
        make(unfinished.path());
        // Another process may have been quicker; what it has made is the same.
        let _quicker = std::fs::rename(unfinished.path(), &whole);
    }
    whole
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("corpora");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hostile").join(name)
}

fn cargo() -> Command {
    Command::new(env!("CARGO"))
}
