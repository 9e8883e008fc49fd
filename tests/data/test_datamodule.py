"""Through the datamodule: whoever serves them, the rows are slices of the FASTA, each once an epoch."""

import gzip
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from genolightning.batch import Tokens
from genolightning.data.datamodule import IntervalDataModule, SequenceDataModule, TableDataModule
from genolightning.errors import UserError
from genolightning.genome.alphabet import decode
from tests.helpers.make import plain_slice, tiny_genome, write_fasta, write_gb_dataset
from tests.helpers.tiny import write_table

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
    tables = [data.benchmark.table_file(split, label) for label in CLASSES]
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


def test_a_key_that_nothing_reads_is_refused_and_the_keys_are_named(module):
    with pytest.raises(UserError, match=r"resolution_bp=1: gb_toy has no such key; there are assembly, augment, batch"):
        module(resolution_bp=1)
    module(resolution_bp=None)  # configs of older runs hold it


def test_a_benchmark_that_is_given_takes_no_keys_of_its_own(module):
    benchmark = module().benchmark
    assert SequenceDataModule(benchmark, batch_size=3).batch_size == 3
    with pytest.raises(UserError, match="genome=x.fa: gb_toy has no such key"):
        SequenceDataModule(benchmark, genome="x.fa")
    with pytest.raises(UserError, match="no benchmark"):
        SequenceDataModule(batch_size=3)


def test_a_backbone_configures_tokens_and_the_longest_row(tmp_path):
    def tokenize(codes, lengths):
        ids = codes[:, ::2].long()
        return Tokens(ids, torch.arange(ids.shape[1]) < (lengths[:, None] + 1) // 2, ids[..., None].expand(-1, -1, 2))

    def made(**keys):
        data = TableDataModule(name="t", train=str(write_table(tmp_path / "t.csv")), **keys)
        data.prepare_data()
        return data

    with pytest.raises(UserError, match=r"rows are longer than the 40 bp this model takes.*too_long=crop"):
        made().configure(SimpleNamespace(max_bp=40, max_tokens=None, tokenizer=None))
    data = made(too_long="crop")
    data.configure(SimpleNamespace(max_bp=40, max_tokens=None, tokenizer=tokenize))
    batch = next(iter(data.train_dataloader()))
    assert batch.codes.shape[1] == 40
    assert batch.tokens.ids.shape[1] == 20


def test_an_evaluation_is_dealt_to_the_processes_of_the_trainer_that_asks(module):
    data = module()
    strategy = SimpleNamespace(root_device=SimpleNamespace(type="cpu"))
    ranks = [SimpleNamespace(global_rank=rank, world_size=2, strategy=strategy) for rank in (0, 1)]
    parts = [served([data.evaluation_loader("test", trainer)]) for trainer in ranks]
    assert Counter(parts[0] + parts[1]) == Counter(served([data.test_dataloader()]))
    assert all(parts)
