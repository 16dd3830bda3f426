//! Runs the examples as a user does, without privileges and without the running kernel.

mod support;

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::example;

fn dump(args: &[&str]) -> Output {
    run("dump", args)
}

fn run(name: &str, args: &[&str]) -> Output {
    Command::new(example(name)).args(args).output().expect("the example starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn in_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Writes a temporary file, which the test removes.
fn scratch(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("auditlink-cli-{}-{name}", std::process::id()));
    fs::write(&path, bytes).expect("a file");
    path
}

#[test]
fn dump_tokio_prints_what_dump_prints() {
    let log = in_project("tests/data/records.log");
    let log = log.to_str().expect("a plain path");
    for args in [
        &["--demo", "--format", "json"][..],
        &["--demo", "--format", "text", "--key", "demo"],
        &["--demo", "--format", "log", "--count", "5"],
        &["--log", log, "--format", "json"],
        &["--demo", "--format", "none"],
    ] {
        let (plain, on_tokio) = (dump(args), run("dump_tokio", args));
        assert!(plain.status.success() && on_tokio.status.success(), "{args:?}");
        assert_eq!(text(&on_tokio.stdout), text(&plain.stdout), "{args:?}");
        assert_eq!(text(&on_tokio.stderr), text(&plain.stderr), "{args:?}");
    }
    let copy = scratch("tokio.pcap", b"");
    let to = copy.to_str().expect("a plain path");
    let written = run("dump_tokio", &["--demo", "--format", "none", "--write", to]);
    assert!(written.status.success());
    let again = run("dump_tokio", &["--capture", to, "--format", "json"]);
    assert_eq!(text(&again.stdout), text(&dump(&["--demo", "--format", "json"]).stdout));
    fs::remove_file(copy).expect("written by this test");
    let wrong = run("dump_tokio", &["--demo", "--observer"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("Usage: dump_tokio"));
}

#[test]
fn json_and_text_of_all_records_match_the_golden_files() {
    let log = in_project("tests/data/records.log");
    let log = log.to_str().expect("a plain path");
    for (format, expected) in [("json", "records.expected.jsonl"), ("text", "records.expected.txt")]
    {
        let output = dump(&["--log", log, "--format", format]);
        let expected = fs::read_to_string(in_project("tests/data").join(expected)).expect("text");
        for (ours, expected) in text(&output.stdout).lines().zip(expected.lines()) {
            assert_eq!(ours, expected);
        }
        assert_eq!(text(&output.stdout).lines().count(), expected.lines().count());
        assert!(!output.stdout.contains(&0x1B), "colors without a terminal");
    }
}

#[test]
fn the_text_of_an_exec_shows_the_program_alone_and_names_that_auditd_appended() {
    let log = scratch(
        "exec.log",
        b"type=SYSCALL msg=audit(1700000000.539:8): arch=c000003e syscall=59 success=yes exit=0 a0=1 items=3 ppid=1 pid=2 auid=1000 uid=0 comm=\"x.sh\" exe=\"/usr/bin/dash\" key=(null)\x1DAUID=\"CORP\\user1\" UID=726F6F7420757365\n\
        type=EXECVE msg=audit(1700000000.539:8): argc=2 a0=\"/bin/sh\" a1=\"./x.sh\"\n\
        type=CWD msg=audit(1700000000.539:8): cwd=\"/home/u/d\"\n\
        type=PATH msg=audit(1700000000.539:8): item=2 name=\"/lib64/ld-linux-x86-64.so.2\" nametype=NORMAL\n\
        type=PATH msg=audit(1700000000.539:8): item=1 name=\"/bin/sh\" nametype=NORMAL\n\
        type=PATH msg=audit(1700000000.539:8): item=0 name=\"../x.sh\" nametype=NORMAL\n",
    );
    let output = dump(&["--log", log.to_str().expect("a plain path"), "--format", "text"]);
    fs::remove_file(log).expect("written by this test");
    assert_eq!(
        text(&output.stdout),
        "2023-11-14T22:13:20.539Z 8 exec x.sh[2] uid=\"root use\" auid=CORP\\user1 /home/u/x.sh \
         args=[\"/bin/sh\" \"./x.sh\"] success\n"
    );
}

/// A capture, the log that is made from it, and that log on standard input hold the same events.
#[test]
fn a_log_holds_the_events_of_its_capture() {
    let events = |output: &Output| -> Vec<String> {
        let lines = text(&output.stdout);
        lines
            .lines()
            .filter(|line| line.starts_with("{\"type\":\"event\""))
            .map(str::to_owned)
            .collect()
    };
    // The log ends before the timeout of the events that the overrun made incomplete.
    let unended = |events: Vec<String>| -> Vec<String> {
        let end = "\"closed_by\":\"end\"";
        events.iter().map(|event| event.replace(end, "\"closed_by\":\"window\"")).collect()
    };
    let capture = dump(&["--demo", "--format", "json"]);
    let path = scratch("demo.log", &dump(&["--demo", "--format", "log"]).stdout);
    let path = path.to_str().expect("a plain path");
    let mut of_capture = unended(events(&capture));
    let mut of_log = unended(events(&dump(&["--log", path, "--format", "json"])));
    of_capture.sort();
    of_log.sort();
    assert_eq!(of_log.len(), of_capture.len());
    for (of_log, of_capture) in of_log.iter().zip(&of_capture) {
        assert_eq!(of_log, of_capture);
    }
    let piped = Command::new(example("dump"))
        .args(["--log", "-", "--format", "json"])
        .stdin(fs::File::open(path).expect("just written"))
        .output()
        .expect("the example starts");
    assert_eq!(events(&piped).len(), of_log.len());
    fs::remove_file(path).expect("written by this test");
}

#[test]
fn the_demo_matches_its_golden_file() {
    let output = dump(&["--demo", "--format", "json"]);
    assert!(output.status.success());
    let expected =
        fs::read_to_string(in_project("examples/dump/demo.expected.jsonl")).expect("text");
    assert_eq!(text(&output.stdout), expected);
    let counts = text(&output.stderr);
    assert!(counts.lines().last().expect("counts").starts_with("events="), "{counts}");
}

#[test]
fn the_demo_shows_each_kind_of_event_and_a_loss() {
    let output = dump(&["--demo", "--format", "json"]);
    let lines: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let of_kind = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).count();
    assert!(of_kind("exec") > 0 && of_kind("fork") > 0 && of_kind("exit") > 0);
    assert!(of_kind("user") > 0 && of_kind("config") > 0);
    let losses: Vec<_> = lines.iter().filter(|line| line["type"] == "loss").collect();
    assert_eq!(losses.len(), 1);
    assert_eq!(losses[0]["cause"], "socket_overrun");
    assert!(losses[0]["count"]["exactly"].as_u64().is_some_and(|count| count > 0));
    let records = |line: &Value| line["records"].as_array().cloned().unwrap_or_default();
    let has =
        |wanted: &dyn Fn(&Value) -> bool| lines.iter().any(|line| records(line).iter().any(wanted));
    assert!(has(&|record| record["fields"]["a2"] == "ünïcode"), "arguments in hex");
    assert!(has(&|record| record["fields"]["arch"] == "40000003"), "a 32-bit call");
    assert!(has(&|record| record["type"] == "SOCKADDR"), "a connect");

    // In the file, the records of some events are interleaved.
    let capture = fs::read(in_project("examples/dump/demo.pcap")).expect("a capture");
    let stamps: Vec<&[u8]> = capture
        .windows(6)
        .enumerate()
        .filter(|(_, window)| *window == b"audit(")
        .filter_map(|(at, _)| capture[at..].split(|byte| *byte == b')').next())
        .collect();
    let is_interleaved = stamps.iter().enumerate().any(|(at, stamp)| {
        let before = stamps[..at].iter().rposition(|other| other == stamp);
        before.is_some_and(|before| before + 1 < at)
    });
    assert!(is_interleaved, "interleaved events");
}

#[test]
fn key_and_count_select_events() {
    let all = text(&dump(&["--demo", "--format", "json"]).stdout).lines().count();
    let demo = text(&dump(&["--demo", "--format", "json", "--key", "demo"]).stdout);
    assert!(demo.lines().count() < all);
    assert!(demo.lines().all(|line| line.contains(r#""keys":["demo"]"#) || line.contains("loss")));
    let three = text(&dump(&["--demo", "--format", "json", "--count", "3"]).stdout);
    assert_eq!(three.lines().count(), 3);
    let none = dump(&["--demo", "--format", "none"]);
    assert!(none.stdout.is_empty() && !none.stderr.is_empty());
}

#[test]
fn writing_a_capture_again_gives_the_same_bytes() {
    let path = scratch("again.pcap", b"");
    let args = ["--demo", "--format", "none", "--write", path.to_str().expect("a plain path")];
    assert!(dump(&args).status.success());
    let again = dump(&["--capture", path.to_str().expect("a plain path"), "--format", "json"]);
    assert_eq!(again.stdout, dump(&["--demo", "--format", "json"]).stdout);
    // A capture of that capture has the same bytes.
    let copy = scratch("copy.pcap", b"");
    let (from, to) = (path.to_str().expect("plain"), copy.to_str().expect("plain"));
    assert!(dump(&["--capture", from, "--format", "none", "--write", to]).status.success());
    assert_eq!(fs::read(&path).expect("a capture"), fs::read(&copy).expect("a capture"));
    fs::remove_file(path).expect("it was there");
    fs::remove_file(copy).expect("it was there");
}

#[test]
fn a_truncated_capture_is_printed_up_to_the_cut_and_is_an_error() {
    let demo = fs::read(in_project("examples/dump/demo.pcap")).expect("a capture");
    let path = scratch("cut.pcap", &demo[..demo.len() / 2]);
    let output = dump(&["--capture", path.to_str().expect("a plain path")]);
    fs::remove_file(path).expect("it was there");
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cut.pcap: the file ends within message "), "{stderr}");
    assert!(text(&output.stdout).lines().count() > 10, "the events before the cut are printed");
    assert!(stderr.contains("events="), "{stderr}");
}

#[test]
fn a_file_that_is_not_a_capture_is_an_error() {
    for (name, bytes) in [("garbage", &b"plain text, not a capture"[..]), ("empty", b"")] {
        let path = scratch(name, bytes);
        let output = dump(&["--capture", path.to_str().expect("a plain path")]);
        fs::remove_file(path).expect("it was there");
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(&format!("-{name}: ")), "{stderr}");
        assert!(output.stdout.is_empty());
    }
    let output = dump(&["--capture", "/no/such/file"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("dump: /no/such/file: No such file or directory\n"));
}

#[test]
fn help_and_version_go_to_standard_output() {
    for name in ["auditctl", "doctor", "dump", "dump_tokio", "procwatch"] {
        let help = run(name, &["--help"]);
        assert!(help.status.success() && help.stderr.is_empty(), "{name}");
        let help = text(&help.stdout);
        assert!(help.contains(&format!("Usage: {name}")), "{help}");
        assert!(help.contains("Exit codes:"), "{help}");
        assert_eq!(text(&run(name, &["-h"]).stdout), help);
        let version = run(name, &["--version"]);
        assert!(version.status.success(), "{name}");
        let expected = format!("{name} {}", env!("CARGO_PKG_VERSION"));
        assert!(text(&version.stdout).starts_with(&expected), "{name}");
    }
}

#[test]
fn a_wrong_command_line_names_the_option_and_the_cause() {
    for (name, args, message) in [
        ("dump", &["--nonsense"][..], "unknown option '--nonsense'"),
        ("dump", &["--fromat=json"], "unknown option '--fromat'; did you mean '--format'?"),
        ("dump", &["--count", "many"], "--count: invalid value 'many': invalid digit"),
        ("dump", &["--format"], "--format requires a value"),
        ("dump", &["--format=xml"], "--format: invalid value 'xml': use one of text, json, log"),
        ("dump", &["--demo", "--daemon"], "--demo cannot be used with --daemon"),
        ("dump", &["--demo", "--for", "1"], "--for needs --observer or --daemon"),
        ("dump", &["--demo=1"], "--demo takes no value, but '1' was given"),
        ("dump", &["demo"], "unexpected argument 'demo'"),
        ("dump", &["--capture", "x", "--write", "x"], "--write would overwrite the input file"),
        ("procwatch", &["--capture"], "--capture requires a value"),
        ("procwatch", &["--json", "--tree"], "--json cannot be used with --tree"),
        ("procwatch", &["--log", "x", "--for", "1"], "--log cannot be used with --for"),
        ("procwatch", &["--for", "soon"], "--for: invalid value 'soon'"),
        ("procwatch", &["--what"], "unknown option '--what'"),
        ("doctor", &["--jsn"], "unknown option '--jsn'; did you mean '--json'?"),
        ("doctor", &["--rules"], "--rules requires a value"),
    ] {
        let output = run(name, args);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.starts_with(&format!("{name}: {message}")), "{args:?}: {stderr}");
        assert!(stderr.contains(&format!("Usage: {name} ")), "{args:?}: {stderr}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn values_are_accepted_after_an_equals_sign() {
    let separate = dump(&["--demo", "--format", "json", "--count", "3"]);
    let joined = dump(&["--demo", "--format=json", "--count=3"]);
    assert!(joined.status.success());
    assert_eq!(joined.stdout, separate.stdout);
}

#[test]
fn arguments_that_are_not_utf8_are_an_error() {
    let argument = std::ffi::OsStr::from_bytes(b"--k\xFFy");
    for (name, code) in [("auditctl", 255), ("doctor", 2), ("dump", 2), ("procwatch", 2)] {
        let output = Command::new(example(name)).arg(argument).output().expect("it starts");
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {stderr}");
        assert!(stderr.starts_with(&format!("{name}: ")), "{stderr}");
    }
}

/// The command lines that write help, results or errors, each with its exit code if both streams
/// can be written, and if standard output is a full disk.
const WRITERS: &[(&str, &[&str], i32, i32)] = &[
    ("dump", &["--help"], 0, 1),
    ("dump", &["--version"], 0, 1),
    ("dump", &["--nonsense"], 2, 2),
    ("dump", &["--capture", "/no/such/file"], 1, 1),
    ("dump", &["--demo", "--format", "json"], 0, 1),
    ("dump_tokio", &["--help"], 0, 1),
    ("dump_tokio", &["--nonsense"], 2, 2),
    ("dump_tokio", &["--demo"], 0, 1),
    ("procwatch", &["--help"], 0, 1),
    ("procwatch", &["--nonsense"], 2, 2),
    ("procwatch", &["--log", "/no/such/file"], 1, 1),
    ("doctor", &["--help"], 0, 1),
    ("doctor", &["--nonsense"], 2, 2),
    ("auditctl", &["--help"], 0, 1),
    ("auditctl", &["--version"], 0, 1),
    ("auditctl", &[], 1, 1),
    ("auditctl", &["-a", "always,entry", "-S", "execve"], 255, 255),
];

/// A stream that cannot be written.
#[derive(Clone, Copy, Debug)]
enum Stream {
    Closed,
    Full,
}

impl Stream {
    fn open(self) -> Stdio {
        match self {
            Self::Closed => {
                let (reader, writer) = std::io::pipe().expect("a pipe");
                drop(reader);
                writer.into()
            }
            Self::Full => fs::File::create("/dev/full").expect("/dev/full").into(),
        }
    }
}

/// Runs an example with these streams and returns its exit code; a panic would give 101.
fn exit_code(name: &str, args: &[&str], stdout: Stdio, stderr: Stdio) -> Option<i32> {
    let mut command = Command::new(example(name));
    command.args(args).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
    command.status().expect("the example starts").code()
}

#[test]
fn a_closed_pipe_ends_the_examples_without_an_error() {
    for (name, args, code, _) in WRITERS {
        let closed = || Stream::Closed.open();
        assert_eq!(exit_code(name, args, closed(), Stdio::null()), Some(*code), "{name} {args:?}");
        assert_eq!(exit_code(name, args, Stdio::null(), closed()), Some(*code), "{name} {args:?}");
        assert_eq!(exit_code(name, args, closed(), closed()), Some(*code), "{name} {args:?}");
    }
}

#[test]
fn a_full_disk_is_an_error_and_no_panic() {
    for (name, args, code, code_when_full) in WRITERS {
        let full = || Stream::Full.open();
        let (code, code_when_full) = (Some(*code), Some(*code_when_full));
        assert_eq!(exit_code(name, args, Stdio::null(), full()), code, "{name} {args:?}");
        assert_eq!(exit_code(name, args, full(), full()), code_when_full, "{name} {args:?}");
        let output = Command::new(example(name))
            .args(*args)
            .stdout(full())
            .output()
            .expect("the example starts");
        assert_eq!(output.status.code(), code_when_full, "{name} {args:?}");
        let stderr = text(&output.stderr);
        let names_the_cause = stderr.contains("cannot write to standard output: No space left");
        assert_eq!(names_the_cause, code != code_when_full || args.is_empty(), "{stderr}");
    }
}

#[test]
fn procwatch_and_doctor_survive_streams_that_cannot_be_written() {
    let demo = in_project("examples/dump/demo.pcap");
    let demo = demo.to_str().expect("a plain path");
    for stream in [Stream::Closed, Stream::Full] {
        for args in [&["--capture", demo][..], &["--tree", "--capture", demo]] {
            let code = exit_code("procwatch", args, stream.open(), stream.open());
            let expected = match stream {
                Stream::Closed => 0,
                Stream::Full => 1,
            };
            assert_eq!(code, Some(expected), "{stream:?} {args:?}");
        }
        let code = exit_code("doctor", &["execve"], stream.open(), stream.open());
        assert!(matches!(code, Some(0..=2)), "{stream:?}: {code:?}");
    }
}

#[test]
fn the_log_format_has_one_record_per_line() {
    let log = text(&dump(&["--demo", "--format", "log"]).stdout);
    let lines = log.lines().filter(|line| !line.starts_with("# "));
    assert!(lines.clone().count() > 100);
    for line in lines {
        assert!(line.starts_with("type=") && line.contains(" msg=audit("), "{line}");
    }
    assert_eq!(log.lines().filter(|line| line.starts_with("# lost")).count(), 1);
}

#[test]
fn auditctl_reports_errors_without_the_kernel() {
    let auditctl = |args: &[&str]| run("auditctl", args);
    assert_eq!(auditctl(&[]).status.code(), Some(1));
    let output = auditctl(&["--plan", "-l"]);
    assert_eq!(output.status.code(), Some(255));
    assert_eq!(text(&output.stderr), "auditctl: --plan requires -R\n");
    let output = auditctl(&["-a", "always,entry", "-S", "execve"]);
    assert_eq!(output.status.code(), Some(255));
    assert!(text(&output.stderr).contains("use exit"), "{}", text(&output.stderr));
}

/// The table and the JSON object of `doctor`, which needs no privileges, report the same findings.
#[test]
fn doctor_reports_the_same_findings_as_table_and_as_json() {
    let table = run("doctor", &["execve"]);
    let json = run("doctor", &["--json", "execve"]);
    assert_eq!(table.status.code(), json.status.code());
    let report: Value = serde_json::from_slice(&json.stdout).expect("one object");
    assert_eq!(report["would_miss"], Value::Bool(table.status.code() == Some(1)));
    let findings = report["findings"].as_array().expect("a list");
    let table = text(&table.stdout);
    for finding in findings {
        let check = finding["check"].as_str().expect("a word");
        assert!(table.contains(check), "{check} is not in {table}");
        let needs_help = finding["level"] != "fine";
        assert_eq!(needs_help, finding["remedy"] != "", "{finding}");
    }
    assert!(!table.is_empty());
    let output = run("doctor", &["--rules", "/no/such/file"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("No such file"));
}

fn procwatch(args: &[&str]) -> Output {
    run("procwatch", args)
}

/// A loss in the capture sets the exit code.
#[test]
fn procwatch_prints_the_processes_of_a_capture() {
    let demo = in_project("examples/dump/demo.pcap");
    let demo = demo.to_str().expect("a plain path");
    let output = procwatch(&["--json", "--capture", demo]);
    assert_eq!(output.status.code(), Some(3), "the demo has a loss");
    let lines: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    let of = |name: &str| lines.iter().filter(|line| line["type"] == name).count();
    let counts = format!(
        "forks={} execs={} exits={} losses={}\n",
        of("fork"),
        of("exec"),
        of("exit"),
        of("loss")
    );
    assert!(text(&output.stderr).ends_with(&counts), "{}", text(&output.stderr));
    let shell = lines.iter().find(|line| line["type"] == "exec").expect("an exec");
    assert_eq!(shell["args"][0], "/bin/bash");
    let pid = &shell["pid"];
    let fork = lines.iter().find(|line| line["type"] == "fork").expect("a fork");
    assert_eq!((&fork["pid"], &fork["source"]), (pid, &Value::from("record")));
    assert!(fork["start_ticks"].is_null(), "a file has no start times");
    let exit = lines.iter().find(|line| line["type"] == "exit" && line["pid"] == *pid);
    assert_eq!(exit.expect("an exit")["status"], 3);
    let loss = lines.iter().find(|line| line["cause"] == "socket_overrun");
    assert_eq!(loss.expect("a loss")["count"]["exactly"], 508);

    // In the tree, the child is below its parent.
    let output = procwatch(&["--tree", "--capture", demo]);
    let tree = text(&output.stdout);
    assert!(tree.contains("\n└─ ") && tree.contains("/bin/echo two words"), "{tree}");
    assert!(text(&output.stderr).contains("loss: lost 508 records"));
}

#[test]
fn procwatch_reports_a_missing_file() {
    let output = procwatch(&["--capture", "/no/such/file"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("No such file"));
}
