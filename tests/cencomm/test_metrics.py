"""`/metrics` opens to its token alone, tells the figures of every process, and nothing that is secret."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from accounts import tries
from accounts.models import Officer
from cencomm.metrics import slots
from cencomm.metrics.catalogue import CATALOGUE
from cencomm.metrics.door import TRIES
from cencomm.metrics.exposition import exposition, label_names
from cencomm.metrics.slots import Slot, Snapshot, others
from groups.models import ClosedUserGroup
from messaging.measures import Histogram, Sample
from tests.cencomm.ports import PATIENCE, wait_until
from tests.messaging.server import Server, Talker, running_redis, running_server

TOKEN = "a metrics token of forty-odd characters, no less"
ROOT = Path(__file__).resolve().parents[2]
Figures = dict[str, list[tuple[dict[str, str], float]]]


def figures(text: str) -> Figures:
    """Return every sample of a scrape by its name."""
    found: Figures = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def total(found: Figures, name: str, **labels: str) -> float:
    """Return the sum of a figure over every sample with these labels."""
    return sum(
        value for have, value in found.get(name, []) if all(have.get(key) == text for key, text in labels.items())
    )


def scrape(server: Server) -> Figures:
    request = Request(f"{server.http}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    with urlopen(request, timeout=PATIENCE) as answer:
        return figures(answer.read().decode())


def own_folder(folder: Path) -> dict[str, str]:
    """Return the environment of a server with a data folder of its own, on the keys of these tests."""
    return {
        "CENCOMM_METRICS_TOKEN": TOKEN,
        "CENCOMM_DATA": str(folder),
        "CENCOMM_ROOT_KEY_FILE_PATH": str(django_settings.CENCOMM_ROOT_KEY_FILE),
        "CENCOMM_KEY_STORE": str(django_settings.CENCOMM_KEY_STORE),
    }


@contextmanager
def measured_server(folder: Path, **environment: str) -> Iterator[Server]:
    """Run a server of that folder; yield it once it has met its database."""
    with running_server(folder, **own_folder(folder), **environment) as server:
        scrape(server)
        yield server


@contextmanager
def nobody_let_in() -> Iterator[None]:
    """Keep the application out of its database: as good as none."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER ROLE cencomm_app NOLOGIN")
        try:
            ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'cencomm_app'"

            def nobody_left() -> bool:
                cursor.execute(ended)
                return cursor.fetchone() == (0,)

            wait_until(nobody_left, what="everybody out")
            yield
        finally:
            cursor.execute("ALTER ROLE cencomm_app LOGIN")


@pytest.fixture
def token(settings: Settings, tmp_path: Path) -> str:
    settings.CENCOMM_METRICS_TOKEN = TOKEN
    settings.DATA_DIR = tmp_path
    return TOKEN


