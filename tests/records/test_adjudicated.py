"""A better truth: which columns are answers, what they say, what they stand for, and how bad tables are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from overread.records.adjudicated import HEDGED, adjudicated_from_frame, answered, read_adjudicated
from overread.records.cohort import MISSING
from overread.records.errors import InputError
from overread.records.findings import NIH_FINDINGS


def written(tmp_path: Path, text: str, name: str = "panel.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_answers_are_read_whatever_their_words(tmp_path: Path) -> None:
    text = (
        "Image Index,Mass,Edema,Patient ID,Set Id,n\na/1.png,YES,1,7,test,3\n2.png,no,0,7,val,0\n"
        "3.png,HEDGE,-1,8,val,1\n4.png,,,8,val,1\n"
    )
    truth = read_adjudicated(written(tmp_path, text))
    assert truth.labels == ("Mass", "Edema")
    assert truth.answers.tolist() == [[1, 1], [0, 0], [HEDGED, HEDGED], [MISSING, MISSING]]
    assert truth.images.to_list() == ["1.png", "2.png", "3.png", "4.png"]
    assert [source.path.endswith("panel.csv") for source in truth.sources] == [True]


def test_a_dataframe_is_read_as_its_file_is(tmp_path: Path) -> None:
    frame = pl.DataFrame({"image": ["1.png", "2.png"], "Lump": ["YES", "HEDGE"]})
    mapping = {"label": ["Lump"], "finding": ["Mass|Nodule"]}
    frame.write_csv(tmp_path / "panel.csv")
    pl.DataFrame(mapping).write_csv(tmp_path / "map.csv")
    read = read_adjudicated(tmp_path / "panel.csv", tmp_path / "map.csv")
    for same in (frame, frame.to_dict(as_series=False), frame.to_arrow()):
        made = adjudicated_from_frame(same, mapping=mapping)
        assert made.answers.tolist() == read.answers.tolist() == [[1], [HEDGED]]
        assert made.mapping == read.mapping
    with pytest.raises(InputError, match="no column holds answers"):
        adjudicated_from_frame({"image": ["1.png"], "note": ["faint"]})


def test_answers_follow_the_images_asked_for(tmp_path: Path) -> None:
    truth = read_adjudicated(written(tmp_path, "image,Mass\n1.png,YES\n2.png,NO\n"))
    assert answered(truth, pl.Series(["2.png", "x.png", "1.png"])).tolist() == [[0], [MISSING], [1]]
    with pytest.raises(InputError, match="no image is common"):
        answered(truth, pl.Series(["x.png"]))


def test_names_and_the_default_decide_without_a_mapping(tmp_path: Path) -> None:
    text = "image,Fracture,pleural thickening,Airspace opacity,Nodule or mass\n1.png,YES,NO,YES,NO\n"
    truth = read_adjudicated(written(tmp_path, text))
    mapped = {each.label: each.findings for each in truth.mapping_to(NIH_FINDINGS)}
    assert mapped == {
        "Fracture": (),
        "pleural thickening": ("Pleural_Thickening",),
        "Airspace opacity": (),
        "Nodule or mass": ("Nodule", "Mass"),
    }
    assert all(each.note for each in truth.mapping_to(NIH_FINDINGS))
    assert [each.findings for each in truth.mapping_to(("Nodule", "Pleural_Thickening"))][3] == ()


@pytest.mark.parametrize(
    "mapping",
    [
        "label,finding,finding2\nNodule or mass,Mass,Nodule\nOpacity,,\n",
        "finding,label\nmass,nodule or mass\nnodule,Nodule or mass\n",
        "label,finding,note,n_yes\nNodule or mass,Mass|Nodule,the default mapping,3\nOpacity,,,4\n",
    ],
)
def test_a_mapping_is_read_in_every_layout(tmp_path: Path, mapping: str) -> None:
    table = written(tmp_path, "image,Nodule or mass,Opacity\n1.png,YES,NO\n")
    truth = read_adjudicated(table, written(tmp_path, mapping, "map.csv"))
    found = truth.mapping_to(("Nodule", "Mass"))
    assert [each.findings for each in found] == [("Mass", "Nodule"), ()]
    assert len(truth.sources) == 2


@pytest.mark.parametrize(
    ("table", "mapping", "says"),
    [
        ("Mass,view\nYES,PA\n", None, "image"),
        ("image,view\n1.png,PA\n", None, "no column holds answers"),
        ("image,Mass\n1.png,YES\n2.png,perhaps\n", None, "row 3.*'perhaps'"),
        ("image,Mass\n1.png,YES\n1.png,NO\n", None, "1.png"),
        ("image,Mass\n1.png,YES\n", "label,finding\nMasss,Mass\n", "'Masss' is no label"),
        ("image,Mass\n1.png,YES\n", "label,what\nMass,Mass\n", "no column finding"),
        ("image,Mass\n1.png,YES\n", "label,finding\n,Mass\n", "label is empty"),
        ("image,Mass\n1.png,YES\n", "label,finding\nMass,Rickets\n", "'Rickets', which is not reported"),
        ("image,Mass\n1.png,YES\n", "label,finding\nMass,\n", "none of its labels"),
        ("image,Fracture\n1.png,YES\n", None, "none of its labels"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, table: str, mapping: str | None, says: str) -> None:
    path = written(tmp_path, table)
    with pytest.raises(InputError, match=says):
        read_adjudicated(path, None if mapping is None else written(tmp_path, mapping, "map.csv")).mapping_to(("Mass",))


def test_google_s_labels_of_chestxray14_are_read(shared: Path) -> None:
    truth = read_adjudicated(shared / "chestxray14" / "adjudicated_google2019.csv.gz")
    assert truth.labels == ("Fracture", "Pneumothorax", "Airspace opacity", "Nodule or mass")
    assert len(truth.images) == 4376
    assert dict(zip(truth.labels, (np.sum(truth.answers == 1, axis=0)).tolist(), strict=True)) == {
        "Fracture": 186,
        "Pneumothorax": 238,
        "Airspace opacity": 2166,
        "Nodule or mass": 605,
    }
