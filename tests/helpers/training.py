"""A tiny model, rows it can learn, and a fit of the two."""

from functools import partial

import lightning.pytorch as pl
import numpy as np
import torch

from genolightning.data.array_source import ArraySource
from genolightning.data.encoded_split import EncodedSplit
from genolightning.data.loader import BatchLoader
from genolightning.facts import Facts
from genolightning.genome.codes import Codes
from genolightning.models.convnet import ConvNet
from genolightning.training.module import SequenceModule, build_module
from genolightning.training.tasks import for_facts

FACTS = Facts("binary", ["a", "b"], 30, 30, rows={"train": 64})
adamw = partial(torch.optim.AdamW, lr=1e-3, weight_decay=0.1)


def module(**more) -> SequenceModule:
    small = partial(ConvNet, dim=8, blocks=1)
    facts = more.pop("facts", FACTS)
    made = partial(SequenceModule, **{"backbone": small, "optimizer": adamw} | more)
    return build_module(made, facts=facts, task=for_facts(facts))


def table(rows: int = 64) -> ArraySource:
    codes = np.random.default_rng(0).integers(0, 4, (rows, 30)).astype(np.uint8)
    target = (codes == 0).sum(1) > 7
    return ArraySource(
        EncodedSplit("k", Codes(codes), target.astype(int), np.arange(rows).astype(str), np.arange(rows), {}, [])
    )


def fit(model: pl.LightningModule, loader, **more) -> pl.Trainer:
    trainer = pl.Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        **{"max_epochs": 1} | more,
    )
    trainer.fit(model, loader, BatchLoader(loader.source, batch_size=16))
    return trainer
