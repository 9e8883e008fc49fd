"""What `evaluate` reports for every kind of prediction, and what it refuses."""

import numpy as np
import pytest

from genolightning.errors import BadTable
from genolightning.statistics import metrics
from genolightning.statistics.evaluate import best_threshold, evaluate

BINARY = {"accuracy", "f1", "mcc", "auroc", "auprc", "loss", "prevalence"}


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def binary(seed=0, shape=200):
    draw = np.random.default_rng(seed)
    target = (draw.random(shape) < 0.4).astype(int)
    return target, sigmoid(draw.normal(size=shape) + 1.5 * target - 0.7)


def multiclass(seed=0, shape=(200,)):
    draw = np.random.default_rng(seed)
    target = draw.integers(3, size=shape)
    p = draw.random((*shape, 3)) + 0.5 * np.eye(3)[target]
    return target, p / p.sum(-1, keepdims=True)


def values(estimates):
    return {name: estimate.value for name, estimate in estimates.items()}


def same(first, second):
    return values(first) == pytest.approx(values(second), abs=1e-12, nan_ok=True)


def test_binary_reports_the_plain_scores():
    target, p = binary()
    found, guess = values(evaluate("binary", target, p, resamples=20)), p > 0.5
    assert set(found) == BINARY
    assert (found["accuracy"], found["f1"], found["mcc"]) == (
        metrics.accuracy(target, guess),
        metrics.f1(target, guess),
        metrics.mcc(target, guess),
    )
    assert (found["auroc"], found["auprc"]) == (metrics.auroc(target, p), metrics.auprc(target, p))
    assert found["loss"] == pytest.approx(metrics.log_loss(target, p), abs=1e-12)
    assert found["prevalence"] == pytest.approx(target.mean(), abs=1e-12)


def test_probabilities_of_both_classes_score_as_that_of_class_one():
    target, p = binary()
    assert same(
        evaluate("binary", target, np.stack([1 - p, p], axis=1), resamples=20),
        evaluate("binary", target, p, resamples=20),
    )


def test_multiclass_reports_the_plain_scores():
    target, p = multiclass()
    found = values(evaluate("multiclass", target, p, classes=("a", "b", "c"), resamples=20))
    assert set(found) == {"accuracy", "f1", "mcc", "auroc", "auprc", "loss"}
    assert found["f1"] == metrics.f1(target, p.argmax(1))
    assert found["auroc"] == metrics.auroc(target, p)


def test_regression_leaves_out_rows_without_a_number():
    draw = np.random.default_rng(0)
    target = draw.normal(size=100)
    guess = target + draw.normal(size=100)
    holes = np.where(np.arange(100) % 3 == 0, np.nan, target)
    known = ~np.isnan(holes)
    found = evaluate("regression", holes, guess, resamples=20)
    assert set(found) == {"pearson", "spearman", "r2", "mse", "mae", "loss"}
    assert same(found, evaluate("regression", target[known], guess[known], resamples=20))
    assert found["loss"].value == found["mse"].value
    # the intervals are sums in another order: equal to a few units in the last place
    assert (found["loss"].low, found["loss"].high) == pytest.approx((found["mse"].low, found["mse"].high), rel=1e-12)


def test_multilabel_is_the_mean_over_labels_of_what_each_knows():
    target, p = binary(shape=(150, 3))
    target[::4, 1] = -100
    found = values(evaluate("multilabel", target, p, resamples=20))
    columns = [(target[:, k][target[:, k] >= 0], p[:, k][target[:, k] >= 0]) for k in range(3)]
    assert set(found) == BINARY
    assert found["auroc"] == pytest.approx(np.mean([metrics.auroc(t, q) for t, q in columns]), abs=1e-12)
    assert found["mcc"] == pytest.approx(np.mean([metrics.mcc(t, q > 0.5) for t, q in columns]), abs=1e-12)
    assert found["prevalence"] == pytest.approx(np.mean([t.mean() for t, _ in columns]), abs=1e-12)
    assert found["loss"] == pytest.approx(metrics.log_loss(target, p), abs=1e-12)


