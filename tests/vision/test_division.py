from __future__ import annotations

import numpy as np
import pytest

from overread.records.cohort import Cohort, cohort_from_frame, read_cohort
from overread.records.errors import InputError
from overread.vision.division import division, used_rows


def cohort(**change: object) -> Cohort:
    n = 60
    columns: dict[str, object] = {
        "image": [f"{row}.png" for row in range(n)],
        "patient": [f"p{row // 3}" for row in range(n)],
        "split": ["test" if row >= 45 else "train" for row in range(n)],
        "Mass": [row % 2 for row in range(n)],
    }
    kept = {name: column for name, column in (columns | change).items() if column is not None}
    return cohort_from_frame(kept, findings=["Mass"])


def test_the_validation_part_is_cut_out_of_the_training_rows_by_patient() -> None:
    given = cohort()
    parts = division(given, share=0.2, seed=0)
    table = parts.table(given)
    assert len(parts.val) == 9
    assert len(parts.train) == 36
    people = {split: set(part["patient"]) for (split,), part in table.group_by("split")}
    assert not people["train"] & people["val"]
    assert len(people["val"]) == 3
    tested = set(given.images.to_list()[45:])
    assert not tested & set(table["image"])


def test_the_seed_chooses_and_the_order_of_rows_does_not() -> None:
    given = cohort()
    shuffled = given.take(np.random.default_rng(1).permutation(given.n_images))
    first, same, other = (
        {part.table(which).filter(split="val")["image"].sort().to_list().__str__()}
        for which, part in (
            (given, division(given, share=0.2, seed=0)),
            (shuffled, division(shuffled, share=0.2, seed=0)),
            (given, division(given, share=0.2, seed=1)),
        )
    )
    assert first == same
    assert first != other


def test_a_cohorts_own_validation_rows_are_kept() -> None:
    split = ["train"] * 30 + ["val"] * 15 + ["test"] * 14 + [None]
    parts = division(cohort(split=split), share=0.2, seed=0)
    assert parts.train.tolist() == list(range(30))
    assert parts.val.tolist() == list(range(30, 45))
    assert used_rows(cohort(split=split)).tolist() == list(range(45))


def test_without_patients_images_are_drawn_and_it_says_so() -> None:
    parts = division(cohort(patient=None), share=0.1, seed=0)
    assert len(parts.val) == 4
    assert "Patients are unknown" in parts.warnings[0]
    assert parts.table(cohort(patient=None)).columns == ["image", "split"]


def test_what_cannot_be_divided_is_refused() -> None:
    with pytest.raises(InputError, match="no column split"):
        used_rows(cohort(split=None))
    with pytest.raises(InputError, match="no row has the split train"):
        used_rows(cohort(split=["test"] * 60))
    with pytest.raises(InputError, match="of 1 patient"):
        division(cohort(patient=["one"] * 60), share=0.5, seed=0)


def test_on_the_real_list_no_patient_is_on_both_sides() -> None:
    given = read_cohort("chestxray14")
    used = given.take(used_rows(given))
    parts = division(used, share=0.125, seed=0)
    assert len(parts.train) + len(parts.val) == 86_524
    assert used.patients is not None
    assert not set(used.patients.gather(parts.train)) & set(used.patients.gather(parts.val))
    assert len(parts.val) / 86_524 == pytest.approx(0.125, abs=0.01)
