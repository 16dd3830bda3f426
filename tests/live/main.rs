//! Tests on the real kernel. They need root, and `AUDITLINK_LIVE=1` to run at all.
//!
//! They run one after the other, in one process: the audit daemon's place is the process's, and
//! there is one kernel. Each begins with auditing set up in a known way, and everything is put
//! back at the end. Where an audit daemon or foreign rules are present, nothing is tried.
//!
//! `live NAME…` runs the tests whose name contains one of the words. With `AUDITLINK_LIVE=vm` it is
//! the test of a virtual machine, which has none of the reference tools, and need not survive.

#![allow(clippy::print_stdout, reason = "it is a test runner")]
#![allow(
    clippy::disallowed_methods,
    reason = "tests measure time, they do not judge records by it"
)]

mod ausearch;
mod errors;
mod faults;
mod flow;
mod health;
mod helper;
mod interpretations;
mod kernel_lock;
mod machine;
mod namespaces;
mod needed_rules;
mod newest;
mod parity;
mod permissions;
mod process_load;
mod processes;
#[path = "../../src/capture/synthetic/random.rs"]
#[expect(dead_code, reason = "not all of it is needed here")]
mod random;
mod rule_plans;
mod rule_text;
mod settings;
mod stalls;
#[path = "../support/mod.rs"]
mod support;
mod varied_workload;

use std::panic;
use std::process::ExitCode;
use std::time::Instant;

use crate::kernel_lock::KernelLock;

/// Where a test runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// On a host: it needs the reference tools, or takes too long elsewhere.
    Host,
    /// On a host and in virtual machines.
    Anywhere,
    /// In virtual machines only: the machine may not survive it.
    Machine,
}

use Place::{Anywhere, Host, Machine};

