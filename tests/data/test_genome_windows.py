"""Windows of a genome through the datamodule: the same interface as rows in memory."""

import numpy as np
import pytest
import torch

from genolightning.data.genome_windows import GenomeWindowsDataModule
from genolightning.errors import UserError
from genolightning.genome.alphabet import reverse_complement
from genolightning.genome.codes import encode
from tests.helpers.make import sequence, write_fasta

RECORDS = {"chr1": sequence(2000, seed=1, letters="ACGTN"), "chr2": sequence(300, seed=2), "chr3": "NN" + "A" * 200}


@pytest.fixture
def module(tmp_path):
    fasta = write_fasta(tmp_path / "g.fa", RECORDS)

    def make(**keys):
        own = {"name": "w", "genome": str(fasta), "kind": "causal_lm", "window_bp": 50, "max_n": 0.5, "batch_size": 8}
        held_out = {"validation_chromosomes": ["chr2"], "test_chromosomes": ["chr3"]}
        return GenomeWindowsDataModule(**(own | held_out | keys))

    return make


def text(codes):
    return "".join("ACGTN"[code] for code in codes)


def epoch(loader, number):
    loader.set_epoch(number)
    return list(loader)


def test_batches_hold_windows_and_their_own_bases_as_target(module):
    data = module()
    facts = data.facts()
    assert (facts.kind, facts.length_bp, facts.rows["validation"]) == ("causal_lm", 50, 6)
    for batch in data.train_dataloader():
        assert (batch.codes.dtype, batch.target.dtype) == (torch.uint8, torch.int64)
        assert all(text(row) in RECORDS["chr1"] for row in batch.codes)
        known = batch.codes < 4
        assert torch.equal(batch.target[known], batch.codes[known].long())
        assert (batch.target[~known] == -100).all()
        assert batch.lengths.tolist() == [50] * len(batch.index)
    (first,) = [batch for batch in data.test_dataloader() if batch.index[0] == 0]
    assert first.target[0, :3].tolist() == [-100, -100, 0]


def test_each_window_comes_once_an_epoch_and_another_epoch_has_others(module):
    loader = module().train_dataloader()
    found = [epoch(loader, number) for number in (0, 1, 0)]
    for batches in found:
        assert sorted(row for batch in batches for row in batch.index.tolist()) == list(range(loader.source.rows))
    one, two, three = ({text(row) for batch in batches for row in batch.codes} for batches in found)
    assert one == three
    assert len(one & two) < len(one) / 4


def test_a_saved_state_goes_on_with_the_windows_of_its_epoch(module):
    whole = epoch(module().train_dataloader(), 3)
    loader = module().train_dataloader()
    loader.load_state_dict({**loader.state_dict(), "epoch": 3, "done": 2})
    rest = list(loader)
    assert len(rest) == len(whole) - 2
    assert all(torch.equal(a.codes, b.codes) for a, b in zip(rest, whole[2:], strict=True))


def test_augmentation_serves_some_windows_on_the_other_strand(module):
    plain = module().train_dataloader()
    both = module(augment={"reverse_complement": True}).train_dataloader()
    forward = {row: codes for batch in plain for row, codes in zip(batch.index.tolist(), batch.codes, strict=True)}
    turned = 0
    for batch in both:
        for row, codes in zip(batch.index.tolist(), batch.codes.numpy(), strict=True):
            own = forward[row].numpy()
            turned += not (codes == own).all()
            assert (codes == own).all() or (codes == reverse_complement(own)).all()
    assert 5 < turned < 35


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_workers_serve_the_windows_that_no_workers_serve(module, start_method):
    alone = epoch(module().train_dataloader(), 2)
    loader = module(workers=2).train_dataloader()
    loader.start_method = start_method
    for a, b in zip(alone, epoch(loader, 2), strict=True):
        assert torch.equal(a.codes, b.codes)
        assert torch.equal(a.index, b.index)


def test_a_model_that_takes_less_crops_only_on_request(module):
    with pytest.raises(UserError, match=r"say dataset\.window_bp=30"):
        module().limit(30)
    data = module(too_long="crop")
    data.limit(30)
    (codes,) = {batch.codes.shape[1] for batch in data.val_dataloader()}
    assert codes == 30


def test_the_whole_target_of_an_evaluation_is_there_for_scores(module):
    data = module()
    table = data.val_dataloader().source
    assert np.array_equal(table.target, encode([RECORDS["chr2"]])[0].reshape(-1, 50))
    assert data.ids("validation")[-1] == "chr2:250-300"


def test_windows_are_not_shifted_twice(module):
    with pytest.raises(UserError, match="shift_bp"):
        module(augment={"shift_bp": 3})
