"""Reads the `.wandb` file of an offline Weights & Biases run: records in the log format of LevelDB, each a protobuf."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

BLOCK = 32_768
WHOLE, LAST = 1, 4  # kinds of a piece; a record that crosses blocks comes as first, middle, last


class Told(NamedTuple):
    """What a run has told: rows of its history, its config, its last values, its group and id, names of artifacts."""

    history: list[dict[str, Any]]
    config: dict[str, Any]
    summary: dict[str, Any]
    group: str
    id: str
    artifacts: list[str]


def records(path: Path) -> Iterator[bytes]:
    data, at, pieces = path.read_bytes(), 7, b""  # ":W&B", a magic number and a version come first
    while at + 7 <= len(data):
        if BLOCK - at % BLOCK < 7:  # no room for a header: the rest of the block is empty
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        pieces += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (WHOLE, LAST):
            yield pieces
            pieces = b""


def read(folder: Path) -> list[Told]:
    """Every offline run below a run folder."""
    return [_one(path) for path in sorted(folder.glob("wandb/offline-run-*/*.wandb"))]


def _one(path: Path) -> Told:
    from wandb.proto.wandb_internal_pb2 import Record

    told = Told([], {}, {}, "", "", [])
    for data in records(path):
        record = Record.FromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "history":
            told.history.append(_items(record.history.item))
        elif kind == "summary":
            told.summary.update(_items(record.summary.update))
        elif kind == "run":
            told.config.update(_items(record.run.config.update))
            told = told._replace(group=record.run.run_group, id=record.run.run_id)
        elif kind == "artifact" or (kind == "request" and record.request.HasField("log_artifact")):
            told.artifacts.append(
                (record.artifact if kind == "artifact" else record.request.log_artifact.artifact).type
            )
    return told


def _items(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}
