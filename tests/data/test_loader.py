"""The loader: each row once an epoch, whatever the ranks, workers and strands."""

import numpy as np
import pytest
import torch

from genolightning.data import array_source
from genolightning.data.array_source import ArraySource
from genolightning.data.encoded_split import EncodedSplit
from genolightning.data.loader import BatchLoader
from genolightning.errors import UserError
from genolightning.genome.alphabet import N, reverse_complement
from genolightning.genome.codes import Codes, encode

random = np.random.default_rng(0)


def even_store(rows: int = 103, length: int = 20) -> EncodedSplit:
    codes = Codes(random.integers(0, 5, (rows, length)).astype(np.uint8))
    return EncodedSplit("k", codes, np.arange(rows) % 2, np.arange(rows).astype(str), np.arange(rows), {}, [])


def ragged_store(rows: int = 57, shortest: int = 3, longest: int = 30) -> EncodedSplit:
    lengths = random.integers(shortest, longest + 1, rows)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    codes = Codes(random.integers(0, 4, offsets[-1]).astype(np.uint8), offsets)
    return EncodedSplit("k", codes, np.arange(rows) % 2, np.arange(rows).astype(str), np.arange(rows), {}, [])


def served(loaders: list[BatchLoader]) -> list[int]:
    return [row for loader in loaders for batch in loader for row in batch.index.tolist()]


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("shuffle", [True, False])
def test_each_row_comes_once_an_epoch_on_any_number_of_ranks(world, shuffle):
    table = ArraySource(even_store())
    loaders = [BatchLoader(table, batch_size=8, shuffle=shuffle, rank=r, world=world) for r in range(world)]
    assert sorted(served(loaders)) == list(range(103))


def test_training_ranks_take_the_same_number_of_steps():
    loaders = [BatchLoader(ArraySource(even_store()), batch_size=8, shuffle=True, rank=r, world=3) for r in range(3)]
    assert len({len(list(loader)) for loader in loaders} | {len(loader) for loader in loaders}) == 1


def test_evaluation_batches_are_the_same_whatever_the_ranks():
    table = ArraySource(ragged_store())
    one = {tuple(b.index.tolist()) for b in BatchLoader(table, batch_size=8)}
    dealt = [BatchLoader(table, batch_size=8, rank=r, world=3) for r in range(3)]
    assert {tuple(b.index.tolist()) for loader in dealt for b in loader} == one


def test_an_epoch_is_another_order_and_the_same_epoch_the_same():
    loader = BatchLoader(ArraySource(even_store()), batch_size=8, shuffle=True, seed=3)
    first = served([loader])
    second = served([loader])  # a plain loop moves on by itself
    loader.set_epoch(0)
    assert first != second
    assert served([loader]) == first


def test_a_saved_state_goes_on_where_it_stopped():
    def make():
        return BatchLoader(ArraySource(even_store()), batch_size=8, shuffle=True, seed=3)

    whole = [batch.index.tolist() for batch in make()]
    loader, state = make(), None
    for number, _ in enumerate(loader):
        if number == 4:
            state = loader.state_dict()
            break
    again = make()
    again.load_state_dict(state)
    again.set_epoch(0)
    assert [batch.index.tolist() for batch in again] == whole[5:]


def test_an_interrupted_pass_starts_over_unless_a_state_was_loaded():
    loader = BatchLoader(ArraySource(even_store()), batch_size=8)
    next(iter(loader))
    assert served([loader]) == list(range(103))


def test_a_state_of_other_data_is_refused():
    state = BatchLoader(ArraySource(even_store(50)), batch_size=8, shuffle=True).state_dict()
    with pytest.raises(UserError, match="other data, seed or batch size"):
        BatchLoader(ArraySource(even_store(51)), batch_size=8, shuffle=True).load_state_dict(state)


def test_more_ranks_than_rows_is_an_error():
    with pytest.raises(UserError, match="fewer devices"):
        BatchLoader(ArraySource(even_store(2)), batch_size=8, shuffle=True, rank=0, world=3)


