//! The examples as a user runs them, without privileges or a live kernel.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::example;

fn dump(words: &[&str]) -> Output {
    run_example("dump", words)
}

fn run_example(name: &str, words: &[&str]) -> Output {
    Command::new(example(name)).args(words).output().expect("the example starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn in_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A file of this test's own.
fn scratch(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("auditlink-cli-{}-{name}", std::process::id()));
    fs::write(&path, bytes).expect("a file");
    path
}

/// The twin on tokio takes the same words and has the same to say.
#[test]
fn dump_on_tokio_is_dump() {
    let log = in_project("tests/data/records.log");
    let log = log.to_str().expect("a plain path");
    for words in [
        &["--demo", "--format", "json"][..],
        &["--demo", "--format", "text", "--key", "demo"],
        &["--demo", "--format", "log", "--count", "5"],
        &["--log", log, "--format", "json"],
        &["--demo", "--format", "none"],
    ] {
        let (plain, on_tokio) = (dump(words), run_example("dump_tokio", words));
        assert!(plain.status.success() && on_tokio.status.success(), "{words:?}");
        assert_eq!(text(&on_tokio.stdout), text(&plain.stdout), "{words:?}");
        assert_eq!(text(&on_tokio.stderr), text(&plain.stderr), "{words:?}");
    }
    let copy = scratch("tokio.pcap", b"");
    let to = copy.to_str().expect("a plain path");
    let written = run_example("dump_tokio", &["--demo", "--format", "none", "--write", to]);
    assert!(written.status.success());
    let again = run_example("dump_tokio", &["--capture", to, "--format", "json"]);
    assert_eq!(text(&again.stdout), text(&dump(&["--demo", "--format", "json"]).stdout));
    fs::remove_file(copy).expect("our own file");
    let wrong = run_example("dump_tokio", &["--demo", "--observer"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("usage: dump_tokio"));
}

/// Bit by bit what the manual promises of the forms.
#[test]
fn the_forms_of_all_records_are_as_documented() {
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
        assert!(!output.stdout.contains(&0x1B), "no colours where there is no terminal");
    }
}

/// The same events come out of a capture, out of the log that is made of it, and out of a pipe.
#[test]
fn a_log_says_what_the_capture_said() {
    let events = |output: &Output| -> Vec<String> {
        let lines = text(&output.stdout);
        lines
            .lines()
            .filter(|line| line.starts_with("{\"type\":\"event\""))
            .map(str::to_owned)
            .collect()
    };
    // a file ends before the window of what the overrun tore does
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
        .expect("it starts");
    assert_eq!(events(&piped).len(), of_log.len());
    fs::remove_file(path).expect("ours");
}

#[test]
fn the_demo_says_what_it_always_said() {
    let output = dump(&["--demo", "--format", "json"]);
    assert!(output.status.success());
    let expected =
        fs::read_to_string(in_project("examples/dump/demo.expected.jsonl")).expect("text");
    assert_eq!(text(&output.stdout), expected);
    let counts = text(&output.stderr);
    assert!(counts.lines().last().expect("counts").starts_with("events="), "{counts}");
}

#[test]
fn the_demo_shows_what_it_promises() {
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

    // and in the file, records of other events stand between those of one
    let capture = fs::read(in_project("examples/dump/demo.pcap")).expect("a capture");
    let stamps: Vec<&[u8]> = capture
        .windows(6)
        .enumerate()
        .filter(|(_, window)| *window == b"audit(")
        .filter_map(|(at, _)| capture[at..].split(|byte| *byte == b')').next())
        .collect();
    let torn = stamps.iter().enumerate().any(|(at, stamp)| {
        let before = stamps[..at].iter().rposition(|other| other == stamp);
        before.is_some_and(|before| before + 1 < at)
    });
    assert!(torn, "interleaved events");
}

#[test]
fn keys_and_counts_choose() {
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
fn what_is_written_again_is_the_same() {
    let path = scratch("again.pcap", b"");
    let words = ["--demo", "--format", "none", "--write", path.to_str().expect("a plain path")];
    assert!(dump(&words).status.success());
    let again = dump(&["--capture", path.to_str().expect("a plain path"), "--format", "json"]);
    assert_eq!(again.stdout, dump(&["--demo", "--format", "json"]).stdout);
    // and what is written of that is the same to the byte
    let copy = scratch("copy.pcap", b"");
    let (from, to) = (path.to_str().expect("plain"), copy.to_str().expect("plain"));
    assert!(dump(&["--capture", from, "--format", "none", "--write", to]).status.success());
    assert_eq!(fs::read(&path).expect("a capture"), fs::read(&copy).expect("a capture"));
    fs::remove_file(path).expect("it was there");
    fs::remove_file(copy).expect("it was there");
}

#[test]
fn a_truncated_capture_is_shown_as_far_as_it_goes_and_is_an_error() {
    let demo = fs::read(in_project("examples/dump/demo.pcap")).expect("a capture");
    let path = scratch("cut.pcap", &demo[..demo.len() / 2]);
    let output = dump(&["--capture", path.to_str().expect("a plain path")]);
    fs::remove_file(path).expect("it was there");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cut.pcap: the file ends within message "), "{said}");
    assert!(text(&output.stdout).lines().count() > 10, "what was good is shown");
    assert!(said.contains("events="), "{said}");
}

#[test]
fn garbage_is_an_error() {
    for (name, bytes) in [("garbage", &b"this is no capture, it is only text"[..]), ("empty", b"")]
    {
        let path = scratch(name, bytes);
        let output = dump(&["--capture", path.to_str().expect("a plain path")]);
        fs::remove_file(path).expect("it was there");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("-{name}: ")), "{said}");
        assert!(output.stdout.is_empty());
    }
    let output = dump(&["--capture", "/no/such/file"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("dump: /no/such/file: No such file or directory\n"));
}

#[test]
fn a_wrong_command_line_is_explained() {
    for words in [
        &["--nonsense"][..],
        &["--count", "many"],
        &["--format"],
        &["--format", "xml"],
        &["--demo", "--daemon"],
        &["--demo", "--for", "1"],
        &["--capture", "x.pcap", "--write", "x.pcap"],
    ] {
        let output = dump(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(text(&output.stderr).contains("usage: dump"), "{words:?}");
    }
}

#[test]
fn the_log_form_has_a_record_a_line() {
    let log = text(&dump(&["--demo", "--format", "log"]).stdout);
    let lines = log.lines().filter(|line| !line.starts_with("# "));
    assert!(lines.clone().count() > 100);
    for line in lines {
        assert!(line.starts_with("type=") && line.contains(" msg=audit("), "{line}");
    }
    assert_eq!(log.lines().filter(|line| line.starts_with("# lost")).count(), 1);
}

#[test]
fn auditctl_explains_itself_without_the_kernel() {
    let auditctl = |words: &[&str]| {
        Command::new(example("auditctl")).args(words).output().expect("auditctl starts")
    };
    assert_eq!(auditctl(&[]).status.code(), Some(1));
    assert_eq!(auditctl(&["-h"]).status.code(), Some(0));
    let output = auditctl(&["-a", "always,entry", "-S", "execve"]);
    assert_eq!(output.status.code(), Some(255));
    assert!(text(&output.stderr).contains("use exit"), "{}", text(&output.stderr));
}

/// `doctor` needs no privilege to tell what is missing, and says it in both forms.
#[test]
fn the_doctor_speaks_to_people_and_to_programs() {
    let doctor =
        |words: &[&str]| Command::new(example("doctor")).args(words).output().expect("it starts");
    let people = doctor(&["execve"]);
    let programs = doctor(&["--json", "execve"]);
    assert_eq!(people.status.code(), programs.status.code());
    let report: Value = serde_json::from_slice(&programs.stdout).expect("one object");
    assert_eq!(report["would_miss"], Value::Bool(people.status.code() == Some(1)));
    let findings = report["findings"].as_array().expect("a list");
    let table = text(&people.stdout);
    for finding in findings {
        let check = finding["check"].as_str().expect("a word");
        assert!(table.contains(check), "{check} is not in {table}");
        let needs_help = finding["level"] != "fine";
        assert_eq!(needs_help, finding["remedy"] != "", "{finding}");
    }
    assert!(!people.stdout.is_empty());
    for words in [&["--no-such-option"][..], &["--rules"], &["--rules", "/no/such/file"]] {
        let output = doctor(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(!output.stderr.is_empty());
    }
}

fn procwatch(words: &[&str]) -> Output {
    Command::new(example("procwatch")).args(words).output().expect("procwatch starts")
}

/// What a capture tells of processes; that it tells of losses is its exit code.
#[test]
fn processes_of_a_capture() {
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
    let shell = lines.iter().find(|line| line["type"] == "exec").expect("a program");
    assert_eq!(shell["args"][0], "/bin/bash");
    let pid = &shell["pid"];
    let fork = lines.iter().find(|line| line["type"] == "fork").expect("a birth");
    assert_eq!((&fork["pid"], &fork["source"]), (pid, &Value::from("record")));
    assert!(fork["start_ticks"].is_null(), "a file does not tell");
    let exit = lines.iter().find(|line| line["type"] == "exit" && line["pid"] == *pid);
    assert_eq!(exit.expect("an end")["status"], 3);
    let loss = lines.iter().find(|line| line["cause"] == "socket_overrun");
    assert_eq!(loss.expect("a loss")["count"]["exactly"], 508);

    // the same as a tree: the child stands below its parent
    let output = procwatch(&["--tree", "--capture", demo]);
    let tree = text(&output.stdout);
    assert!(tree.contains("\n└─ ") && tree.contains("/bin/echo two words"), "{tree}");
    assert!(text(&output.stderr).contains("loss: lost 508 records"));
}

#[test]
fn procwatch_says_what_is_wrong() {
    for (words, complaint) in [
        (&["--capture"][..], "--capture needs something behind it"),
        (&["--json", "--tree"], "--tree: choose one"),
        (&["--log", "x", "--for", "1"], "--for and --exe are for a live kernel"),
        (&["--for", "soon"], "--for: soon is no number"),
        (&["--what"], "--what is no option"),
    ] {
        let output = procwatch(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(text(&output.stderr).contains(complaint), "{}", text(&output.stderr));
    }
    let output = procwatch(&["--capture", "/no/such/file"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(procwatch(&["--help"]).status.success());
}
