"""The interface is complete in each language that has a catalogue; what is read from the sources is all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from cencomm import extraction
from cencomm.extraction import faults, present_sentences, read_catalog, refresh, write_catalog
from cencomm.translations import ROOT, compile_translations, stale_translations

CATALOGUES = sorted((ROOT / "locale").glob("*/LC_MESSAGES/*.po"))
# A space that lets a line break before a mark of two parts, or a typewriter's apostrophe.
CARELESS = re.compile(r" [:;?!»]|« |'|\.\.\.")


def name_of(path: Path) -> str:
    return f"{path.parts[-3]}-{path.stem}"


def ids(catalog: Catalog) -> set[tuple[str | None, str | tuple[str, ...]]]:
    return {(message.context, message.id) for message in catalog if message.id}  # type: ignore[misc]


def source(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_french_has_both_catalogues() -> None:
    assert {"fr-django", "fr-djangojs"} <= set(map(name_of, CATALOGUES))


@pytest.mark.parametrize("path", CATALOGUES, ids=name_of)
def test_every_sentence_of_the_sources_is_translated(path: Path) -> None:
    # A fault here: run bin/refresh-translations, translate what it names, keep to docs/glossary.md.
    assert faults(refresh(path)) == []


@pytest.mark.parametrize("path", CATALOGUES, ids=name_of)
def test_no_sentence_is_kept_that_is_gone(path: Path) -> None:
    assert ids(read_catalog(path)) - ids(present_sentences(path.stem)) == set()


@pytest.mark.parametrize("path", [path for path in CATALOGUES if path.parts[-3] == "fr"], ids=name_of)
def test_french_keeps_its_typography(path: Path) -> None:
    strings = [
        string
        for message in read_catalog(path)
        if message.id
        for string in ([message.string] if isinstance(message.string, str) else message.string)
    ]
    assert [string for string in strings if CARELESS.search(string)] == []


def test_sentences_are_found_wherever_they_stand(tmp_path: Path) -> None:
    source(
        tmp_path,
        "groups/errors.py",
        'class Late(Refusal):\n    """It is late:\n    go home."""\n'
        'class Later(errors.Late):\n    """Later still."""\n',
    )
    source(
        tmp_path,
        "groups/forms.py",
        'label = _("One " "name")\nother = pgettext_lazy("paper", "Number")\nclass Plain:\n    """No refusal."""\n',
    )
    source(
        tmp_path,
        "templates/groups/page.html",
        '{% translate "Title" as t %}\n    {{ _("Value") }}{% translate "Sent" context "count" %}'
        "{% blocktranslate count n=rows %}{{ n }} row{% plural %}{{ n }} rows{% endblocktranslate %}",
    )
    source(
        tmp_path,
        "static/groups/page.js",
        'el(`${a ? gettext("Yes") : gettext("No")} …`);\nngettext("%(n)s day", "%(n)s days", n); // gettext("x")\n',
    )
    source(tmp_path, "static/vendor/thing.js", 'gettext("Not ours");')
    assert ids(present_sentences("django", tmp_path)) == {
        (None, "It is late: go home."),
        (None, "Later still."),
        (None, "One name"),
        ("paper", "Number"),
        (None, "Title"),
        (None, "Value"),
        ("count", "Sent"),
        (None, ("%(n)s row", "%(n)s rows")),
    }
    assert ids(present_sentences("djangojs", tmp_path)) == {
        (None, "Yes"),
        (None, "No"),
        (None, ("%(n)s day", "%(n)s days")),
    }


@pytest.mark.parametrize(
    ("sentence", "translation", "fault"),
    [
        ("Hit", "Prise", ""),
        ("Hit", "", "not translated: 'Hit'"),
        ("%(n)s of %(m)s", "%(n)s sur %(n)s", "other placeholders: '%(n)s of %(m)s'"),
        ("<b>Now</b>", "Maintenant", "other tags: '<b>Now</b>'"),
        (
            ("%(n)s day", "%(n)s days"),
            ("un jour", "%(n)s jours"),
            "other placeholders: ('%(n)s day', '%(n)s days')",
        ),
        (("one day", "%(n)s days"), ("un jour", "%(n)s jours"), ""),
        (("%(n)s day", "%(n)s days"), ("%(n)s jour", ""), "not translated: ('%(n)s day', '%(n)s days')"),
    ],
)
def test_faults_are_named(sentence: str | tuple[str, ...], translation: str | tuple[str, ...], fault: str) -> None:
    catalog = Catalog(locale="fr")
    catalog.add(sentence, translation)
    assert faults(catalog) == ([fault] if fault else [])


def test_a_doubtful_translation_is_a_fault() -> None:
    catalog = Catalog(locale="fr", fuzzy=False)
    catalog.add("Hit", "Prise", flags=["fuzzy"])
    assert faults(catalog) == ["doubtful: 'Hit'"]


def test_refreshing_keeps_translations_and_drops_what_is_gone(tmp_path: Path) -> None:
    source(tmp_path, "groups/forms.py", 'a = _("Hit")\nb = _("New")\n')
    path = tmp_path / "locale" / "fr" / "LC_MESSAGES" / "django.po"
    written = Catalog(locale="fr")
    written.add("Hit", "Prise")
    written.add("Gone", "Partie")
    write_catalog(path, written)
    write_catalog(path, refresh(path, tmp_path))
    again = read_catalog(path)
    assert {message.id: message.string for message in again if message.id} == {"Hit": "Prise", "New": ""}
    content = path.read_bytes()
    write_catalog(path, refresh(path, tmp_path))
    assert path.read_bytes() == content


def test_check_writes_nothing_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source(tmp_path, "groups/forms.py", 'a = _("Hit")\n')
    path = tmp_path / "locale" / "fr" / "LC_MESSAGES" / "django.po"
    write_catalog(path, Catalog(locale="fr"))
    before = path.read_bytes()
    monkeypatch.setattr(extraction, "ROOT", tmp_path)
    assert extraction.main(["--check"]) == 1
    assert "not translated: 'Hit'" in capsys.readouterr().out
    assert path.read_bytes() == before


def test_stale_catalogue_is_compiled_once(tmp_path: Path) -> None:
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Hit"\nmsgstr "Prise"\n'
    )
    assert stale_translations(tmp_path) == [folder / "django.po"]
    assert compile_translations(tmp_path) == 1
    assert b"Prise" in (folder / "django.mo").read_bytes()
    assert stale_translations(tmp_path) == []
