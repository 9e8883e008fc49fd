"""`genolightning predict run=DIR input=F output=F`: a trained model on new DNA; needs neither dataset nor labels."""

from pathlib import Path
from typing import Any

import numpy as np

from genolightning.commands.test import of_run
from genolightning.config import compose as door
from genolightning.config import help as texts
from genolightning.console import say
from genolightning.errors import UserError, check_integer


def main(given: list[str]) -> int:
    args = texts.parse("predict", given)
    path, composed = of_run("predict", args)
    if args.cfg:
        return door.show(composed)
    predict(composed.cfg, path)
    return 0


def predict(cfg: Any, path: Path) -> None:
    """Read, predict, write; nothing is written unless every row was predicted."""
    output = Path(cfg.output)
    if output.suffix not in (".parquet", ".csv"):
        raise UserError(f"output={output}: wanted a name that ends in .parquet or .csv")
    if output.is_dir():
        raise UserError(f"output={output} is a folder; name a file")
    if not output.absolute().parent.is_dir():
        raise UserError(f"output={output}: there is no folder {output.absolute().parent}; make it first")
    check_integer("dataset.batch_size", cfg.dataset.batch_size)
    if cfg.dataset.get("too_long") not in (None, "error", "crop"):
        raise UserError(f"dataset.too_long={cfg.dataset.too_long}: wanted error or crop")
    from genolightning.config import objects as build
    from genolightning.data.input_files import read_unlabelled, tiles
    from genolightning.paths import in_data_root
    from genolightning.runs.load import checkpoint_of, load
    from genolightning.runs.prediction_store import StoredPredictions, predict_rows
    from genolightning.runs.predictions import write_predictions

    rows = read_unlabelled(
        in_data_root(cfg.input),
        genome=in_data_root(cfg.genome) if cfg.genome else None,
        sequence=cfg.dataset.get("sequence") or "sequence",
        id=cfg.dataset.get("id"),
    )
    if cfg.tile_bp is not None:
        check_integer("tile_bp", cfg.tile_bp)
        rows = tiles(rows, cfg.tile_bp)
    trained = load(cfg, checkpoint_of(path)[1])
    trainer = build.trainer(cfg, logger=False)
    loader = trained.batches(
        rows._replace(index=np.arange(len(rows.ids))),  # tiles of one row share its number: told apart until in order
        batch_size=cfg.dataset.batch_size,
        crop=cfg.dataset.get("too_long") == "crop",
        rank=trainer.global_rank,
        world=trainer.world_size,
    )
    stored = predict_rows(trainer, trained.model, loader, output.with_name(f".parts-{output.name}"))
    if not trainer.is_global_zero:
        return
    numbers, lengths = np.arange(len(rows.ids)), loader.source.lengths
    predicted = StoredPredictions(stored, numbers, rows.ids, None, lengths, trained.facts.resolution_bp)
    blocks = (block._replace(index=rows.index[block.index]) for block in predicted.blocks())
    write_predictions(output, blocks, trained.facts.kind, trained.facts.classes)
    stored.remove()
    say(f"{len(rows.ids):,} rows predicted: {output}")
