"""Tables of heat maps: perfect maps reach the ceiling, floors see other patients only, odd boxes are told."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from overread.analyses.confounder import CONFOUNDER, LOST, Without, confounder
from overread.analyses.localisation import COLUMNS, MEASURES, PUBLISHED, grid_of, localisation, targets, unused
from overread.analyses.map_checks import SANITY, sanity
from overread.records.errors import InputError
from overread.records.heatmaps import BOX_COLUMNS, HeatMaps, as_stored, files_of, read_heatmaps
from overread.stats.localisation import coverage
from overread.stats.rank_correlation import spearman

FINDINGS = ("Mass", "Nodule", "Effusion")
AREA = (16.0, 16.0, 224.0, 224.0)


def made(n: int = 60, *, seed: int = 0, per_patient: int = 2, cells: int = 7) -> HeatMaps:
    """Random maps with a box of Mass on every image and of Nodule on every third."""
    rng = np.random.default_rng(seed)
    images = tuple(f"{k:03d}.png" for k in range(n))
    patients = tuple(str(k // per_patient) for k in range(n))
    rows = []
    for k in range(n):
        for finding in ("Mass", "Nodule") if k % 3 == 0 else ("Mass",):
            width, height = rng.uniform(20, 120, 2)
            x, y = rng.uniform(16, 240 - width), rng.uniform(16, 240 - height)
            rows.append((images[k], patients[k], finding, x, y, width, height))
    return HeatMaps(
        reading="model",
        method="gradcam",
        findings=FINDINGS,
        images=images,
        patients=patients,
        split="test",
        maps=rng.normal(size=(n, 3, cells, cells)).astype(np.float32),
        scores=rng.random((n, 3)),
        labels=rng.integers(0, 2, (n, 3)).astype(np.int8),
        thresholds=np.array([0.5, 0.4, np.nan]),
        rule="youden",
        chosen_on="val rows",
        size=256,
        area=AREA,
        boxes=pl.DataFrame(rows, schema=BOX_COLUMNS, orient="row"),
    )


def with_maps(maps: HeatMaps, heat: np.ndarray) -> HeatMaps:
    from dataclasses import replace

    return replace(maps, maps=heat)


def perfect(maps: HeatMaps) -> HeatMaps:
    """Heat where the boxes are."""
    heat, grid = np.zeros(maps.maps.shape), grid_of(maps)
    for image, _, finding, x, y, width, height in maps.boxes.iter_rows():
        at = maps.images.index(image), maps.findings.index(finding)
        heat[at] = coverage(grid, [[x, y, x + width, y + height]])
    return with_maps(maps, heat)


def row(table: pl.DataFrame, finding: str, metric: str, threshold: float | None = None) -> dict[str, object]:
    own = table.filter(pl.col("finding") == finding, pl.col("metric") == metric)
    own = own if threshold is None else own.filter(pl.col("threshold") == threshold)
    assert len(own) == 1
    return own.row(0, named=True)


def test_tables_have_their_columns_and_a_mean_over_findings() -> None:
    tables = localisation(made(), replicates=100)
    assert {name: dict(table.schema) for name, table in tables.items()} == dict.fromkeys(
        ("localisation", "heat"), COLUMNS
    )
    found = tables["localisation"]
    assert set(found["finding"]) == {"Mass", "Nodule", "mean"}
    each = [row(found, name, "pointing_game", 0.0)["value"] for name in ("Mass", "Nodule", "mean")]
    assert each[2] == pytest.approx(np.mean(each[:2]))
    bounded = found.filter(~pl.col("metric").str.ends_with("false_boxes"))
    assert (bounded["value"] <= bounded["ceiling"] + 1e-12).all()
    known = found.filter(pl.col("low").is_not_null())
    assert ((known["low"] <= known["value"] + 1e-12) & (known["value"] <= known["high"] + 1e-12)).all()


def test_a_map_of_the_box_itself_has_nearly_all_skill() -> None:
    tables = localisation(perfect(made()), replicates=100)
    pointing = row(tables["localisation"], "Mass", "pointing_game", 15.0)
    assert pointing["value"] == pytest.approx(pointing["ceiling"])
    assert row(tables["heat"], "Mass", "heat_inside")["skill"] > 0.5
    assert row(tables["heat"], "Mass", "best_iou")["skill"] > 0.6


def test_a_random_map_has_no_skill() -> None:
    assert row(localisation(made(), replicates=100)["heat"], "mean", "heat_inside")["skill"] < 0.05


def test_values_are_those_of_each_image_averaged() -> None:
    maps = made()
    target = targets(maps)
    column = next(k for k, measure in enumerate(MEASURES) if measure.metric == "heat_inside")
    own = target.finding == 0
    grid, shares = grid_of(maps), []
    for image, _, finding, x, y, width, height in maps.boxes.iter_rows():
        if finding == "Mass":
            heat = maps.heat(maps.images.index(image), 0)
            shares.append((heat * coverage(grid, [[x, y, x + width, y + height]])).sum() / heat.sum())
    assert target.found[own, column] == pytest.approx(shares)
    heat = localisation(maps, replicates=100)["heat"]
    assert row(heat, "Mass", "heat_inside")["value"] == pytest.approx(np.mean(shares))
    scores = maps.scores[target.image[own], 0]
    assert row(heat, "Mass", "score_and_heat_inside")["value"] == pytest.approx(spearman(scores, shares))


def test_floors_do_not_see_the_patient_s_own_boxes() -> None:
    """With all boxes of one patient, no other is left: the floor at the centre alone."""
    from dataclasses import replace

    maps = made(12)
    alone = replace(maps, patients=("one",) * 12, boxes=maps.boxes.with_columns(patient=pl.lit("one")))
    found = row(localisation(alone, replicates=100)["localisation"], "Mass", "pointing_game", 0.0)
    assert found["floor_mean_box"] is None
    assert found["floor_centre"] is not None
    assert found["low"] is None or found["note"] == ""


def test_wang_s_values_stand_beside() -> None:
    found = localisation(made(), replicates=100)["localisation"]
    assert row(found, "Nodule", "iou_accuracy", 0.1)["wang2017_chestxray8"] == 0.1392
    assert row(found, "Nodule", "iobb_accuracy", 0.5)["wang2017_chestxray14"] == 0


def test_wang_s_false_positives_do_not_stand_beside_boxes_on_the_images_of_a_finding() -> None:
    """Theirs are over all 984 drawn boxes of eight findings, the accuracies over each finding's own."""
    found = localisation(made(), replicates=100)["localisation"]
    of_boxes = found.filter(pl.col("metric").str.ends_with("false_boxes"))
    assert of_boxes["wang2017_chestxray8"].null_count() == len(of_boxes)
    drawn = {"Atelectasis": 180, "Cardiomegaly": 146, "Effusion": 153, "Infiltration": 123, "Mass": 85, "Nodule": 79,
             "Pneumonia": 120, "Pneumothorax": 98}  # fmt: skip
    off = {"accuracy": 0.0, "average false positives": 0.0}
    for _, _, _, quantity, finding, value, _ in pl.read_csv(PUBLISHED).iter_rows():
        over = drawn[finding] if quantity == "accuracy" else sum(drawn.values())
        off[quantity] = max(off[quantity], abs(round(value * over) / over - value))
    assert sum(drawn.values()) == 984
    assert max(off.values()) < 1e-4  # four decimals, rounded or cut off


