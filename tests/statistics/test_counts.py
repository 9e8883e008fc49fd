"""Counts per block: they add up, and give the scores that the rows give."""

import numpy as np
import pytest
import sklearn.metrics as sk

from genolightning import facts
from genolightning.statistics.counts import (
    ODDS_BINS,
    Counts,
    confusion_scores,
    evaluate_counts,
    few_blocks,
    genome_blocks,
    histogram_scores,
    odds_bin,
)
from genolightning.statistics.evaluate import evaluate
from genolightning.statistics.scored_items import flatten_predictions

ROWS, PLACES = 120, 50


def sigmoid(logit):
    return 1 / (1 + np.exp(-logit))


def split(kind, seed=0):
    """Targets and predictions of 120 rows of 50 places, in half precision, some labels unknown."""
    draw = np.random.default_rng(seed)
    shape = (ROWS, PLACES)
    if kind == "multiclass":
        target = draw.choice(4, shape, p=[0.7, 0.2, 0.07, 0.03])
        raw = np.exp(draw.normal(size=(*shape, 4)) + 1.5 * np.eye(4)[target])
        p = raw / raw.sum(-1, keepdims=True)
    else:
        shape = (*shape, 3) if kind == "multilabel" else shape
        target = (draw.random(shape) < 0.2).astype(int)
        p = sigmoid(draw.normal(size=shape) + 1.5 * target - 1)
    target[draw.random(target.shape) < 0.1] = -100
    return target, p.astype(np.float16)


