"""ChestX-ray14: the folder as NIH ships it, its quirks, and the compact table inside the package."""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from overread.records.cohort import Cohort, read_cohort
from overread.records.findings import NIH_FINDINGS, key
from overread.records.nih import SHIPPED_FILE

Refused = Callable[..., str]
Folder = Callable[..., Path]

LABELS = """\
Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,\
OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]{end}
00000001_000.png,Cardiomegaly,0,1,058Y,M,PA,2682,2749,0.143,0.143{end}
00000001_001.png,Cardiomegaly|Infiltration,1,1,058Y,M,PA,2894,2729,0.143,0.143{end}
00000002_000.png,No Finding,0,2,011M,F,AP,2500,2048,0.168,0.168{end}
"""
BOXES = """\
Image Index,Finding Label,Bbox [x,y,w,h],,,
00000001_001.png,Infiltrate,225.08,547.01,86.77,79.18
00000001_000.png,Cardiomegaly,1,2,3,4
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return a function that writes a small folder in NIH's layout; `None` leaves a file out."""

    def written(**files: str | bytes | None) -> Path:
        content: dict[str, str | bytes | None] = {
            "Data_Entry_2017_v2020.csv": LABELS.format(end=""),
            "train_val_list.txt": "00000001_000.png\n00000001_001.png\n",
            "test_list.txt": "00000002_000.png",
            "BBox_List_2017.csv": BOXES,
        }
        content |= {name.replace("__", "."): data for name, data in files.items()}
        for name, data in content.items():
            if data is not None:
                (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        return tmp_path

    return written


# --- the folder ------------------------------------------------------------------------------------------------------


def test_a_folder_as_downloaded(folder: Folder) -> None:
    cohort = read_cohort(folder())
    assert cohort.findings == ("Cardiomegaly", "Infiltration")
    assert cohort.labels.tolist() == [[1, 0], [1, 1], [0, 0]]
    assert cohort.table.columns[:3] == ["image", "patient", "split"]
    assert cohort.split is not None
    assert cohort.split.to_list() == ["train", "train", "test"]
    assert cohort.table["age"].to_list() == [58, 58, 0]
    assert cohort.attributes == (
        *("follow_up", "age", "gender", "view"),
        *("width", "height", "pixel_spacing_x", "pixel_spacing_y"),
    )
    assert cohort.warnings == ()
    assert len(cohort.sources) == 4
    assert cohort.name == folder().name


def test_boxes_have_the_finding_of_the_label_table(folder: Folder) -> None:
    boxes = read_cohort(folder()).boxes
    assert boxes is not None
    assert boxes.rows() == [
        ("00000001_001.png", "Infiltration", 225.08, 547.01, 86.77, 79.18),
        ("00000001_000.png", "Cardiomegaly", 1.0, 2.0, 3.0, 4.0),
    ]


def test_a_box_of_a_finding_that_no_image_of_a_smaller_table_has_is_kept(folder: Folder) -> None:
    boxes = read_cohort(folder(BBox_List_2017__csv=BOXES.replace("Infiltrate", "Mass"))).boxes
    assert boxes is not None
    assert boxes["finding"].to_list() == ["Mass", "Cardiomegaly"]


@pytest.mark.parametrize(
    "boxes",
    [
        BOXES.replace("[x,y,w,h],,,", "[x,y,w,h]"),
        BOXES.replace("Bbox [x,y,w,h],,,", '"Bbox [x,y,w,h]"'),
        BOXES.replace("Bbox [x,y,w,h],,,", "x,y,width,height"),
        BOXES.replace("79.18", "79.18,,,").replace("4\n", "4,,,\n"),
    ],
    ids=["header without empty cells", "header quoted", "header of another hand", "empty cells in every row"],
)
def test_boxes_however_their_header_was_split(folder: Folder, boxes: str) -> None:
    read = read_cohort(folder(BBox_List_2017__csv=boxes)).boxes
    assert read is not None
    assert read["height"].to_list() == [79.18, 4.0]


def test_a_trailing_comma_in_every_row_of_the_label_table(folder: Folder) -> None:
    """The label table of 2017 ends every row with a comma."""
    assert read_cohort(folder(Data_Entry_2017_v2020__csv=LABELS.format(end=","))).warnings == ()


def test_tables_and_lists_may_be_compressed(folder: Folder) -> None:
    plain = read_cohort(folder())
    path = folder()
    for name in ("Data_Entry_2017_v2020.csv", "BBox_List_2017.csv", "test_list.txt"):
        (path / f"{name}.gz").write_bytes(gzip.compress((path / name).read_bytes()))
        (path / name).unlink()
    packed = read_cohort(path)
    assert packed.table.equals(plain.table)
    assert packed.boxes is not None
    assert packed.boxes.equals(plain.boxes)


def test_the_newest_of_several_label_tables_is_used_and_said(folder: Folder) -> None:
    cohort = read_cohort(folder(Data_Entry_2017__csv="not read"))
    assert cohort.warnings == ("2 label tables lie in the folder; Data_Entry_2017_v2020.csv is used.",)


def test_the_label_table_alone_is_a_cohort_without_splits(folder: Folder) -> None:
    cohort = read_cohort(folder() / "Data_Entry_2017_v2020.csv")
    assert cohort.split is None
    assert cohort.name == "Data_Entry_2017_v2020"


def test_images_in_both_lists_in_neither_or_in_a_list_alone_are_said(folder: Folder) -> None:
    path = folder(
        train_val_list__txt="00000001_000.png\n00000001_001.png\n00000009_000.png\n",
        test_list__txt="images/00000001_001.png\n\n",
    )
    cohort = read_cohort(path)
    assert cohort.split is not None
    assert cohort.split.to_list() == ["train", "train", None]
    assert cohort.warnings == (
        "In both lists of the official split: 1 image (00000001_001.png); counted as training.",
        "In neither list of the official split: 1 image (00000002_000.png); reported only with --split all.",
        "In the official split and not in the label table: 1 image (00000009_000.png).",
        "In no split: 1 of 3 images; reported only with --split all.",
    )


def test_without_lists_every_image_counts_as_test_and_that_is_said(folder: Folder) -> None:
    cohort = read_cohort(folder(train_val_list__txt=None, test_list__txt=None))
    assert cohort.split is None
    assert "every image counts as test" in cohort.warnings[0]


def test_without_boxes_there_are_none(folder: Folder) -> None:
    assert read_cohort(folder(BBox_List_2017__csv=None)).boxes is None


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        ({"Data_Entry_2017_v2020__csv": None}, ["no label table Data_Entry_2017*.csv", "or the path of one table"]),
        ({"test_list__txt": None}, ["test_list.txt is missing", "both lists"]),
        ({"test_list__txt": "\xe9\n".encode("latin-1")}, ["test_list.txt: the text is not UTF-8"]),
        ({"BBox_List_2017__csv": BOXES.replace("547.01", "far")}, ["column y, row 2", "the y is 'far'"]),
        ({"BBox_List_2017__csv": BOXES.replace("Infiltrate", "Zebra")}, ["row 2", "Zebra is none of the label table"]),
        ({"BBox_List_2017__csv": BOXES.replace("Bbox [x", "left")}, ["there is no column for x"]),
    ],
)
def test_what_is_broken_is_refused(folder: Folder, files: dict, parts: list[str], refused: Refused) -> None:
    said = refused(read_cohort, folder(**files))
    for part in parts:
        assert part in said, said


