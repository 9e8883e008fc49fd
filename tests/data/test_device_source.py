"""A table on a device serves the batches that the table in the processor's memory serves."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from genolightning.batch import Tokens
from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.data import device_source as device
from genolightning.data.array_source import ArraySource
from genolightning.data.datamodule import SequenceDataModule
from genolightning.data.device_source import DeviceSource, on_device
from genolightning.data.encoded_split import EncodedSplit
from genolightning.data.loader import BatchLoader
from genolightning.data.settings import ON_DEVICE
from genolightning.errors import UserError
from genolightning.genome.codes import Codes
from tests.helpers.tiny import write_table

CPU = torch.device("cpu")
random = np.random.default_rng(0)


def ragged(lengths) -> EncodedSplit:
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.arange(len(lengths))
    codes = Codes(random.integers(0, 5, offsets[-1]).astype(np.uint8), offsets)
    return EncodedSplit("k", codes, rows % 2, rows.astype(str), rows, {}, [])


def even(target=None) -> EncodedSplit:
    rows = np.arange(45)
    codes = Codes(random.integers(0, 5, (45, 12)).astype(np.uint8))
    return EncodedSplit("k", codes, rows % 2 if target is None else target, rows.astype(str), rows, {}, [])


def labels_on_bases() -> EncodedSplit:
    return even(random.integers(-1, 3, (45, 12)))


TABLES = {
    "even": lambda: ArraySource(even()),
    "both strands": lambda: ArraySource(even(), strands=True),
    "padded": lambda: ArraySource(ragged(random.integers(5, 20, 45)), strands=True),
    "packed": lambda: ArraySource(ragged([3] * 40 + [900] * 2), strands=True),
    "labels on bases": lambda: ArraySource(labels_on_bases(), strands=True, resolution_bp=1),
    "regression on bases": lambda: ArraySource(even(random.random((45, 12, 2)).astype(np.float32)), resolution_bp=1),
}


def same(one, other):
    for name in ("codes", "lengths", "target", "index"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype, name
        assert torch.equal(torch.nan_to_num(a, 7), torch.nan_to_num(b, 7)), name


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("augment", [{}, {"shift_bp": 3}, {"substitute": 0.2}])
def test_the_batches_are_the_same(name, augment):
    table = TABLES[name]()
    keys = {"batch_size": 8, "shuffle": True, "seed": 3} | augment
    here, there = BatchLoader(table, **keys), BatchLoader(DeviceSource(table, CPU), **keys)
    assert len(here) == len(there)
    for one, other in zip(here, there, strict=True):
        same(one, other)


def test_evaluation_batches_and_tokens_are_the_same():
    def cut(codes, lengths):
        ids = codes[:, ::3].long()
        return Tokens(ids, torch.arange(ids.shape[1]) < lengths[:, None] // 3 + 1, ids[..., None].expand(-1, -1, 2))

    table = TABLES["padded"]()
    table.tokenize(cut)
    for one, other in zip(
        BatchLoader(table, batch_size=7), BatchLoader(DeviceSource(table, CPU), batch_size=7), strict=True
    ):
        same(one, other)
        for a, b in zip(one.tokens, other.tokens, strict=True):
            assert torch.equal(a, b)


def test_a_processor_keeps_its_table_whatever_is_wished():
    table = ArraySource(even())
    assert all(on_device(table, CPU, wish) is table for wish in ON_DEVICE)


def test_a_split_goes_to_the_gpu_where_it_fits_into_a_quarter_of_what_is_free(monkeypatch):
    table = ArraySource(even())
    gpu = SimpleNamespace(type="cuda")
    monkeypatch.setattr(device, "DeviceSource", lambda table, at: "on the device")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda at: (4 * table.nbytes, 0))
    assert on_device(table, gpu, "auto") == on_device(table, gpu, True) == "on the device"
    assert on_device(table, gpu, False) is table
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda at: (4 * table.nbytes - 1, 0))
    assert on_device(table, gpu, "auto") is table
    with pytest.raises(UserError, match=r"on_device=true.*dataset\.on_device=auto"):
        on_device(table, gpu, True)


@pytest.mark.parametrize(("workers", "wish", "there"), [(0, "auto", True), (2, "auto", False), (0, False, False)])
def test_the_datamodule_asks_for_the_device_of_its_trainer(tmp_path, monkeypatch, workers, wish, there):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda at: (1 << 30, 0))
    monkeypatch.setattr(device, "DeviceSource", lambda table, at: DeviceSource(table, CPU))
    data = SequenceDataModule(
        LabelledTable(train=write_table(tmp_path / "t.csv")), workers=workers, on_device=wish, seed=1
    )
    strategy = SimpleNamespace(root_device=SimpleNamespace(type="cuda"))
    data.trainer = SimpleNamespace(global_rank=0, world_size=1, strategy=strategy)
    data.prepare_data()
    for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
        assert isinstance(loader.source, DeviceSource) == there


def test_another_wish_is_refused(tmp_path):
    with pytest.raises(UserError, match="wanted auto, true or false"):
        SequenceDataModule(LabelledTable(train=tmp_path / "t.csv"), on_device="maybe")
