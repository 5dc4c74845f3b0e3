"""A hit, from the warning to the bar of a chart: the whole product, as its officers see it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.journeys.acts import (
    expect_stayed,
    field,
    fill_in,
    open_row,
    pick,
    reference_in,
    row_of,
    send,
    stay,
    tick,
)
from tests.journeys.officers import PHONE, Officers, expect_live, show_code

SUBJECT = "MNBU 306144-6, frozen hake, Antwerp → Abidjan"
HELP = "Le nom d’usage suffit, la substance sera confirmée par le laboratoire"
FEEDBACK = "Scellé non conforme, le conteneur passe au scanner à 19 h"


def test_a_hit_goes_from_the_warning_to_the_chart(officers: Officers) -> None:
    amina = officers.console_of("amina")
    tailor_the_seizure_form(amina)

    dmitri, bruno, fatou = (officers.console_of(name) for name in ("dmitri", "bruno", "fatou"))
    for page in (dmitri, bruno, fatou):
        stay(page)
    warn(dmitri, officers)
    acknowledge(bruno, dmitri)
    answer(fatou, dmitri, officers)

    reference = report_from_the_quay(officers)
    validate_for_the_country(bruno, fatou, reference)
    for page in (dmitri, bruno, fatou):
        expect_stayed(page)

    validate_for_the_unit(amina, dmitri, reference)
    look_at_the_exact_record(amina, reference)
    cen_reference = transfer(officers, amina, reference)
    find_in_cen(officers, cen_reference, reference)


def tailor_the_seizure_form(amina: Page) -> None:
    """The coordinator asks one thing more and explains another; a version comes into force."""
    console = amina.url
    amina.get_by_role("link", name="Forms").click()
    row = amina.locator("tr", has=amina.locator(".status-done", has_text="in use")).filter(has_text="Seizure")
    before = row.get_by_role("link", name=re.compile("^Version")).inner_text()
    row.get_by_role("link", name=re.compile("^Edit")).click()

    expect(amina.get_by_label("Search fields")).to_be_visible()
    amina.wait_for_load_state()  # from then on the builder acts on the page itself
    amina.get_by_label("Search fields").fill("concealment")
    amina.locator("[data-offer=concealment] button").click()
    expect(amina.locator("#rows [data-name=concealment]")).to_be_visible()
    commodity = amina.locator("#rows [data-name=commodity]")
    commodity.locator("summary").click()
    commodity.get_by_label("Help text, Français").fill(HELP)
    expect(amina.locator("#preview [data-field=concealment]")).to_be_visible()
    expect(amina.locator(".builder-changes li")).to_have_count(2)
    amina.get_by_role("button", name="Publish a version").click()

    in_force = amina.locator(".builder-versions li", has=amina.locator(".status-done"))
    expect(in_force).to_have_count(1)
    expect(in_force).not_to_contain_text(before)
    amina.goto(console)
    expect_live(amina)


def warn(dmitri: Page, officers: Officers) -> None:
    """A warning to one country, which shall confirm that it has it and answer within hours."""
    dmitri.keyboard.press("w")
    dmitri.get_by_label("Subject").fill(SUBJECT)
    field(dmitri, "target").locator("select").select_option("CTN")
    tick(dmitri, "requested_action", "SCN")
    pick(dmitri, "commodity", "cocaine", "Cocaine (hydrochloride)")
    field(dmitri, "conveyance").locator("select").select_option("SEA")
    fill_in(dmitri, {"container": "MNBU3061446"})
    pick(dmitri, "departure_country", "belgium", "BE")
    pick(dmitri, "destination_country", "ivoire", "CI")
    pick(dmitri, "destination_place", "abidjan", "CIABJ")
    dmitri.get_by_label("Answer due in").select_option("6")
    dmitri.get_by_label("Addressed to").select_option("countries")
    dmitri.locator("#composer").get_by_text("CI Côte d’Ivoire").click()
    dmitri.get_by_label("Wants acknowledgement").check()
    send(dmitri, officers.words_of("dmitri"))

    row = row_of(dmitri, SUBJECT, "warning")
    expect(row.locator(".row-ack")).to_have_text("0/1 ack")
    expect(row.locator(".row-due")).to_have_text(re.compile(r"due in 5 h \d\d"))
    expect(row.locator(".row-meta")).to_contain_text("Dmitri Peeters → CI")


def acknowledge(bruno: Page, dmitri: Page) -> None:
    """The addressee sees it without doing anything, and confirms; its sender watches the count."""
    row = row_of(bruno, SUBJECT, "warning")
    expect(row).to_be_visible()
    expect(row.locator(".row-ack")).to_have_class(re.compile("overdue"))
    open_row(bruno, row)
    expect(bruno.locator("#record .record-title")).to_have_text(SUBJECT)
    bruno.locator("#record [data-action=acknowledge]").click()

    expect(row_of(dmitri, SUBJECT, "warning").locator(".row-ack")).to_have_text("1/1 ack")
    expect(bruno.locator("#record [data-action=acknowledge]")).to_have_count(0)
    expect(bruno.locator("#record .ack-done")).to_contain_text("CI")


def answer(fatou: Page, dmitri: Page, officers: Officers) -> None:
    """The officer answers; the sender's question is answered, in one thread."""
    open_row(fatou, row_of(fatou, SUBJECT, "warning"))
    fatou.locator("#record [data-action=answer]").click()
    expect(fatou.locator("#composer [data-kind=feedback]")).to_have_attribute("aria-pressed", "true")
    field(fatou, "outcome").locator("select").select_option("ONW")
    fill_in(fatou, {"text": FEEDBACK})
    send(fatou, officers.words_of("fatou"))

    expect(row_of(dmitri, SUBJECT, "warning").locator(".row-due")).to_have_text("answered")
    open_row(dmitri, row_of(dmitri, SUBJECT, "warning"))
    thread = dmitri.locator("#record .record-thread li")
    expect(thread).to_have_count(2)
    thread.locator(".kind-feedback").click()
    expect(dmitri.locator("#record")).to_contain_text(FEEDBACK)