def test_nan_and_minus_hundred_both_say_no_label():
    target, p = binary(shape=(60, 2))
    target[::3] = -100
    target[1::4, 1] = -100
    with_nan = np.where(target == -100, np.nan, target)
    assert evaluate("multilabel", target, p, resamples=50) == evaluate("multilabel", with_nan, p, resamples=50)


def test_a_label_with_one_class_only_is_left_out_of_the_mean_auroc():
    target, p = binary(shape=(80, 2))
    target[:, 1] = 0
    assert evaluate("multilabel", target, p, resamples=20)["auroc"].value == metrics.auroc(target[:, 0], p[:, 0])


def test_language_models_are_scored_by_the_base():
    bases = np.array([100.0, 300.0, 50.0])
    found = evaluate("causal_lm", bases, bases * np.log(3), resamples=20)
    assert values(found) == pytest.approx({"loss": np.log(3), "perplexity": 3, "bits_per_base": np.log2(3)})


@pytest.mark.parametrize("make", [binary, multiclass])
def test_bases_are_scored_end_to_end_without_those_unlabelled(make):
    target, p = make(shape=(30, 20))
    target[3:9, 12:] = -100
    known = target >= 0
    kind = make.__name__
    assert same(evaluate(kind, target, p, resamples=20), evaluate(kind, target[known], p[known], resamples=20))


def test_ragged_rows_score_as_padded_ones():
    target, p = multiclass(shape=(25, 16))
    lengths = np.random.default_rng(1).integers(4, 16, size=25)
    target[np.arange(16) >= lengths[:, None]] = -100
    ragged = (
        [row[:n] for row, n in zip(target, lengths, strict=True)],
        [row[:n] for row, n in zip(p, lengths, strict=True)],
    )
    assert evaluate("multiclass", *ragged, resamples=50) == evaluate("multiclass", target, p, resamples=50)


def test_half_precision_predictions_are_accepted():
    target, p = multiclass(shape=(40, 8))
    half = evaluate("multiclass", target, p.astype(np.float16), resamples=20)
    assert values(half) == pytest.approx(values(evaluate("multiclass", target, p, resamples=20)), abs=5e-3)


def width(estimate):
    return estimate.high - estimate.low


def test_bases_of_one_sequence_count_as_one_draw():
    target, p = binary(shape=100)
    copies = np.repeat(target[:, None], 9, axis=1), np.repeat(p[:, None], 9, axis=1)
    rows, bases = evaluate("binary", target, p), evaluate("binary", *copies)
    assert bases["auroc"].unit == "row"
    for name in ("accuracy", "auroc", "auprc"):
        assert bases[name][:3] == pytest.approx(rows[name][:3], abs=1e-12)


def test_clusters_of_alike_rows_have_wider_intervals():
    target, p = binary(shape=60)
    target, p, clusters = np.repeat(target, 6), np.repeat(p, 6), np.repeat(np.arange(60), 6).astype(str)
    rows, grouped = evaluate("binary", target, p), evaluate("binary", target, p, clusters=clusters)
    assert {estimate.unit for estimate in grouped.values()} == {"cluster"}
    for name in BINARY:
        assert width(grouped[name]) > 1.7 * width(rows[name])
        assert grouped[name].value == pytest.approx(rows[name].value, abs=1e-12)


def test_one_cluster_says_nothing_so_rows_are_drawn():
    target, p = binary()
    assert evaluate("binary", target, p, clusters=["chr8"] * 200, resamples=50) == evaluate(
        "binary", target, p, resamples=50
    )


def test_intervals_narrow_with_the_square_root_of_the_rows():
    few, many = evaluate("binary", *binary(shape=400)), evaluate("binary", *binary(shape=6400))
    for name in BINARY:
        assert width(few[name]) / width(many[name]) == pytest.approx(4, rel=0.3)


