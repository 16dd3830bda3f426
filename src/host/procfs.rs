//! Processes, netlink ports and namespaces, as `/proc` shows them.

use std::fmt;
use std::fs;

use crate::macros::pad;

/// Returns the command of a process, as in `/proc/PID/comm`; `None` if the process does not exist or is
/// hidden.
#[must_use]
pub fn command(pid: u32) -> Option<String> {
    let comm = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(String::from_utf8_lossy(&comm).trim_end().to_owned())
}

/// A user-space process.
///
/// # Examples
///
/// ```
/// use auditlink::host::procfs::Process;
///
/// let process = Process::read(std::process::id()).ok_or("/proc is not mounted")?;
/// assert_eq!(process.pid, std::process::id());
/// assert_eq!(process.to_string(), format!("{} ({})", process.pid, process.command));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Process {
    /// The PID.
    pub pid: u32,
    /// The command, as in `/proc/PID/comm`.
    pub command: String,
    /// The start time, in clock ticks since boot.
    pub start_ticks: u64,
}

impl Process {
    /// Reads a process; `None` if it does not exist, is hidden, or is a kernel thread.
    #[must_use]
    pub fn read(pid: u32) -> Option<Self> {
        Self::parse(pid, &fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(pid: u32, line: &[u8]) -> Option<Self> {
        let stat = Stat::parse(line)?;
        let command = String::from_utf8_lossy(stat.comm).into_owned();
        (!stat.is_kernel_thread).then_some(Self { pid, command, start_ticks: stat.start_ticks })
    }
}

/// Fields of a line of `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat<'a> {
    pub(crate) comm: &'a [u8],
    pub(crate) is_zombie: bool,
    pub(crate) ppid: u32,
    pub(crate) is_kernel_thread: bool,
    /// The number of threads.
    pub(crate) threads: u32,
    pub(crate) start_ticks: u64,
    /// Whether it is a thread other than the thread-group leader.
    pub(crate) is_thread: bool,
    /// The status that wait(2) returns; 0 also if this process may not read it.
    pub(crate) exit_code: i32,
}

impl<'a> Stat<'a> {
    /// Parses a line. The command in parentheses can contain any characters.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        const PF_KTHREAD: u32 = 0x0020_0000;
        let begin = line.iter().position(|byte| *byte == b'(')? + 1;
        let end = line.iter().rposition(|byte| *byte == b')')?;
        let rest = std::str::from_utf8(line.get(end + 1..)?).ok()?;
        // fields are numbered as in proc(5); the state is field 3
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?;
        let ppid = fields.next()?.parse().ok()?; // 4
        let flags: u32 = fields.nth(4)?.parse().ok()?; // 9
        let threads = fields.nth(10)?.parse().ok()?; // 20
        let start_ticks = fields.nth(1)?.parse().ok()?; // 22
        let exit_signal: Option<i32> = fields.nth(15).and_then(|field| field.parse().ok()); // 38
        let exit_code = fields.nth(13).and_then(|field| field.parse().ok()); // 52
        Some(Self {
            comm: line.get(begin..end)?,
            is_zombie: matches!(state, "Z" | "X"),
            ppid,
            is_kernel_thread: flags & PF_KTHREAD != 0,
            threads,
            start_ticks,
            is_thread: exit_signal == Some(-1),
            exit_code: exit_code.unwrap_or(0),
        })
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad(f, format_args!("{} ({})", self.pid, self.command))
    }
}

/// Returns the user-space processes, sorted by PID.
#[must_use]
pub fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut processes: Vec<Process> = pids.filter_map(Process::read).collect();
    processes.sort_by_key(|process| process.pid);
    processes
}

/// Returns the PID of the process that has bound an audit netlink port; `None` if there is none, or it is
/// hidden.
#[must_use]
pub fn port_holder(port: u32) -> Option<u32> {
    let table = fs::read_to_string("/proc/net/netlink").ok()?;
    let inode = table.lines().skip(1).find_map(|line| inode_of_port(line, port))?;
    let wanted = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?;
    processes.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let mut files = fs::read_dir(entry.path().join("fd")).ok()?.flatten();
        files
            .any(|file| fs::read_link(file.path()).is_ok_and(|link| *link.as_os_str() == *wanted))
            .then_some(pid)
    })
}

