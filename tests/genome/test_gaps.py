"""Runs of N: what they count is what a plain count of letters counts."""

import numpy as np
import pytest

from genolightning.genome import gaps as room
from genolightning.genome.gaps import find_gaps


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_windows_hold_as_many_unknown_bases_as_a_plain_count_says(monkeypatch, chunk, share):
    monkeypatch.setattr(room, "CHUNK_BP", chunk)
    random = np.random.default_rng(0)
    codes = np.where(np.repeat(random.random(60), 5) < share, 4, random.integers(0, 4, 300)).astype(np.uint8)
    found = find_gaps(codes)
    assert int((found.end - found.start).sum()) == int((codes == 4).sum())
    for length in (1, 13, 300):
        start = np.arange(301 - length)
        assert found.within(start, length).tolist() == [int((codes[at : at + length] == 4).sum()) for at in start]
