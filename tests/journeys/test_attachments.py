"""Pictures and files: taken in by picker, camera, paste and drop; through cuts and reloads; looked at by others."""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, Request, Route, expect

from tests.journeys.acts import (
    a_text,
    ask_until,
    expect_kept,
    field,
    fill_in,
    open_row,
    row_of,
    send,
    stop_the_clock,
    tick,
)
from tests.journeys.appearance import faults_of
from tests.journeys.officers import PHONE, Officers
from tests.journeys.test_connection import AWAY, console_over
from tests.journeys.test_offline import expect_nothing_twice, expect_sent_once
from tests.line import Line, line_to

PIECES = "**/api/v1/attachments/*"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"


def noise(width: int, height: int) -> bytes:
    """Return a picture that no compression makes small, as PNG: three bytes a pixel go over the line."""
    made = io.BytesIO()
    Image.frombytes("RGB", (width, height), os.urandom(width * height * 3)).save(made, "PNG", compress_level=0)
    return made.getvalue()


def photo(name: str, *, width: int = 320, height: int = 240) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": noise(width, height)}


def attach(page: Page, *files: FilePayload, by: str = "files") -> None:
    """Choose files as the file picker (or, on a phone, the camera) hands them over."""
    page.locator(f"[data-attach={by}]").set_input_files(list(files))


def item(page: Page, name: str) -> Locator:
    """Return a file of what is being written."""
    return page.locator(".attach-item", has_text=name)


def offset_of(request: Request) -> list[int]:
    """Return from where a piece goes on; nothing of another request."""
    return [int(request.headers["upload-offset"])] if request.method == "PATCH" else []


def expect_state(page: Page, name: str, state: str) -> None:
    expect(item(page, name)).to_have_attribute("data-state", state)


def expect_drawn(picture: Locator) -> None:
    """Wait until a picture has come and is no broken one."""
    expect(picture).to_be_visible()
    picture.scroll_into_view_if_needed()
    ask_until(picture, "(one) => one.complete && one.naturalWidth")  # of the one that stands there now


def hand_over(page: Page, kind: str, name: str, content: bytes, media_type: str) -> None:
    """Paste or drop a file where the eye is, with the events and the object that a browser makes of it."""
    page.evaluate(
        """([kind, name, content, type]) => {
            const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], name, { type }));
            const place = document.querySelector("#composer textarea");
            const settings = { bubbles: true, cancelable: true };
            if (kind === "paste") {
                place.dispatchEvent(new ClipboardEvent("paste", { ...settings, clipboardData: data }));
                return;
            }
            for (const type of ["dragenter", "dragover", "drop"]) {
                place.dispatchEvent(new DragEvent(type, { ...settings, dataTransfer: data }));
            }
        }""",
        [kind, name, base64.b64encode(content).decode(), media_type],
    )


@pytest.fixture
def line(officers: Officers) -> Iterator[Line]:
    officers.expect_complaint(AWAY)
    with line_to(officers.product.port) as made:
        yield made


def test_pictures_by_picker_paste_and_drop_are_seen_by_everybody(officers: Officers) -> None:
    amina, dmitri = officers.console_of("amina"), officers.console_of("dmitri")
    text = a_text("What the scanner showed")
    attach(amina, photo("seal.png"), {"name": "manifest.pdf", "mimeType": "application/pdf", "buffer": PDF})
    hand_over(amina, "paste", "image.png", noise(40, 30), "image/png")
    hand_over(amina, "drop", "container.png", noise(48, 36), "image/png")
    expect(amina.locator(".attach-item")).to_have_count(4)
    for name in ("seal.png", "manifest.pdf", "pasted-", "container.png"):
        expect_state(amina, name, "ready")
    expect(item(amina, "seal.png").locator(".attach-text")).to_have_text(re.compile("^ready: "))
    item(amina, "seal.png").get_by_label("What seal.png shows").fill("Seal of the container")
    amina.locator("#composer textarea.note").fill(text)
    send(amina, officers.words_of("amina"))

    for page in (amina, dmitri):
        row = row_of(page, text)
        expect(row.locator("[data-picture]")).to_have_count(3)
        expect_drawn(row.locator("img").first)
    expect(amina.locator(".attach-item")).to_have_count(0)
    look_through(dmitri, text)
    with dmitri.expect_download() as told:
        dmitri.locator("#record a[download]", has_text="manifest.pdf").click()
    assert told.value.path().read_bytes() == PDF
    assert told.value.suggested_filename == "manifest.pdf"