@pytest.mark.parametrize("store", [even_store(), ragged_store()], ids=["even", "ragged"])
def test_codes_are_the_rows_and_padding_is_n(store):
    lengths = store.lengths()
    for batch in BatchLoader(ArraySource(store), batch_size=10, shuffle=True):
        for codes, length, row in zip(batch.codes.numpy(), batch.lengths.tolist(), batch.index.tolist(), strict=True):
            own = store.codes[row]
            assert length == lengths[row]
            assert (codes[:length] == own).all()
            assert (codes[length:] == N).all()


def test_rows_of_very_different_length_stay_packed_and_come_out_the_same():
    lengths = np.array([3] * 50 + [5000])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = random.integers(0, 4, offsets[-1]).astype(np.uint8)
    store = EncodedSplit(
        "k", Codes(values, offsets), np.zeros(51, int), np.arange(51).astype(str), np.arange(51), {}, []
    )
    table = ArraySource(store)
    taken = table.row_arrays(np.array([50, 0]))
    assert (taken.codes[0] == values[150:]).all()
    assert (taken.codes[1, :3] == values[:3]).all()
    assert (taken.codes[1, 3:] == N).all()


def test_augmentation_serves_each_row_once_on_one_of_its_strands():
    store = ragged_store()
    plain, both = ArraySource(store), ArraySource(store, strands=True)
    seen, turned = [], 0
    for batch in BatchLoader(both, batch_size=10, shuffle=True, seed=1):
        for codes, length, row in zip(batch.codes.numpy(), batch.lengths.tolist(), batch.index.tolist(), strict=True):
            own = plain.row_arrays(np.array([row])).codes[0, :length]
            forward = (codes[:length] == own).all()
            assert forward or (codes[:length] == reverse_complement(own)).all()
            turned += not forward
            seen.append(row)
    assert sorted(seen) == list(range(57))
    assert 10 < turned < 47


def test_labels_on_bases_turn_round_with_their_strand():
    codes = encode(["AACCG", "TTTGA"])
    target = np.array([[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]])
    store = EncodedSplit("k", codes, target, np.array(["a", "b"]), np.arange(2), {}, [])
    table = ArraySource(store, strands=True, resolution_bp=1)
    assert table.row_arrays(np.array([2])).target.tolist() == [[4, 3, 2, 1, 0]]


@pytest.mark.parametrize("copied", [True, False])
def test_classes_bound_to_a_strand_are_permuted_with_it(monkeypatch, copied):
    monkeypatch.setattr(array_source, "COPY_BYTES", 1 << 28 if copied else -1)
    opposite = [4, 7, 6, 5, 0, 3, 2, 1, 8]
    bases = np.array([[0, 0, 1, 2, 2], [-100, 3, 3, 8, 8]])
    for target, expected in ((bases, [[6, 6, 7, 4, 4], [-100, 3, 3, 8, 8]]), (np.array([2, 8]), [6, 8])):
        split = EncodedSplit("k", encode(["AACCG", "TTTGA"]), target, np.array(["a", "b"]), np.arange(2), {}, [])
        resolution_bp = 1 if target.ndim == 2 else None
        source = ArraySource(split, strands=True, resolution_bp=resolution_bp, reverse_complement=opposite)
        assert source.row_arrays(np.array([2, 1])).target.tolist() == expected


@pytest.mark.parametrize("store", [even_store(40, 16), ragged_store(40)], ids=["even", "ragged"])
def test_rows_read_from_their_store_are_those_of_a_copy(monkeypatch, store):
    rows = np.arange(3, 31, 2)

    def batches():
        source = ArraySource(store, rows, crop_bp=12, strands=True)
        return list(BatchLoader(source, batch_size=5, shuffle=True, seed=3, shift_bp=2))

    copied = batches()
    monkeypatch.setattr(array_source, "COPY_BYTES", -1)
    for one, other in zip(copied, batches(), strict=True):
        for name in ("codes", "lengths", "target", "index"):
            assert torch.equal(getattr(one, name), getattr(other, name)), name


def test_a_shift_moves_bases_and_leaves_n_behind():
    store = even_store(64, 12)
    loader = BatchLoader(ArraySource(store), batch_size=8, shuffle=True, shift_bp=3)
    moved = 0
    for batch in loader:
        for codes, row in zip(batch.codes.numpy(), batch.index.tolist(), strict=True):
            matches = [by for by in range(-3, 4) if (_moved(store.codes[row], by) == codes).all()]
            assert matches
            moved += matches != [0]
    assert moved > 30


