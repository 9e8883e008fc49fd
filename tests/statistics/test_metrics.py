"""Plain scores against scikit-learn, torchmetrics and scipy, and the laws they obey."""

import math

import numpy as np
import pytest
import sklearn.metrics as sk
from scipy import stats

from genolightning.facts import higher_is_better
from genolightning.statistics import metrics


def tied_scores(seed, rows=400):
    """Targets (rows,) and probabilities (rows,) in steps of .05, so that most of them are tied."""
    draw = np.random.default_rng(seed)
    target = (draw.random(rows) < 0.3).astype(int)
    return target, np.round(np.clip(draw.normal(0.4 + 0.2 * target, 0.25), 0, 1) * 20) / 20


def class_probabilities(seed, rows=400, classes=4):
    """Targets (rows,) and probabilities (rows, classes) from few distinct values."""
    draw = np.random.default_rng(seed)
    target = draw.integers(classes, size=rows)
    raw = draw.integers(1, 6, size=(rows, classes)) + 2.0 * np.eye(classes)[target]
    return target, raw / raw.sum(1, keepdims=True)


@pytest.mark.parametrize("seed", range(5))
def test_binary_scores_are_those_of_scikit_learn_with_ties(seed):
    target, p = tied_scores(seed)
    guess = (p > 0.5).astype(int)
    assert metrics.accuracy(target, guess) == pytest.approx(sk.accuracy_score(target, guess), abs=1e-10)
    assert metrics.f1(target, guess) == pytest.approx(sk.f1_score(target, guess), abs=1e-10)
    assert metrics.mcc(target, guess) == pytest.approx(sk.matthews_corrcoef(target, guess), abs=1e-10)
    assert metrics.auroc(target, p) == pytest.approx(sk.roc_auc_score(target, p), abs=1e-10)
    assert metrics.auprc(target, p) == pytest.approx(sk.average_precision_score(target, p), abs=1e-10)
    inside = np.clip(p, 0.01, 0.99)
    assert metrics.log_loss(target, inside) == pytest.approx(sk.log_loss(target, inside), abs=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_multiclass_scores_are_those_of_scikit_learn_with_ties(seed):
    target, p = class_probabilities(seed)
    guess = p.argmax(1)
    assert metrics.f1(target, guess) == pytest.approx(sk.f1_score(target, guess, average="macro"), abs=1e-10)
    assert metrics.mcc(target, guess) == pytest.approx(sk.matthews_corrcoef(target, guess), abs=1e-10)
    assert metrics.auroc(target, p) == pytest.approx(sk.roc_auc_score(target, p, multi_class="ovr"), abs=1e-10)
    assert metrics.auprc(target, p) == pytest.approx(sk.average_precision_score(target, p), abs=1e-10)
    assert metrics.log_loss(target, p) == pytest.approx(sk.log_loss(target, p), abs=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_regression_scores_are_those_of_scikit_learn_and_scipy(seed):
    draw = np.random.default_rng(seed)
    target = np.round(draw.normal(1000, 3, size=300))  # far from 0 and tied
    guess = np.round(target + draw.normal(size=300), 1)
    assert metrics.pearson(target, guess) == pytest.approx(stats.pearsonr(target, guess)[0], abs=1e-10)
    assert metrics.spearman(target, guess) == pytest.approx(stats.spearmanr(target, guess)[0], abs=1e-10)
    assert metrics.r2(target, guess) == pytest.approx(sk.r2_score(target, guess), abs=1e-10)
    assert metrics.mse(target, guess) == pytest.approx(sk.mean_squared_error(target, guess), abs=1e-10)
    assert metrics.mae(target, guess) == pytest.approx(sk.mean_absolute_error(target, guess), abs=1e-10)


def test_binary_scores_are_those_of_torchmetrics():
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics").functional
    target, p = tied_scores(11)
    guess = (p > 0.5).astype(int)
    t, q = torch.tensor(target), torch.tensor(p)
    assert metrics.accuracy(target, guess) == pytest.approx(float(functional.accuracy(q, t, "binary")), abs=1e-6)
    assert metrics.f1(target, guess) == pytest.approx(float(functional.f1_score(q, t, "binary")), abs=1e-6)
    assert metrics.mcc(target, guess) == pytest.approx(float(functional.matthews_corrcoef(q, t, "binary")), abs=1e-6)
    assert metrics.auroc(target, p) == pytest.approx(float(functional.auroc(q, t, "binary")), abs=1e-6)
    assert metrics.auprc(target, p) == pytest.approx(float(functional.average_precision(q, t, "binary")), abs=1e-6)


def test_multiclass_scores_are_those_of_torchmetrics():
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics").functional
    target, p = class_probabilities(12)
    guess, many = p.argmax(1), {"task": "multiclass", "num_classes": 4}
    t, q, g = torch.tensor(target), torch.tensor(p), torch.tensor(guess)
    assert metrics.f1(target, guess) == pytest.approx(
        float(functional.f1_score(g, t, average="macro", **many)), abs=1e-6
    )
    assert metrics.mcc(target, guess) == pytest.approx(float(functional.matthews_corrcoef(g, t, **many)), abs=1e-6)
    assert metrics.auroc(target, p) == pytest.approx(float(functional.auroc(q, t, **many)), abs=1e-6)
    assert metrics.auprc(target, p) == pytest.approx(float(functional.average_precision(q, t, **many)), abs=1e-6)


def test_auroc_is_the_share_of_pairs_ranked_rightly_and_turns_over_when_labels_swap():
    target, p = tied_scores(1, rows=80)
    difference = p[target == 1][:, None] - p[target == 0]
    assert metrics.auroc(target, p) == pytest.approx(((difference > 0) + (difference == 0) / 2).mean(), abs=1e-12)
    assert metrics.auroc(1 - target, p) == pytest.approx(1 - metrics.auroc(target, p), abs=1e-12)


def test_ranking_scores_do_not_see_a_rising_transformation():
    target, p = tied_scores(2)
    assert metrics.auroc(target, np.exp(5 * p)) == metrics.auroc(target, p)
    assert metrics.auprc(target, np.exp(5 * p)) == metrics.auprc(target, p)
    assert metrics.spearman(target + p, p**3) == pytest.approx(metrics.spearman(target + p, p), abs=1e-12)


def test_scores_do_not_depend_on_the_order_of_rows():
    target, p = tied_scores(3)
    order = np.random.default_rng(0).permutation(len(target))
    for score in (metrics.auroc, metrics.auprc, metrics.log_loss, metrics.spearman):
        assert score(target[order], p[order]) == pytest.approx(score(target, p), abs=1e-12)


def test_mcc_does_not_change_when_classes_are_renamed():
    target, p = class_probabilities(4)
    name, guess = np.array([2, 0, 3, 1]), p.argmax(1)
    assert metrics.mcc(name[target], name[guess]) == pytest.approx(metrics.mcc(target, guess), abs=1e-12)
    assert metrics.mcc(1 - target % 2, guess % 2) == pytest.approx(-metrics.mcc(target % 2, guess % 2), abs=1e-12)


def test_a_perfect_guess_scores_one_everywhere():
    target = np.array([0, 1, 2, 1, 0])
    assert metrics.accuracy(target, target) == metrics.f1(target, target) == metrics.mcc(target, target) == 1
    assert metrics.auroc(target, np.eye(3)[target]) == metrics.auprc(target, np.eye(3)[target]) == 1
    assert metrics.log_loss(target, np.eye(3)[target]) == 0
    assert metrics.pearson(target, target) == pytest.approx(1, abs=1e-12)
    assert metrics.spearman(target, target) == pytest.approx(1, abs=1e-12)
    assert metrics.r2(target, target) == 1


def test_one_class_only_has_no_auroc_and_mcc_zero():
    assert math.isnan(metrics.auroc([1, 1, 1], [0.1, 0.2, 0.3]))
    assert math.isnan(metrics.auroc([0, 0, 0], [0.1, 0.2, 0.3]))
    assert math.isnan(metrics.auprc([0, 0, 0], [0.1, 0.2, 0.3]))
    assert metrics.auprc([1, 1, 1], [0.1, 0.2, 0.3]) == 1
    assert metrics.mcc([1, 1, 1], [0, 1, 1]) == metrics.mcc([0, 1, 1], [1, 1, 1]) == 0
    assert metrics.f1([0, 0, 0], [0, 0, 0]) == 0


def test_a_constant_has_no_correlation():
    assert math.isnan(metrics.pearson([0.1, 0.1, 0.1], [1, 2, 3]))
    assert math.isnan(metrics.r2([0.1, 0.1, 0.1], [1, 2, 3]))
    assert math.isnan(metrics.spearman([1, 2, 3], [0.7, 0.7, 0.7]))


def test_a_class_that_does_not_occur_is_left_out_of_the_macro_mean():
    target, p = class_probabilities(5, classes=3)
    padded = np.hstack([p, np.zeros((len(p), 1))])
    assert metrics.auroc(target, padded) == metrics.auroc(target, p)
    assert metrics.auprc(target, padded) == metrics.auprc(target, p)
    assert metrics.f1(target, p.argmax(1), num_classes=4) == metrics.f1(target, p.argmax(1), num_classes=3)


def test_certainty_of_the_wrong_class_has_a_finite_loss():
    assert metrics.log_loss([1, 0], [0.0, 0.0]) == pytest.approx(-math.log(1e-12) / 2)


def test_multilabel_loss_is_the_mean_over_known_labels():
    target, p = np.array([[1, -100], [0, 1]]), np.array([[0.5, 0.9], [0.5, 0.25]])
    assert metrics.log_loss(target, p) == pytest.approx((math.log(2) + math.log(2) + math.log(4)) / 3)


def test_guessing_among_four_bases_costs_two_bits_and_perplexity_four():
    bases = np.array([10, 30])
    assert metrics.perplexity(bases, bases * math.log(4)) == pytest.approx(4)
    assert metrics.bits_per_base(bases, bases * math.log(4)) == pytest.approx(2)
    assert metrics.bits_per_base(bases, [0, 30 * math.log(4)]) == pytest.approx(1.5)


def test_every_direction_is_the_one_its_score_improves_in():
    target, good, bad = np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.2, 0.8]), np.array([0.8, 0.3, 0.4, 0.6])
    for name in ("auroc", "auprc", "pearson", "spearman", "r2", "mse", "mae"):
        score = getattr(metrics, name)
        assert (score(target, good) > score(target, bad)) == higher_is_better(name)
    assert (metrics.log_loss(target, good) > metrics.log_loss(target, bad)) == higher_is_better("loss")
