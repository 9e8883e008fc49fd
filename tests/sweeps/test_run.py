"""A sweep is run as the grid or the search that its sampler names."""

import pytest

from genolightning.errors import UserError
from genolightning.sweeps.run import dry_run
from genolightning.sweeps.search_space import read_space


def test_the_rehearsal_of_a_grid_quotes_its_overrides():
    space = read_space("seeds", ["seed=1,2", "dataset=table", "dataset.train='a b.csv'"])
    assert dry_run(space)[0].startswith("genolightning train dataset=table")
    assert "a b.csv" in dry_run(space)[1]


def test_a_search_has_no_rehearsal():
    with pytest.raises(UserError, match="draws its points as it goes"):
        dry_run(read_space("hyena_search", []))
