"""What an image depends on, and that boxes and drains lie where something was drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("cv2")

from overread.records.findings import NIH_FINDINGS
from overread.vision.phantom.anatomy import Chest, normal_body
from overread.vision.phantom.lesions import DRAWN, Draws, changed
from overread.vision.phantom.rendering import Box, Phantom, Spec, boxed, composed, numbers, render

SIZE = 128
WELL = Spec(3, 7, 0, 55, "M", "PA", frozenset())


def with_finding(finding: str, patient: int, *, view: str = "PA", drain: bool = False) -> Spec:
    return Spec(3, patient, 0, 55, "FM"[patient % 2], view, frozenset({finding}), drain)


def inside(boxes: tuple[Box, ...], size: int, margin: int = 2) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    for box in boxes:
        mask[
            max(box.y - margin, 0) : box.y + box.height + margin, max(box.x - margin, 0) : box.x + box.width + margin
        ] = True
    return mask


def test_every_finding_of_chestxray14_is_drawn() -> None:
    assert set(DRAWN) == set(NIH_FINDINGS)


@pytest.mark.parametrize("view", ["AP", "PA"])
@pytest.mark.parametrize("finding", NIH_FINDINGS)
def test_a_lesion_lies_in_its_boxes(finding: str, view: str) -> None:
    for patient in range(3):
        spec = with_finding(finding, patient, view=view)
        scene, well = composed(spec, SIZE), composed(replace(spec, findings=frozenset()), SIZE)
        change = np.abs(scene.attenuation - well.attenuation)
        assert scene.boxes
        assert {box.finding for box in scene.boxes} == {finding}
        assert change.max() > 0.02, "the lesion cannot be seen"
        mask = inside(scene.boxes, SIZE)
        assert change[mask].sum() > 0.9 * change.sum()
        assert change[mask].mean() > 4 * change[~mask].mean()


@pytest.mark.parametrize("finding", NIH_FINDINGS)
def test_boxes_lie_in_the_image(finding: str) -> None:
    for patient in range(3):
        for box in render(with_finding(finding, patient, view="AP"), size=96).boxes:
            assert 0 <= box.x < box.x + box.width <= 96
            assert 0 <= box.y < box.y + box.height <= 96


def test_a_nodule_is_smaller_than_30_mm_and_a_mass_larger() -> None:
    mm = 400 / SIZE
    for patient in range(8):
        nodules = composed(with_finding("Nodule", patient), SIZE).boxes
        mass = composed(with_finding("Mass", patient), SIZE).boxes
        assert all(max(box.width, box.height) * mm < 36 for box in nodules)
        assert all(max(box.width, box.height) * mm > 30 for box in mass)


def test_the_same_spec_gives_the_same_bytes_and_any_change_of_identity_others() -> None:
    first = render(WELL, size=96).pixels
    assert np.array_equal(first, render(WELL, size=96).pixels)
    for other in (replace(WELL, seed=4), replace(WELL, patient=8), replace(WELL, exam=1)):
        assert not np.array_equal(first, render(other, size=96).pixels)


def test_only_the_drain_goes_when_it_is_left_out() -> None:
    for patient in range(6):
        spec = with_finding("Pneumothorax", patient, drain=True)
        drained, without = render(spec, size=SIZE), render(spec, size=SIZE, drain=False)
        never = render(replace(spec, drain=False), size=SIZE)
        assert np.array_equal(without.pixels, never.pixels)
        assert drained.drain is not None
        assert without.drain is None
        assert drained.boxes == without.boxes
        changed = drained.pixels != without.pixels
        assert changed.any()
        assert not (changed & ~inside((drained.drain,), SIZE, margin=4)).any()


def test_the_drain_lies_on_the_side_of_the_pneumothorax() -> None:
    for patient in range(12):
        phantom = render(with_finding("Pneumothorax", patient, drain=True), size=96)
        (box,), drain = phantom.boxes, phantom.drain
        assert drain is not None
        assert (box.x + box.width / 2 > 48) == (drain.x + drain.width / 2 > 48)


def test_a_patient_looks_alike_on_two_images_and_unlike_another() -> None:
    one = Chest(normal_body(55, "M", "PA", numbers(WELL, "build", exam=False), numbers(WELL, "pose")), 64)
    again = replace(WELL, exam=1)
    other = replace(WELL, patient=8)
    bodies = [normal_body(55, "M", "PA", numbers(s, "build", exam=False), numbers(s, "pose")) for s in (again, other)]
    assert one.body.knob == bodies[0].knob != bodies[1].knob
    assert one.body.midline != bodies[0].midline


def measured(view: str, gender: str = "M", age: int = 50) -> dict[str, float]:
    seeds = [(np.random.default_rng(i), np.random.default_rng(1000 + i)) for i in range(200)]
    bodies = [normal_body(age, gender, view, build, pose) for build, pose in seeds]
    names = ("ratio", "half_width", "knob", "calcium")
    means = {name: float(np.mean([getattr(body, name) for body in bodies])) for name in names}
    return means | {"dome": float(np.mean([body.dome[0] for body in bodies]))}


def test_view_gender_and_age_shape_the_body() -> None:
    pa, ap = measured("PA"), measured("AP")
    assert ap["ratio"] > pa["ratio"] + 0.03
    assert ap["dome"] < pa["dome"] - 0.03
    assert measured("PA", "F")["half_width"] < pa["half_width"]
    old = measured("PA", age=85)
    assert old["knob"] > pa["knob"]
    assert old["calcium"] < pa["calcium"]


def test_a_heart_that_is_large_on_pa_can_be_normal_on_ap() -> None:
    def ratios(view: str, *, large: bool) -> np.ndarray:
        bodies = []
        for patient in range(200):
            spec = Spec(0, patient, 0, 50, "M", view, frozenset({"Cardiomegaly"} if large else ()))
            draws = {name: Draws(numbers(spec, name, exam=False), numbers(spec, name)) for name in spec.findings}
            body = normal_body(50, "M", view, numbers(spec, "build", exam=False), numbers(spec, "pose"))
            bodies.append(changed(body, spec.findings, draws, view=view).ratio)
        return np.array(bodies)

    for view in ("AP", "PA"):
        assert np.quantile(ratios(view, large=True), 0.1) > np.quantile(ratios(view, large=False), 0.9)
    assert np.quantile(ratios("PA", large=True), 0.3) < np.quantile(ratios("AP", large=False), 0.95)


def test_a_word_in_the_corner_says_what_every_image_is() -> None:
    one, other = render(WELL, size=256).pixels, render(with_finding("Mass", 3, view="AP"), size=256).pixels
    assert np.array_equal(one[244:254, 2:40], other[244:254, 2:40])
    assert one[244:254, 2:40].max() > 200
    assert one[244:254, 2:40].min() == 0


@pytest.mark.parametrize("size", [64, 1024])
def test_other_sizes_show_the_same(size: int) -> None:
    spec = with_finding("Mass", 3)
    small, large = (composed(spec, each).boxes[0] for each in (256, size))
    assert np.allclose([large.x / size, large.width / size], [small.x / 256, small.width / 256], atol=2 / 64)


@pytest.mark.parametrize(
    ("spec", "size", "message"),
    [
        (WELL, 32, "size must lie between"),
        (replace(WELL, gender="X"), 64, "gender must be F or M"),
        (replace(WELL, view="LL"), 64, "view AP or PA"),
        (replace(WELL, findings=frozenset({"Fracture"})), 64, "'Fracture'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(spec: Spec, size: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        render(spec, size=size)


def test_nothing_has_no_box() -> None:
    assert boxed("Mass", np.zeros((8, 8), np.float32)) is None


def test_all_findings_together_can_be_drawn() -> None:
    phantom = render(replace(WELL, findings=frozenset(NIH_FINDINGS), drain=True), size=96)
    assert isinstance(phantom, Phantom)
    assert phantom.pixels.dtype == np.uint8
    assert {box.finding for box in phantom.boxes} == set(NIH_FINDINGS)
