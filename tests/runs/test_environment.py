"""Where a run was made is described by plain values."""

import json

from genolightning.runs.environment import PACKAGES, describe_environment, git_commit


def test_versions_commit_device_and_memory_are_plain_json():
    found = describe_environment()
    assert set(found) == {"versions", "git", "device", "peak_memory_mb"}
    assert set(PACKAGES) < set(found["versions"])
    assert found["peak_memory_mb"] > 10
    json.dumps(found)


def test_a_commit_is_forty_hexadecimal_digits_where_there_is_a_checkout():
    found = git_commit()
    assert found is None or (len(found["commit"]) == 40 and isinstance(found["changed"], bool))