def test_a_shift_leaves_nothing_beyond_a_row_of_its_own():
    codes = Codes(np.zeros(16, np.uint8), np.array([0, 6, 16]))
    target = np.array([[1] * 6 + [-100] * 4, [1] * 10])
    store = EncodedSplit("k", codes, target, np.array(["a", "b"]), np.arange(2), {}, [])
    for by in (-3, 3):
        batch = ArraySource(store, resolution_bp=1).gather(np.arange(2), np.array([by, by]))
        assert batch.lengths.tolist() == [6, 10]
        assert (batch.codes[0, 6:] == N).all()
        assert ((batch.codes == N) == (batch.target == -100)).all()
        assert (batch.codes != N).sum(1).tolist() == [3, 7]


@pytest.mark.parametrize("store", [even_store(640, 50), ragged_store(640)])
def test_substitution_draws_a_share_of_bases_anew_the_same_after_a_pause(store):
    plain = BatchLoader(ArraySource(store), batch_size=8, shuffle=True, seed=5)
    loader = BatchLoader(ArraySource(store), batch_size=8, shuffle=True, seed=5, substitute=0.2)
    batches = [batch.codes.clone() for batch in loader]
    changed = real = 0
    for codes, batch in zip(batches, plain, strict=True):
        assert torch.equal(codes == N, batch.codes == N)
        changed, real = changed + int((codes != batch.codes).sum()), real + int((batch.codes < N).sum())
    assert 0.12 < changed / real < 0.16  # one in four comes out as it was, and some are drawn twice
    paused = BatchLoader(ArraySource(store), batch_size=8, shuffle=True, seed=5, substitute=0.2)
    paused.load_state_dict(loader.state_dict() | {"epoch": 0, "done": 37})
    assert all(torch.equal(one.codes, codes) for one, codes in zip(paused, batches[37:], strict=True))
    loader.set_epoch(1)
    assert not all(torch.equal(one.codes, codes) for one, codes in zip(loader, batches, strict=True))


def test_substitution_is_the_same_whatever_the_number_of_threads():
    loader = BatchLoader(ArraySource(even_store(64, 1_000)), batch_size=64, shuffle=True, seed=5, substitute=0.3)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 2, 2, 4):
            torch.set_num_threads(threads)
            loader.set_epoch(1)
            loader.set_epoch(0)
            found.append(next(iter(loader)).codes.clone())
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(found[0], codes) for codes in found[1:])


def _moved(row, by):
    out = np.full_like(row, N)
    for i in range(len(row)):
        if 0 <= i + by < len(row):
            out[i] = row[i + by]
    return out


def test_buckets_put_like_lengths_together_and_lose_no_row():
    store = ragged_store(500, 10, 400)
    table = ArraySource(store)
    plain = BatchLoader(table, batch_size=16, shuffle=True)
    bucketed = BatchLoader(table, batch_size=16, shuffle=True, bucket=True)
    assert sorted(served([bucketed])) == list(range(500))
    padded = [sum(batch.codes.numel() for batch in loader) for loader in (plain, bucketed)]
    assert padded[1] < 0.7 * padded[0]


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_two_workers_serve_the_same_batches_as_none(start_method):
    def batches(**more):
        return list(BatchLoader(ArraySource(ragged_store_of(3)), batch_size=16, shuffle=True, **more))

    alone = batches()
    helped = batches(workers=2, start_method=start_method)
    assert len(alone) == len(helped)
    for a, b in zip(alone, helped, strict=True):
        assert torch.equal(a.codes, b.codes)
        assert torch.equal(a.index, b.index)


def ragged_store_of(seed: int) -> EncodedSplit:
    fixed = np.random.default_rng(seed)
    lengths = fixed.integers(5, 20, 60)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    codes = Codes(fixed.integers(0, 4, offsets[-1]).astype(np.uint8), offsets)
    return EncodedSplit("k", codes, np.arange(60) % 2, np.arange(60).astype(str), np.arange(60), {}, [])
