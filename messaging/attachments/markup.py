"""The XML of an office file, read as its own program will read it: no prefix, reference or encoding hides anything.

A document of LibreOffice may hold others (a chart, a formula), each in a folder of its own: they are read as it is.
What must not live here: packing (`office`), and what a whole file is.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from xml.parsers import expat

from messaging.attachments.refusing import Reason, Refused

DEEPEST = 1_000  # elements in each other: the parser keeps the name of each that has not ended
LONGEST_TOKEN = 8 * 1024 * 1024  # of a comment, a tag: the parser holds as much as has not ended
_ODF_PARTS = frozenset({"content.xml", "styles.xml", "settings.xml"})
_ODF = "urn:oasis:names:tc:opendocument:xmlns:"
_ODF_SCRIPTS = f"{_ODF}office:1.0 scripts"
_ODF_ACTIVE = frozenset(
    {
        f"{_ODF}office:1.0 script",
        f"{_ODF}office:1.0 dde-source",
        f"{_ODF}script:1.0 event-listener",
        f"{_ODF}script:1.0 module",
        f"{_ODF}presentation:1.0 event-listener",
        f"{_ODF}table:1.0 dde-link",
        f"{_ODF}drawing:1.0 applet",
        f"{_ODF}drawing:1.0 object-ole",
    }
)
_ODF_CLICKED = frozenset({f"{_ODF}text:1.0 a", f"{_ODF}drawing:1.0 a"})
_DOCTYPES = frozenset(  # of the first OpenOffice, and of pictures; nobody who reads them fetches these
    {
        "Manifest.dtd",
        "http://www.w3.org/TR/2001/REC-SVG-20010904/DTD/svg10.dtd",
        "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd",
    }
)
_BEGINS = re.compile(
    rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?(?:\0?[ \t\r\n])*+\0?(<(?:\0?[!?])?|\Z)"
)  # in UTF-8 and UTF-16
_HREF = "http://www.w3.org/1999/xlink href"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|/", re.IGNORECASE)
# Relations by which a part of another kind is opened with the document: chunks of RTF, HTML, MHT; OLE; other files.
_OPENED = ("/afchunk", "/oleobject", "/package")
_FIELD_TEXT = ("instrText", "delInstrText")  # of Word: what a field does, in one run or in several
_FIELD = (*_FIELD_TEXT, "fldSimple", "fldChar")
_OTHERS = ("ddeLink", "oleLink", "OLEObject", "oleObj", "oleObject")  # of Excel, Word, PowerPoint: other programs
_CHART = re.compile(r"(?:word|ppt|xl)/charts/_rels/[^/]+\.rels", re.IGNORECASE)
_BOOK = re.compile(r"(?:word|ppt|xl)/embeddings/[^/]+\.xlsx", re.IGNORECASE)
_FIRST = ("", "d", "dd")  # what DDE and DDEAUTO may begin as
_NOTHING = ("", "")
_DDE = re.compile(r"\s*dde", re.IGNORECASE)
_PROGRAM = re.compile(r"(vnd\.sun\.star\.script|macro|javascript|vbscript):", re.IGNORECASE)

type Begin = Callable[[str, dict[str, str]], None]


class Markup:
    """One part of a file, given block by block.

    A `loose` one is let go where it is not well-formed: Excel's drawings (VML) are written so, and what begins
    with a `<` may be no markup at all. One that `declares` is not before its first element: entities are declared
    there, and only there.
    """

    def __init__(
        self,
        begin: Begin | None = None,
        end: Callable[[str], None] | None = None,
        *,
        loose: bool = False,
        declares: bool = True,
    ) -> None:
        self._loose, self._begun, self._over = loose, not declares, False
        self._fields = _Fields()
        self._parser = expat.ParserCreate(namespace_separator=" " if begin else None)
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = _no_doctype
        self._told = begin, end
        self._given = self._depth = 0

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._begun = True
        self._depth += 1
        if self._depth > DEEPEST:
            raise Refused(Reason.DAMAGED)
        if name.endswith(_OTHERS):
            raise Refused(Reason.ACTIVE_CONTENT)
        if name.endswith(_FIELD):
            self._begin_field(name, attributes)
        if self._told[0] is not None:
            self._told[0](name, attributes)

    def _begin_field(self, name: str, attributes: dict[str, str]) -> None:
        """Refuse what asks another program by DDE, in an attribute or in text; read the text where it is there."""
        if any(key.endswith("instr") and _DDE.match(value) for key, value in attributes.items()):
            raise Refused(Reason.ACTIVE_CONTENT)
        if name.endswith("fldChar"):
            self._fields.mark(next((value for key, value in attributes.items() if key.endswith("fldCharType")), ""))
        elif name.endswith("fldSimple"):
            self._fields.begin_inside()
        else:
            deleted = name.endswith(_FIELD_TEXT[1])
            self._parser.CharacterDataHandler = self._fields.deleted if deleted else self._fields.text

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name.endswith(_FIELD_TEXT):
            self._parser.CharacterDataHandler = None
        if self._told[1] is not None:
            self._told[1](name)

    def feed(self, block: bytes, *, last: bool = False) -> None:
        """Read on. Raises Refused for what is not well-formed, and for what is looked for."""
        if self._over:
            return
        self._given += len(block)
        try:
            self._parser.Parse(block, last)
        except (expat.ExpatError, ValueError, LookupError):  # the last: an encoding that nobody knows
            self._over = self._loose and self._begun
            if self._over:
                return
            raise Refused(Reason.DAMAGED) from None
        if self._given - self._parser.CurrentByteIndex > LONGEST_TOKEN:
            raise Refused(Reason.DAMAGED)


class _Fields:
    """What Word's fields do, of those that have begun; refuses what asks another program by DDE.

    A field inside of another gives a part of what the outer one does: its first word is never made so by anybody.
    """

    def __init__(self) -> None:
        # Each with what was deleted and without; None behind what it does, where its result stands.
        self._open: list[tuple[str, str] | None] = []

    def mark(self, kind: str) -> None:
        """Begin a field, end it, or go on to its result."""
        if kind == "begin":
            self.begin_inside()
            self._open.append(_NOTHING)
        elif kind not in {"separate", "end"}:  # no mark of Word's: perhaps one that it does not see
            raise Refused(Reason.ACTIVE_CONTENT)
        elif self._open:
            self._open[-1] = None
            if kind == "end":
                self._open.pop()
        if len(self._open) >= DEEPEST:
            raise Refused(Reason.DAMAGED)

    def begin_inside(self) -> None:
        """Refuse a field where the first word of the one around it may still become another."""
        around = self._open[-1] if self._open else None
        if around is not None and (around[0] in _FIRST or around[1] in _FIRST[1:]):
            raise Refused(Reason.ACTIVE_CONTENT)

    def text(self, text: str) -> None:
        """Read what a field does."""
        self._read(text, text)

    def deleted(self, text: str) -> None:
        """Read what it did before somebody deleted it, which another may take back."""
        self._read(text, "")

    def _read(self, *texts: str) -> None:
        before = self._open[-1] if self._open else None
        if before is None:
            # In no field, or behind what it does: unless Word did not see the mark that seemed to say so.
            if any(text.strip() for text in texts):
                raise Refused(Reason.ACTIVE_CONTENT)
            return
        now = [(said + text).lstrip()[:10].lower() for said, text in zip(before, texts, strict=True)]
        if any(map(_DDE.match, now)):
            raise Refused(Reason.ACTIVE_CONTENT)
        self._open[-1] = now[0], now[1]


def markup_of(name: str) -> Markup | None:
    """Return what looks for things that open, run or grow by themselves in a part; None by its name."""
    folder, _, part = name.replace("\\", "/").rpartition("/")
    lowered = part.lower()
    if lowered.endswith(".rels"):
        return Markup(_chart_relation if _CHART.fullmatch(name) else _relation)
    if lowered in _ODF_PARTS:
        programs = _Programs(folder)
        return Markup(programs.begin, programs.end)
    return Markup() if lowered.endswith((".xml", ".rdf")) else None


def is_chart_book(name: str) -> bool:
    """Whether a part may be the workbook that a chart was drawn from, by its name."""
    return _BOOK.fullmatch(name) is not None


def markup_in(block: bytes, *, cut: bool) -> Markup | None:
    """Return the same for a part of any name, by how it begins; `cut` where there is more of it."""
    found = _BEGINS.match(block)
    if not found or not (found[1] or cut):
        return None
    return Markup(loose=True, declares=found[1] != b"<" or found.end() == len(block))


def types_in(text: bytes) -> list[str]:
    """Return the types that `[Content_Types].xml` tells of parts. Raises Refused."""
    found: list[str] = []
    Markup(lambda _name, attributes: found.append(attributes.get("ContentType", ""))).feed(text, last=True)
    return found


def _no_doctype(_name: str, system_id: str | None, _public_id: str | None, inside: bool) -> None:
    """Refuse what declares entities, here or elsewhere; no office program does."""
    if inside or system_id not in _DOCTYPES:
        raise Refused(Reason.DAMAGED)


def _relation(name: str, attributes: Mapping[str, str]) -> None:
    """Refuse a relation that leads outside by itself, or to another file; links that one clicks are let in."""
    if name.rpartition(" ")[2] != "Relationship":
        return
    kind = attributes.get("Type", "").strip()
    outside = attributes.get("TargetMode", "").strip().lower() == "external"
    if kind.lower().endswith(_OPENED) or (outside and not kind.endswith("/hyperlink")):
        raise Refused(Reason.ACTIVE_CONTENT)


def _chart_relation(name: str, attributes: Mapping[str, str]) -> None:
    """Do the same, and let in a chart's relation to its workbook, which lies in this file and is looked into."""
    kind, target = attributes.get("Type", "").strip(), attributes.get("Target", "").strip()
    book = is_chart_book(posixpath.normpath(posixpath.join("/word/charts", target))[1:])
    if name.rpartition(" ")[2] == "Relationship" and kind.endswith("/package") and book:
        if attributes.get("TargetMode", "").strip().lower() == "external":
            raise Refused(Reason.ACTIVE_CONTENT)
        return
    _relation(name, attributes)


class _Programs:
    """Refuses programs, and what fetches from outside; `office:scripts` with nothing in it is in every document."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._inside = False

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._inside or name in _ODF_ACTIVE:
            raise Refused(Reason.ACTIVE_CONTENT)
        self._inside = name == _ODF_SCRIPTS
        target = attributes.get(_HREF, "").strip()
        if _PROGRAM.match(target) or (name not in _ODF_CLICKED and self._is_outside(target)):
            raise Refused(Reason.ACTIVE_CONTENT)

    def end(self, _name: str) -> None:
        self._inside = False

    def _is_outside(self, target: str) -> bool:
        """Whether a reference leads out of the file; a chart's `..` leads to the document that it is part of."""
        if _SCHEME.match(target):
            return True
        return posixpath.normpath(posixpath.join(self._folder, target)).split("/")[0] == ".."
