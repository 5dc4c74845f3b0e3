"""What dashboard and alarms ask for is exported, and what is exported is shown: names cannot drift apart."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cencomm.degraded import NEEDED_TO_BE_WELL
from cencomm.health import CHECKS
from cencomm.metrics.catalogue import CATALOGUE
from cencomm.metrics.exposition import label_names
from cencomm.models import Canary

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "deploy" / "grafana" / "cencomm.json"
RULES = ROOT / "deploy" / "prometheus" / "cencomm.rules.yml"
MANUAL = ROOT / "docs" / "metrics.md"
NAME = re.compile(r"\bcencomm_[a-z_]+")
SELECTOR = re.compile(r"\b(cencomm_[a-z_]+)(?:\{([^}]*)\})?")
BY = re.compile(r"\bby \(([^)]*)\)")


def base(name: str) -> str:
    """Return the figure that a name in a question belongs to."""
    return name if name in CATALOGUE else re.sub(r"_(bucket|sum|count)$", "", name)


def dashboard() -> Any:
    return json.loads(DASHBOARD.read_text())


def panels() -> Iterator[Any]:
    for panel in dashboard()["panels"]:
        if panel["type"] != "row":
            yield panel


def rules() -> list[Any]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def questions() -> list[str]:
    shown = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [*shown, *(rule["expr"] for rule in rules())]


@pytest.mark.parametrize("question", sorted(set(questions())))
def test_every_question_asks_for_what_there_is(question: str) -> None:
    names = NAME.findall(question)
    assert names
    known: set[str] = {"le"}
    for name in names:
        assert base(name) in CATALOGUE, f"{name} is not exported"
        figure = CATALOGUE[base(name)]
        assert (name != base(name)) == (figure.kind == "histogram"), f"{name} is a {figure.kind}"
        known |= set(label_names(figure))
    for name, selector in SELECTOR.findall(question):
        for label in re.findall(r"(\w+)\s*[=!]", selector):
            assert label in label_names(CATALOGUE[base(name)]), f"{name} has no label {label}"
    for labels in BY.findall(question):
        assert {label.strip() for label in labels.split(",")} <= known, labels


def test_every_figure_is_shown() -> None:
    shown = {
        base(name) for panel in panels() for target in panel["targets"] for name in NAME.findall(target["expr"])
    }
    assert set(CATALOGUE) - shown == set()


def test_values_of_labels_in_questions_exist() -> None:
    parts = {*CHECKS, *NEEDED_TO_BE_WELL}
    values = {
        "part": parts,
        "outcome": {"created", "replayed", "refused", "failed", "lossless", "restart", *Canary.Outcome.values},
    }
    for question in questions():
        for label, told in re.findall(r"(\w+)[=!]~?\"([^\"$]+)\"", question):
            if label in values:
                assert set(told.split("|")) <= values[label], question


def test_the_dashboard_is_whole() -> None:
    found = dashboard()
    assert found["schemaVersion"] >= 39
    assert {one["name"] for one in found["templating"]["list"]} == {"datasource", "process"}
    numbers = [panel["id"] for panel in found["panels"]]
    assert len(numbers) == len(set(numbers))
    taken: set[tuple[int, int]] = set()
    for panel in found["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    for panel in panels():
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["title"]
        assert panel["description"]


def test_alarms_say_what_to_do() -> None:
    manual = MANUAL.read_text()
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].endswith((".", "?"))
        assert f"`{rule['alert']}`" in manual, f"the manual does not explain {rule['alert']}"


def test_the_manual_names_every_figure_and_no_other() -> None:
    text = MANUAL.read_text()
    named = set(re.findall(r"`(cencomm_[a-z_]+)`", text))
    assert named - set(CATALOGUE) == set()
    assert set(CATALOGUE) - named == set()
    for part in (*CHECKS, *NEEDED_TO_BE_WELL):
        assert f"`{part}`" in text, part


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize("words", [("check", "rules"), ("test", "rules")])
def test_prometheus_understands_the_rules(words: tuple[str, str]) -> None:
    file = RULES if words[0] == "check" else Path(__file__).with_name("alarms.yml")
    done = subprocess.run(["promtool", *words, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