class TestDoor:
    """Who is let in."""

    pytestmark = pytest.mark.django_db(databases=["default", "cen"])

    def test_without_a_token_of_its_own_there_is_nothing(self, client: Client, settings: Settings) -> None:
        settings.CENCOMM_METRICS_TOKEN = ""
        for header in ("Bearer ", f"Bearer {TOKEN}"):
            assert client.get("/metrics", headers={"authorization": header}).status_code == 404

    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN])
    def test_a_wrong_token_is_refused(self, client: Client, token: str, header: str) -> None:
        answer = client.get("/metrics", headers={"authorization": header} if header else {})
        assert (answer.status_code, answer.headers["Cache-Control"]) == (401, "no-store")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert b"cencomm_" not in answer.content

    def test_the_right_token_opens(self, client: Client, token: str) -> None:
        answer = client.get("/metrics", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.headers["Cache-Control"] == "no-store"
        assert total(figures(answer.content.decode()), "cencomm_build_info") == 1

    def test_any_host_name_will_do(self, client: Client, token: str) -> None:
        answer = client.get("/metrics", headers={"authorization": f"Bearer {token}", "host": "web:8000"})
        assert answer.status_code == 200

    def test_only_reading(self, client: Client, token: str) -> None:
        assert client.post("/metrics", headers={"authorization": f"Bearer {token}"}).status_code == 405

    def test_guessing_ends(self, client: Client, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tries, "time", SimpleNamespace(monotonic=lambda: 1000.0))  # a minute that does not end
        for _ in range(TRIES):
            assert client.get("/metrics", headers={"authorization": "Bearer guess"}).status_code == 401
        blocked = client.get("/metrics", headers={"authorization": f"Bearer {token}"})
        assert (blocked.status_code, int(blocked.headers["Retry-After"]) <= 61) == (429, True)
        elsewhere = client.get("/metrics", headers={"authorization": f"Bearer {token}"}, REMOTE_ADDR="192.0.2.7")
        assert elsewhere.status_code == 200

    def test_openmetrics_is_spoken_to_who_asks(self, client: Client, token: str) -> None:
        accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
        answer = client.get("/metrics", headers={"authorization": f"Bearer {token}", "accept": accept})
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        assert answer.content.endswith(b"# EOF\n")


class TestExposition:
    """What is written."""

    def test_every_figure_is_well_formed(self) -> None:
        for name, figure in CATALOGUE.items():
            assert re.fullmatch(r"cencomm_[a-z_]+", name)
            assert figure.kind in {"counter", "gauge", "histogram"}
            assert name.endswith("_total") == (figure.kind == "counter"), name
            assert figure.help.endswith(".")
            assert set(figure.labels).isdisjoint({"group", "officer", "message", "country", "process"}), name

    def test_a_histogram_adds_up(self) -> None:
        seen = Histogram((0.1, 1.0))
        for value in (0.05, 0.1, 0.5, 7.0):
            seen.observe(value)
        snapshot = Snapshot("web-1", time.time(), [Sample("cencomm_commit_to_socket_seconds", {}, seen.state())])
        found = figures(exposition([snapshot], [], accept="")[0].decode())
        buckets = {have["le"]: value for have, value in found["cencomm_commit_to_socket_seconds_bucket"]}
        assert buckets == {"0.1": 2, "1.0": 3, "+Inf": 4}
        assert total(found, "cencomm_commit_to_socket_seconds_count", process="web-1") == 4
        assert total(found, "cencomm_commit_to_socket_seconds_sum") == pytest.approx(7.65)

    def test_what_is_not_in_the_catalogue_is_left_out(self) -> None:
        samples = [
            Sample("cencomm_invented_total", {}, 1),
            Sample("cencomm_deliveries_total", {"group": "907b48d0"}, 2),
            Sample("cencomm_deliveries_total", {}, {"bounds": [], "counts": [1], "sum": 1}),
            Sample("cencomm_deliveries_total", {}, 5),
        ]
        found = figures(exposition([Snapshot("web-1", time.time(), samples)], [], accept="")[0].decode())
        assert found["cencomm_deliveries_total"] == [({"process": "web-1"}, 5)]
        assert "cencomm_invented_total" not in found

    @pytest.mark.django_db(databases=["default", "cen"])
    def test_what_is_exported_carries_the_labels_of_the_catalogue(self, client: Client, token: str) -> None:
        answer = client.get("/metrics", headers={"authorization": f"Bearer {token}"})
        found = figures(answer.content.decode())
        for name, figure in CATALOGUE.items():
            sample = f"{name}_count" if figure.kind == "histogram" else name
            if sample not in found:
                continue
            assert all(set(have) == set(label_names(figure)) for have, _value in found[sample]), name
        # Figures that come only with a pool, a canary, or refusals of these kinds.
        later = {name for name in CATALOGUE if re.search(r"_pool_|_canary_|socket_refusals", name)}
        exported = {name.removesuffix("_count") for name in found}
        assert set(CATALOGUE) - later - exported == set()


class TestSlots:
    """How processes share."""

    def test_each_process_has_its_own_and_the_next_takes_over(self, tmp_path: Path) -> None:
        first, second = Slot(tmp_path, "web"), Slot(tmp_path, "web")
        assert (first.name, second.name) == ("web-1", "web-2")
        first.write()
        second.write()
        assert [one.process for one in others(tmp_path, but="web-1")] == ["web-2"]
        second.stop()
        assert others(tmp_path, but="web-1") == []
        third = Slot(tmp_path, "web")
        assert third.name == "web-2"
        first.stop()
        third.stop()
        assert sorted(path.suffix for path in tmp_path.iterdir()) == [".lock", ".lock"]

    def test_a_process_that_ends_takes_its_figures_with_it(self, tmp_path: Path) -> None:
        program = (
            "import django; django.setup()\n"
            "from cencomm.metrics import slots\n"
            "slots.share_figures('web'); slots._slot.write(); print(slots._slot.file.name)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "CENCOMM_DATA": str(tmp_path)},
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert (done.stdout.strip(), done.stderr) == ("web-1.json", "")
        assert [path.name for path in (tmp_path / "metrics").iterdir()] == ["web-1.lock"]

    def test_a_file_is_for_its_owner_alone(self, tmp_path: Path) -> None:
        slot = Slot(tmp_path / "metrics", "web")
        slot.write()
        assert (tmp_path / "metrics").stat().st_mode & 0o777 == 0o700
        assert slot.file.stat().st_mode & 0o777 == 0o600
        slot.stop()

    def test_what_is_old_or_odd_is_left_out(self, tmp_path: Path) -> None:
        def put(name: str, text: str) -> None:
            (tmp_path / name).write_text(text)

        now = time.time()
        put("web-1.json", json.dumps({"at": now, "samples": [["cencomm_deliveries_total", {}, 3]]}))
        put("web-2.json", json.dumps({"at": now - slots.STALE_SECONDS - 5, "samples": []}))
        put("web-3.json", '{"at": 1, "samp')
        put("web-4.json", "[]")
        put("WEB-secret.json", json.dumps({"at": now, "samples": []}))
        [found] = others(tmp_path, but="worker-1")
        assert (found.process, found.samples) == ("web-1", [Sample("cencomm_deliveries_total", {}, 3)])


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with running_redis(tmp_path) as url:
        yield url


@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
class TestServers:
    """The figures of real processes."""

    def test_posts_and_deliveries_are_counted(
        self, tmp_path: Path, group: ClosedUserGroup, amina: Officer, fatou: Officer, token_for: Any
    ) -> None:
        secret = token_for(amina)
        with (
            # A heartbeat that comes between a post and its wake-up would count that as lost.
            measured_server(tmp_path, CENCOMM_HEARTBEAT="600") as server,
            Talker(server.ws, token=secret) as amina_talks,
            Talker(server.ws, token=token_for(fatou)) as fatou_talks,
        ):
            for talker in (amina_talks, fatou_talks):
                talker.follow(group.pk)
            words = "planted words that belong in no figure"
            body = {"id": str(uuid4()), "kind": "note", "body": {"text": words}}
            for _ in range(2):  # the second time it is a replay
                amina_talks.say(op="post", group=str(group.pk), message=body)
                posted = amina_talks.until(lambda item: item["op"] == "posted")
                amina_talks.items.clear()
            fatou_talks.event(posted["seq"])
            group.refresh_from_db()
            epoch = str(group.stream_epoch)
            with Talker(server.ws, token=secret) as again:
                again.follow(group.pk, after=0, epoch=epoch)
                again.follow(group.pk, after=posted["seq"] + 99, epoch=epoch, wait=False)
                again.until(lambda item: item["op"] == "restart")
                again.say(op="nonsense")
                again.until(lambda item: item["op"] == "refused")
            wait_until(lambda: total(scrape(server), "cencomm_sockets_closed_total", code="1000") >= 1)
            found = scrape(server)
            text = json.dumps({name: [have for have, _ in rows] for name, rows in found.items()})
        assert total(found, "cencomm_posts_total", outcome="created") == 1
        assert total(found, "cencomm_posts_total", outcome="replayed") == 1
        assert total(found, "cencomm_deliveries_total") == 2
        assert total(found, "cencomm_commit_to_socket_seconds_count") == 1
        assert 0 < total(found, "cencomm_commit_to_socket_seconds_sum") < PATIENCE
        assert total(found, "cencomm_first_follows_total") == 2
        assert total(found, "cencomm_reconnects_total", outcome="lossless") == 1
        assert total(found, "cencomm_reconnects_total", outcome="restart") == 1
        assert total(found, "cencomm_socket_refusals_total", code="bad_frame") == 1
        assert total(found, "cencomm_sockets", kind="token") == 2
        assert total(found, "cencomm_followers") == 2
        assert total(found, "cencomm_wakeups_healed_total") == 0
        assert total(found, "cencomm_process_resident_memory_bytes") > 20_000_000
        assert total(found, "cencomm_process_tasks") >= 4
        for secret_thing in (words, secret, TOKEN, str(group.pk), str(amina.pk), group.code, amina.email):
            assert secret_thing not in text

    def test_a_server_that_is_told_to_stop_takes_its_figures_with_it(self, tmp_path: Path) -> None:
        file = tmp_path / "metrics" / "web-1.json"
        with measured_server(tmp_path) as server:
            wait_until(file.exists)
            server.process.terminate()
            server.process.wait(PATIENCE)
        assert not file.exists()

    def test_a_lost_wake_up_that_the_heartbeat_finds_is_counted(
        self, tmp_path: Path, group: ClosedUserGroup, amina: Officer, token_for: Any
    ) -> None:
        secret = token_for(amina)
        with (
            # Two processes that do not hear each other: each thinks that it is alone.
            measured_server(tmp_path) as deaf,
            measured_server(tmp_path) as writing,
            Talker(deaf.ws, token=secret) as talker,
        ):
            talker.follow(group.pk)
            status, message = writing.request(
                "POST", f"/groups/{group.pk}/messages", secret,
                {"id": str(uuid4()), "kind": "note", "body": {"text": "Nobody tells them."}},
            )  # fmt: skip
            assert status == 201
            talker.event(message["seq"])
            wait_until(lambda: total(scrape(deaf), "cencomm_wakeups_healed_total") == 1)

            def told() -> set[str]:
                return {have["process"] for have, _value in scrape(writing)["cencomm_posts_total"]}

            wait_until(lambda: told() == {"web-1", "web-2"})

    def test_one_process_tells_of_all_and_forgets_who_was_killed(
        self, tmp_path: Path, redis_url: str, group: ClosedUserGroup, amina: Officer, token_for: Any
    ) -> None:
        secret = token_for(amina)
        here = {**own_folder(tmp_path), "REDIS_URL": redis_url}
        with running_server(tmp_path, **here) as one, running_server(tmp_path, **here) as two:
            for server in (one, two):
                message = {"id": str(uuid4()), "kind": "note", "body": {"text": "Through this door."}}
                assert server.request("POST", f"/groups/{group.pk}/messages", secret, message)[0] == 201
            wait_until(lambda: total(scrape(one), "cencomm_posts_total", outcome="created") == 2)
            two.process.send_signal(signal.SIGKILL)
            two.process.wait(PATIENCE)

            def living() -> set[str]:
                return {have["process"] for have, _value in scrape(one)["cencomm_posts_total"]}

            wait_until(lambda: living() == {"web-1"})
            with running_server(tmp_path, **here):
                wait_until(lambda: living() == {"web-1", "web-2"})
        assert sorted(path.stem for path in (tmp_path / "metrics").glob("*.lock")) == ["web-1", "web-2"]

    def test_without_a_database_the_process_still_tells(self, tmp_path: Path) -> None:
        with measured_server(tmp_path) as server:
            found = scrape(server)
            assert total(found, "cencomm_ready") == 1
            assert total(found, "cencomm_missing") == 0
            assert total(found, "cencomm_degraded", part="worker") == 1
            assert total(found, "cencomm_database_size_bytes", database="cencomm") > 1_000_000
            assert total(found, "cencomm_database_pool_limit", database="cencomm") == 10
            with nobody_let_in():
                found = scrape(server)
            assert total(found, "cencomm_ready") == 0
            assert total(found, "cencomm_missing", part="database") == 1
            assert total(found, "cencomm_process_threads") > 1
            assert "cencomm_database_size_bytes" not in found
            wait_until(lambda: total(scrape(server), "cencomm_ready") == 1)

    def test_a_wrong_token_at_a_real_door(self, tmp_path: Path) -> None:
        with measured_server(tmp_path) as server:
            with pytest.raises(HTTPError) as refused:
                urlopen(Request(f"{server.http}/metrics", headers={"Authorization": "Bearer no"}), timeout=PATIENCE)
            assert refused.value.code == 401


def test_the_token_may_come_from_the_data_folder() -> None:
    from cencomm.data_folder import DataFolder

    assert django_settings.CENCOMM_METRICS_TOKEN == ""
    folder = DataFolder(django_settings.DATA_DIR / "fresh")
    folder.prepare()
    written = folder.path / "metrics-token"
    assert written.stat().st_mode & 0o777 == 0o600
    assert len(written.read_text().strip()) >= 40
    before = written.read_text()
    folder.prepare()
    assert written.read_text() == before
