//! Tests on the real kernel. They need root, and `AUDITLINK_LIVE=1` to run at all.
//!
//! They run one after the other, in one process: the audit daemon's place is the process's, and
//! there is one kernel. Each begins with auditing set up in a known way, and everything is put
//! back at the end. Where an audit daemon or foreign rules are present, nothing is tried.
//!
//! `live NAME` runs the tests whose name contains NAME.

#![allow(clippy::print_stdout, reason = "it is a test runner")]

mod ausearch;
mod desired;
mod errors;
mod faults;
mod flow;
mod helper;
mod lab;
mod language;
mod meanings;
mod parity;
mod service;
mod settings;
mod stalls;
#[path = "../support/mod.rs"]
mod support;
mod variety;

use std::panic;
use std::process::ExitCode;

use crate::lab::Lab;

type Test = (&'static str, fn(&Lab));

const TESTS: &[Test] = &[
    ("settings_are_read_changed_and_put_back", settings::changed_and_put_back),
    ("settings_that_fail_leave_the_others_as_they_were", settings::all_or_none),
    ("counters_and_features", settings::counters_and_features),
    ("an_answer_that_comes_too_late_confuses_nobody", settings::late_answer),
    ("a_rule_pair_is_installed_listed_and_deleted", settings::rule_pair),
    ("rules_are_deleted_by_key_and_removed_by_their_guard", settings::keys_and_guards),
    ("rules_of_the_reference_tool_are_ours_to_the_byte", parity::same_bytes),
    ("the_reference_tool_prints_our_rules_as_its_own", parity::same_text),
    ("all_rules_that_ship_with_the_reference_tool", language::shipped),
    ("two_thousand_generated_rules", language::generated),
    ("plans_are_carried_out_whole_or_taken_back", desired::all_or_nothing),
    ("plans_have_modes", desired::modes),
    ("merged_rules_record_the_same", desired::merged),
    ("our_auditctl_answers_like_the_reference_tool", parity::same_answers),
    ("the_log_form_is_read_by_the_reference_tool", parity::log_form),
    ("a_32_bit_call_and_a_64_bit_call_are_told_apart", flow::both_abis),
    ("the_lifecycle_of_a_process_is_seen", flow::lifecycle),
    ("a_storm_of_200000_calls_is_received_whole", flow::storm),
    ("a_stalled_observer_reports_one_exact_loss", flow::stalled_observer),
    ("a_stalled_daemon_loses_nothing", flow::stalled_daemon),
    ("a_spoofed_datagram_is_refused", flow::spoofed),
    ("system_calls_are_few", flow::few_calls),
    ("a_record_longer_than_the_buffer_is_told", flow::truncated),
    ("a_capture_of_the_live_stream_replays_equal", flow::replay),
    ("fault_none", faults::no_fault),
    ("fault_observer_overflow", faults::observer_overflow),
    ("fault_short_stall", faults::short_stall),
    ("fault_long_stall", faults::long_stall),
    ("fault_full_queue", faults::full_queue),
    ("fault_rate_limit", faults::rate_limit),
    ("fault_slow_consumer", faults::slow_consumer),
    ("fault_cut_records", faults::cut_records),
    ("fault_auditing_off", faults::auditing_off),
    ("fault_forged", faults::forged),
    ("fault_anything_goes", faults::anything_goes),
    ("service_all_is_well", service::all_is_well),
    ("service_turned_off", service::turned_off),
    ("service_rules_vanish", service::rules_vanish),
    ("service_canary_does_not_come", service::canary_does_not_come),
    ("service_process_canary", service::process_canary),
    ("service_slot_lost", service::slot_lost),
    ("service_successor", service::successor),
    ("service_squatter", service::squatter),
    ("service_two_daemons", service::two_daemons),
    ("service_killed_at_any_moment", service::killed_at_any_moment),
    ("stall_close_never_hangs", stalls::close_never_hangs),
    ("stall_what_the_host_waits", stalls::what_the_host_waits),
    ("stall_short_listing", stalls::short_listing),
    ("stall_million", stalls::million),
    ("arguments_come_back_byte_for_byte", meanings::long_arguments),
    ("names_of_numbers_are_those_of_the_reference_tool", meanings::tables),
    ("a_bit_of_everything_means_what_the_reference_tool_says", meanings::agree),
    ("without_privilege", errors::no_privilege),
    ("in_the_wrong_namespace", errors::wrong_namespace),
    ("when_the_slot_is_taken", errors::slot_taken),
    ("rules_that_the_kernel_or_the_machine_does_not_know", errors::bad_rules),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = helper::run(&words) {
        return code;
    }
    if std::env::var_os("AUDITLINK_LIVE").is_none_or(|value| value != "1") {
        println!("live tests need the real kernel and root: not run without AUDITLINK_LIVE=1");
        return ExitCode::SUCCESS;
    }
    let filter = words.iter().find(|word| !word.starts_with('-'));
    let tests = TESTS.iter().filter(|(name, _)| filter.is_none_or(|part| name.contains(part)));
    let lab = match Lab::open() {
        Ok(lab) => lab,
        Err(reason) => {
            println!("live tests cannot run here: {reason}");
            return ExitCode::FAILURE;
        }
    };
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in tests {
        let outcome = panic::catch_unwind(|| {
            lab.prepare();
            test(&lab);
        });
        lab.restore();
        match outcome {
            Ok(()) => passed += 1,
            Err(_) => failed += 1,
        }
        println!("live {name} ... {}", if outcome.is_ok() { "ok" } else { "FAILED" });
    }
    println!("live: {passed} passed, {failed} failed");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