type Test = (&'static str, Place, fn(&KernelLock));

const TESTS: &[Test] = &[
    ("settings_are_read_changed_and_put_back", Anywhere, settings::changed_and_put_back),
    ("settings_that_fail_leave_the_others_as_they_were", Anywhere, settings::all_or_none),
    ("counters_and_features", Anywhere, settings::counters_and_features),
    ("a_late_answer_is_ignored", Anywhere, settings::late_answer),
    ("a_rule_pair_is_installed_listed_and_deleted", Anywhere, settings::rule_pair),
    ("rules_are_deleted_by_key_and_by_their_guard", Anywhere, settings::keys_and_guards),
    ("rules_equal_those_of_auditctl_byte_for_byte", Host, parity::same_bytes),
    ("auditctl_prints_our_rules_as_its_own", Host, parity::same_text),
    ("all_rules_that_ship_with_auditd", Host, rule_text::shipped),
    ("two_thousand_generated_rules", Host, rule_text::generated),
    ("every_call_name_of_auditctl", Host, rule_text::call_names),
    ("rules_of_other_programs_are_read_back", Host, rule_text::of_other_programs),
    ("rule_plans_are_applied_whole_or_undone", Host, rule_plans::all_or_nothing),
    ("rule_plans_have_modes", Anywhere, rule_plans::modes),
    ("merged_rules_record_the_same", Anywhere, rule_plans::merged),
    ("the_classes_of_the_kernel_are_known", Anywhere, permissions::classes),
    ("narrowed_rules_record_the_same", Anywhere, permissions::narrowed),
    ("loading_code_is_recorded", Anywhere, permissions::code_is_recorded),
    ("our_auditctl_answers_like_auditctl", Host, parity::same_answers),
    ("a_file_replaces_rules_and_settings_or_nothing", Host, parity::applied_files),
    ("the_log_form_is_read_by_ausearch", Host, parity::log_form),
    ("a_32_bit_call_and_a_64_bit_call_differ_in_arch", Anywhere, flow::both_abis),
    ("the_lifecycle_of_a_process_is_reported", Host, flow::lifecycle),
    ("a_storm_of_200000_calls_is_received_completely", Host, flow::storm),
    ("a_storm_of_200000_calls_is_received_whole_on_tokio", Host, flow::storm_on_tokio),
    ("a_stalled_stream_reports_one_exact_loss", Anywhere, flow::stalled_stream),
    ("a_stalled_observer_reports_one_exact_loss", Anywhere, flow::stalled_observer),
    ("a_stalled_daemon_loses_nothing", Anywhere, flow::stalled_daemon),
    ("a_spoofed_datagram_is_refused", Anywhere, flow::spoofed),
    ("system_calls_are_few", Host, flow::few_calls),
    ("events_are_written_as_they_come", Host, flow::written_at_once),
    ("a_record_longer_than_the_buffer_is_reported", Anywhere, flow::truncated),
    ("a_capture_of_the_live_stream_replays_equal", Anywhere, flow::replay),
    ("fault_none", Anywhere, faults::no_fault),
    ("fault_observer_overflow", Anywhere, faults::observer_overflow),
    ("fault_short_stall", Anywhere, faults::short_stall),
    ("fault_long_stall", Anywhere, faults::long_stall),
    ("fault_full_queue", Anywhere, faults::full_queue),
    ("fault_rate_limit", Anywhere, faults::rate_limit),
    ("fault_slow_consumer", Anywhere, faults::slow_consumer),
    ("fault_cut_records", Anywhere, faults::cut_records),
    ("fault_auditing_off", Anywhere, faults::auditing_off),
    ("fault_forged", Anywhere, faults::forged),
    ("fault_anything_goes", Anywhere, faults::anything_goes),
    ("health_without_faults", Anywhere, health::without_faults),
    ("health_auditing_turned_off", Anywhere, health::turned_off),
    ("health_in_an_event_loop", Anywhere, health::in_an_event_loop),
    ("health_rules_removed", Anywhere, health::rules_removed),
    ("health_rules_removed_unwatched", Anywhere, needed_rules::removed_unwatched),
    ("health_rules_loaded_again", Anywhere, needed_rules::removed_and_loaded_again),
    ("health_rules_suppressed", Anywhere, needed_rules::suppressed),
    ("health_rules_given_up", Anywhere, needed_rules::given_up),
    ("health_files_replaced", Anywhere, needed_rules::files_replaced),
    ("health_heartbeat_refused", Host, needed_rules::heartbeat_refused),
    ("health_leaving_without_descriptors", Host, needed_rules::leaving_without_descriptors),
    ("health_heartbeat_missing", Anywhere, health::heartbeat_missing),
    ("health_heartbeat_by_a_process", Anywhere, health::heartbeat_by_a_process),
    ("health_registration_lost", Anywhere, health::registration_lost),
    ("health_registration_given_up", Anywhere, health::registration_given_up),
    ("health_successor", Anywhere, health::successor),
    ("health_port_hijacker", Anywhere, health::port_hijacker),
    ("health_two_daemons", Anywhere, health::two_daemons),
    ("health_stopped_by_auditctl", Host, health::stopped_by_auditctl),
    ("health_killed_at_any_moment", Anywhere, health::killed_at_any_moment),
    ("stall_close_never_hangs", Anywhere, stalls::close_never_hangs),
    ("stall_wait_time_of_the_host", Anywhere, stalls::what_the_host_waits),
    ("stall_short_listing", Host, stalls::short_listing),
    ("stall_a_million_records", Host, stalls::million),
    ("processes_of_64_bit_programs", Anywhere, processes::of_64_bits),
    ("processes_of_32_bit_programs", Anywhere, processes::of_32_bits),
    ("processes_with_few_pids", Machine, processes::with_few_pids),
    ("processes_while_the_clock_jumps", Machine, processes::while_the_clock_jumps),
    ("processes_across_suspend", Machine, processes::across_suspend),
    ("processes_after_a_late_start", Anywhere, processes::after_a_late_start),
    ("processes_after_a_loss", Anywhere, processes::after_a_loss),
    ("processes_have_exact_start_times", Host, processes::start_times),
    ("processes_in_bounded_memory", Anywhere, processes::memory),
    ("processes_of_procwatch", Anywhere, processes::procwatch),
    ("processes_of_procwatch_whose_rules_are_removed", Anywhere, needed_rules::of_procwatch),
    ("processes_of_procwatch_that_is_not_read", Host, needed_rules::procwatch_unread),
    ("processes_with_pids_of_the_host", Host, namespaces::pids_of_the_host),
    ("processes_with_pids_of_the_host_unprivileged", Host, namespaces::unprivileged),
    ("processes_in_a_pid_namespace", Host, processes::in_a_pid_namespace),
    ("processes_by_pidfds", Anywhere, processes::by_pidfds),
    ("processes_by_sweeps", Anywhere, processes::by_sweeps),
    ("arguments_come_back_byte_for_byte", Anywhere, interpretations::long_arguments),
    ("names_of_constants_equal_those_of_libaudit", Host, interpretations::tables),
    ("a_varied_workload_is_interpreted_as_by_ausearch", Host, interpretations::agree),
    ("without_privilege", Anywhere, errors::no_privilege),
    ("without_one_capability", Host, errors::no_capability),
    ("in_the_wrong_namespace", Anywhere, errors::wrong_namespace),
    ("when_another_daemon_is_registered", Anywhere, errors::another_daemon),
    ("rules_unknown_to_the_kernel_or_the_architecture", Anywhere, errors::bad_rules),
    ("machine_holds_since_boot", Machine, machine::since_boot),
    ("machine_older_processes", Machine, machine::older_processes),
    ("machine_doctor", Anywhere, machine::doctor),
    ("machine_hold_queue", Machine, machine::hold_queue),
    ("machine_mixed_storm", Machine, machine::mixed_storm),
    ("machine_immutable_login_uid", Machine, machine::immutable_login),
    ("machine_configuration_locked", Machine, machine::locked),
    ("death_by_panic", Machine, machine::panic),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = helper::run(&words) {
        return code;
    }
    let unwanted = match std::env::var("AUDITLINK_LIVE").as_deref() {
        Ok("1") => Machine,
        Ok("vm") => Host,
        _ => {
            println!("live tests need the real kernel and root: not run without AUDITLINK_LIVE=1");
            return ExitCode::SUCCESS;
        }
    };
    let filters: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let tests = TESTS.iter().filter(|(name, place, _)| {
        let is_wanted = filters.is_empty() || filters.iter().any(|part| name.contains(*part));
        // what the machine does not survive must be asked for
        let survives = !name.starts_with("death") || filters.iter().any(|part| **part == *name);
        is_wanted && survives && *place != unwanted
    });
    let kernel = match KernelLock::open() {
        Ok(kernel) => kernel,
        Err(reason) => {
            println!("live tests cannot run here: {reason}");
            return ExitCode::FAILURE;
        }
    };
    let (mut passed, mut failed) = (0, 0);
    for (name, _, test) in tests {
        let start = Instant::now();
        let outcome = panic::catch_unwind(|| {
            kernel.prepare();
            test(&kernel);
        });
        kernel.restore();
        match outcome {
            Ok(()) => passed += 1,
            Err(_) => failed += 1,
        }
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "live {name} ... {} ({seconds:.1} s)",
            if outcome.is_ok() { "ok" } else { "FAILED" }
        );
    }
    println!("live: {passed} passed, {failed} failed");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
