//! Where lines go: gathered, written whole, and told apart from what could not be.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// So much is gathered before it is written.
const GATHERED: usize = 64 * 1024;

/// A file, or standard output.
#[derive(Debug)]
pub(super) struct Sink {
    // `None`: standard output.
    file: Option<(PathBuf, File)>,
    gathered: Vec<u8>,
    lines: u64,
    // The last line that was begun is not complete in the file.
    is_torn: bool,
    written: u64,
    lost: u64,
    error: Option<io::Error>,
}

impl Sink {
    /// Opens the file to append to it, and creates it if it is not there; without a path, it is standard output.
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        let file = match path {
            None => None,
            Some(path) => Some((path.to_owned(), open(path)?)),
        };
        let is_torn = path.is_some_and(ends_amid_a_line);
        Ok(Self { file, gathered: Vec::new(), lines: 0, is_torn, written: 0, lost: 0, error: None })
    }

    /// One more line, which ends with its newline.
    pub(super) fn push(&mut self, line: &[u8]) {
        self.gathered.extend_from_slice(line);
        self.lines += 1;
        if self.gathered.len() >= GATHERED {
            self.flush();
        }
    }

    /// Writes what was gathered. Of what cannot be written, whole lines are counted as lost.
    pub(super) fn flush(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        let mut text = std::mem::take(&mut self.gathered);
        if self.is_torn {
            // What comes now begins a line of its own.
            text.insert(0, b'\n');
        }
        let mut taken = 0;
        while taken < text.len() {
            let wrote = match &mut self.file {
                Some((_, file)) => file.write(&text[taken..]),
                None => io::stdout().lock().write(&text[taken..]),
            };
            match wrote {
                Ok(0) => self.error = Some(io::ErrorKind::WriteZero.into()),
                Ok(more) => {
                    taken += more;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => self.error = Some(error),
            }
            break;
        }
        let unwritten = memchr::memchr_iter(b'\n', &text[taken..]).count() as u64;
        let lost = unwritten.min(self.lines);
        self.written += self.lines - lost;
        self.lost += lost;
        if taken > 0 {
            self.is_torn = text[taken - 1] != b'\n';
        }
        self.lines = 0;
        text.clear();
        self.gathered = text;
    }

    /// Whether its path leads to another file by now, or to none.
    pub(super) fn is_elsewhere(&self) -> bool {
        let Some((path, file)) = &self.file else { return false };
        let Ok(ours) = file.metadata() else { return false };
        std::fs::metadata(path).map_or(true, |there| (there.dev(), there.ino()) != (ours.dev(), ours.ino()))
    }

    /// Opens its path anew.
    ///
    /// # Errors
    ///
    /// It cannot be opened; the old file stays.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        if let Some((path, file)) = &mut self.file {
            *file = open(path)?;
            self.is_torn = ends_amid_a_line(path);
        }
        Ok(())
    }

    /// How many lines were written, and how many were lost, since this was last asked.
    pub(super) fn take_counts(&mut self) -> (u64, u64) {
        (std::mem::take(&mut self.written), std::mem::take(&mut self.lost))
    }

    /// Why lines could not be written the last time.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o640).open(path)
}

/// Whether the file's last line was not finished, as by a process that ended on a full disk. One that cannot be read is taken
/// to be whole.
fn ends_amid_a_line(path: &Path) -> bool {
    // Looked at before it is opened: to open a pipe for reading would take its reader's bytes.
    let Ok(there) = std::fs::metadata(path) else { return false };
    if !there.is_file() || there.len() == 0 {
        return false;
    }
    let mut last = [b'\n'];
    let read = File::open(path).and_then(|file| file.read_exact_at(&mut last, there.len() - 1));
    read.is_ok() && last != *b"\n"
}