def report_from_the_quay(officers: Officers) -> str:
    """On a phone, from the warning: what is known is filled in, and the unit's own question is asked."""
    words = officers.words_of("fatou")
    phone = officers.console_of("fatou", viewport=PHONE, has_touch=True, is_mobile=True)
    open_row(phone, row_of(phone, SUBJECT, "warning"))
    phone.locator("#record [data-action=seizure]").click()
    expect(phone.locator("#from-warning")).to_contain_text(SUBJECT)

    expect(field(phone, "commodity").get_by_role("combobox")).to_have_value("Cocaïne (chlorhydrate)")
    expect(field(phone, "commodity").locator(".form-hint", has_text=HELP)).to_be_visible()
    expect(field(phone, "place").get_by_role("combobox")).to_have_value(re.compile("^CIABJ "))
    expect(field(phone, "conveyance").locator("input[value=SEA]")).to_be_checked()
    expect(field(phone, "departure_country").get_by_role("combobox")).to_have_value(re.compile("^BE "))
    expect(field(phone, "country").get_by_role("combobox")).to_have_value(re.compile("^CI "))

    tick(phone, "location_type", "SPT")
    tick(phone, "direction", "IMP")
    fill_in(phone, {"quantity": "31,5"})
    tick(phone, "detection", "XRY")
    concealment = field(phone, "concealment").locator("input").first
    concealment.check()
    phone.locator("#seizure-submit").click()

    expect(phone.locator("#done-title")).to_have_text(re.compile(r"HAR3-CI-SZR-\d+"))
    expect(phone.locator("#done-text")).to_have_text(words("Everybody in the group sees it now."))
    return reference_in(phone.locator("#done-title").inner_text())


def validate_for_the_country(bruno: Page, fatou: Page, reference: str) -> None:
    """The contact point stands for the country's report; its officer sees that at once."""
    row = bruno.locator(".row-line", has_text=reference)
    expect(row.locator(".status-submitted")).to_be_visible()
    open_row(bruno, row)
    bruno.locator("#record [data-to=validated_ncp]").click()
    expect(bruno.locator("#record .status-validated_ncp")).to_be_visible()
    expect(fatou.locator(".row-line", has_text=reference).locator(".status-validated_ncp")).to_be_visible()


