"""Each kind of number at the edges has property tests that draw it: those named here exist and are run by hypothesis."""

from importlib import import_module
from pathlib import Path

import pytest

LEVELS, NUMBERS = "tests.summaries.test_edges_levels", "tests.test_edges_numbers"
TYPES, SCALE, TIES = "tests.test_edges_types", "tests.test_edges_scale", "tests.heads.test_ties"
KINDS = {
    "Levels and tails": {
        LEVELS: [
            "test_the_upper_limit_is_never_below_the_truth_and_close_to_it",
            "test_the_lower_limit_is_never_above_the_truth_and_keeps_its_digits",
            "test_both_kl_inverses_keep_their_digits_on_their_side",
        ]
    },
    "A large part added and taken off again": {
        NUMBERS: [
            "test_distances_of_groups_far_apart_are_those_by_subtraction",
            "test_uniformity_is_the_log_mean_over_pairs_at_any_t",
            "test_mixture_bounds_do_not_feel_how_far_groups_are",
            "test_covariances_off_the_diagonal_do_not_feel_the_variances",
        ]
    },
    "Constant and badly scaled columns": {
        NUMBERS: [
            "test_dead_columns_and_units_decide_nothing",
            "test_a_column_is_constant_by_the_spacing_of_its_own_type",
            "test_no_head_feels_a_large_constant_column_beside_small_ones",
        ]
    },
    "float32": {
        NUMBERS: [
            "test_the_log_determinant_is_that_of_the_eigenvalues",
            "test_information_and_spread_stay_below_their_ceilings",
            "test_bessel_functions_go_on_beyond_where_scipy_ends",
        ]
    },
    "Sums that must close": {NUMBERS: ["test_every_pair_is_in_one_bin_of_the_histogram"]},
    "Types": {
        NUMBERS: ["test_weights_sum_to_one_within_their_own_type"],
        TYPES: ["test_labels_of_any_type_and_number_of_classes_count_alike"],
    },
    "torchmetrics' contract": {
        NUMBERS: ["test_a_collection_of_metrics_sees_every_batch_and_loads_what_was_saved"]
    },
    "Ties": {TIES: ["test_nobody_tells_classes_of_equal_items_apart"]},
    "Scale": {
        NUMBERS: ["test_directions_have_no_scale"],
        SCALE: [
            "test_measures_without_units_have_none",
            "test_a_description_is_that_of_the_directions",
            "test_tests_of_assumptions_and_neighbours_feel_no_scale",
        ],
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_is_drawn_by_property_tests(kind):
    for module, names in KINDS[kind].items():
        for name in names:
            assert getattr(getattr(import_module(module), name), "is_hypothesis_test", False), name


def test_the_page_and_this_table_name_the_same_kinds():
    page = Path(__file__).parents[1] / "docs/explanation/numbers.md"
    assert [
        line[4:].split("**")[0] for line in page.read_text().splitlines() if line.startswith("- **")
    ] == list(KINDS)
