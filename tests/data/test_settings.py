"""Settings of a dataset are checked when they are made."""

import pytest

from genolightning.data.settings import Augmentation, Loading, Splitting
from genolightning.errors import UserError


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Splitting(validation_fraction=1), "validation_fraction=1: wanted 0"),
        (lambda: Splitting(test_fraction=0), "test_fraction=0: wanted a share"),
        (lambda: Splitting(train_fraction=0), "train_fraction=0: wanted a share"),
        (lambda: Augmentation(substitute=1), "substitute=1: wanted a share of bases"),
        (lambda: Augmentation(shift_bp=1.5), "shift_bp=1.5: wanted a whole number from 0 on"),
        (lambda: Augmentation.from_mapping({"shift": 3}), "augment.shift: there are reverse_complement, shift_bp"),
        (lambda: Loading(batch_size=0), "batch_size=0: wanted a whole number"),
        (lambda: Loading(workers=-1), "workers=-1: wanted a whole number from 0 on"),
        (lambda: Loading(too_long="shorten"), "too_long=shorten: wanted error or crop"),
        (lambda: Loading(on_device="maybe"), "on_device=maybe: wanted auto, true or false"),
    ],
)
def test_a_value_out_of_range_is_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_without_a_validation_share_there_is_no_validation():
    assert Splitting().validates
    assert not Splitting(validation_fraction=0).validates


def test_a_random_strand_leaves_the_bases_of_a_row_as_they_are():
    assert not Augmentation(reverse_complement=True).changes_bases
    assert Augmentation(shift_bp=1).changes_bases
    assert Augmentation(substitute=0.1).changes_bases
