"""Which tests show each hard case: what an outsider would try."""

import ast
from functools import cache
from pathlib import Path

import pytest

_HERE = Path(__file__).parent

#: The case, in short, and the tests that show it, "FILE::TEST".
CASES = {
    1: (
        "each file of a dataset cut at 0, 1, half and all but one bytes",
        "data/test_cifar10_by_name.py::test_case_01_every_file_cut_anywhere_is_an_error",
        "data/test_cifar100_by_name.py"
        "::test_case_01_and_02_a_cut_file_and_a_flipped_bit_are_errors",
        "data/test_fashion_mnist.py::test_case_01_every_file_cut_anywhere_is_an_error",
        "data/test_idx.py::test_case_01_every_cut_is_an_error",
        "data/test_archive.py::test_case_01_an_archive_cut_anywhere_is_refused",
        "data/test_pickles.py::test_case_01_every_cut_of_a_small_pickle_is_an_error",
        "data/test_npz_members.py::test_case_01_a_file_cut_off_anywhere",
        "data/test_parquet_damage.py::test_case_01_a_file_cut_off_anywhere",
    ),
    2: (
        "one bit flipped in an official archive; a folder unpacked by hand",
        "data/test_cifar10_by_name.py::test_case_02_one_flipped_bit_is_a_checksum_error",
        "data/test_cifar10.py::test_case_02_a_folder_given_by_its_path_is_checked_too",
        "data/test_fashion_mnist.py::test_case_02_one_flipped_bit_is_a_checksum_error",
        "data/test_archive.py::test_case_02_one_bit_flipped_in_a_compressed_archive_is_an_error",
    ),
    3: (
        "a pickle that runs a command, or asks for gigabytes",
        "data/test_pickles.py::test_case_03_a_pickle_that_runs_a_command_is_refused",
        "data/test_pickles.py::test_case_03_a_pickle_that_asks_for_gigabytes_is_refused",
        "data/test_pickles.py::test_case_03_lists_of_lists_of_lists_stay_small",
        "data/test_cifar10.py::test_case_03_a_command_in_a_batch_is_not_run",
        "data/test_cifar100.py::test_case_03_a_command_in_a_batch_is_not_run",
        "data/test_npz_members.py::test_case_03_a_pickle_is_refused_and_does_not_run",
    ),
    4: (
        "batches written by torchvision, Keras or plain Python 3 pickling",
        "data/test_pickles.py::test_case_04_batches_of_every_protocol_and_numpy_load",
        "data/test_pickles.py::test_case_04_batches_of_python_2_load",
        "data/test_cifar10.py::test_case_04_batches_of_every_protocol_load",
        "data/test_cifar100.py::test_case_04_what_python_3_made_of_the_published_pickles_loads",
    ),
    5: (
        "a label out of range, too few labels, IDX that declares 2^31 images",
        "data/test_cifar10.py::test_case_05_a_label_out_of_range_in_a_record_is_named",
        "data/test_cifar10.py::test_case_05_a_broken_batch_is_named",
        "data/test_fashion_mnist.py::test_case_05_files_that_do_not_fit_are_named",
        "data/test_fashion_mnist.py::test_case_05_a_label_out_of_range_is_named",
        "data/test_idx.py::test_case_05_a_header_that_declares_too_much_allocates_nothing",
        "data/test_npz_members.py"
        "::test_case_05_headers_that_lie_are_refused_before_memory_is_asked_for",
    ),
    6: (
        "bombs, paths that lead out, links, devices, duplicate names",
        "data/test_archive_hostile.py::test_case_06_paths_that_lead_out_are_refused",
        "data/test_archive_hostile.py::test_case_06_special_members_of_a_tar_are_refused",
        "data/test_archive_hostile.py::test_case_06_special_members_of_a_zip_are_refused",
        "data/test_archive_hostile.py::test_case_06_duplicate_names_are_refused",
        "data/test_archive_hostile.py::test_case_06_compressed_bombs_are_refused_early",
        "data/test_archive_hostile.py::test_case_06_zip_bombs_are_refused_unread",
        "data/test_idx.py::test_case_06_a_gzip_bomb_stops_at_what_the_header_declares",
        "data/test_csv_file.py::test_case_06_links_that_lead_out_are_refused_and_others_are_not",
    ),
    7: (
        "pixels byte-equal to an independent reader, red plane first",
        "data/test_cifar10.py::test_case_07_records_equal_what_numpy_reads_from_the_file",
        "data/test_cifar100.py::test_case_07_records_equal_what_numpy_reads_from_the_file",
        "data/test_idx.py::test_case_07_pixels_equal_an_independent_reader",
        "real/test_real_fashion_mnist.py"
        "::test_case_07_pixels_and_labels_equal_an_independent_reader",
    ),
    8: (
        "litter is ignored, said once",
        "data/test_folder.py::test_case_08_litter_is_ignored_and_said_once",
        "data/test_layout.py::test_case_08_what_was_ignored_is_one_line",
        "prediction/test_image_sources.py"
        "::test_case_08_a_folder_is_searched_and_litter_is_said_once",
    ),
    9: (
        "truncated JPEG, text renamed to .png, empty class: named before training starts",
        "data/test_images_damage.py::test_case_9_an_image_cut_anywhere_is_refused",
        "data/test_images_damage.py::test_case_9_what_is_no_image_is_named",
        "data/test_folder.py::test_case_09_one_broken_file_is_named",
        "data/test_layout.py::test_case_09_an_empty_class_is_named",
        "data/test_csv_file.py::test_case_09_broken_images_are_named_before_training",
    ),
    10: (
        "CMYK, palette with alpha, EXIF orientations",
        "data/test_images.py::test_case_10_cmyk",
        "data/test_images.py::test_case_10_palette_with_alpha",
        "data/test_images.py::test_case_10_exif_orientation",
        "data/test_images.py::test_case_10_exif_orientation_of_a_jpeg_photo",
    ),
    11: (
        "class names of every kind are shown literally everywhere",
        "data/test_folder.py::test_case_11_class_names_of_every_kind",
        "data/test_layout.py::test_case_11_class_names_are_kept_literally",
        "test_tables.py::test_case_11_wide_letters_keep_the_columns_and_control_letters_do_not_act",
        "workflows/test_overview.py::test_case_11_no_name_acts_on_the_terminal",
        "reports/test_report_html.py::test_class_names_are_shown_literally",
        "reports/test_report_html.py::test_any_text_is_shown_literally_in_any_block",
        "reports/test_report_markdown.py::test_any_text_is_read_literally_in_any_block",
        "reports/test_report_pdf.py::test_class_names_are_shown_literally",
        "reports/test_report_pdf.py::test_any_text_can_be_set_in_any_block",
        "reports/test_report_texts.py::test_markup_is_shown_and_never_followed",
        "evaluation/test_figures.py::test_names_are_shown_literally",
        "cli/test_predict_verb.py::test_case_11_class_names_of_every_kind_are_shown_literally",
        "cli/test_explain_verb.py::test_case_11_a_class_name_of_any_kind_is_shown_literally",
        "page/test_page_pages.py::test_names_that_want_to_act_are_shown_literally",
    ),
    12: (
        "train and test share images",
        "data/test_repeats.py::test_case_12_train_and_test_that_share_images_are_said",
        "data/test_repeats.py::test_case_12_copies_are_counted_by_part",
        "data/test_shapes.py::test_case_12_copies_across_the_parts_are_counted_and_said",
    ),
    13: (
        "same seed, same weights",
        "training/test_loop.py"
        "::test_case_13_the_same_seed_gives_identical_weights_and_another_seed_others",
    ),
    14: (
        "kill -9 at any instant, resumed",
        "training/test_kills.py::test_case_14_killed_again_and_again_it_ends_with_the_same_bytes",
        "cli/test_process.py::test_case_14_a_killed_training_goes_on_exactly",
        "benchmarks/test_kill.py::test_case_14_kills_are_made_once_and_reported",
        "workflows/test_verify_resume.py::test_case_14_kills_are_survived",
    ),
    15: (
        "kill during evaluation, during a checkpoint, between its files",
        "training/test_kills.py::test_case_15_killed_there_it_goes_on_to_the_same_bytes",
        "training/test_kills.py"
        "::test_case_15_a_kill_after_the_last_file_but_one_leaves_no_old_progress",
        "training/test_checkpoint.py"
        "::test_case_15_a_damaged_checkpoint_is_named_and_the_one_before_it_used",
        "cli/test_broken_runs.py::test_case_15_a_broken_file_is_named_and_its_run_still_listed",
    ),
    16: (
        "resume after the end; changed configuration or data",
        "training/test_loop.py::test_case_16_a_run_that_has_ended_has_nothing_to_do",
        "cli/test_verbs.py::test_case_16_resuming_what_has_ended_is_done_at_once",
        "training/test_loop_records.py::test_case_16_a_changed_configuration_is_refused_and_the_keys_named",
        "training/test_loop.py::test_case_16_changed_data_is_refused",
        "training/test_conditions.py"
        "::test_case_16_another_machine_is_refused_and_says_what_differs",
    ),
    17: (
        "NaN loss; disk full, folder read-only",
        "training/test_loop.py::test_case_17_a_loss_that_is_no_number_stops_and_keeps_the_best",
        "benchmarks/test_faults.py"
        "::test_case_17_whatever_operation_fails_the_earlier_state_goes_on",
        "benchmarks/test_faults.py::test_case_17_a_disk_that_stays_full_keeps_the_last_checkpoint",
        "test_files.py::test_case_17_a_full_disk_is_one_line_and_leaves_nothing",
        "test_runs.py::test_case_17_a_folder_that_cannot_be_written_is_an_error",
        "cli/test_process.py::test_case_17_a_log_on_a_full_disk_does_not_stop_training",
    ),
    18: (
        "interrupt: checkpoint, exit 130 or 143",
        "cli/test_process.py::test_case_18_a_stopped_training_can_be_resumed",
        "training/test_loop.py::test_case_18_a_stopped_training_goes_on_exactly_where_it_stood",
        "training/test_signals.py"
        "::test_case_18_a_signal_is_noted_once_and_the_old_handler_comes_back",
        "training/test_stop_file.py"
        "::test_case_18_a_training_that_was_asked_to_stop_goes_on_where_it_stood",
        "page/test_page_live.py::test_a_training_stops_when_the_page_asks",
    ),
    19: (
        "shuffled labels; 64 images",
        "training/test_loop.py::test_case_19_shuffled_labels_are_learnt_no_better_than_chance",
        "training/test_loop.py::test_case_19_few_images_are_learnt_by_heart",
    ),
    20: (
        "--device cuda without one",
        "cli/test_usage.py::test_case_20_cuda_without_one_is_an_error",
    ),
    21: (
        "any batch size, identical counts; everything printed recomputes",
        "test_inference.py::test_case_21_any_batch_size_gives_the_same_classes",
        "cli/test_verbs.py::test_case_21_everything_evaluated_recomputes_from_the_predictions",
        "cli/test_predict_verb.py"
        "::test_case_21_a_folder_of_the_test_images_has_the_accuracy_that_evaluate_gives",
        "reports/test_report_recomputes.py::test_the_metrics_of_a_split",
        "reports/test_report_recomputes.py::test_the_matrix_as_counts_and_as_shares",
        "reports/test_report_recomputes.py::test_the_conclusions",
    ),
    22: (
        "absent classes, two, a thousand, ties, huge logits",
        "reports/test_odd_splits.py::test_case_22_absent_classes_ties_and_huge_logits",
        "metrics/test_confusion.py::test_case_22_absent_classes_score_zero_and_say_so",
        "metrics/test_confusion.py::test_case_22_a_thousand_classes_and_narrow_label_types",
        "metrics/test_confusion.py::test_case_22_the_lowest_index_wins_a_tie",
        "metrics/test_scores.py::test_case_22_two_classes_have_no_top_five",
        "metrics/test_calibration.py"
        "::test_case_22_logits_of_ten_thousand_have_the_loss_that_they_should",
    ),
    23: (
        "Keras weights transplanted",
        "models/test_zoo.py::test_case_23_logits_agree_with_keras",
    ),
    24: (
        "an exported file says what the network says",
        "exporting/test_onnx_parity.py::test_case_24_every_model_says_the_same_without_torch",
        "exporting/test_onnx_parity.py::test_case_24_images_of_every_form",
    ),
    25: (
        "a body one byte over the limit, chunked, or of a lying length; a PNG of 50,000 x 50,000",
        "serving/test_serve_limits.py"
        "::test_case_25_a_body_at_the_limit_passes_and_one_byte_more_is_413",
        "serving/test_serve_limits.py::test_case_25_a_chunked_body_is_counted_as_it_comes",
        "serving/test_serve_limits.py::test_case_25_an_endless_body_is_cut_off",
        "serving/test_serve_limits.py"
        "::test_case_25_a_declared_length_beyond_the_limit_is_413_before_the_body",
        "serving/test_serve_limits.py"
        "::test_case_25_a_client_that_asks_first_is_told_before_it_sends",
        "serving/test_serve_limits.py::test_case_25_a_body_longer_than_it_says_is_413",
        "serving/test_serve_limits.py::test_case_25_a_body_shorter_than_it_says_is_408",
        "serving/test_serve_limits.py"
        "::test_case_25_a_png_of_50_000_by_50_000_is_refused_with_flat_memory",
    ),
    26: (
        "200 slow connections; five times the capacity",
        "serving/test_serve_load.py::test_case_26_others_are_served_beside_200_slow_connections",
        "serving/test_serve_load.py::test_case_26_five_times_the_capacity_gets_200_or_503_only",
    ),
    27: (
        "TERM: requests in flight finish",
        "serving/test_serve_stop.py::test_case_27_requests_in_flight_finish",
    ),
    28: (
        "a mistyped option or name; a value out of range",
        "cli/test_usage.py::test_case_28_a_mistyped_option_of_every_verb_is_one_line",
        "cli/test_usage.py::test_case_28_a_mistyped_verb_gets_a_suggestion",
        "cli/test_usage.py::test_case_28_a_wrong_value_is_one_line_with_what_is_allowed",
        "test_config.py::test_case_28_an_unknown_name_gets_a_suggestion",
        "test_config.py::test_case_28_a_wrong_option_of_a_source_is_one_line",
    ),
    29: (
        "| head, no terminal, a non-UTF-8 locale",
        "cli/test_process.py::test_case_29_a_reader_that_goes_away_is_no_error",
        "cli/test_process.py::test_case_29_a_locale_without_the_letter_is_no_error",
        "cli/test_process.py"
        "::test_case_29_where_file_names_would_be_ascii_a_run_of_any_name_is_used",
        "cli/test_process.py::test_a_terminal_shows_a_bar_with_figures",
        "cli/test_process.py::test_a_reader_of_the_progress_that_goes_away_does_not_stop_training",
    ),
    30: (
        "every command of the README and docs",
        "test_readme.py::test_case_30_every_command_runs_as_written",
        "test_tutorials.py::test_case_30_every_step_runs_as_written",
        "cli/test_data_page.py::test_case_30_every_command_runs_as_written",
        "cli/test_use_pages.py::test_case_30_every_step_runs_as_written",
    ),
}


@cache
def named_in(file: str) -> set[str]:
    """The names of a file's test functions."""
    tree = ast.parse((_HERE / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_case_of_what_is_built_has_its_tests():
    assert [*CASES] == [*range(1, 31)]


@pytest.mark.parametrize("number", CASES)
def test_the_tests_of_a_case_are_there(number):
    _, *tests = CASES[number]
    assert tests
    missing = [test for test in tests if test.split("::")[1] not in named_in(test.split("::")[0])]
    assert missing == []