@pytest.mark.parametrize("seed", range(20))
def test_every_interval_holds_its_value_even_in_tiny_sets(seed):
    target, p = binary(seed, shape=12)
    target[:2] = 0, 1
    for low, value, high in ((e.low, e.value, e.high) for e in evaluate("binary", target, p, threshold=0.3).values()):
        assert low <= value <= high


def test_the_same_seed_gives_the_same_intervals():
    target, p = binary()
    assert evaluate("binary", target, p, seed=5) == evaluate("binary", target, p, seed=5)
    assert evaluate("binary", target, p, seed=5) != evaluate("binary", target, p, seed=6)


def test_one_class_only_has_no_auroc_and_still_an_accuracy():
    found = evaluate("binary", [1, 1, 1], [0.9, 0.8, 0.2], resamples=50)
    assert np.isnan(found["auroc"][:3]).all()
    assert found["accuracy"].value == pytest.approx(2 / 3)


def test_the_best_threshold_is_no_worse_than_any_other():
    for seed in range(10):
        target, p = binary(seed, shape=60)
        p = np.round(p, 1)
        best = metrics.mcc(target, p > best_threshold(target, p))
        assert best == pytest.approx(max(metrics.mcc(target, p > t) for t in np.linspace(-0.05, 1, 106)), abs=1e-12)


def test_the_tuned_mcc_is_that_at_the_given_threshold():
    target, p = binary()
    found = evaluate("binary", target, p, threshold=0.3, resamples=20)
    assert set(found) == BINARY | {"mcc_tuned"}
    assert found["mcc_tuned"].value == metrics.mcc(target, p > 0.3)
    assert evaluate("binary", target, p, threshold=0.5)["mcc_tuned"] == evaluate("binary", target, p)["mcc"]


def test_a_threshold_of_one_half_is_kept_where_nothing_is_better():
    assert best_threshold([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]) == 0.5
    assert best_threshold([1, 1], [0.8, 0.9]) == 0.5
    assert best_threshold([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.9]) == 0.25


@pytest.mark.parametrize(
    ("kind", "target", "prediction", "says"),
    [
        ("binary", [0, 1, 2], [0.1, 0.2, 0.3], "found 2 in row 2"),
        ("binary", [0, 1, 1], [0.1, np.nan, 0.3], "found nan in row 1"),
        ("binary", [0, 1, 1], [-4.0, 0.2, 0.3], "not a logit"),
        ("binary", [0, 1, 1], [0.1, 0.2], "part at row 2"),
        ("binary", [[0, 1], [1, 0, 1]], [[0.1, 0.2], [0.1, 0.2]], "part at row 1"),
        ("binary", [-100, -100], [0.1, 0.2], "found none in any row"),
        ("binary", [], [], "found none in any row"),
        ("binary", [0, 1], np.full((2, 3), 0.3), "do not fit binary"),
        ("multiclass", [0, 3], np.full((2, 3), 0.3), "in 0..2"),
        ("multilabel", np.zeros((2, 3)), np.full((2, 2), 0.3), "do not fit multilabel"),
        ("regression", [0.0, 1.0], [np.inf, 0.0], "found inf in row 0"),
        ("ordinal", [0, 1], [0.1, 0.2], "kind 'ordinal'"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_one_line(kind, target, prediction, says):
    with pytest.raises(BadTable, match=says) as refused:
        evaluate(kind, target, prediction)
    assert "\n" not in str(refused.value)


def test_names_and_probabilities_must_be_as_many():
    target, p = multiclass()
    with pytest.raises(BadTable, match="4 classes"):
        evaluate("multiclass", target, p, classes=("a", "b", "c", "d"))


def test_clusters_must_be_one_a_row():
    target, p = binary()
    with pytest.raises(BadTable, match="200 rows"):
        evaluate("binary", target, p, clusters=np.zeros(199))
