from __future__ import annotations

from pathlib import Path

import pytest

from overread.records.errors import InputError
from overread.vision.settings import CHOICES, RANGES, Settings, read_settings


def test_a_file_says_what_settings_say(tmp_path: Path) -> None:
    settings = Settings.of(
        {"metadata": "gender, view", "learning-rate": 0.003, "epochs": 7, "images": 'a "b"\\c', "present_only": True}
    )
    assert settings.metadata == ("gender", "view")
    (tmp_path / "train.toml").write_text(settings.as_toml())
    assert Settings.of(read_settings(tmp_path / "train.toml")) == settings
    assert Settings.of({}) == Settings()


def test_an_unknown_setting_is_refused_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("epoch = 3\n")
    with pytest.raises(InputError, match=r"c.toml: there is no setting 'epoch'. Did you mean epochs\?"):
        read_settings(tmp_path / "c.toml")
    with pytest.raises(InputError, match=r"'batchsize'. Did you mean batch-size\?"):
        Settings.of({"batchsize": 3})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("epochs = 0", "c.toml, epochs: it is 0. Expected a whole number from 1 to"),
        ("epochs = 2.5", "it is 2.5. Expected a whole number"),
        ("epochs = true", "it is True"),
        ("val-share = 1.0", "it is 1.0. Expected a number from 0.001 to 0.9"),
        ('optimizer = "sgd"', "there is no 'sgd'. Expected one of adamw, adam"),
        ("precision = 16", ""),
        ("metadata = 3", "it is 3. Expected names"),
        ("present-only = 1", "it is 1. Expected true or false"),
        ("weights = 0", "it is 0. Expected text"),
        ("learning-rate = nan", "it is nan"),
        ("epochs = ", "it is not TOML"),
    ],
)
def test_a_value_that_does_not_serve_is_refused(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "c.toml").write_text(line)
    if not message:
        assert Settings.of(read_settings(tmp_path / "c.toml")).precision == "16"
        return
    with pytest.raises(InputError, match=message.replace(".", r"\.")):
        read_settings(tmp_path / "c.toml")


def test_every_default_is_allowed() -> None:
    for name in (*CHOICES, *RANGES):
        value = getattr(Settings(), name)
        assert getattr(Settings.of({name: value}), name) == value
