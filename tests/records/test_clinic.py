"""Tables of a clinic: its mix, or scores without labels; and what is refused."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from overread.records.clinic import clinic_from_frames, read_clinic
from overread.records.errors import InputError

MIX = {"View Position": ["AP", "PA"], "gender": ["F", "M"], "share": [0.25, 0.75]}


@pytest.fixture
def write(tmp_path: Path):
    def write(name: str, columns: dict[str, list[object]]) -> str:
        path = tmp_path / name
        pl.DataFrame(columns).write_csv(path)
        return str(path)

    return write


def test_a_mix_has_the_cohort_s_names(write) -> None:
    clinic = read_clinic([write("mix.csv", MIX)])
    assert clinic.mix is not None
    assert clinic.mix.attributes == ("view", "gender")
    assert clinic.mix.values == (("AP", "F"), ("PA", "M"))
    assert clinic.mix.shares.tolist() == [0.25, 0.75]
    assert [source.path.endswith("mix.csv") for source in clinic.sources] == [True]
    assert str(clinic) == "mix"


def test_rounded_shares_are_made_to_add_up(write) -> None:
    clinic = read_clinic([write("mix.csv", {"view": ["AP", "PA", "LL"], "share": [0.333, 0.333, 0.333]})])
    assert clinic.mix is not None
    assert clinic.mix.shares.sum() == pytest.approx(1, abs=1e-15)


def test_scores_are_named_and_know_their_patients(write) -> None:
    table = {
        "image": ["a.png", "b.png", "c.png"],
        "patient": [5, 5, 9],
        "view": ["AP"] * 3,
        "prob_Mass": [0.1, 0.2, 0.3],
    }
    clinic = read_clinic([f"model={write('there.csv', table)}"])
    (scores,) = clinic.scores
    assert scores.reading.name == "model"
    assert scores.reading.findings == ("Mass",)
    assert scores.patients is not None
    assert scores.patients.tolist() == [0, 0, 1]


def test_the_order_of_rows_never_matters(write) -> None:
    table = {"image": ["b.png", "a.png", "c.png"], "patient": [9, 5, 9], "prob_Mass": [0.1, 0.2, 0.3]}
    (scores,) = read_clinic([write("there.csv", table)]).scores
    assert scores.reading.images.to_list() == ["a.png", "b.png", "c.png"]
    assert scores.reading.scores[:, 0].tolist() == [0.2, 0.1, 0.3]
    assert scores.patients is not None
    assert scores.patients.tolist() == [0, 1, 1]


def test_dataframes_are_read_as_files_are() -> None:
    scores = {"model": {"image": ["b.png", "a.png"], "prob_Mass": [0.1, 0.2]}}
    clinic = clinic_from_frames(mix=pl.DataFrame(MIX), scores=scores)
    assert clinic.mix is not None
    assert clinic.mix.attributes == ("view", "gender")
    assert clinic.scores[0].reading.images.to_list() == ["a.png", "b.png"]
    assert clinic.sources == ()
    with pytest.raises(InputError, match="no column share"):
        clinic_from_frames(mix={"view": ["AP"]})


def test_nothing_given_is_nothing() -> None:
    assert not read_clinic([])
    assert str(read_clinic([])) == "none"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"view": ["AP", "PA"], "share": [0.25, 0.5]}, "add up to 0.75"),
        ({"view": ["AP", "PA"], "share": [25, 75]}, "the share is '25'.*0.25 for a quarter"),
        ({"view": ["AP", "PA"], "share": ["half", "half"]}, "the share is 'half'"),
        ({"view": ["AP", "ap"], "share": [0.5, 0.5]}, "ap has a share already"),
        ({"view": ["AP", None], "share": [0.5, 0.5]}, "the value is empty"),
        ({"share": [1.0]}, "no attribute beside share"),
        ({"view": ["AP"], "count": [3]}, "neither a mix of attributes nor a table of scores"),
        ({"image": ["a.png"], "patient": [None], "prob_Mass": [0.5]}, "the patient is empty"),
        ({"image": ["a.png"], "prob_Mass": [1.5]}, "the score is"),
    ],
)
def test_what_is_neither_is_refused(write, columns: dict[str, list[object]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_clinic([write("there.csv", columns)])


def test_two_of_a_kind_are_refused(write) -> None:
    mix = write("mix.csv", MIX)
    with pytest.raises(InputError, match="mix already"):
        read_clinic([mix, mix])
    scores = write("there.csv", {"image": ["a.png"], "prob_Mass": [0.5]})
    with pytest.raises(InputError, match="two tables of scores are named there"):
        read_clinic([scores, scores])