def test_odd_boxes_are_told_and_left_out() -> None:
    from dataclasses import replace

    maps = made(12)
    odd = pl.DataFrame(
        [("000.png", "0", "Fracture", 20.0, 20.0, 30.0, 30.0), ("001.png", "0", "Mass", 256.0, 10.0, 0.0, 30.0)],
        schema=BOX_COLUMNS,
        orient="row",
    )
    said = unused(replace(maps, boxes=pl.concat([maps.boxes, odd])))
    assert said[0] == "Boxes of findings that the model does not know (Fracture): 1, not measured."
    assert said[1].startswith("Boxes without area within their image: 1 (001.png)")
    none = replace(maps, boxes=pl.DataFrame(schema=BOX_COLUMNS))
    assert unused(none) == ["No explained image has a usable box: localisation is not measured."]
    tables = localisation(none, replicates=100)
    assert tables["localisation"].is_empty()
    assert set(tables["heat"]["metric"]) == {"no_heat", "peak"}


def test_maps_without_heat_have_found_nothing_and_are_counted() -> None:
    maps = with_maps(made(), -np.ones((60, 3, 7, 7)))
    tables = localisation(maps, replicates=100)
    assert row(tables["localisation"], "Mass", "pointing_game", 0.0)["value"] == 0
    assert set(tables["heat"].filter(pl.col("metric") == "no_heat")["value"]) == {1.0}


# --- the folder ------------------------------------------------------------------------------------------------------


def test_the_folder_gives_back_what_was_written(tmp_path) -> None:  # type: ignore[no-untyped-def]
    maps = made(10)
    tables = localisation(maps, replicates=100)
    for name, data in files_of(maps, tables).items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "overlays.csv").write_text("file,image,finding,outcome,score,threshold,peak,full_colour,said\n")
    back = read_heatmaps(tmp_path)
    assert back.maps.images == maps.images
    assert back.maps.scores == pytest.approx(maps.scores)
    assert np.array_equal(back.maps.labels, maps.labels)
    assert np.allclose(back.maps.maps, maps.maps, rtol=2e-3, atol=1e-3)
    assert np.isnan(back.maps.thresholds[2])
    assert back.tables["localisation"].height == tables["localisation"].height
    (tmp_path / "heat.csv").write_text("changed")
    with pytest.raises(InputError, match="changed after it was written"):
        read_heatmaps(tmp_path)
    (tmp_path / "heatmaps.json").unlink()
    with pytest.raises(InputError, match=r"there is no heatmaps\.json"):
        read_heatmaps(tmp_path)


