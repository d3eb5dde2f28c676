//! What every store has to do, whatever keeps it. An engine joins by a line at the end of this file.

mod access;
mod closing;
mod deployments;
mod idempotency;
mod packages;
mod pages;
mod queue;
mod records;

/// Every test of the suite for one engine.
macro_rules! suite {
    ($engine:ident, $make:path, $($part:ident { $($test:ident)+ })+) => {
        mod $engine {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let Some(empty) = $make().await else { return };
                super::$part::$test(&*empty.store).await;
                // Where its connections are left open, the next test may find none.
                let _ = empty.store.close().await;
            })+)+
        }
    };
    ($engine:ident, $make:path) => {
        suite! { $engine, $make,
            packages {
                packages_are_kept_once_by_their_digest
                what_is_known_of_a_package_has_its_signer
            }
            deployments {
                a_deployment_becomes_the_active_version
                a_deployment_without_its_packages_is_refused
                a_version_is_kept_as_it_was
                an_earlier_version_is_served_again
                a_canary_is_beside_the_active_version
                a_change_on_an_old_revision_is_a_conflict
                what_was_never_deployed_is_not_served
                versions_and_environments_are_listed
                of_many_deployers_at_once_each_gets_a_version
            }
            access {
                tokens_are_kept_by_name_and_found_by_hash
                every_change_is_in_the_audit_log
            }
            queue {
                the_queue_gives_back_what_it_was_given
                the_queue_gives_the_oldest_first
                each_environment_has_its_own_queue
                processes_can_be_left_out
                runs_are_counted_until_it_is_done
                an_execution_that_runs_already_is_queued_as_that
                a_failed_execution_is_kept_and_not_run_again
                a_retry_waits_for_its_time
                a_run_that_could_not_begin_is_not_counted
                a_result_is_kept_until_its_time
                dead_letters_are_sent_again_or_thrown_away
                entries_and_depths_are_listed
                an_id_is_queued_once
                many_at_once_are_all_there
                a_lease_keeps_others_away_where_there_are_others
            }
            idempotency {
                a_key_is_claimed_once
                an_answer_is_given_again_until_its_time
                another_body_is_told_apart
                keys_of_others_are_others
                a_released_claim_is_free
                a_claim_that_has_passed_is_taken_over
                a_receipt_and_its_answer_are_kept_together
                of_many_at_once_one_gets_the_key
            }
            pages {
                a_page_comes_back_as_it_was
                a_page_serves_again_until_the_next_is_fetched
                pages_of_others_are_not_given
                a_page_goes_with_its_time
                the_oldest_pages_go_first_and_whole_answers_at_a_time
                many_pages_are_all_there
            }
            records {
                a_record_comes_back_as_it_was
                records_are_listed_newest_first
                records_are_found_by_what_they_are
                lists_are_walked_in_pages_and_followed
                a_later_attempt_replaces_an_earlier_one
                counts_of_a_minute_are_added_up
                old_records_go_first
                too_many_bytes_are_pruned
                many_records_at_once_are_all_there
            }
            closing {
                a_closed_store_refuses
            }
        }
    };
}

suite! { in_memory, crate::engines::memory }
suite! { on_sqlite, crate::engines::sqlite }
suite! { on_postgres, crate::engines::postgres }
