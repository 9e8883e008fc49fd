"""The leaderboard's page: datasets down, models across, means only over what all have, losses named."""

from genolightning.analysis.leaderboard import KMER, MEAN, Row
from genolightning.report.leaderboard_tables import FEW, best_published, column_models, leaderboard_page


def row(dataset: str = "a", model: str = "cnn", value: float | None = 0.5, **more) -> Row:
    usual = {
        "split": "original",
        "verdict": "clean",
        "protocol": "last epoch",
        "metric": "mcc",
        "higher_is_better": True,
        "origin": "own",
        "source": "own runs",
        "seeds": [1, 2],
    }
    return Row(dataset=dataset, model=model, value=value, **(usual | more))


def published(dataset: str = "a", model: str = "BERT", value: float = 0.6, **more) -> Row:
    return row(dataset, model, value, origin="published", source="a paper", protocol="unknown", verdict=None, **more)


def page(*rows: Row) -> list[str]:
    return leaderboard_page(rows, [], "genolightning leaderboard")


def cells(lines: list[str], name: str) -> list[str]:
    line = next(line for line in lines if line.startswith(f"| {name}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_cell_has_value_interval_deviation_and_number_of_seeds():
    lines = page(row(low=0.4, high=0.6, sd=0.01), row("b", low=0.1, high=0.2, interval=MEAN), row("c", value=None))
    assert cells(lines, "a")[1] == "0.500 [0.400, 0.600] ± 0.010 (2)"
    assert cells(lines, "b")[1] == "0.500 ~[0.100, 0.200] (2)"
    assert cells(lines, "c")[1] == ""


def test_a_mean_is_of_datasets_that_a_column_has_all_of():
    lines = page(*(row(name, "cnn", value) for name, value in (("a", 0.2), ("b", 0.4), ("c", 0.9))), row("a", "net"))
    assert cells(lines, "mean of the 3")[1:] == ["0.500", ""]
    both = page(row("a", "cnn", 0.2), row("b", "cnn", 0.4), row("a", "net", 0.4), row("b", "net", 0.8))
    assert cells(both, "mean of the 2 that all own columns have")[1:] == ["0.300", "0.600"]


def test_a_mean_is_never_over_two_protocols():
    lines = page(row("a"), row("b"), published("a"), published("b")._replace(protocol="last epoch"))
    assert cells(lines, "mean of the 2")[1:] == ["0.500", ""]


def test_a_verdict_that_is_not_clean_and_a_drawn_split_stand_beside_the_name():
    lines = page(row(verdict="leaky"), row("b", split="random-1"))
    assert cells(lines, "a (**leaky**)")
    assert "## mcc, random split" in lines
    assert cells(lines, "b `random-1`")


def test_settings_and_protocols_make_columns_of_their_own():
    lines = page(row(), row("a", detail="lr=1"), row("a", protocol="other"))
    head = cells(lines, "dataset")
    assert head == ["dataset", "cnn, last epoch", "cnn `lr=1`, last epoch", "cnn, other"]


def test_few_published_models_get_columns_and_of_many_the_best_one():
    few = [row(), *(published(model=str(number), value=number / 10) for number in range(FEW))]
    many = [*few, published(model="best", value=0.9)]
    assert column_models(few) == ["0", "1", "2"]
    assert column_models(many) == []
    assert cells(page(*many), "a")[-1] == "0.900 best (unknown)"


def test_the_best_published_score_is_the_lowest_where_less_is_better():
    rows = [published(model=name, value=value) for name, value in (("x", 0.3), ("y", 0.7))]
    assert best_published(rows)["a", "original"].model == "y"
    lower = [one._replace(metric="loss", higher_is_better=False) for one in rows]
    assert best_published(lower)["a", "original"].model == "x"
    assert best_published([row()]) == {}


def test_losses_are_named_with_their_rival_and_whether_it_lies_inside_the_interval():
    baseline = row("a", KMER, 0.4, origin="baseline", source="here")
    lines = page(row(low=0.3, high=0.7), row("b"), published("a"), published("b", value=0.1), baseline)
    assert (
        "- cnn is below the best published score on 1 of 2 datasets: a 0.500 against 0.600 of BERT "
        "(protocol unknown), inside its interval"
    ) in lines
    assert f"- cnn is below the {KMER} on 0 of 1 datasets" in lines


def test_published_scores_are_listed_with_protocol_and_source():
    lines = page(published("b"), row(), published("a", note="mean of 3"))
    assert lines[-2:] == [
        "| a | BERT | mcc | 0.600 | unknown | a paper | mean of 3 |",
        "| b | BERT | mcc | 0.600 | unknown | a paper |  |",
    ]
    assert "## Published scores and their protocols" not in page(row())
