//! The workload of the interpretation tests: a process that makes calls of every kind.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;

use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, SFlag, mknod};
use nix::unistd::{Gid, Pid, Uid, access, chown, setresgid, setresuid};

/// Does everything once, below a folder.
pub(super) fn run(folder: &str) {
    let folder = Path::new(folder);
    files(folder);
    sockets(folder);
    mounts(folder);
    children();
    identity();
}

fn files(folder: &Path) {
    let name = folder.join("a \"file\" ü");
    let odd = folder.join(std::ffi::OsStr::from_bytes(b"bytes \xFF\xFE"));
    fs::write(&name, "x").expect("a file");
    fs::write(&odd, "x").expect("a file");
    fs::set_permissions(&name, fs::Permissions::from_mode(0o4751)).expect("ours");
    fs::hard_link(&name, folder.join("hard")).expect("a link");
    symlink(&name, folder.join("soft")).expect("a link");
    fs::rename(folder.join("hard"), folder.join("renamed")).expect("ours");
    fs::create_dir(folder.join("dir")).expect("a directory");
    chown(&name, Some(Uid::from_raw(1)), Some(Gid::from_raw(2))).expect("root may");
    let _ = access(&name, nix::unistd::AccessFlags::R_OK | nix::unistd::AccessFlags::X_OK);
    let _ = fs::read("/no/such/file");
    let how = OpenHow::new().flags(OFlag::O_RDONLY).resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
    let _ = openat2(AT_FDCWD, &folder.join("soft"), how);
    let how = OpenHow::new()
        .flags(OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_SYNC)
        .mode(Mode::from_bits_truncate(0o640));
    openat2(AT_FDCWD, &folder.join("how"), how).expect("a file");
    mknod(&folder.join("fifo"), SFlag::S_IFIFO, Mode::from_bits_truncate(0o600), 0)
        .expect("a fifo");
    std::env::set_current_dir(folder).expect("ours");
    fs::File::create("relative").expect("a file");
    fs::remove_file("relative").expect("ours");
    fs::remove_dir("dir").expect("ours");
}

fn sockets(folder: &Path) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let mut stream = TcpStream::connect(address).expect("it listens");
    let (mut other, _) = listener.accept().expect("a connection");
    stream.set_nodelay(true).expect("TCP");
    stream.write_all(b"x").expect("connected");
    other.write_all(b"y").expect("connected");
    if let Ok(listener) = TcpListener::bind("[::1]:0") {
        let _ = TcpStream::connect(listener.local_addr().expect("bound"));
    }
    let _ = TcpStream::connect("127.0.0.1:1");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    udp.send_to(b"x", udp.local_addr().expect("bound")).expect("sent");
    let path = folder.join("socket");
    let _listener = UnixListener::bind(&path).expect("a path");
    let _ = UnixStream::connect(&path);
    let name =
        std::os::unix::net::SocketAddr::from_abstract_name(b"auditlink test").expect("a name");
    let datagram = UnixDatagram::bind_addr(&name).expect("a name");
    let _ = datagram.send_to_addr(b"x", &name);
    let pair = UnixDatagram::pair().expect("a pair");
    drop(pair);
    let mut netlink = netlink_sys::Socket::new(0).expect("a socket");
    netlink.bind_auto().expect("a port");
}

fn mounts(folder: &Path) {
    unshare(CloneFlags::CLONE_NEWNS).expect("root may");
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>).expect("our own namespace");
    let point = folder.join("mounted");
    fs::create_dir(&point).expect("a directory");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), &point, Some("tmpfs"), flags, None::<&str>).expect("root may");
    umount2(&point, MntFlags::MNT_DETACH).expect("mounted");
}

fn children() {
    let own = std::env::current_exe().expect("a path");
    let helper = |words: &[&str]| {
        let mut child = Command::new(&own).args(words).spawn().expect("the helper starts");
        child.wait().expect("it ends")
    };
    helper(&["say", "op=test acct=\"example\" note=\"two words\" res=success"]);
    helper(&["confined"]);
    helper(&["login"]);
    helper(&["attach"]);
    let mut sleeper = Command::new("sleep").arg("60").spawn().expect("sleep starts");
    kill(Pid::from_raw(sleeper.id().try_into().expect("a pid")), Signal::SIGTERM).expect("ours");
    sleeper.wait().expect("it ended");
    let odd = std::ffi::OsStr::from_bytes(b"not UTF-8: \xC3\x28");
    Command::new("true").args(["", "two words", "quote\""]).arg(odd).status().expect("it starts");
    let _ = Command::new("/no/such/program").status();
}

fn identity() {
    setresgid(Gid::from_raw(61_236), Gid::from_raw(61_236), Gid::from_raw(61_236))
        .expect("root may");
    setresuid(Uid::from_raw(61_236), Uid::from_raw(61_236), Uid::from_raw(61_236))
        .expect("root may");
    let _ = nix::unistd::setuid(Uid::from_raw(0));
}

/// Sets its own login user, which the kernel reports.
pub(super) fn login() {
    let _ = fs::write("/proc/self/loginuid", "61236");
}

/// Lets itself be traced.
pub(super) fn attach() {
    let _ = nix::sys::ptrace::attach(Pid::from_raw(1_000_000_000 % 4_000_000));
}

/// Allows itself nothing but reading, writing and ending, and then does more.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "no safe function sets a filter without a library for it")]
pub(super) fn confined() {
    const PRCTL: u64 = 157;
    const PR_SET_SECCOMP: u64 = 22;
    const SECCOMP_MODE_STRICT: u64 = 1;
    // SAFETY: the call takes no pointers; the process is killed at its next call, as intended.
    unsafe {
        std::arch::asm!(
            "syscall",
            inout("rax") PRCTL => _,
            in("rdi") PR_SET_SECCOMP,
            in("rsi") SECCOMP_MODE_STRICT,
            out("rcx") _, out("r11") _,
            options(nostack)
        );
    }
    nix::unistd::getppid();
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn confined() {
    panic!("no way to set a filter on this machine");
}