def counts_of(kind, target, p, rows=slice(None), *, classes=4, size=10):
    target_kind = facts.target_kind(kind)
    counts = Counts.zeros(target_kind, {"binary": 2, "multilabel": 3, "regression": 0}.get(kind, classes), ROWS // 10)
    numbers = np.arange(len(target))[rows]
    for first in range(0, len(numbers), size):
        some = numbers[first : first + size]
        items = flatten_predictions(kind, target[some], p[some])
        counts.add(items, some[items.row] // 10)
    return counts


def parts(counts):
    return [np.asarray(getattr(counts, name)) for name in ("confusion", "histogram", "block_histogram")]


def equal(first, second):
    return all(np.array_equal(one, other) for one, other in zip(parts(first), parts(second), strict=True))


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("ranks", [2, 3, 7])
def test_counts_of_batches_and_ranks_in_any_order_are_those_of_one_pass(kind, ranks):
    target, p = split(kind)
    once = counts_of(kind, target, p, size=ROWS)
    shares = [counts_of(kind, target, p, slice(rank, None, ranks), size=3) for rank in range(ranks)]
    for order in (shares, shares[::-1]):
        total = order[0]
        for share in order[1:]:
            total = total + share
        assert equal(total, once)
        assert total.losses == pytest.approx(once.losses)
    assert once.items.sum() == (target >= 0).sum()


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_scores_from_counts_are_those_from_rows(kind):
    target, p = split(kind)
    exact = evaluate(kind, target, p.astype(np.float64), resamples=20)
    counted = evaluate_counts(facts.target_kind(kind), counts_of(kind, target, p), resamples=20)
    assert list(counted) == list(exact)
    for name in exact:
        tolerance = 1e-3 if name in ("auroc", "auprc") else 1e-12
        assert counted[name].value == pytest.approx(exact[name].value, abs=tolerance), name
    assert counted["mcc"].value == pytest.approx(exact["mcc"].value, rel=1e-15)
    assert {one.unit for one in counted.values()} == {"block"}
    assert all(one.low <= one.value <= one.high for one in counted.values())


def test_numbers_are_scored_from_moments_without_spearman():
    draw = np.random.default_rng(1)
    target = draw.normal(300, 20, (ROWS, PLACES))
    p = target + draw.normal(5, 10, target.shape)
    target[0, :7] = np.nan
    exact = evaluate("regression", target, p, resamples=20)
    counts = Counts.zeros(facts.REGRESSION, 0, ROWS)
    items = flatten_predictions("regression", target, p)
    counts.add(items, items.row, center=300)
    counted = evaluate_counts(facts.REGRESSION, counts, resamples=20)
    assert list(counted) == [name for name in exact if name != "spearman"]
    assert {name: one.value for name, one in counted.items()} == pytest.approx(
        {name: one.value for name, one in exact.items() if name != "spearman"}, rel=1e-9
    )


def test_mcc_of_counts_is_the_one_of_scikit_learn():
    target, p = split("multiclass", seed=3)
    known = target >= 0
    expected = sk.matthews_corrcoef(target[known], p.argmax(-1)[known])
    found = evaluate_counts(facts.MULTICLASS, counts_of("multiclass", target, p), resamples=8)["mcc"].value
    assert found == pytest.approx(expected, rel=1e-14)


def binned(target, p):
    pair = [np.bincount(odds_bin(p[target == side]), minlength=ODDS_BINS) for side in (0, 1)]
    return {name: value[0] for name, value in histogram_scores(np.stack(pair)[None])(np.ones((1, 1))).items()}


def rare(rows, prevalence, separation, seed=0):
    draw = np.random.default_rng(seed)
    target = (draw.random(rows) < prevalence).astype(int)
    return target, sigmoid(draw.normal(size=rows) * 2 + separation * target + np.log(prevalence))


@pytest.mark.parametrize("rows", [200_000, pytest.param(2_000_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("prevalence", [0.5, 0.05, 0.0005])
@pytest.mark.parametrize("separation", [2, 6])
def test_binned_rankings_of_rare_labels_are_within_a_thousandth(rows, prevalence, separation):
    target, p = rare(rows, prevalence, separation)
    found = binned(target, p)
    assert found["auroc"] == pytest.approx(sk.roc_auc_score(target, p), abs=1e-3)
    assert found["auprc"] == pytest.approx(sk.average_precision_score(target, p), abs=1e-3)
    assert found["prevalence"] == target.mean()


def test_the_bound_of_the_auroc_holds_and_is_small():
    target, p = split("binary")
    counts = counts_of("binary", target, p)
    known = target >= 0
    exact = sk.roc_auc_score(target[known], p[known].astype(float))
    found = evaluate_counts(facts.BINARY, counts, resamples=8)["auroc"].value
    assert abs(found - exact) <= counts.auroc_error_bound() < 0.02


def test_bins_of_the_odds_rise_with_the_probability_and_hold_both_ends():
    p = np.concatenate([[0, 1e-12], np.geomspace(1e-7, 0.5, 900), 1 - np.geomspace(0.5, 1e-7, 900), [1]])
    bins = odds_bin(p)
    assert (np.diff(bins) >= 0).all()
    assert (bins[0], bins[-1]) == (0, ODDS_BINS - 1)
    assert odds_bin(p.reshape(3, -1)).shape == (3, 601)


def test_the_interval_from_blocks_is_wider_than_from_bases_where_labels_are_correlated():
    draw = np.random.default_rng(0)
    blocks, size = 60, 1000
    skill = np.repeat(draw.normal(1.5, 1.5, blocks), size)  # a model is right or wrong for whole genes
    target = np.repeat(draw.random(blocks * 10) < 0.4, size // 10).astype(int)
    p = sigmoid(draw.normal(size=blocks * size) * 0.5 + skill * (2 * target - 1))
    by_base = evaluate("binary", target, p, resamples=200)
    counts = Counts.zeros(facts.BINARY, 2, blocks)
    items = flatten_predictions("binary", target, p)
    counts.add(items, items.row // size)
    by_block = evaluate_counts(facts.BINARY, counts, resamples=200)
    for name in ("accuracy", "mcc", "auroc", "auprc"):
        widths = [one[name].high - one[name].low for one in (by_block, by_base)]
        assert widths[0] > 5 * widths[1], name
    assert few_blocks(counts) is None


def test_few_blocks_are_named():
    counts = counts_of("binary", *split("binary"))
    assert "12 blocks" in (few_blocks(counts) or "")


def test_blocks_without_items_are_not_resampled():
    target, p = split("binary")
    full = counts_of("binary", target, p)
    padded = Counts(*(np.concatenate([part, np.zeros_like(part)]) if name != "histogram" else part
                      for name, part in vars(full).items()))  # fmt: skip
    assert evaluate_counts(facts.BINARY, padded, resamples=50) == evaluate_counts(facts.BINARY, full, resamples=50)


def test_neighbouring_rows_share_blocks_of_ten_thousand_bases_and_there_are_at_most_a_thousand():
    assert np.bincount(genome_blocks(np.full(100, 512))).max() == 20
    assert genome_blocks(np.full(300_000, 512)).max() + 1 <= 1000
    assert genome_blocks(np.array([50_000, 50_000])).tolist() == [0, 1]


def test_a_confusion_matrix_of_blocks_is_their_sum():
    confusion = np.random.default_rng(0).integers(9, size=(5, 3, 3))
    by_block = confusion_scores(confusion)(np.ones((5, 1)))
    once = confusion_scores(confusion.sum(0, keepdims=True))(np.ones((1, 1)))
    assert {name: value[0] for name, value in by_block.items()} == {name: value[0] for name, value in once.items()}
