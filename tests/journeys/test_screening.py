"""What may point at a person is shown while one writes, asked about before sending, and holds nothing urgent up."""

from __future__ import annotations

import os
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, Route, expect

from tests.journeys.acts import a_text, open_row, row_of, send, stop_the_clock
from tests.journeys.appearance import faults_of
from tests.journeys.officers import PHONE, Officers
from tests.journeys.test_attachments import attach, item, photo

SCREENING = "**/api/v1/groups/*/screening"


def box(page: Page) -> Locator:
    return page.locator("section.screening:not(.screening-record)")


def line(page: Page, passage: str) -> Locator:
    return box(page).locator("li", has_text=passage)


def look(page: Page, name: str) -> None:
    """Nothing on the page is broken or a barrier; a picture of it where somebody asked for pictures."""
    assert faults_of(page) == []
    if folder := os.environ.get("CENCOMM_SCREENSHOTS"):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=Path(folder) / f"screening-{name}-{scheme}.png")


def test_a_name_is_asked_about_and_the_answer_stays_with_the_message(officers: Officers) -> None:
    dmitri, words = officers.console_of("dmitri"), officers.words_of("dmitri")
    text = a_text("At the gate") + ": the driver Kofi Mensah showed passport A1234567 today"
    dmitri.locator("#composer textarea.note").fill(text)
    expect(line(dmitri, "Kofi Mensah")).to_be_visible()
    look(dmitri, "desktop")
    dmitri.locator("#composer").get_by_role("button", name=words("Send"), exact=True).click()
    expect(box(dmitri).get_by_role("alert")).to_be_visible()
    expect(row_of(dmitri, text)).to_have_count(0)

    line(dmitri, "A1234567").get_by_role("button", name=words("Remove it")).click()
    expect(line(dmitri, "A1234567")).to_have_count(0)
    line(dmitri, "Kofi Mensah").get_by_role("combobox").select_option("official")
    text = text.replace(" A1234567", "")
    assert dmitri.locator("#composer textarea.note").input_value() == text
    send(dmitri, words)
    expect(row_of(dmitri, text)).to_be_visible()
    open_row(dmitri, row_of(dmitri, text))
    expect(dmitri.locator("#record .screening-record")).to_contain_text(words("It names an official in office."))
    look(dmitri, "record")


def test_a_server_that_does_not_answer_holds_nothing_up_and_the_sender_is_told_later(officers: Officers) -> None:
    """The coordinator is shown it, too; who only reads along is not."""
    dmitri, words = officers.console_of("dmitri"), officers.words_of("dmitri")
    asked: list[Route] = []

    def keep(route: Route) -> None:  # it is never answered
        asked.append(route)

    dmitri.route(SCREENING, keep)
    text = a_text("Call the broker on +233 24 555 0187")
    dmitri.locator("#composer textarea.note").fill(text)
    send(dmitri, words)
    expect(row_of(dmitri, text)).to_be_visible()
    assert asked
    for page, sees in ((dmitri, 1), (officers.console_of("amina"), 1), (officers.console_of("bruno"), 0)):
        expect(row_of(page, text)).to_be_visible()
        open_row(page, row_of(page, text))
        expect(page.locator("#record .record-reference")).to_be_visible()
        expect(page.locator("#record .screening-record q")).to_have_count(sees)


def test_what_is_written_on_after_sending_is_neither_lost_nor_sent_unseen(officers: Officers) -> None:
    """The server takes its time; meanwhile the officer adds a name."""
    dmitri, words = officers.console_of("dmitri"), officers.words_of("dmitri")
    text = a_text("Opened at the quay")
    note = dmitri.locator("#composer textarea.note")
    asked: list[Route] = []

    answers = False

    def keep(route: Route) -> None:
        if answers:
            route.continue_()
        else:
            asked.append(route)

    dmitri.route(SCREENING, keep)
    dmitri.clock.install()
    stop_the_clock(dmitri)  # sending waits for the answer, and that for seconds only
    with dmitri.expect_request(SCREENING):
        note.fill(text)
        note.press("Control+Enter")
    note.press_sequentially(", driver Kofi Mensah")
    answers = True
    for route in asked:
        route.continue_()
    expect(box(dmitri).get_by_role("alert")).to_have_text(
        words("Not sent yet: you wrote on after you had sent it. Send it again.")
    )
    expect(note).to_have_value(text + ", driver Kofi Mensah")
    dmitri.clock.resume()
    expect(line(dmitri, "Kofi Mensah")).to_be_visible()
    expect(row_of(dmitri, text)).to_have_count(0)
    dmitri.reload()
    expect(note).to_have_value(text + ", driver Kofi Mensah")
    stop_the_clock(dmitri)
    note.press("Control+Enter")
    line(dmitri, "Kofi Mensah").get_by_role("combobox").select_option("official")
    dmitri.clock.resume()
    send(dmitri, words)
    expect(row_of(dmitri, text + ", driver Kofi Mensah")).to_have_count(1)


def test_names_and_captions_of_files_are_asked_about_where_they_stand(officers: Officers) -> None:
    """While one writes, before sending, and on the message afterwards."""
    dmitri, words = officers.console_of("dmitri"), officers.words_of("dmitri")
    text = a_text("What the scanner showed")
    dmitri.locator("#composer textarea.note").fill(text)
    attach(dmitri, photo("door.png"), photo("kofi_mensah_hold.png"))
    named = line(dmitri, "kofi_mensah")
    expect(named).to_contain_text(words("Name of a file"))
    item(dmitri, "door.png").get_by_role("textbox").press_sequentially("opened by Mr Adebayo")
    captioned = line(dmitri, "Adebayo")
    expect(captioned).to_contain_text(words("Caption of a file"))
    for name in ("door.png", "kofi_mensah_hold.png"):
        expect(item(dmitri, name)).to_have_class(re.compile(r"\bfield-asked\b"))
    look(dmitri, "files")
    dmitri.locator("#composer").get_by_role("button", name=words("Send"), exact=True).click()
    expect(box(dmitri).get_by_role("alert")).to_be_visible()
    expect(row_of(dmitri, text)).to_have_count(0)

    captioned.get_by_role("button", name=words("Remove it")).click()
    expect(captioned).to_have_count(0)
    expect(item(dmitri, "door.png")).not_to_have_class(re.compile(r"\bfield-asked\b"))
    named.get_by_role("combobox").select_option("thing")
    send(dmitri, words)
    open_row(dmitri, row_of(dmitri, text))
    told = dmitri.locator("#record .screening-record li")
    expect(told).to_have_count(1)
    expect(told).to_contain_text(words("It names a thing, a ship or a company."))
    expect(told).to_contain_text(words("Name of a file"))


def test_the_form_on_a_phone_asks_about_odd_values_and_names(officers: Officers) -> None:
    page = officers.console_of("fatou", viewport=PHONE, is_mobile=True, has_touch=True, color_scheme="dark")
    words = officers.words_of("fatou")
    page.goto(page.url.partition("#")[0].rstrip("/") + "/seizure/")
    expect(page.locator("body")).to_have_attribute("data-ready", "yes")
    page.locator('[data-field="description"] input').fill("cartons pour Mme Aïcha Diallo")
    found = line(page, "Aïcha Diallo")
    expect(found).to_be_visible()
    found.scroll_into_view_if_needed()
    look(page, "phone")
    found.get_by_role("button", name=words("Remove it")).click()
    expect(box(page)).to_be_hidden()
    expect(page.locator('[data-field="description"] input')).to_have_value(re.compile("^cartons pour Mme"))