def validate_for_the_unit(amina: Page, dmitri: Page, reference: str) -> None:
    """The coordination unit has looked at it too: it is ready for CEN."""
    row = amina.locator(".row-line", has_text=reference)
    expect(row.locator(".status-validated_ncp")).to_be_visible()
    open_row(amina, row)
    amina.locator("#record").get_by_role("button", name="Validate", exact=True).click()
    expect(amina.locator("#record .status-validated_ocu")).to_be_visible()
    expect(dmitri.locator(".row-line", has_text=reference).locator(".status-validated_ocu")).to_be_visible()


def look_at_the_exact_record(amina: Page, reference: str) -> None:
    """What leaves the group is shown before anything leaves it; the officer's words to colleagues do not."""
    amina.get_by_role("link", name="Transfer to CEN").click()
    row = amina.locator(".transfer-table tr", has_text=reference)
    row.get_by_role("link", name="Exact record").click()
    record = amina.locator(".exact-record")
    for value in ("DRG.cocaine", "31.5", "KGM", "CIABJ", "SEA", "XRY"):
        expect(record.locator("td.mono", has_text=re.compile(rf"^{re.escape(value)}"))).not_to_have_count(0)
    for name in ("Fatou", "Dmitri", FEEDBACK):
        expect(record).not_to_contain_text(name)
    amina.get_by_role("link", name="Open the seizure").click()
    expect(amina.locator("#record .record-reference")).to_contain_text(reference)
    amina.go_back()
    amina.get_by_role("link", name="Back to the transfer").click()


def transfer(officers: Officers, amina: Page, reference: str) -> str:
    """Choose the one row, confirm, watch until CEN has answered; return what CEN calls it."""
    amina.locator(".transfer-table tr", has_text=reference).get_by_role("checkbox").check()
    amina.get_by_role("button", name="Only the chosen ones").click()
    expect(amina.get_by_role("heading", name="Confirm the transfer")).to_be_visible()
    expect(amina.locator(".confirm-card")).to_contain_text("1 record goes to CEN.")
    expect(amina.locator(".confirm-row", has_text=reference)).to_contain_text("DRG.cocaine")
    amina.get_by_role("button", name="Send to CEN").click()
    show_code(officers, amina, "amina")

    expect(amina.locator(".progress-words")).to_contain_text("Finished.")
    expect(amina.locator(".progress-words")).to_contain_text("1 received")
    line = amina.locator("#progress tbody tr")
    expect(line).to_have_count(1)
    expect(line).to_contain_text(reference)
    expect(line.locator(".status")).to_have_class(re.compile("status-accepted"))
    return line.get_by_role("link").inner_text()


def find_in_cen(officers: Officers, cen_reference: str, reference: str) -> None:
    """Another country's analyst finds the record in CEN, sees its bar, and comes from the bar to the row."""
    chloe = officers.page_of("chloe", "/cen/", locale="fr", reduced_motion="reduce")
    words = officers.words_of("chloe")
    chloe.locator("#cen-text").fill(cen_reference)
    chloe.locator("#cen-text").press("Enter")
    rows = chloe.locator(".cen-table tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Abidjan")
    expect(rows.locator(".cen-quantity")).to_contain_text("31,5")
    expect(rows.locator(".cen-reference")).to_contain_text(cen_reference)

    chloe.get_by_role("link", name=words("Charts"), exact=True).click()
    for by, label in (("commodity", "Cocaïne"), ("country", "Côte d’Ivoire")):
        chart = chloe.locator(f".cen-chart-{by}")
        chart.scroll_into_view_if_needed()
        chart.locator("summary").click()
        expect(chart.locator(".cen-chart-rows tbody tr")).to_have_count(1)
        expect(chart.locator(".cen-chart-rows tbody tr")).to_contain_text(label)
    chloe.locator(".cen-chart-commodity .chart canvas").click()

    chloe.wait_for_url(re.compile(r"/cen/\?.*commodity=DRG\.cocaine"))
    expect(rows).to_have_count(1)
    rows.get_by_role("link").first.click()
    expect(chloe.locator("main")).to_contain_text(reference)
