"""The Genomic Benchmarks baseline is the published network, whichever way its first layer is computed."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from genolightning.batch import Batch
from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.models.cnn import CNN, FlattenHead, MaxOfPairs


def told(length_bp, *, shortest_bp=None, kind="binary", classes=("no", "yes"), resolution_bp=None):
    return Facts(kind, list(classes), length_bp, shortest_bp or length_bp, resolution_bp)


def batch_of(rows, length, *, shortest=None, seed=0):
    random = np.random.default_rng(seed)
    lengths = random.integers(shortest or length, length + 1, rows)
    codes = random.integers(0, 5, (rows, length)).astype(np.uint8)
    codes[np.arange(length) >= lengths[:, None]] = 4
    return Batch(
        torch.from_numpy(codes),
        torch.from_numpy(lengths),
        torch.from_numpy(random.integers(0, 2, rows)),
        torch.arange(rows),
    )


def network(facts, **options):
    torch.manual_seed(0)
    backbone = CNN(facts=facts, **options)
    return backbone, FlattenHead(backbone, facts)


def logits_of(pair, batch):
    return pair[1](pair[0](batch), batch)


def published(symbols, length, out):
    """The network of the paper's repository, as its page describes it."""
    convolutions = [
        *(nn.Conv1d(100, 16, 8), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2)),
        *(nn.Conv1d(16, 8, 8), nn.BatchNorm1d(8), nn.MaxPool1d(2)),
        *(nn.Conv1d(8, 4, 8), nn.BatchNorm1d(4), nn.MaxPool1d(2), nn.Flatten()),
    ]
    flat = nn.Sequential(*convolutions)(torch.zeros(1, 100, length)).shape[1]
    return nn.ModuleList(
        [
            nn.Embedding(symbols, 100),
            nn.Sequential(*convolutions),
            nn.Sequential(nn.Linear(flat, 512), nn.Linear(512, out)),
        ]
    )


def test_at_251_bp_it_has_the_published_67089_parameters():
    parameters = [one for part in network(told(251)) for one in part.parameters()]
    assert sum(one.numel() for one in parameters) == 67_089


@pytest.mark.parametrize("contracted", [True, False])
@pytest.mark.parametrize(("shortest", "classes"), [(None, "ab"), (60, "abc")])
def test_with_copied_weights_it_is_the_published_network(contracted, shortest, classes):
    kind = "binary" if len(classes) == 2 else "multiclass"
    ours = network(told(90, kind=kind, classes=classes, shortest_bp=shortest), contracted=contracted)
    theirs = published(8 if shortest else 7, 93 if shortest else 92, 1 if kind == "binary" else 3)
    copy_published(theirs, ours)
    batch = batch_of(6, 90, shortest=shortest)
    symbols = ours[0].framed(batch).long()
    expected = theirs[2](theirs[1](theirs[0](symbols).transpose(1, 2)))
    torch.testing.assert_close(logits_of(ours, batch), expected, rtol=1e-4, atol=1e-5)


def copy_published(theirs, ours):
    """Copy weights layer by layer, in the order of the network."""
    backbone, head = ours
    pairs = [(theirs[0], backbone.embedding), (theirs[1], nn.Sequential(backbone.conv, *backbone.tower, nn.Flatten()))]
    for source, target in [*pairs, (theirs[2], head.linear)]:
        target.load_state_dict(source.state_dict())


@pytest.mark.parametrize("shortest", [None, 60])
def test_contracted_and_plain_forms_train_alike_for_20_adam_steps(shortest):
    facts = told(80, shortest_bp=shortest)
    plain = [part.double() for part in network(facts, contracted=False)]
    fast = copy.deepcopy(plain)
    fast[0].contracted = True
    optimizers = [torch.optim.Adam([one for part in pair for one in part.parameters()]) for pair in (plain, fast)]
    for step in range(20):
        batch = batch_of(8, 80, shortest=shortest, seed=step)
        losses = []
        for pair, optimizer in zip((plain, fast), optimizers, strict=True):
            optimizer.zero_grad()
            loss = nn.functional.binary_cross_entropy_with_logits(logits_of(pair, batch)[:, 0], batch.target.double())
            loss.backward()
            losses.append(loss)
        torch.testing.assert_close(losses[0], losses[1], rtol=0, atol=1e-6)
        for one, other in zip(nn.ModuleList(plain).parameters(), nn.ModuleList(fast).parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=1e-6)
        for optimizer in optimizers:
            optimizer.step()


