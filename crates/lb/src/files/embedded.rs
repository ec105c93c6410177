//! The page inside the binary, as a file system for tower-http.

use std::future::{Ready, ready};
use std::io::{self, Cursor};
use std::path::{Component, Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rust_embed::{EmbeddedFile, RustEmbed};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tower_http::services::fs::{Backend, File, Metadata};

#[derive(RustEmbed)]
#[folder = "../../static"]
#[exclude = "tailwind.css"]
struct Embedded;

/// The page's files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page;

/// One of them, opened.
pub(super) struct OpenFile {
    content: Cursor<Vec<u8>>,
    metadata: FileMetadata,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct FileMetadata {
    is_folder: bool,
    length: u64,
    modified_s: u64,
}

/// The path as the page's files are called: tower-http puts a `.` before it.
fn normal(path: &Path) -> PathBuf {
    path.components().filter(|component| matches!(component, Component::Normal(_))).collect()
}

fn find(path: &Path) -> io::Result<EmbeddedFile> {
    normal(path).to_str().and_then(Embedded::get).ok_or(io::ErrorKind::NotFound.into())
}

fn metadata(file: &EmbeddedFile) -> FileMetadata {
    let modified_s = file.metadata.last_modified().unwrap_or_default();
    FileMetadata { is_folder: false, length: file.data.len() as u64, modified_s }
}

impl Backend for Page {
    type File = OpenFile;
    type Metadata = FileMetadata;
    type OpenFuture = Ready<io::Result<OpenFile>>;
    type MetadataFuture = Ready<io::Result<FileMetadata>>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        ready(
            find(&path)
                .map(|file| OpenFile { metadata: metadata(&file), content: Cursor::new(file.data.into_owned()) }),
        )
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        // The page has one folder, its root.
        if normal(&path).as_os_str().is_empty() {
            return ready(Ok(FileMetadata { is_folder: true, length: 0, modified_s: 0 }));
        }
        ready(find(&path).map(|file| metadata(&file)))
    }
}

impl Metadata for FileMetadata {
    fn is_dir(&self) -> bool {
        self.is_folder
    }

    fn modified(&self) -> io::Result<SystemTime> {
        Ok(UNIX_EPOCH + Duration::from_secs(self.modified_s))
    }

    fn len(&self) -> u64 {
        self.length
    }
}

impl File for OpenFile {
    type Metadata = FileMetadata;
    type MetadataFuture<'a> = Ready<io::Result<FileMetadata>>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        ready(Ok(self.metadata))
    }
}

impl AsyncRead for OpenFile {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.content).poll_read(cx, buf)
    }
}

impl AsyncSeek for OpenFile {
    fn start_seek(mut self: Pin<&mut Self>, position: io::SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.content).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.content).poll_complete(cx)
    }
}
