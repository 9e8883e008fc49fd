"""One chromosome has several spellings; a spelling that could mean two of them means none."""

import pytest

from genolightning.genome.chromosome_names import aliases, common_name, nearest


@pytest.mark.parametrize("names", [("chr1", "1", "Chr1", "CHR1"), ("chrM", "MT", "M", "chrMT"), ("chrX", "X")])
def test_spellings_of_one_chromosome_share_a_common_name(names):
    assert len({common_name(name) for name in names}) == 1


def test_a_common_name_is_its_own():
    for name in ("chr1", "IV", "chrUn_KI270302v1", "scaffold.12"):
        assert common_name(common_name(name)) == common_name(name)


def test_chr_alone_is_a_name_and_roman_numbers_are_not_translated():
    assert common_name("chr") == "chr"
    assert common_name("chrX") != common_name("chr10")


def test_a_spelling_that_two_records_share_is_no_alias():
    assert aliases(["chr1", "1", "chr2"]) == {"2": "chr2"}


@pytest.mark.parametrize(
    ("name", "alias"),
    [("ENST00000217185.11", "ENST00000217185"), ("NM_000546.6", "NM_000546"), ("NR_046018.2", "NR_046018")],
)
def test_a_transcript_is_found_without_its_version(name, alias):
    assert aliases([name])[alias] == name


def test_a_dot_and_a_number_that_tell_genes_apart_are_kept():
    assert "Y74C9A" not in aliases(["Y74C9A.2"])


def test_the_nearest_names_come_first_and_there_are_always_some():
    assert nearest("chr21", ["chrX", "chr2", "chr1"]).startswith("chr2")
    assert nearest("zzz", ["a", "b", "c", "d"]) == "a, b, c"
