"""Checkpoints: whole or not there, plain or refused."""

import pickle

import pytest
import torch

from genolightning.errors import UntrustedRun, UserError
from genolightning.training.checkpoints import AtomicCheckpoints, is_intact, latest_checkpoint, read_checkpoint


def content(step: int) -> dict:
    return {"state_dict": {"w": torch.full((1000,), float(step))}, "genolightning": {}}


def test_a_torn_last_checkpoint_is_recognised_and_the_one_before_is_used(tmp_path):
    last = tmp_path / "checkpoints" / "last.ckpt"
    for step in (1, 2):
        AtomicCheckpoints().save_checkpoint(content(step), last)
    assert latest_checkpoint(tmp_path) == last
    last.write_bytes(last.read_bytes()[:-100])
    found = latest_checkpoint(tmp_path)
    assert found.name == "last.ckpt.prev"
    assert read_checkpoint(found)["state_dict"]["w"][0] == 1


def test_a_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "last.ckpt"
    AtomicCheckpoints().save_checkpoint(content(1), path)
    data = bytearray(path.read_bytes())
    data[data.index(b"\x00\x00\x80\x3f" * 8) + 100] ^= 1
    path.write_bytes(data)
    assert not is_intact(path)


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "last.ckpt"
    AtomicCheckpoints().save_checkpoint(content(1), path)

    def full(checkpoint, file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(UserError, match="No space"):
        AtomicCheckpoints().save_checkpoint(content(2), path)
    assert not list(tmp_path.glob("*.tmp"))
    monkeypatch.undo()
    assert read_checkpoint(path)["state_dict"]["w"][0] == 1


def test_what_is_not_our_checkpoint_is_refused_in_one_line(tmp_path):
    strange = tmp_path / "x.ckpt"
    torch.save({"weights": torch.ones(2)}, strange)
    with pytest.raises(UserError, match="not a checkpoint of GenoLightning"):
        read_checkpoint(strange)
    strange.write_text("hello")
    with pytest.raises(UserError, match="not a complete checkpoint|could run code"):
        read_checkpoint(strange)
    with pytest.raises(UserError, match="no such checkpoint"):
        read_checkpoint(tmp_path / "none.ckpt")


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path):
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return (open, (str(marker), "w"))

    path = tmp_path / "evil.ckpt"
    torch.save({"state_dict": {}, "genolightning": Evil()}, path)
    with pytest.raises(UntrustedRun):
        read_checkpoint(path)
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(UserError):
        read_checkpoint(path)
    assert not marker.exists()