def look_through(page: Page, text: str) -> None:
    """From the record over the page, by the keyboard alone, and back to where one was."""
    open_row(page, row_of(page, text))
    expect(page.locator("#record .record-files img")).to_have_count(3)
    expect(page.locator("#record img[alt='Seal of the container']")).to_be_visible()
    first = page.locator("#record [data-picture]").first
    first.focus()
    page.keyboard.press("Enter")
    gallery = page.locator("dialog.gallery")
    expect(gallery.locator(".gallery-count")).to_have_text("1 of 3")
    expect(gallery.locator(".gallery-caption")).to_have_text("Seal of the container (seal.png)")
    expect(gallery.locator(".gallery-told")).to_have_text("")
    ask_until(gallery.locator("img"), "(one) => one.complete && one.naturalWidth === 320")
    page.keyboard.press("ArrowLeft")
    expect(gallery.locator(".gallery-count")).to_have_text("1 of 3")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(gallery.locator(".gallery-count")).to_have_text("3 of 3")
    expect(gallery.locator(".gallery-told")).to_have_text("")
    assert faults_of(page) == []
    page.keyboard.press("Escape")
    expect(gallery).not_to_be_visible()
    expect(first).to_be_focused()


def test_upload_goes_on_after_the_line_was_cut(officers: Officers, line: Line) -> None:
    """Reset in the middle of a piece, away, back: the same file, from where it stood, in one message."""
    amina, dmitri = console_over(line, officers), officers.console_of("dmitri")
    text, offsets = a_text("Cut in the middle"), []

    def cut_once(route: Route) -> None:
        offsets.extend(offset_of(route.request))
        if route.request.method == "PATCH" and len(offsets) == 3:
            line.break_off()
        route.fallback()

    amina.route(PIECES, cut_once)
    attach(amina, photo("quay.png", width=800, height=600))
    expect_state(amina, "quay.png", "waiting")
    expect(item(amina, "quay.png").locator(".attach-text")).to_have_text(re.compile("^interrupted at |^waits"))
    amina.locator("#composer textarea.note").fill(text)
    send(amina, officers.words_of("amina"))
    expect(amina.locator(".pending-row", has_text=text)).to_be_visible()
    expect(dmitri.locator(".row-line", has_text=text)).to_have_count(0)

    line.mend()
    expect_drawn(row_of(dmitri, text).locator("img"))
    assert len(offsets) > 3
    assert offsets[3] >= offsets[2] > 0, offsets
    expect_sent_once(amina, text)
    expect_nothing_twice(dmitri, text)


def test_file_and_message_survive_a_reload_in_the_middle(officers: Officers) -> None:
    officers.expect_complaint("ERR_FAILED")
    amina, dmitri = officers.console_of("amina"), officers.console_of("dmitri")
    text, offsets = a_text("Closed in the middle"), []

    def stop(route: Route) -> None:
        offsets.extend(offset_of(route.request))
        if route.request.method == "PATCH" and len(offsets) > 2:
            route.abort()
        else:
            route.fallback()

    amina.route(PIECES, stop)
    attach(amina, photo("hold.png", width=800, height=600))
    expect_state(amina, "hold.png", "waiting")
    amina.locator("#composer textarea.note").fill(text)
    expect_kept(amina, text, files=1)
    amina.reload()
    expect(amina.locator("#composer textarea.note")).to_have_value(text)
    expect(item(amina, "hold.png").locator(".attach-picture img")).to_be_visible()
    send(amina, officers.words_of("amina"))
    expect(amina.locator("#composer textarea.note")).to_have_value("")  # it lies in the outbox now
    amina.reload()
    pending = amina.locator(".pending-row", has_text=text)
    expect(pending.locator(".pending-state")).to_have_text(re.compile(r"^waits for its file: \d+% uploaded$"))
    expect(dmitri.locator(".row-line", has_text=text)).to_have_count(0)

    stood = max(offsets)
    amina.unroute(PIECES)
    went: list[int] = []
    amina.on("request", lambda one: went.extend(offset_of(one)))
    expect_drawn(row_of(dmitri, text).locator("img"))
    assert went, "it had gone before the way was open"
    assert min(went) >= stood > 0, (went, stood)
    expect_sent_once(amina, text)
    expect_nothing_twice(dmitri, text)


