//! `lb` whose log cannot be written.

use std::fs::OpenOptions;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ExitStatus, Stdio};

use crate::support::{address_of_its_own, lb::lb, wait_until};

/// Runs until it is told to stop, or dropped. It cannot say where it listens, so it is told.
pub(super) struct Mute {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Mute {
    /// `config` binds the address that it is given.
    pub(super) fn start(config: impl FnOnce(SocketAddr) -> String) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the configuration");
        let address = address_of_its_own();
        std::fs::write(folder.path().join("lb.toml"), config(address)).expect("the configuration can be written");
        let full = || OpenOptions::new().write(true).open("/dev/full").expect("Linux has such a device");
        let mut command = lb();
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(full()).stderr(full());
        let mut child = command.spawn().expect("the binary starts");
        wait_until("lb listens", || {
            let ended = child.try_wait().expect("it can be waited for");
            assert!(ended.is_none(), "lb ended, {}, since it could not write its log", ended.expect("it ended"));
            TcpStream::connect(address).is_ok()
        });
        Self { child, address, _folder: folder }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, and waits until it has.
    pub(super) fn stop(mut self) -> ExitStatus {
        super::backends::signal(self.pid(), "TERM");
        self.child.wait().expect("it can be waited for")
    }
}

impl Drop for Mute {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}
