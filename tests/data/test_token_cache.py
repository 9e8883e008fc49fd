"""Tokens made once are those that the tokenizer makes of each batch."""

import numpy as np
import pytest
import torch

from genolightning.batch import Tokens, base_mask
from genolightning.data import token_cache
from genolightning.data.array_source import ArraySource
from genolightning.data.encoded_split import EncodedSplit
from genolightning.data.token_cache import tokenize_rows
from genolightning.genome.codes import Codes, encode


def source(sequences: list[str], **more) -> ArraySource:
    rows = np.arange(len(sequences))
    return ArraySource(EncodedSplit("k", encode(sequences), rows, rows.astype(str), rows, {}, []), **more)


def by_base(codes: torch.Tensor, lengths: torch.Tensor) -> Tokens:
    """One token a base after a special one."""
    mask = torch.nn.functional.pad(base_mask(lengths, codes.shape[1]), (1, 0), value=True)
    ids = torch.nn.functional.pad(codes.long() + 1, (1, 0), value=9) * mask
    place = torch.arange(codes.shape[1] + 1) - 1
    spans = torch.where(mask & (place >= 0), place, -1)
    return Tokens(ids, mask, torch.stack([spans, spans], -1))


@pytest.mark.parametrize("at_once", [1, 2, 1024])
def test_gathered_tokens_are_those_of_the_batch_whatever_the_block(monkeypatch, at_once):
    monkeypatch.setattr(token_cache, "ROWS_AT_ONCE", at_once)
    rows = source(["ACGTACGT", "A", "GGT", "TT", "CCCCC"])
    cache = tokenize_rows(rows, by_base)
    for chosen in ([1, 3], [2], [4, 0, 1]):
        batch = rows.gather(np.array(chosen))
        for found, expected in zip(cache.gather(np.array(chosen)), by_base(batch.codes, batch.lengths), strict=True):
            torch.testing.assert_close(found, expected)


def test_rows_of_both_strands_have_tokens():
    rows = source(["AAC", "GT"], strands=True)
    cache = tokenize_rows(rows, by_base)
    assert cache.ids.tolist() == [[9, 1, 1, 2], [9, 3, 4, 0], [9, 3, 4, 4], [9, 1, 2, 0]]
    assert cache.counts.tolist() == [4, 3, 4, 3]


def test_a_batch_is_as_wide_as_its_longest_row():
    cache = tokenize_rows(source(["ACGTACGT", "A", "GGT"]), by_base)
    assert [cache.longest(np.array(rows)) for rows in ([0], [1], [1, 2])] == [9, 2, 4]
    assert cache.gather(np.array([1, 2])).ids.shape == (2, 4)


def test_a_source_with_tokens_serves_them_and_is_not_cut_from_one_gather():
    codes = Codes(np.zeros((3, 4), np.uint8))
    rows = ArraySource(EncodedSplit("k", codes, np.arange(3), np.arange(3).astype(str), np.arange(3), {}, []))
    before = rows.nbytes
    assert rows.equal_lengths
    assert rows.gather(np.array([0])).tokens is None
    rows.tokenize(by_base)
    assert not rows.equal_lengths
    assert rows.gather(np.array([2, 0])).tokens.ids.tolist() == [[9, 1, 1, 1, 1]] * 2
    assert rows.nbytes == before + rows.tokens.nbytes
    assert rows.tokens.nbytes == 3 * 5 * (8 + 1 + 16) + 3 * 8
