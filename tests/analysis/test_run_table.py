"""Records become groups: what a detail names, and when seeds are no peers."""

from genolightning.analysis.run_table import details, finished, grouped, is_rehearsal
from tests.analysis.test_leaderboard import write_run


def test_the_columns_of_a_table_are_not_named_as_a_choice_of_the_model(tmp_path):
    write_run(tmp_path / "a", 1, **{"dataset.sequence": "seq", "dataset.label": "class"})
    write_run(tmp_path / "b", 1, **{"dataset.sequence": "seq", "optimizer.lr": 0.1})
    groups, _ = grouped(finished(tmp_path)[0])
    assert sorted(details(groups, lambda record: ([], {}))) != []
    assert not any("dataset.sequence" in name for name in details(groups, lambda record: ([], {})))


def test_seeds_that_share_one_drawn_split_get_no_note(tmp_path):
    write_run(tmp_path / "a", 1, split="random, seed 1")
    write_run(tmp_path / "b", 1, split="random, seed 1", model="cnn")
    assert grouped(finished(tmp_path)[0])[1] == []
    write_run(tmp_path / "c", 2, split="random, seed 2")
    (note,) = grouped(finished(tmp_path)[0])[1]
    assert "dataset.seed=1 keeps the rows" in note


def test_a_run_of_trainer_debug_is_a_rehearsal(tmp_path):
    write_run(tmp_path / "a", 1, **{"choices.trainer": "debug"})
    write_run(tmp_path / "b", 2)
    assert [is_rehearsal(record) for record in finished(tmp_path)[0]] == [True, False]
