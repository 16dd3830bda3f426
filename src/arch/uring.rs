//! Operations of io_uring, which rules name like system calls.
//!
//! Source: `include/uapi/linux/io_uring.h`, `enum io_uring_op`.

/// Returns the name of an operation; `None` if the number has none.
///
/// # Examples
///
/// ```
/// use auditlink::arch::uring;
///
/// assert_eq!(uring::operation_name(18), Some("openat"));
/// assert_eq!(uring::operation_number("openat"), Some(18));
/// ```
#[must_use]
pub fn operation_name(number: u32) -> Option<&'static str> {
    OPERATIONS.get(usize::try_from(number).ok()?).copied()
}

/// Returns the number of an operation; `None` if none has this name.
#[must_use]
pub fn operation_number(name: &str) -> Option<u32> {
    let index = OPERATIONS.iter().position(|known| *known == name)?;
    u32::try_from(index).ok()
}

/// Iterates over the names.
pub fn operation_names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().copied()
}

/// The operations in the order of their numbers.
const OPERATIONS: &[&str] = &[
    "nop",
    "readv",
    "writev",
    "fsync",
    "read_fixed",
    "write_fixed",
    "poll_add",
    "poll_remove",
    "sync_file_range",
    "sendmsg",
    "recvmsg",
    "timeout",
    "timeout_remove",
    "accept",
    "async_cancel",
    "link_timeout",
    "connect",
    "fallocate",
    "openat",
    "close",
    "files_update",
    "statx",
    "read",
    "write",
    "fadvise",
    "madvise",
    "send",
    "recv",
    "openat2",
    "epoll_ctl",
    "splice",
    "provide_buffers",
    "remove_buffers",
    "tee",
    "shutdown",
    "renameat",
    "unlinkat",
    "mkdirat",
    "symlinkat",
    "linkat",
    "msg_ring",
    "fsetxattr",
    "setxattr",
    "fgetxattr",
    "getxattr",
    "socket",
    "uring_cmd",
    "send_zc",
    "sendmsg_zc",
    "read_multishot",
    "waitid",
    "futex_wait",
    "futex_wake",
    "futex_waitv",
    "fixed_fd_install",
    "ftruncate",
    "bind",
    "listen",
    "recv_zc",
    "epoll_wait",
    "readv_fixed",
    "writev_fixed",
    "pipe",
    "nop128",
    "uring_cmd128",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_number() {
        for (number, name) in (0..).zip(operation_names()) {
            assert_eq!(operation_number(name), Some(number));
            assert_eq!(operation_name(number), Some(name));
        }
        // as seen in records of Linux 6.18: uring_op=18 is openat, 28 openat2
        assert_eq!((operation_name(18), operation_name(28)), (Some("openat"), Some("openat2")));
        // `include/uapi/linux/io_uring.h`, Linux 7.2
        assert_eq!(
            (operation_name(63), operation_name(64)),
            (Some("nop128"), Some("uring_cmd128"))
        );
        assert_eq!(operation_name(9999), None);
    }
}
