import hashlib
import zlib

import pytest

from genolightning.errors import BadTable
from genolightning.storage.checksums import crc32, sha256
from tests.helpers.make import write


def test_checksums_are_those_of_the_bytes_on_disk(tmp_path):
    path = write(tmp_path / "a.gz", "ACGT" * 1000)
    assert sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert crc32(path) == zlib.crc32(path.read_bytes())


@pytest.mark.parametrize("checksum", [crc32, sha256])
def test_a_file_that_is_not_there_has_no_checksum(tmp_path, checksum):
    with pytest.raises(BadTable, match="cannot be read"):
        checksum(tmp_path / "absent")
