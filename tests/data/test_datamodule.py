"""Through the datamodule: whoever serves them, the rows are slices of the FASTA, each once an epoch."""

import gzip
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from genolightning.data.datamodule import IntervalDataModule, TableDataModule
from genolightning.errors import UserError
from genolightning.genome.alphabet import decode
from tests.helpers.make import plain_slice, tiny_genome, write_fasta, write_gb_dataset

CLASSES = ["negative", "positive"]


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A maker of a small interval dataset over the tiny genome."""
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))
    write_fasta(tmp_path / "genomes" / "tiny.fa.gz")
    write_gb_dataset(tmp_path / "genomic_benchmarks" / "toy", rows=40)

    def make(rank: int = 0, world: int = 1, **keys):
        own = {"name": "gb_toy", "folder": "toy", "kind": "binary", "classes": CLASSES, "assembly": "tiny"}
        data = IntervalDataModule(**own, batch_size=7, seed=1, **keys)
        strategy = SimpleNamespace(root_device=SimpleNamespace(type="cpu"))
        data.trainer = SimpleNamespace(global_rank=rank, world_size=world, strategy=strategy)
        data.prepare_data()
        return data

    return make


def table_lines(data, split):
    tables = [data.benchmark._table(split, label) for label in CLASSES]
    return [line for table in tables for line in gzip.decompress(table.read_bytes()).decode().splitlines()[1:]]


def expected(data, split):
    """The letters of every row, by plain Python over the tables and the FASTA."""
    rows = [line.split(",") for line in table_lines(data, split)]
    return [plain_slice(tiny_genome(), chrom, int(start), int(end), strand) for _, chrom, start, end, strand in rows]


def served(loaders):
    return [
        (row, decode(codes[:length]))
        for loader in loaders
        for batch in loader
        for row, codes, length in zip(batch.index.tolist(), batch.codes.numpy(), batch.lengths.tolist(), strict=True)
    ]


@pytest.mark.parametrize(("workers", "start_method"), [(0, None), (2, "fork"), (2, "spawn")])
def test_workers_serve_slices_of_the_fasta_each_once_an_epoch(module, workers, start_method):
    data = module(workers=workers)
    rows = data.facts().rows
    for split in ("train", "test"):
        loader = data.train_dataloader() if split == "train" else data.test_dataloader()
        loader.start_method = start_method
        found = served([loader])
        slices = expected(data, split)
        assert len(found) == len({row for row, _ in found}) == rows[split]
        assert all(letters == slices[row] for row, letters in found)


@pytest.mark.parametrize("world", [2, 3])
def test_ranks_share_the_rows_of_one_process(module, world):
    def all_of(maker):
        return Counter(served([maker(module(rank, world)) for rank in range(world)]))

    for maker in (lambda data: data.train_dataloader(), lambda data: data.val_dataloader()):
        alone = Counter(served([maker(module())]))
        assert all_of(maker) == alone
        assert set(alone.values()) == {1}


def test_two_epochs_serve_the_same_rows_in_another_order(module):
    loader = module().train_dataloader()
    first, second = served([loader]), served([loader])
    assert first != second
    assert sorted(first) == sorted(second)


def test_rows_left_out_are_noted_by_split_and_reason(module, tmp_path):
    absent = sum(line.split(",")[1] == "chr2" for line in table_lines(module(), "test"))
    write_fasta(tmp_path / "half.fa", {name: letters for name, letters in tiny_genome().items() if name != "chr2"})
    data = module(genome="half.fa", missing="drop")
    rows = data.facts().rows["test"]
    dropped, warnings = data.notes()
    assert dropped["test"] == {"chromosome absent": absent}
    assert rows == 80 - absent
    assert warnings == []


@pytest.fixture
def binned(tmp_path, monkeypatch):
    """A maker of a table with a label for each bin of 4 bp; its rows are 8 bp, and `last` is one more."""
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))

    def make(last, **augment):
        rows = ["ACGAACGA,01", "AACCGGTA,10", "TTTTACGT,10", last]
        files = {split: str(tmp_path / f"{split}.csv") for split in ("train", "validation", "test")}
        for file in files.values():
            Path(file).write_text("\n".join(["sequence,label", *rows, ""]))
        data = TableDataModule(name="bins", classes=["0", "1"], resolution_bp=4, augment=augment, seed=1, **files)
        data.prepare_data()
        data.setup()
        data.trainer = SimpleNamespace(
            global_rank=0, world_size=1, strategy=SimpleNamespace(root_device=SimpleNamespace(type="cpu"))
        )
        return data

    return make


def test_bins_turn_with_their_strand(binned):
    loader = binned("CCCCAAAA,01", reverse_complement=True).train_dataloader()
    labels = {"ACGAACGA": "01", "AACCGGTA": "10", "TTTTACGT": "10", "CCCCAAAA": "01"}
    turned = {plain_slice({"row": letters}, "row", 0, 8, "-"): bins[::-1] for letters, bins in labels.items()}
    seen = set()
    for epoch in range(16):
        loader.set_epoch(epoch)
        for batch in loader:
            for codes, bins in zip(batch.codes.numpy(), batch.target.tolist(), strict=True):
                letters, found = decode(codes), "".join(map(str, bins))
                seen.add(letters)
                assert found in (labels.get(letters), turned.get(letters))
    assert len(seen) == 8


@pytest.mark.parametrize(
    ("augment", "said"),
    [
        ({"reverse_complement": True}, r"row \S+ has 10 bp, no multiple of its bins of 4 bp.*reverse_complement=false"),
        (
            {"shift_bp": 3},
            r"bins of 4 bp, moving bases by up to 3 would leave them behind; use dataset.augment.shift_bp=0",
        ),
        ({"shift_bp": -1}, r"shift_bp=-1: wanted a whole number from 0 on"),
    ],
)
def test_bases_never_leave_their_bins(binned, augment, said):
    with pytest.raises(UserError, match=said):
        binned("CCCCAAAATT,011", **augment).train_dataloader()


def test_smaller_shares_lie_inside_larger_ones_class_by_class():
    import numpy as np

    from genolightning.data.datamodule import cut_rows

    target = np.array([0] * 40 + [1] * 160)
    few, more, all_rows = (cut_rows(np.arange(200), target, share, [1, 2], least=1)[1] for share in (0.01, 0.1, 1.0))
    assert set(few) <= set(more) <= set(all_rows)
    assert [len(few), len(more), len(all_rows)] == [1 + 2, 4 + 16, 200]