@pytest.mark.parametrize(("most", "kind"), [(0.0, "float16"), (1.0, "float16"), (1e-4, "float32"), (1e6, "float32")])
def test_maps_are_stored_as_small_as_their_numbers_allow(most: float, kind: str) -> None:
    assert as_stored(np.full((1, 1, 2, 2), most)).dtype == kind


def test_outcomes_need_a_label_and_a_threshold() -> None:
    maps = made(10)
    for image in range(10):
        called, ill = maps.scores[image, 0] >= 0.5, maps.labels[image, 0] == 1
        assert (
            maps.outcome(image, 0) == f"{'true' if called == ill else 'false'} {'positive' if called else 'negative'}"
        )
        assert maps.outcome(image, 2) == ""


# --- confounder and checks -------------------------------------------------------------------------------------------


def leaning(strength: float, *, seed: int = 0, n: int = 120) -> tuple[HeatMaps, pl.DataFrame, Without]:
    """Images of which half carry something at the upper left; a model that leans on it has heat and score there."""
    from dataclasses import replace

    rng = np.random.default_rng(seed)
    maps = made(n, seed=seed, per_patient=1)
    carrying = np.arange(n) % 2 == 0
    heat = rng.random((n, 3, 7, 7))
    heat[carrying, 0, :2, :2] += 20 * strength
    logit = rng.normal(0, 0.3, n) + 3 * strength * carrying
    score = 1 / (1 + np.exp(-(logit - 1)))
    without = np.full((n, 3), np.nan)
    without[carrying] = maps.scores[carrying]
    without[carrying, 0] = 1 / (1 + np.exp(-(logit - 1 - 3 * strength)[carrying]))
    labels = maps.labels.copy()
    labels[:, 0] = np.arange(n) % 4 < 2
    boxes = pl.DataFrame({
        "image": [maps.images[k] for k in np.flatnonzero(carrying)],
        "x": 16.0, "y": 16.0, "width": 64.0, "height": 64.0,
    })  # fmt: skip
    scores = maps.scores.copy()
    scores[:, 0] = score
    return replace(maps, maps=heat, scores=scores, labels=labels), boxes, Without(without, "the same image without it")


def test_a_model_that_leans_is_flagged_and_one_that_does_not_is_not() -> None:
    found = confounder(*leaning(1.0), replicates=300)
    assert dict(found.schema) == CONFOUNDER
    flagged = found.filter(pl.col("flagged"))
    assert set(flagged["finding"]) == {"Mass"}
    assert set(flagged["images"]) == {"positive"}
    lost = found.filter(pl.col("metric") == LOST, pl.col("finding") == "Mass", pl.col("images") == "positive").row(
        0, named=True
    )
    assert lost["value"] > 0.9
    for seed in range(8):
        assert not confounder(*leaning(0.0, seed=seed), replicates=300)["flagged"].any()


def test_no_box_no_rows() -> None:
    maps, boxes, without = leaning(1.0)
    assert confounder(maps, boxes.clear(), without).is_empty()


def test_maps_that_stay_alike_are_seen_to_and_those_that_follow_too() -> None:
    maps = np.random.default_rng(0).random((20, 3, 7, 7))
    patients = [str(k) for k in range(20)]
    other = np.random.default_rng(1).random((20, 3, 7, 7))
    moved = {"flipped": maps[..., ::-1], "shifted": np.roll(maps, (1, 1), axis=(2, 3))}
    found = sanity("model", maps, patients, randomised={"head": maps, "body": other}, moved=moved, replicates=200)
    assert dict(found.schema) == SANITY
    value = {(r["check"], r["stage"], r["measure"]): r["value"] for r in found.iter_rows(named=True)}
    assert value["randomised", "head", "spearman"] == pytest.approx(1)
    assert value["randomised", "head", "ssim"] == pytest.approx(1)
    assert abs(value["randomised", "body", "spearman"]) < 0.1
    assert value["randomised", "body", "ssim"] < 0.7
    for check in ("flipped", "shifted"):
        assert value[check, "map moved with the image", "spearman"] == pytest.approx(1)
        assert abs(value[check, "map where it was", "spearman"]) < 0.2
    assert abs(value["another image", "map of the next patient", "spearman"]) < 0.1


def test_maps_without_heat_cannot_be_compared() -> None:
    maps = -np.ones((6, 1, 7, 7))
    found = sanity("model", maps, list("abcdef"), randomised={"head": maps}, moved={}, replicates=100)
    assert found["value"].null_count() == len(found)
    assert set(found["note"]) == {"no two maps with heat in some cells only"}


def test_maps_of_one_cell_cannot_be_compared_either() -> None:
    maps = np.random.default_rng(0).random((6, 2, 1, 1))
    moved = {"flipped": maps, "shifted": maps}
    found = sanity("model", maps, list("abcdef"), randomised={"head": maps}, moved=moved, replicates=100)
    assert set(found["check"]) == {"randomised", "flipped", "another image"}
    assert found.filter(pl.col("measure") == "spearman")["value"].null_count() == 4