def test_a_folder_that_may_not_be_opened_is_refused(
    folder: Folder, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    assert "the folder cannot be opened (Permission denied)" in refused(read_cohort, folder())


# --- the compact table inside the package ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> Cohort:
    return read_cohort("chestxray14")


# Images with each finding in the release of Wang et al. (2017), counted in NIH's table by the shell:
# zcat Data_Entry_2017_v2020.csv.gz | cut -d, -f2 | tr '|' '\n' | sort | uniq -c
TOTALS = {
    "Atelectasis": 11559,
    "Cardiomegaly": 2776,
    "Effusion": 13317,
    "Infiltration": 19894,
    "Mass": 5782,
    "Nodule": 6331,
    "Pneumonia": 1431,
    "Pneumothorax": 5302,
    "Consolidation": 4667,
    "Edema": 2303,
    "Emphysema": 2516,
    "Fibrosis": 1686,
    "Pleural_Thickening": 3385,
    "Hernia": 227,
}


def test_the_shipped_table_has_the_published_totals(shipped: Cohort) -> None:
    assert shipped.findings == NIH_FINDINGS
    assert dict(zip(NIH_FINDINGS, (shipped.labels == 1).sum(axis=0).tolist(), strict=True)) == TOTALS
    assert int((shipped.labels.sum(axis=1) == 0).sum()) == 60361
    assert set(np.unique(shipped.labels)) == {0, 1}


def test_the_shipped_table_has_the_official_split_by_patient(shipped: Cohort) -> None:
    """NIH's lists name 86,524 images for training and validation and 25,596 for test; nobody is on both sides."""
    assert shipped.n_images == 112_120
    counts = shipped.table.group_by("split").agg(pl.len(), pl.col("patient").n_unique().alias("patients")).sort("split")
    assert counts.rows() == [("test", 25_596, 2_797), ("train", 86_524, 28_008)]
    assert shipped.table["patient"].n_unique() == 30_805
    assert shipped.warnings == ()


def test_the_shipped_table_has_the_paper_s_counts_of_labels_in_the_test_split(shipped: Cohort) -> None:
    """Images of the official test split with 0 to 8 labels: Table 3 of the paper that overread follows."""
    test = (shipped.table["split"] == "test").to_numpy()
    assert np.bincount(shipped.labels[test].sum(axis=1)).tolist() == [9861, 7992, 5021, 1958, 572, 152, 31, 8, 1]


def test_the_shipped_table_has_nihs_attributes(shipped: Cohort) -> None:
    assert shipped.attributes == ("age", "gender", "view", "follow_up")
    assert set(shipped.table["gender"]) == {"M", "F"}
    assert set(shipped.table["view"]) == {"PA", "AP"}
    assert (shipped.table["age"].min(), shipped.table["age"].max()) == (0, 95)
    assert shipped.images.n_unique() == 112_120
    assert shipped.images.str.contains(r"^\d{8}_\d{3}\.png$").all()


def test_the_shipped_table_is_small() -> None:
    assert SHIPPED_FILE.stat().st_size < 1_000_000


def test_the_shipped_table_is_nihs_row_by_row(shipped: Cohort, shared: Path) -> None:
    """Against NIH's own table and lists, read by Polars alone."""
    folder = shared / "chestxray14"
    nih = pl.read_csv(folder / "Data_Entry_2017_v2020.csv.gz").sort("Image Index")
    test = set((folder / "test_list.txt").read_text().split())
    train = set((folder / "train_val_list.txt").read_text().split())
    assert shipped.images.to_list() == nih["Image Index"].to_list()
    assert shipped.patients is not None
    assert shipped.patients.to_list() == [str(patient) for patient in nih["Patient ID"]]
    assert shipped.table["age"].to_list() == nih["Patient Age"].to_list()
    assert shipped.table["gender"].to_list() == nih["Patient Gender"].to_list()
    assert shipped.table["view"].to_list() == nih["View Position"].to_list()
    assert shipped.table["follow_up"].to_list() == nih["Follow-up #"].to_list()
    assert {image for image, split in shipped.table.select("image", "split").rows() if split == "test"} == test
    assert {image for image, split in shipped.table.select("image", "split").rows() if split == "train"} == train
    for row, said in zip(shipped.labels, nih["Finding Labels"], strict=True):
        named = [finding for finding, present in zip(NIH_FINDINGS, row, strict=True) if present]
        assert sorted(named or ["No Finding"]) == sorted(said.split("|"))


def test_nihs_folder_is_the_shipped_table_and_more(shipped: Cohort, shared: Path) -> None:
    cohort = read_cohort(shared / "chestxray14")
    order = cohort.images.arg_sort().to_numpy()
    assert cohort.table[order].select(shipped.table.columns).equals(shipped.table)
    np.testing.assert_array_equal(cohort.labels[order], shipped.labels)
    assert cohort.warnings == ()
    assert cohort.boxes is not None
    assert len(cohort.boxes) == 984
    assert cohort.boxes["image"].n_unique() == 880
    assert set(cohort.boxes["finding"]) < set(NIH_FINDINGS)
    assert (cohort.boxes["finding"] == "Infiltration").sum() == 123
    assert cohort.boxes.select(pl.col("x", "y", "width", "height").min()).row(0) > (0, 0, 0, 0)


def test_the_script_makes_the_shipped_table(shared: Path) -> None:
    """Of one version of Polars to the byte; here the content, since another version may pack it otherwise."""
    script = Path(__file__).parents[2] / "scripts" / "make_chestxray14.py"
    spec = importlib.util.spec_from_file_location("make_chestxray14", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table = module.compact(read_cohort(shared / "chestxray14"))
    assert table.equals(pl.read_parquet(SHIPPED_FILE))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Pleural_Thickening", "pleural-thickening"), ("Infiltrate", "INFILTRATION"), ("  Mass ", "mass")],
)
def test_findings_match_however_they_are_written(one: str, other: str) -> None:
    assert key(one) == key(other)