/// Returns whether the kernel was booted with `audit=1`. It then keeps records in its hold queue while no
/// daemon is registered, and counts those that do not fit.
///
/// The last `audit=` of the command line counts; every value other than `0` and `off` enables auditing.
///
/// Source: `kernel/audit.c`, `audit_enable`.
#[must_use]
pub fn booted_with_audit() -> bool {
    fs::read_to_string("/proc/cmdline").is_ok_and(|line| is_audit_on(&line))
}

fn is_audit_on(line: &str) -> bool {
    let mut words = line.split_whitespace().rev();
    let value = words.find_map(|word| word.strip_prefix("audit="));
    value.is_some_and(|value| !matches!(value, "0" | "off"))
}

/// Returns the major and minor version of the kernel; `None` if they cannot be read.
pub(crate) fn kernel_version() -> Option<(u32, u32)> {
    parse_version(&fs::read_to_string("/proc/sys/kernel/osrelease").ok()?)
}

fn parse_version(release: &str) -> Option<(u32, u32)> {
    let mut numbers =
        release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// Returns the PID of the process that has bound the netlink port of the daemon `daemon` in its place.
pub(crate) fn port_hijacker(daemon: u32) -> Option<u32> {
    port_holder(daemon).filter(|holder| *holder != daemon)
}

/// Parses a line of `/proc/net/netlink`: `sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode`.
fn inode_of_port(line: &str, port: u32) -> Option<u64> {
    let mut words = line.split_whitespace();
    let protocol: i32 = words.nth(1)?.parse().ok()?;
    let listed: u32 = words.next()?.parse().ok()?;
    if protocol == nix::libc::NETLINK_AUDIT && listed == port {
        words.nth(6)?.parse().ok()
    } else {
        None
    }
}

/// Returns whether this process is in the network namespace of process 1; `None` if it may not read that.
///
/// In the initial pid namespace, process 1 is in the initial network namespace, the only one to which the
/// kernel sends multicast records.
#[must_use]
pub fn is_in_initial_network() -> Option<bool> {
    // without the permission, Linux 5.10 returns an empty link instead of an error
    let namespace = |pid: &str| {
        let link = fs::read_link(format!("/proc/{pid}/ns/net")).ok()?;
        Some(link).filter(|link| !link.as_os_str().is_empty())
    };
    Some(namespace("self")? == namespace("1")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_netlink_table_is_parsed() {
        let line =
            "0000000000000000 9   4711   00000001 0        0        0     2        17       90210";
        assert_eq!(inode_of_port(line, 4711), Some(90210));
        assert_eq!(inode_of_port(line, 4712), None);
        assert_eq!(inode_of_port("0000 15 4711 0 0 0 0 2 0 9", 4711), None, "another protocol");
        assert_eq!(inode_of_port("sk Eth Pid", 1), None);
    }

    #[test]
    fn a_line_of_stat_is_parsed() {
        let line = b"77 (a) (b) 1 ) S 1 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 90210 1 2";
        let process = Process::parse(77, line).expect("a process");
        assert_eq!((&*process.command, process.start_ticks), ("a) (b) 1 ", 90210));
        let kernel = b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 3 0";
        assert_eq!(Process::parse(2, kernel), None);
        for end in 0..line.len() {
            let _ = Process::parse(77, line.get(..end).unwrap_or_default());
        }
        let own = Process::read(std::process::id()).expect("it runs");
        assert!(processes().contains(&own));
    }

    #[test]
    fn kernel_releases_are_parsed() {
        assert_eq!(parse_version("5.10.0-33-cloud-amd64\n"), Some((5, 10)));
        assert_eq!(parse_version("7.2-rc1"), Some((7, 2)));
        assert_eq!(
            (parse_version("7"), parse_version("x.1"), parse_version("")),
            (None, None, None)
        );
        assert!(kernel_version().is_some());
    }

    #[test]
    fn the_last_audit_option_of_the_command_line_counts() {
        assert!(is_audit_on("quiet audit=0 audit=1 audit_backlog_limit=8192"));
        assert!(is_audit_on("audit=on"));
        assert!(!is_audit_on("audit=1 audit=0"));
        assert!(!is_audit_on("noaudit=1 xaudit audit"));
    }

    #[test]
    fn the_command_of_a_process_can_be_read() {
        assert!(command(std::process::id()).is_some());
        assert_eq!(command(u32::MAX), None);
    }
}
