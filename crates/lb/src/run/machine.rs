//! What the machine lets this process have.

use std::fs;
use std::path::Path;

use rustix::process::{Resource, getrlimit, setrlimit};

/// What there is of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine {
    /// How many descriptors may be open.
    pub(crate) descriptors: usize,
    /// How many bytes of memory there may be.
    pub(crate) memory: u64,
}

impl Machine {
    /// Asks for as many descriptors as there may be, and says what there is.
    pub(crate) fn claim() -> Self {
        Self { descriptors: raise_descriptor_limit(), memory: memory() }
    }
}

/// Each connection takes a descriptor, and one being proxied two; most shells allow 1024 unless asked for more. Returns how
/// many there may be.
fn raise_descriptor_limit() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "cannot raise the limit of open descriptors");
    }
    getrlimit(Resource::Nofile).current.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
}

/// The least of what the machine has, of what this process may address, and of what its control group may use, as that of a
/// container.
fn memory() -> u64 {
    let info = rustix::system::sysinfo();
    let installed = info.totalram.saturating_mul(u64::from(info.mem_unit));
    let addressed = getrlimit(Resource::As).current.unwrap_or(u64::MAX);
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let grouped = limit_of_groups(&groups, |file| fs::read_to_string(Path::new("/sys/fs/cgroup").join(file)).ok());
    installed.min(addressed).min(grouped.unwrap_or(u64::MAX))
}

/// The least limit of the control groups (versions 1 and 2) that `/proc/self/cgroup` names, and of those above them; `None`
/// without any. In a container the named group may be known by another name, or be the root.
fn limit_of_groups(groups: &str, read: impl Fn(&Path) -> Option<String>) -> Option<u64> {
    let files = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, group) = (parts.next()?, parts.next()?);
        match controllers {
            "" => Some((Path::new(""), "memory.max", group)),
            _ if controllers.split(',').any(|one| one == "memory") => {
                Some((Path::new("memory"), "memory.limit_in_bytes", group))
            }
            _ => None,
        }
    });
    let read = &read;
    let limits = files.flat_map(|(root, file, group)| {
        let group = Path::new(group.trim_start_matches('/'));
        let above = group.ancestors().map(move |group| root.join(group).join(file));
        above.filter_map(move |file| read(&file)).filter_map(|text| text.trim().parse().ok())
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_of_all_groups_counts() {
        let files = [
            ("memory.max", "max"),
            ("a/memory.max", "2000"),
            ("a/b/memory.max", "3000\n"),
            ("memory/memory.limit_in_bytes", "9223372036854771712"),
            ("memory/docker/x/memory.limit_in_bytes", "4000"),
        ];
        let limit = |groups: &str| {
            limit_of_groups(groups, |asked| {
                files.iter().find(|(file, _)| Path::new(file) == asked).map(|(_, text)| (*text).to_owned())
            })
        };
        assert_eq!(limit("0::/a/b\n"), Some(2000));
        assert_eq!(limit("0::/\n"), None);
        assert_eq!(limit("0::/elsewhere\n"), None);
        assert_eq!(limit("5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n"), Some(4000));
        assert_eq!(limit(""), None);
    }

    #[test]
    fn this_machine_has_some_memory() {
        assert!(memory() > 1 << 20);
    }
}
