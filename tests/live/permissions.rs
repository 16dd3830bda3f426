//! Permissions: the kernel's classes, narrowed rules, and the rules on loading code.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use auditlink::arch::{Abi, Arch};
use auditlink::rule::{Ownership, Permissions, SyscallMask, code_loading};
use auditlink::{Event, Events, Receiver, Rule, RuleSet};

use crate::kernel_lock::{Collected, KEY, KernelLock, control};

/// The classes of `include/uapi/linux/audit.h`; the one of the 32-bit interface is the next number.
const CLASSES: [(u32, Permissions); 3] =
    [(2, Permissions::ATTRIBUTE), (4, Permissions::READ), (6, Permissions::WRITE)];

/// Asks the kernel for the system calls of a class: it replaces the bit that stands for it.
fn class(number: u32) -> SyscallMask {
    let mut words = [0; 64];
    words[63] = 1 << (31 - number);
    let mut rule = Rule::on_exit().pid(i32::MAX as u32).key(KEY).build().expect("a rule");
    rule.syscalls = SyscallMask::from_words(words);
    control().add_rule(&rule).expect("it is new");
    let [listed]: [Rule; 1] = control().rules().expect("a listing").try_into().expect("one rule");
    control().delete_rule(&listed).expect("it is loaded");
    listed.syscalls
}

pub(crate) fn classes(_: &KernelLock) {
    let native = Arch::native().expect("a known architecture");
    for (abi, offset) in [(Abi::B64, 0), (Abi::B32, 1)] {
        let Some(arch) = native.abi(abi) else { continue };
        for (number, permissions) in CLASSES {
            let kernel = class(number + offset);
            let ours = permissions.kernel_calls(arch);
            let names = |mask: SyscallMask| -> Vec<_> {
                let name = |number| arch.syscall_name(number).unwrap_or("?");
                mask.iter().map(name).collect()
            };
            let unknown: Vec<_> = kernel.iter().filter(|call| !ours.contains(*call)).collect();
            assert!(unknown.is_empty(), "{arch} {permissions}: {:?}", names(kernel));
            assert!(!kernel.is_empty(), "{arch} {permissions}");
            let others: Vec<_> = ours.iter().filter(|call| !kernel.contains(*call)).collect();
            let others: Vec<_> = others.iter().map(|call| arch.syscall_name(*call)).collect();
            println!("  {arch} {permissions}: not in the class, or newer: {others:?}");
        }
    }
}

