//! Reading processes from `/proc`.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;

use crate::host::procfs::Stat;
use crate::process::{Credentials, Lookup, ProcessSnapshot};

/// Reads a process or thread from one file.
pub(super) fn process(pid: u32) -> Lookup {
    match fs::read(format!("/proc/{pid}/stat")) {
        Ok(line) => match Stat::parse(&line) {
            // the kernel is releasing the process, of which only this line is left
            Some(stat) if stat.threads == 0 => Lookup::Nothing,
            Some(stat) if stat.is_thread => Lookup::Thread,
            Some(stat) => Lookup::Process(Box::new(seen(pid, &stat))),
            None => Lookup::Unknown,
        },
        Err(error) => absent(&error),
    }
}

/// Reads a process with all details from seven files. `stat` is read last: if the PID was reused
/// meanwhile, its start time differs from that of the process that the caller expects.
pub(super) fn details(pid: u32) -> Lookup {
    let path = |name: &str| format!("/proc/{pid}/{name}");
    let link = |name: &str| {
        // without the permission, Linux 5.10 returns an empty link instead of an error
        fs::read_link(path(name)).ok().map(OsString::from).filter(|link| !link.is_empty())
    };
    let number = |name: &str| -> Option<u32> {
        let number = fs::read_to_string(path(name)).ok()?.trim().parse().ok()?;
        Some(number).filter(|number| *number != u32::MAX)
    };
    let (exe, cwd) = (link("exe"), link("cwd"));
    let args = fs::read(path("cmdline")).ok().filter(|line| !line.is_empty());
    let cgroup = control_group_of(pid);
    let status = fs::read_to_string(path("status")).unwrap_or_default();
    let (auid, session) = (number("loginuid"), number("sessionid"));
    match process(pid) {
        Lookup::Process(mut seen) => {
            seen.exe = exe;
            seen.cwd = cwd;
            seen.args = args.map(|line| arguments(&line));
            seen.cgroup = cgroup;
            seen.is_nested = words(&status, "NSpid:").map(|words| words.len() > 1);
            let (users, groups) = (ids(&status, "Uid:"), ids(&status, "Gid:"));
            seen.credentials = users.zip(groups).map(|((uid, euid), (gid, egid))| Credentials {
                auid,
                uid: Some(uid),
                gid: Some(gid),
                euid: Some(euid),
                egid: Some(egid),
                session,
            });
            Lookup::Process(seen)
        }
        other => other,
    }
}

/// Reads whether the children of a process are in another pid namespace than this process, which is in the
/// initial one. `None` before Linux 4.12, and without the permission.
pub(super) fn nests_children(pid: u32) -> Option<bool> {
    let namespace = |pid: &str, name: &str| {
        // without the permission, Linux 5.10 returns an empty link instead of an error
        let link = fs::read_link(format!("/proc/{pid}/ns/{name}")).ok()?;
        Some(link).filter(|link| !link.as_os_str().is_empty())
    };
    Some(namespace(&pid.to_string(), "pid_for_children")? != namespace("self", "pid")?)
}

/// Reads the control group of a process.
pub(super) fn control_group_of(pid: u32) -> Option<String> {
    control_group(&fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?)
}

/// Lists all processes except kernel threads.
pub(super) fn list() -> Option<Vec<ProcessSnapshot>> {
    let entries = fs::read_dir("/proc").ok()?.flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let seen = pids.filter_map(|pid| match details(pid) {
        Lookup::Process(seen) if !seen.is_kernel_thread => Some(*seen),
        _ => None,
    });
    Some(seen.collect())
}

fn absent(error: &io::Error) -> Lookup {
    const ESRCH: i32 = nix::errno::Errno::ESRCH as i32;
    match error.kind() {
        io::ErrorKind::NotFound => Lookup::Nothing,
        _ if error.raw_os_error() == Some(ESRCH) => Lookup::Nothing,
        _ => Lookup::Unknown,
    }
}

fn seen(pid: u32, stat: &Stat<'_>) -> ProcessSnapshot {
    ProcessSnapshot {
        pid,
        ppid: stat.ppid,
        start_ticks: stat.start_ticks,
        threads: stat.threads,
        is_zombie: stat.is_zombie,
        is_kernel_thread: stat.is_kernel_thread,
        // the kernel also returns 0 to a process without the permission
        code: Some(stat.exit_code).filter(|code| stat.is_zombie && *code != 0),
        comm: stat.comm.to_vec(),
        ..ProcessSnapshot::default()
    }
}

fn arguments(line: &[u8]) -> Vec<OsString> {
    let line = line.strip_suffix(b"\0").unwrap_or(line);
    line.split(|byte| *byte == 0).map(|word| OsStr::from_bytes(word).to_owned()).collect()
}

/// Returns the control group of version 2, or else the longest path in a hierarchy of version 1.
fn control_group(lines: &str) -> Option<String> {
    let names = lines.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    let unified = lines.lines().find_map(|line| line.strip_prefix("0::"));
    let longest = || names.max_by_key(|name| name.len());
    unified.filter(|name| *name != "/").or_else(longest).map(str::to_owned)
}

fn words<'t>(status: &'t str, name: &str) -> Option<Vec<&'t str>> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_ascii_whitespace().collect())
}

/// Returns the real and the effective id.
fn ids(status: &str, name: &str) -> Option<(u32, u32)> {
    let words = words(status, name)?;
    Some((words.first()?.parse().ok()?, words.get(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_can_be_read() {
        let pid = std::process::id();
        let Lookup::Process(seen) = details(pid) else { panic!("this process runs") };
        assert_eq!(seen.pid, pid);
        assert_eq!(seen.exe.as_deref(), std::env::current_exe().ok().as_deref().map(AsRef::as_ref));
        assert!(seen.args.is_some() && seen.credentials.is_some() && !seen.is_zombie);
        let list = list().expect("/proc is there");
        assert!(list.iter().any(|other| other.start_ticks == seen.start_ticks && other.pid == pid));
        assert_eq!(process(u32::MAX), Lookup::Nothing);
    }

    #[test]
    fn children_of_this_process_are_in_its_namespace() {
        assert_eq!(nests_children(std::process::id()), Some(false));
        assert_eq!(nests_children(u32::MAX), None);
    }

    #[test]
    fn a_thread_is_distinguished_from_a_process() {
        let thread = std::thread::spawn(|| process(nix::unistd::gettid().as_raw().unsigned_abs()));
        assert_eq!(thread.join().expect("it ends"), Lookup::Thread);
    }

    #[test]
    fn control_groups_of_both_versions_are_parsed() {
        assert_eq!(
            control_group("0::/system.slice/a.service\n"),
            Some("/system.slice/a.service".into())
        );
        let hybrid = "4:memory:/docker/abc\n1:name=systemd:/\n0::/\n";
        assert_eq!(control_group(hybrid), Some("/docker/abc".into()));
        assert_eq!(control_group("0::/\n"), Some("/".into()));
        assert_eq!(control_group(""), None);
    }

    #[test]
    fn arguments_are_separated_by_nul() {
        assert_eq!(arguments(b"a\0\0b \xff\0").len(), 3);
        assert_eq!(arguments(b"rewritten").len(), 1);
    }
}