def test_the_forms_agree_in_single_precision_too():
    facts = told(251)
    plain, fast = network(facts, contracted=False), network(facts)
    batch = batch_of(16, 251)
    for pair in (plain, fast):
        nn.functional.binary_cross_entropy_with_logits(logits_of(pair, batch)[:, 0], batch.target.float()).backward()
    for one, other in zip(nn.ModuleList(plain).parameters(), nn.ModuleList(fast).parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("length", [8, 9])
def test_the_max_of_pairs_is_max_pooling_in_values_and_gradients(length):
    values = torch.randint(0, 3, (2, 3, length)).float().requires_grad_()  # few values, so many ties
    grad = torch.randn(2, 3, length // 2)
    ours, theirs = MaxOfPairs()(values), nn.functional.max_pool1d(values, 2)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    gradients = [torch.autograd.grad(pooled, values, grad)[0] for pooled in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=0, atol=0)


def test_eos_follows_the_last_true_base_and_n_is_told_from_padding():
    codes = torch.tensor([[0, 1, 4, 5, *[4] * 51], [3] * 55], dtype=torch.uint8)
    batch = Batch(codes, torch.tensor([4, 55]), torch.tensor([0, 1]), torch.arange(2))
    framed = CNN(facts=told(55, shortest_bp=4)).framed(batch)
    assert framed[0].tolist() == [5, 0, 1, 4, 4, 6, *[7] * 52]
    assert framed[1].tolist() == [5, *[3] * 55, 6, 7]


def test_a_batch_narrower_than_the_input_gives_the_same_logits():
    pair = [part.eval() for part in network(told(100, shortest_bp=60))]
    wide = batch_of(4, 100, shortest=60)
    wide = wide._replace(codes=wide.codes.clone(), lengths=wide.lengths.clamp(max=70))
    wide.codes[torch.arange(100) >= wide.lengths[:, None]] = 4
    torch.testing.assert_close(logits_of(pair, wide._replace(codes=wide.codes[:, :70])), logits_of(pair, wide))


def test_a_longer_sequence_is_refused_with_the_way_out():
    with pytest.raises(UserError, match=r"reads 80 bp, a sequence has 81.*dataset\.too_long=crop"):
        CNN(facts=told(80))(batch_of(2, 81))


def test_rows_too_short_for_the_network_and_labels_on_bases_are_refused():
    with pytest.raises(UserError, match="55 bp or more"):
        CNN(facts=told(54))
    assert CNN(facts=told(55)).positions == 1
    with pytest.raises(UserError, match="one label a sequence"):
        FlattenHead(CNN(facts=told(80)), told(80, resolution_bp=1))


@pytest.mark.parametrize("length", [59, 60, 61, 62, 70])
def test_of_a_row_longer_than_all_in_training_it_reads_what_the_published_code_reads(length):
    backbone = CNN(facts=told(60, shortest_bp=55), beyond_bp=2)
    codes = np.random.default_rng(0).integers(0, 4, length).astype(np.uint8)
    # bos, bases, eos, cut or padded to the longest training row and three more
    published_symbols = [5, *codes.tolist(), 6, *[7] * 63][:63]
    read = min(length, backbone.max_length_bp)  # what dataset.too_long=crop leaves
    batch = Batch(torch.from_numpy(codes[None, :read]), torch.tensor([read]), torch.tensor([0]), torch.arange(1))
    assert backbone.framed(batch)[0].tolist() == published_symbols


def test_without_padding_there_is_no_room_beyond_the_training_rows():
    assert CNN(facts=told(60), beyond_bp=2).max_length_bp == 60
