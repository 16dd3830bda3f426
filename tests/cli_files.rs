//! What the examples read and write: logs, captures, and files that are neither.

mod support;

use std::fs;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::example;

const CALL: &str =
    "type=SYSCALL msg=audit(1.000:2): arch=c000003e syscall=80 success=yes exit=0 pid=7\n";

/// A folder for the files of one test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("auditlink-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::write(&path, bytes).expect("a file");
        text_of(&path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text_of(path: &Path) -> String {
    path.to_str().expect("a plain path").to_owned()
}

fn run(name: &str, args: &[&str]) -> Output {
    Command::new(example(name)).args(args).output().expect("the example starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_file_that_is_no_log_is_an_error() {
    let folder = Folder::new("no-log");
    let program = text_of(&example("dump"));
    let gzip = folder.file("audit.log.1.gz", b"\x1F\x8B\x08\0\0\0\0\0");
    let prose = folder.file("prose", "some text\nand more\n");
    for name in ["dump", "dump_tokio", "procwatch"] {
        for (path, cause) in [
            (&program, "no line is an audit record"),
            (&gzip, "the file is compressed by gzip"),
            (&prose, "no line is an audit record"),
        ] {
            let output = run(name, &["--log", path]);
            let stderr = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{name} {path}: {stderr}");
            assert!(stderr.contains(&format!("{name}: {path}: {cause}")), "{stderr}");
            assert!(output.stdout.is_empty(), "{name} {path}");
        }
    }
    let empty = folder.file("rotated", "");
    assert_eq!(run("dump", &["--log", &empty]).status.code(), Some(0), "it has no records yet");
}

#[test]
fn a_log_is_complete_or_says_what_is_missing() {
    let folder = Folder::new("complete");
    let next = CALL.replace("1.000:2", "5.000:3");
    for (name, log, completeness) in [
        ("whole", [CALL, &next].concat(), "completeness=complete\n"),
        ("torn", [CALL, next.trim_end()].concat(), "completeness=unverified: "),
        ("gap", [CALL, &next.replace(":3)", ":4)")].concat(), "completeness=unverified: "),
    ] {
        let path = folder.file(name, log);
        let output = run("dump", &["--log", &path]);
        let stderr = text(&output.stderr);
        assert!(stderr.contains(completeness), "{name}: {stderr}");
        let is_whole = completeness.ends_with("complete\n");
        assert_eq!(!is_whole, text(&output.stdout).contains("LOSS"), "{name}");
    }
}

#[test]
fn a_missing_argument_list_differs_from_an_empty_one() {
    let folder = Folder::new("arguments");
    let exec = CALL.replace("syscall=80", "syscall=59");
    let list = "type=EXECVE msg=audit(1.000:2): argc=0\n";
    let missing = folder.file("missing", &exec);
    let empty = folder.file("empty", [&exec, list].concat());
    let print =
        |path: &str, format| text(&run("dump", &["--log", path, "--format", format]).stdout);
    assert!(print(&missing, "text").contains("MISSING argument_count"));
    assert!(!print(&missing, "text").contains("args="));
    assert!(print(&empty, "text").contains("args=[]"));
    assert!(!print(&empty, "text").contains("MISSING"));
    let object = |path: &str| -> serde_json::Value {
        serde_json::from_str(&print(path, "json")).expect("an object")
    };
    assert_eq!(object(&missing)["missing"], serde_json::json!(["argument_count"]));
    assert!(object(&missing).get("args").is_none());
    assert_eq!(object(&empty)["missing"], serde_json::json!([]));
    assert_eq!(object(&empty)["args"], serde_json::json!([]));
    let process = |path: &str| text(&run("procwatch", &["--json", "--log", path]).stdout);
    assert!(process(&missing).contains("\"args\":null"), "{}", process(&missing));
    assert!(process(&empty).contains("\"args\":[]"), "{}", process(&empty));
}

#[test]
fn the_keys_of_changed_rules_are_found() {
    let folder = Folder::new("keys");
    let change = "type=CONFIG_CHANGE msg=audit(1.004:3): auid=0 ses=1 op=remove_rule key=\"k\" \
                  list=4 res=1\n";
    let log = folder.file("log", [CALL, change].concat());
    let output = run("dump", &["--log", &log, "--format", "json", "--key", "k"]);
    let event: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!((&event["keys"], &event["serial"]), (&serde_json::json!(["k"]), &3.into()));
}

/// The recording is reported and sets the exit code; what is shown is the same.
#[test]
fn a_recording_that_fails_does_not_end_the_reading() {
    for name in ["dump", "dump_tokio"] {
        let all = run(name, &["--demo"]);
        let output = run(name, &["--demo", "--write", "/dev/full"]);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert_eq!(text(&output.stdout), text(&all.stdout), "{name}");
        assert!(
            stderr.starts_with("the recording has ended: /dev/full: No space left"),
            "{stderr}"
        );
        assert!(
            stderr.ends_with(&format!("{name}: /dev/full: No space left on device\n")),
            "{stderr}"
        );
        let args = ["--demo", "--write", "/dev/full", "--stop-on-write-error"];
        let stopped = run(name, &args);
        assert_eq!(stopped.status.code(), Some(1), "{name}");
        assert!(stopped.stdout.len() < all.stdout.len(), "{name}");
        let needs = run(name, &["--demo", "--stop-on-write-error"]);
        assert_eq!(needs.status.code(), Some(2), "{name}: {}", text(&needs.stderr));
    }
}

#[test]
fn no_option_makes_a_program_overwrite_what_it_reads() {
    let folder = Folder::new("overwrite");
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/dump/demo.pcap");
    let demo = fs::read(demo).expect("the demo");
    let (capture, log) = (folder.file("x.pcap", &demo), folder.file("x.log", CALL));
    let dots = text_of(&folder.0.join(".").join("x.pcap"));
    let (hard, soft) = (text_of(&folder.0.join("hard")), text_of(&folder.0.join("soft")));
    fs::hard_link(&capture, &hard).expect("a link");
    std::os::unix::fs::symlink(&log, &soft).expect("a link");
    for name in ["dump", "dump_tokio"] {
        for (args, message) in [
            (["--capture", &capture, "--write", &dots], "--write would overwrite the input file"),
            (["--capture", &capture, "--write", &hard], "--write would overwrite the input file"),
            (["--log", &log, "--write", &soft], "--write would overwrite the input file"),
            (["--log", "-", "--write", &log], "--write would overwrite the input file"),
            (["--log", "/dev/stdin", "--write", &log], "--write would overwrite the input file"),
        ] {
            let output = Command::new(example(name))
                .args(args)
                .stdin(fs::File::open(&log).expect("the log"))
                .output()
                .expect("the example starts");
            let stderr = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{name} {args:?}: {stderr}");
            assert!(stderr.starts_with(&format!("{name}: {message}")), "{args:?}: {stderr}");
        }
        for args in [&["--log", &log][..], &["--demo", "--write", &log]] {
            let append = fs::File::options().append(true).open(&log).expect("the log");
            let status = Command::new(example(name)).args(args).stdout(append).status();
            assert_eq!(status.expect("it starts").code(), Some(2), "{name} {args:?}");
        }
        assert_eq!(fs::read(&capture).expect("the capture"), demo, "{name}");
        assert_eq!(fs::read(&log).expect("the log"), CALL.as_bytes(), "{name}");
    }
    let append = fs::File::options().append(true).open(&log).expect("the log");
    let status = Command::new(example("procwatch")).args(["--log", &log]).stdout(append).status();
    assert_eq!(status.expect("it starts").code(), Some(2));
    assert_eq!(fs::read(&log).expect("the log"), CALL.as_bytes());
}

/// The standard input of a plugin of auditd is a socket, which cannot be opened by a path.
#[test]
fn a_plugin_can_name_its_standard_input_by_a_path() {
    for name in ["dump", "dump_tokio", "procwatch"] {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let exec = CALL.replace("syscall=80", "syscall=59");
        let plugin = Command::new(example(name))
            .args(["--log", "/dev/stdin"])
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        (&ours).write_all(exec.as_bytes()).expect("it reads");
        drop(ours);
        let output = plugin.wait_with_output().expect("it ends");
        assert!(text(&output.stdout).contains("exec"), "{name}: {}", text(&output.stderr));
    }
}
