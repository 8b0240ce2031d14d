"""`overread plan`, `report --plan` and `verify`: a report that can be checked, and what a check names."""

from __future__ import annotations

import gzip
import json
import random
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from overread.cli import verification
from overread.cli.app import main

N = 60
REPORT = ("report", "scores.csv", "new=b/other.csv", "--cohort", "truth.csv", "--no-floor")
PLAN = ("plan", "--cohort", "truth.csv", "--replicates", "100", "--primary", "auroc=Effusion")

Run = Callable[..., tuple[int, str, str]]


def write_inputs(tmp_path: Path) -> None:
    image = [f"{row:03d}.png" for row in range(N)]
    truth = {"Effusion": [int(row % 3 == 0) for row in range(N)], "Mass": [int(row % 5 == 0) for row in range(N)]}
    known = {"patient": [f"p{row // 2}" for row in range(N)], "gender": ["M", "F"] * (N // 2)}
    pl.DataFrame({"image": image} | known | truth).write_csv(tmp_path / "truth.csv")
    (tmp_path / "b").mkdir()
    for name, steps in (("scores.csv", (5, 3)), ("b/other.csv", (4, 11))):
        scores = {f: [(row * step % 17) / 17 for row in range(N)] for f, step in zip(truth, steps, strict=True)}
        pl.DataFrame({"image": image} | scores).write_csv(tmp_path / name)


def stopped(*words: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["overread", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_inputs(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return lambda *words: (stopped(*words), *capsys.readouterr())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of inputs, a plan and a report, to be copied by each test."""
    place = tmp_path_factory.mktemp("made")
    write_inputs(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert stopped(*PLAN) == 0
        assert stopped(*REPORT, "--plan", "plan.toml", "--out", "out") == 0
    return place


@pytest.fixture
def report(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy" / "out"


def flip(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert len(old) == len(new) == 1 or old in data
    path.write_bytes(data.replace(old, new, 1))


# --- plan ------------------------------------------------------------------------------------------------------------


def test_a_plan_is_written_and_refused_where_one_stands(folder: Path, run: Run) -> None:
    code, out, _ = run(*PLAN)
    assert code == 0
    assert "does not show that nobody looked" in out
    assert re.search("[0-9a-f]{64}", out)
    assert run(*PLAN)[0] == 2
    assert run(*PLAN, "--force")[0] == 0
    assert run(*PLAN, "--out", "plan.txt")[0] == 2


def test_the_report_takes_its_options_from_the_plan(report: Path) -> None:
    options = json.loads((report / "results.json").read_text())["options"]
    assert options["replicates"] == 100
    assert options["plan"].startswith("20")
    assert "not show that nobody looked" in (report / "report.html").read_text().replace("cannot", "not")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--seed", "3"), ("the seed planned is 0", "given is 3")),
        (("--operating-point", "fixed=0.5"), ("operating point planned is youden", "given is fixed=0.5")),
        (("--margin", "auroc=0.1"), ("margins planned is none", "given is auroc=0.1")),
        (("--by", "gender"), ("by planned is none", "given is gender")),
        (("--cohort", "b/other_truth.csv"), ("cohort planned is truth", "given is other_truth")),
    ],
)
def test_a_silent_change_is_refused_with_both_values(
    folder: Path, run: Run, words: tuple[str, ...], says: tuple[str, ...]
) -> None:
    pl.read_csv("truth.csv").with_columns(Mass=1 - pl.col("Mass")).write_csv("b/other_truth.csv")
    assert run(*PLAN)[0] == 0
    code, _, message = run(*REPORT, "--plan", "plan.toml", "--out", "out", *words)
    assert code == 2
    for part in says:
        assert part in message
    assert len(message.strip().splitlines()) == 1
    assert not (folder / "out").exists()
    assert run(*REPORT, "--plan", "plan.toml", "--out", "out", *words, "--deviate", "a <reason>")[0] == 0
    assert "a &lt;reason&gt;" in (folder / "out" / "report.html").read_text()


def test_the_planned_value_may_be_given_again(folder: Path, run: Run) -> None:
    assert run(*PLAN)[0] == 0
    assert run(*REPORT, "--plan", "plan.toml", "--seed", "0", "--replicates", "100", "--out", "out")[0] == 0


def test_a_cohort_in_another_file_is_the_same_where_it_says_the_same(folder: Path, run: Run) -> None:
    assert run(*PLAN)[0] == 0
    Path("truth.csv.gz").write_bytes(gzip.compress(Path("truth.csv").read_bytes()))
    words = ("report", "scores.csv", "b/other.csv", "--cohort", "truth.csv.gz", "--no-floor", "--plan", "plan.toml")
    assert run(*words, "--out", "out")[0] == 0
    assert "what they say of its images is the same" in (folder / "out" / "report.html").read_text()


@pytest.mark.parametrize("words", [("--deviate", " "), ("--deviate", "no plan")])
def test_a_reason_without_a_plan_is_refused(folder: Path, run: Run, words: tuple[str, ...]) -> None:
    assert run(*REPORT, *words, "--replicates", "100", "--out", "out")[0] == 2


# --- verify ----------------------------------------------------------------------------------------------------------


def test_a_report_that_follows_from_its_inputs_is_verified(report: Path, run: Run) -> None:
    code, out, _ = run("verify", "out")
    assert code == 0, out
    assert out.startswith("Verified: all")
    assert "does not show that nobody looked" in out.replace("\n", " ")


@pytest.mark.slow
def test_a_report_of_the_demo_is_verified(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from overread.analyses import demo
    from overread.records import cohort

    small = cohort.read_cohort("chestxray14")
    keep = small.table.with_row_index().filter(pl.col("patient").cast(pl.Int64) % 40 == 0)["index"].to_numpy()
    monkeypatch.setattr(demo, "read_cohort", lambda name: small.take(keep))
    assert run("demo", "--replicates", "100", "--out", "out")[0] == 0
    assert run("verify", "out")[0] == 0


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("truth.csv", b"004.png,p2,M,0,0", b"004.png,p2,M,1,0"),
        ("scores.csv", b"0.2941", b"0.2942"),
        ("b/other.csv", b"0.2352", b"0.2353"),
        ("plan.toml", b"seed = 0", b"seed = 1"),
    ],
)
def test_one_changed_byte_of_an_input_is_named(report: Path, run: Run, name: str, old: bytes, new: bytes) -> None:
    flip(report.parent / name, old, new)
    code, out, _ = run("verify", "out")
    assert code == 1
    assert f"- the input {name} is not the file that was read" in out
    others = {"truth.csv", "scores.csv", "b/other.csv", "plan.toml"} - {name}
    assert not any(f"the input {other}" in out for other in others)
    assert "Not verified" in out


def test_any_one_changed_byte_of_any_input_is_named(report: Path) -> None:
    document, rng = json.loads((report / "results.json").read_text()), random.Random(3)
    assert {each["path"] for each in document["inputs"]} == {"truth.csv", "scores.csv", "b/other.csv", "plan.toml"}
    for each in document["inputs"]:
        path = Path(each["path"])
        data = path.read_bytes()
        for _ in range(100):
            place = rng.randrange(len(data))
            path.write_bytes(data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :])
            (said,) = verification.inputs(document, verification.Places((), {}))
            assert said.startswith(f"the input {path} is not the file that was read")
        path.write_bytes(data)
    assert list(verification.inputs(document, verification.Places((), {}))) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"inputs":[', b'"inputz":['),
        (b'"sha256"', b'"sha25z"'),
        (b'"--cohort"', b'"--cohorz"'),
        (b'"format"', b'"formaz"'),
        (b'{"format"', b'["format"'),
    ],
)
def test_a_damaged_results_file_is_refused_in_one_message(report: Path, run: Run, old: bytes, new: bytes) -> None:
    flip(report / "results.json", old, new)
    code, _, message = run("verify", "out")
    assert code == 2
    assert "results.json" in message or "folder" in message
    assert len(message.strip().splitlines()) == 1


def test_a_folder_that_moved_and_was_named_anew_is_found(report: Path, run: Run) -> None:
    base = report.parent
    (base / "nih").mkdir()
    head = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position\n"
    rows = [f"{k:08d}_000.png,{'Mass' if k % 3 else 'No Finding'},0,{k},50,M,PA\n" for k in range(1, 41)]
    (base / "nih" / "Data_Entry_2017.csv").write_text(head + "".join(rows))
    scores = {"image": [f"{k:08d}_000.png" for k in range(1, 41)], "Mass": [k * 7 % 11 / 11 for k in range(1, 41)]}
    pl.DataFrame(scores).write_csv("m.csv")
    words = ("report", "m.csv", "--cohort", "nih", "--no-floor", "--replicates", "100", "--out", "folder")
    assert run(*words)[0] == 0
    shutil.move("nih", "b/else where")
    assert run("verify", "folder", "--cohort", "b/else where")[0] == 0
    code, out, _ = run("verify", "folder")
    assert code == 1
    assert "the input nih/Data_Entry_2017.csv is missing" in out


def test_one_changed_byte_that_says_the_same_is_named_too(report: Path, run: Run) -> None:
    path = report.parent / "scores.csv"
    path.write_bytes(path.read_bytes().replace(b"image,", b"IMAGE,", 1))
    code, out, _ = run("verify", "out")
    assert code == 1
    assert "the input scores.csv is not the file that was read" in out


def test_a_changed_table_is_named_with_its_cell(report: Path, run: Run) -> None:
    table = pl.read_csv(report / "tables" / "comparisons.csv")
    lines = (report / "tables" / "comparisons.csv").read_text().splitlines()
    value = str(table["p"][0])
    lines[1] = lines[1].replace(f",{value},", ",0.0001,", 1)
    (report / "tables" / "comparisons.csv").write_text("\n".join(lines) + "\n")
    code, out, _ = run("verify", "out")
    assert code == 1
    assert f"- tables/comparisons.csv, row 2, column p: '0.0001' here, '{value}' from the inputs" in out


@pytest.mark.parametrize("name", ["tables/estimates.csv", "figures/auroc.svg", "report.html"])
def test_a_missing_file_is_named(report: Path, run: Run, name: str) -> None:
    (report / name).unlink()
    code, out, _ = run("verify", "out")
    assert code == 1
    assert f"- {name} is missing" in out


@pytest.mark.parametrize("name", ["figures/auroc.svg", "report.html"])
def test_a_changed_page_is_named(report: Path, run: Run, name: str) -> None:
    flip(report / name, b"AUROC", b"auroc")
    code, out, _ = run("verify", "out")
    assert code == 1
    assert f"- {name} is not what the inputs give" in out


def test_a_changed_result_and_another_version_are_named(report: Path, run: Run) -> None:
    document = json.loads((report / "results.json").read_text())
    document["versions"]["numpy"] = "1.0"
    document["options"]["level"] = 0.9
    document["answer"] = []
    document["tables"]["plan"][0]["result"] = "shown indeed"
    (report / "results.json").write_text(json.dumps(document))
    code, out, _ = run("verify", "out")
    assert code == 1
    assert "- another version: numpy 1.0 then, " in out
    assert "- results.json, options: level is 0.9 here, 0.95 from the inputs" in out
    assert "- results.json: answer differs" in out
    assert "- results.json, tables: plan differs" in out


def test_inputs_that_moved_are_found_where_they_are_said_to_be(report: Path, run: Run) -> None:
    (report.parent / "moved").mkdir()
    for name, new in (
        ("truth.csv", "labels.csv"),
        ("scores.csv", "x.csv"),
        ("b/other.csv", "y.csv"),
        ("plan.toml", "p.toml"),
    ):
        shutil.move(name, f"moved/{new}")
    code, out, _ = run("verify", "out")
    assert code == 1
    assert "the input truth.csv is missing; say where it is with --cohort" in out
    assert "could not be computed anew" in out
    words = ("--cohort", "moved/labels.csv", "--reading", "scores=moved/x.csv", "--reading", "new=moved/y.csv")
    code, out, _ = run("verify", "out", *words, "--plan", "moved/p.toml")
    assert code == 0, out
    flip(report.parent / "moved" / "y.csv", b"0.2352", b"0.2353")
    code, out, _ = run("verify", "out", *words, "--plan", "moved/p.toml")
    assert code == 1
    assert "- the input b/other.csv is not the file that was read" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("absent",), "results.json"),
        (("b",), "results.json"),
        (("out", "--reading", "third=scores.csv"), "no reading third"),
        (("out", "--reading", "scores.csv"), "NAME=PATH"),
        (("out", "--cohort", "absent.csv"), "absent.csv"),
    ],
)
def test_a_wrong_call_is_refused(report: Path, run: Run, words: tuple[str, ...], says: str) -> None:
    code, _, message = run("verify", *words)
    assert code == 2
    assert says in message
    assert len(message.strip().splitlines()) == 1


@pytest.mark.parametrize("call", [[], ["blind", "truth.csv", "--out", "x.csv"], ["report", "--out", "b"], "report"])
def test_no_other_command_is_ever_run(report: Path, run: Run, call: object) -> None:
    document = json.loads((report / "results.json").read_text())
    (report / "results.json").write_text(json.dumps(document | {"call": call}))
    before = sorted(path.name for path in report.parent.iterdir())
    assert run("verify", "out")[0] == 2
    assert sorted(path.name for path in report.parent.iterdir()) == before


def test_files_outside_the_folder_are_not_looked_at(report: Path, run: Run) -> None:
    document = json.loads((report / "results.json").read_text())
    document["files"].append("../truth.csv")
    (report / "results.json").write_text(json.dumps(document))
    _, out, _ = run("verify", "out")
    assert "../truth.csv" not in out


def test_the_call_is_the_same_however_it_was_typed(folder: Path, run: Run) -> None:
    for words in (("--replicates=100", "--cohort=truth.csv"), ("--cohort", "truth.csv", "--replicates", "100")):
        assert run("report", *words, "scores.csv", "--no-floor", "--out", "out", "--force")[0] == 0
        call = json.loads((folder / "out" / "results.json").read_text())["call"]
        assert call == ["report", "scores.csv", "--cohort", "truth.csv", "--replicates", "100", "--no-floor"]