/// Uses files in every way that permissions distinguish; run in the helper.
pub(crate) fn use_files(folder: &str) {
    let folder = Path::new(folder);
    let (one, other) = (folder.join("one"), folder.join("other"));
    fs::write(&one, "text").expect("it is written");
    fs::read(&one).expect("it is read");
    fs::set_permissions(&one, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let _ = nix::unistd::truncate(&one, 2);
    let _ = std::os::unix::fs::chown(&one, Some(0), None);
    fs::hard_link(&one, &other).expect("it is new");
    fs::remove_file(&one).expect("it is there");
    fs::rename(&other, &one).expect("it is there");
    std::os::unix::fs::symlink("one", &other).expect("it is new");
    fs::read_link(&other).expect("it is a link");
    fs::remove_file(&other).expect("it is there");
    fs::metadata(&one).expect("it is there");
    let _ = std::os::unix::net::UnixListener::bind(folder.join("socket"));
    fs::create_dir(folder.join("directory")).expect("it is new");
    fs::remove_dir(folder.join("directory")).expect("it is empty");
    let _ = fs::remove_file(folder.join("socket"));
    fs::copy("/bin/true", folder.join("program")).expect("it is copied");
    Command::new(folder.join("program")).status().expect("it starts");
    let _ = fs::remove_file(folder.join("program"));
    let _ = fs::remove_file(&one);
}

/// Returns the events of the rules while the helper runs.
fn seen(kernel: &KernelLock, rules: &RuleSet, runs: &[Vec<String>]) -> Vec<Event> {
    let mut events = Events::new(Receiver::observer().open().expect("an observer"));
    let installed = control().apply(rules).expect("the rules are new");
    for words in runs {
        kernel.run_helper(&words.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let mut collected = Collected::default();
    collected.collect(&mut events, Duration::from_millis(300));
    installed.remove().expect("the rules are loaded");
    assert_eq!(collected.losses, []);
    collected.ours().cloned().collect()
}

fn call_names(events: &[Event]) -> Vec<String> {
    let name = |event: &Event| {
        event.syscall().and_then(|call| call.name()).map_or_else(|| "?".to_owned(), str::to_owned)
    };
    events.iter().map(name).collect()
}

pub(crate) fn narrowed(kernel: &KernelLock) {
    let folder = kernel.path("narrowed");
    fs::create_dir_all(&folder).expect("a folder");
    let folder = folder.to_str().expect("a plain path").to_owned();
    let run = [vec!["files".to_owned(), folder.clone()]];
    let mut all = BTreeSet::new();
    for letters in ["r", "w", "x", "a", "wa", "rwxa"] {
        let permissions = Permissions::from_letters(letters).expect("letters");
        let watch = Rule::on_exit().dir(&folder).perm(permissions).key(KEY);
        let wide = RuleSet::from(watch.build().expect("a rule"));
        let narrow = wide.narrowed();
        assert!(narrow.iter().all(|rule| !rule.syscalls.is_all() && rule.arch().is_some()));
        let (before, after) = (seen(kernel, &wide, &run), seen(kernel, &narrow, &run));
        let names = call_names(&before);
        assert_eq!(names, call_names(&after), "{letters}");
        all.extend(names);

        // each stands for the other
        let arch = Arch::native().expect("a known architecture");
        let one = Rule::on_exit().arch(arch).dir(&folder).perm(permissions).key(KEY);
        let one = RuleSet::from(one.build().expect("a rule"));
        let installed = control().apply(&one).expect("it is new");
        let loaded = control().rules().expect("a listing");
        assert!(one.narrowed().plan(&loaded, &Ownership::All).is_done(), "{letters}");
        installed.remove().expect("it is loaded");
    }
    println!("  the same events of {}", all.iter().cloned().collect::<Vec<_>>().join(" "));
    assert!(all.len() >= 8, "{all:?}");
}

/// The calls that load code, with arguments that do as little as possible: `-1` is never a valid
/// descriptor, ID or command. A call is recorded although it fails.
const CODE: &[(&str, &str)] = &[
    ("mmap", "0 4096 5 0x22 -1 0"),
    ("mmap2", "0 4096 5 0x22 -1 0"),
    ("mprotect", "0 0 4"),
    ("pkey_mprotect", "0 0 4 -1"),
    ("shmat", "-1 0 0x8000"),
    ("ipc", "21 -1 0x8000"),
    ("personality", "0x400000"),
    ("memfd_create", "0 0"),
    ("ptrace", "-1 0"),
    ("process_vm_writev", "0 0 0 0 0 -1"),
    ("userfaultfd", "0x7fffffff"),
    ("uselib", "0"),
    ("bpf", "-1 0 0"),
    ("init_module", "0 0 0"),
    ("finit_module", "-1 0 -1"),
    ("kexec_load", "0 -1 0 0xff"),
    ("kexec_file_load", "-1 -1 0 0 0xff"),
];

pub(crate) fn code_is_recorded(kernel: &KernelLock) {
    let helper = kernel.helper();
    let exe = helper.to_str().expect("a plain path");
    let builders = code_loading().expect("a known architecture");
    let rules = builders.into_iter().map(|rule| rule.exe(exe).key(KEY).build());
    let rules: RuleSet = rules.collect::<Result<_, _>>().expect("valid rules");
    let native = Arch::native().expect("a known architecture");
    let mut wanted = BTreeSet::new();
    let mut runs = Vec::new();
    for abi in [Abi::B64, Abi::B32] {
        let Some(arch) = native.abi(abi) else { continue };
        for (name, arguments) in CODE {
            let Some(number) = arch.syscall_number(name) else { continue };
            wanted.insert((arch.to_string(), (*name).to_owned()));
            let words = ["call", &abi.to_string(), &number.to_string()].map(str::to_owned);
            runs.push(words.into_iter().chain(arguments.split(' ').map(str::to_owned)).collect());
        }
    }
    let events = seen(kernel, &rules, &runs);
    let mut found = BTreeSet::new();
    for (event, name) in events.iter().zip(call_names(&events)) {
        let call = event.syscall().expect("an event of a call");
        let arch = call.arch().expect("every event of a call has one");
        found.insert((arch.to_string(), name.clone()));
        let is_by_memory = (arch, name.as_str()) == (Arch::I386, "mmap");
        if ["mmap", "mprotect"].contains(&name.as_str()) && !is_by_memory {
            assert_eq!(
                call.argument(2).expect("an argument") & 4,
                4,
                "without PROT_EXEC: {event:?}"
            );
        }
    }
    let missing: Vec<_> = wanted.difference(&found).collect();
    assert!(missing.is_empty(), "not recorded: {missing:?}");
    println!("  {} calls recorded", found.len());
}

/// Makes a system call with numbers as arguments; run in the helper.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "no safe function makes any call")]
pub(crate) fn call(abi: &str, number: &str, arguments: &[&str]) {
    let parse = |word: &&str| match word.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).expect("a number"),
        None => word.parse().expect("a number"),
    };
    let number: i64 = number.parse().expect("a number");
    let mut given = arguments.iter().map(parse).chain(std::iter::repeat(0));
    let [a, b, c, d, e, f]: [i64; 6] = std::array::from_fn(|_| given.next().unwrap_or_default());
    // SAFETY: the test passes no address, so that the kernel writes to none; it may clobber rcx and
    // r8 to r11.
    unsafe {
        if abi == "b64" {
            std::arch::asm!(
                "syscall",
                inout("rax") number => _,
                in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
                out("rcx") _, out("r11") _,
            );
        } else {
            std::arch::asm!(
                "xchg rbx, {first}", "int 0x80", "xchg rbx, {first}",
                first = inout(reg) a => _,
                inout("rax") number => _,
                in("rcx") b, in("rdx") c, in("rsi") d, in("rdi") e,
                out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            );
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn call(_: &str, _: &str, _: &[&str]) {
    panic!("no way to make any call on this machine");
}
