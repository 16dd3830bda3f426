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
mod desired;
mod errors;
mod faults;
mod flow;
mod helper;
mod lab;
mod language;
mod lives;
mod machine;
mod meanings;
mod parity;
mod service;
mod settings;
mod stalls;
mod story;
#[path = "../support/mod.rs"]
mod support;
mod variety;

use std::panic;
use std::process::ExitCode;
use std::time::Instant;

use crate::lab::Lab;

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

type Test = (&'static str, Place, fn(&Lab));

const TESTS: &[Test] = &[
    ("settings_are_read_changed_and_put_back", Anywhere, settings::changed_and_put_back),
    ("settings_that_fail_leave_the_others_as_they_were", Anywhere, settings::all_or_none),
    ("counters_and_features", Anywhere, settings::counters_and_features),
    ("an_answer_that_comes_too_late_confuses_nobody", Anywhere, settings::late_answer),
    ("a_rule_pair_is_installed_listed_and_deleted", Anywhere, settings::rule_pair),
    ("rules_are_deleted_by_key_and_removed_by_their_guard", Anywhere, settings::keys_and_guards),
    ("rules_of_the_reference_tool_are_ours_to_the_byte", Host, parity::same_bytes),
    ("the_reference_tool_prints_our_rules_as_its_own", Host, parity::same_text),
    ("all_rules_that_ship_with_the_reference_tool", Host, language::shipped),
    ("two_thousand_generated_rules", Host, language::generated),
    ("plans_are_carried_out_whole_or_taken_back", Host, desired::all_or_nothing),
    ("plans_have_modes", Anywhere, desired::modes),
    ("merged_rules_record_the_same", Anywhere, desired::merged),
    ("our_auditctl_answers_like_the_reference_tool", Host, parity::same_answers),
    ("the_log_form_is_read_by_the_reference_tool", Host, parity::log_form),
    ("a_32_bit_call_and_a_64_bit_call_are_told_apart", Anywhere, flow::both_abis),
    ("the_lifecycle_of_a_process_is_seen", Host, flow::lifecycle),
    ("a_storm_of_200000_calls_is_received_whole", Host, flow::storm),
    ("a_storm_of_200000_calls_is_received_whole_on_tokio", Host, flow::storm_on_tokio),
    ("a_stalled_stream_reports_one_exact_loss", Anywhere, flow::stalled_stream),
    ("a_stalled_observer_reports_one_exact_loss", Anywhere, flow::stalled_observer),
    ("a_stalled_daemon_loses_nothing", Anywhere, flow::stalled_daemon),
    ("a_spoofed_datagram_is_refused", Anywhere, flow::spoofed),
    ("system_calls_are_few", Host, flow::few_calls),
    ("a_record_longer_than_the_buffer_is_told", Anywhere, flow::truncated),
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
    ("service_all_is_well", Anywhere, service::all_is_well),
    ("service_turned_off", Anywhere, service::turned_off),
    ("service_own_event_loop", Anywhere, service::own_event_loop),
    ("service_rules_vanish", Anywhere, service::rules_vanish),
    ("service_canary_does_not_come", Anywhere, service::canary_does_not_come),
    ("service_process_canary", Anywhere, service::process_canary),
    ("service_slot_lost", Anywhere, service::slot_lost),
    ("service_left_for_good", Anywhere, service::left_for_good),
    ("service_successor", Anywhere, service::successor),
    ("service_squatter", Anywhere, service::squatter),
    ("service_two_daemons", Anywhere, service::two_daemons),
    ("service_killed_at_any_moment", Anywhere, service::killed_at_any_moment),
    ("stall_close_never_hangs", Anywhere, stalls::close_never_hangs),
    ("stall_what_the_host_waits", Anywhere, stalls::what_the_host_waits),
    ("stall_short_listing", Host, stalls::short_listing),
    ("stall_million", Host, stalls::million),
    ("lives_of_64_bit_programs", Anywhere, lives::of_64_bits),
    ("lives_of_32_bit_programs", Anywhere, lives::of_32_bits),
    ("lives_of_few_numbers", Machine, lives::of_few_numbers),
    ("lives_of_times_that_jump", Machine, lives::while_the_clock_is_set),
    ("lives_across_sleep", Machine, lives::across_sleep),
    ("lives_of_whoever_joins_late", Anywhere, lives::joined_late),
    ("lives_after_a_loss", Anywhere, lives::after_a_loss),
    ("lives_and_their_start_times", Host, lives::start_times),
    ("lives_take_no_memory", Anywhere, lives::memory),
    ("lives_of_procwatch", Anywhere, lives::procwatch),
    ("lives_in_a_pid_namespace", Host, lives::in_a_pid_namespace),
    ("lives_by_pidfds", Anywhere, lives::by_pidfds),
    ("lives_by_sweeps", Anywhere, lives::by_sweeps),
    ("arguments_come_back_byte_for_byte", Anywhere, meanings::long_arguments),
    ("names_of_numbers_are_those_of_the_reference_tool", Host, meanings::tables),
    ("a_bit_of_everything_means_what_the_reference_tool_says", Host, meanings::agree),
    ("without_privilege", Anywhere, errors::no_privilege),
    ("without_one_capability", Host, errors::no_capability),
    ("in_the_wrong_namespace", Anywhere, errors::wrong_namespace),
    ("when_the_slot_is_taken", Anywhere, errors::slot_taken),
    ("rules_that_the_kernel_or_the_machine_does_not_know", Anywhere, errors::bad_rules),
    ("machine_holds_since_boot", Machine, machine::since_boot),
    ("machine_older_processes", Machine, machine::older_processes),
    ("machine_doctor", Anywhere, machine::doctor),
    ("machine_keeps_for_the_next_daemon", Machine, machine::hold_queue),
    ("machine_mixed_storm", Machine, machine::mixed_storm),
    ("machine_login_users_are_immutable", Machine, machine::immutable_login),
    ("machine_is_locked", Machine, machine::locked),
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
    let lab = match Lab::open() {
        Ok(lab) => lab,
        Err(reason) => {
            println!("live tests cannot run here: {reason}");
            return ExitCode::FAILURE;
        }
    };
    let (mut passed, mut failed) = (0, 0);
    for (name, _, test) in tests {
        let start = Instant::now();
        let outcome = panic::catch_unwind(|| {
            lab.prepare();
            test(&lab);
        });
        lab.restore();
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
