//! `[access-log]`: where a line for each request goes, and how it is written.

use std::path::{Path, PathBuf};

use super::table::{Table, Value, closest};

/// The access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessLogConfig {
    /// The file; `None`: standard output.
    pub(crate) path: Option<PathBuf>,
    pub(crate) format: LogFormat,
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// As an object of JSON.
    Json,
    /// As nginx's `combined`.
    Combined,
}

const FORMATS: [(&str, LogFormat); 2] = [("json", LogFormat::Json), ("combined", LogFormat::Combined)];

pub(super) fn read(top: &Table<'_>, folder: &Path) -> Option<AccessLogConfig> {
    let table = top.optional("access-log")?.table("access-log")?;
    let hint = "for example path = \"/var/log/lb/access.log\", or \"-\" for standard output";
    let path = table.required("path", hint).and_then(|value| read_path(&value, folder));
    let format = table.optional("format").map_or(Some(LogFormat::Json), |value| read_format(&value));
    table.finish();
    Some(AccessLogConfig { path: path?, format: format? })
}

#[allow(clippy::option_option, reason = "whether it is right, and whether it is a file")]
fn read_path(value: &Value<'_>, folder: &Path) -> Option<Option<PathBuf>> {
    let text = value.string()?;
    if text == "-" {
        return Some(None);
    }
    let path = folder.join(text);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if text.is_empty() || path.is_dir() || !parent.is_dir() {
        let hint = "write a file's name in a folder that is there; relative paths start at the folder of the configuration file";
        value.problem(&format!("no log can be written to {}", path.display()), hint);
        return None;
    }
    Some(Some(path))
}

fn read_format(value: &Value<'_>) -> Option<LogFormat> {
    let text = value.string()?;
    let found = FORMATS.iter().find(|(name, _)| *name == text);
    if found.is_none() {
        let near = closest(text, FORMATS.iter().map(|(name, _)| *name));
        let hint =
            near.map_or_else(|| "write \"json\" or \"combined\"".to_owned(), |near| format!("did you mean {near:?}?"));
        value.problem(&format!("there is no format {text:?}"), &hint);
    }
    found.map(|(_, format)| *format)
}