def test_refused_file_says_why_and_holds_back_its_message(officers: Officers) -> None:
    amina = officers.console_of("amina")
    text = a_text("With something that is no picture")
    attach(amina, {"name": "photo.png", "mimeType": "image/png", "buffer": b"MZ\x90\x00" + os.urandom(4000)})
    expect_state(amina, "photo.png", "refused")
    expect(item(amina, "photo.png").locator(".attach-text")).to_have_text(re.compile("^refused: This type of file"))
    assert faults_of(amina) == []
    amina.clock.install()
    stop_the_clock(amina)  # what the page says for seconds only stays until it was looked at
    attach(amina, {"name": "tool.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ"})
    expect(amina.locator(".toast-line", has_text="tool.exe: files of this type are not taken.")).to_be_visible()
    amina.clock.resume()
    expect(amina.locator(".attach-item")).to_have_count(1)

    amina.locator("#composer textarea.note").fill(text)
    send(amina, officers.words_of("amina"))
    pending = amina.locator(".pending-row", has_text=text)
    expect(pending.locator(".pending-state")).to_have_text(re.compile("^not sent: photo.png: This type of file"))
    pending.locator("[data-act=edit]").click()
    item(amina, "photo.png").get_by_role("button", name="Remove photo.png").click()
    expect(amina.locator(".attach-item")).to_have_count(0)
    send(amina, officers.words_of("amina"))
    expect(row_of(amina, text)).to_have_count(1)
    expect(row_of(amina, text).locator(".row-files")).to_have_count(0)


def test_large_picture_can_be_made_smaller_before_it_goes(officers: Officers) -> None:
    officers.expect_complaint("ERR_FAILED")
    amina = officers.console_of("amina")
    amina.route(PIECES, lambda route: route.abort() if route.request.method == "PATCH" else route.fallback())
    attach(amina, photo("deck.png", width=3000, height=400))
    item(amina, "deck.png").get_by_role("button", name="Make smaller").click()
    expect(item(amina, "deck.jpg")).to_be_visible()
    expect(item(amina, "deck.png")).to_have_count(0)
    amina.unroute(PIECES)
    expect_state(amina, "deck.jpg", "ready")
    send(amina, officers.words_of("amina"))
    row = row_of(amina, "deck.jpg")  # a picture without a word bears its name
    expect_drawn(row.locator("img"))
    held: dict[str, Any] = amina.evaluate(
        "async (id) => (await fetch(`/api/v1/attachments/${id}/state`)).json()",
        row.locator("[data-picture]").get_attribute("data-picture"),
    )
    assert held["width"] == 2560


def test_seizure_from_a_phone_keeps_its_photo_through_a_reload(officers: Officers) -> None:
    """In French, by the camera; the report goes when the photo has arrived, and a correction keeps it."""
    words = officers.words_of("fatou")
    phone = officers.console_of("fatou", viewport=PHONE, has_touch=True, is_mobile=True)
    phone.locator(".screens a").click()
    expect(phone.locator("[data-attach=camera]")).to_have_attribute("capture", "environment")
    attach(phone, photo("prise.png"), by="camera")
    expect_state(phone, "prise.png", "ready")
    ready = re.compile("^" + words("ready: %(size)s", size=""))
    expect(item(phone, "prise.png").locator(".attach-text")).to_have_text(ready)
    assert phone.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    phone.reload()
    phone.locator("#kept-use").click()
    expect_state(phone, "prise.png", "ready")
    fill_seizure(phone)
    phone.locator("#seizure-submit").click()
    expect(phone.locator("#done-title")).to_have_text(re.compile(r"HAR3-CI-SZR-\d+"))
    reference = re.search(r"HAR3-CI-SZR-\d+", phone.locator("#done-title").inner_text())
    assert reference
    phone.get_by_role("link", name=words("To the console")).click()
    row = phone.locator(".row-line", has_text=reference.group())
    expect_drawn(row.locator("img"))
    open_row(phone, row)
    expect_drawn(phone.locator("#record .record-files img"))
    phone.locator("#record [data-action=correct]").click()
    expect_state(phone, "prise.png", "ready")


def fill_seizure(page: Page) -> None:
    box = field(page, "commodity").get_by_role("combobox")
    box.fill("tramadol")
    named = re.compile("tramadol", re.IGNORECASE)  # the list of before may stand there still
    field(page, "commodity").get_by_role("option").filter(has_text=named).first.click()
    for name, code in (("location_type", "SPT"), ("direction", "IMP"), ("conveyance", "SEA"), ("detection", "XRY")):
        tick(page, name, code)
    fill_in(page, {"quantity": "3"})
