"""Health of this process, for a proxy, a supervisor, a person. No sign-in, and nothing that tells of content.

`/health/live`: the process answers. `/health/ready`: it can serve; 503 names what is missing, `degraded` what is
not well while it serves all the same. `/health/worker`: a worker's heart beat lately. All in words of fixed lists.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.http import require_safe

from vault import AgentKeyStore, KeyAgentAway, KeyServiceAway, KeyStoreUnavailable, keystore

WORKER_SILENT_AFTER_SECONDS = 60
LIMITED_TOLD_SECONDS = 600
_migrated: set[str] = set()


def database_answers(alias: str) -> bool:
    """Whether the database takes a query now."""
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, OSError):
        return False
    return True


def is_migrated(alias: str) -> bool:
    """Whether every migration is applied. A yes is kept: a newer schema comes with a newer process."""
    if alias not in _migrated:
        try:
            executor = MigrationExecutor(connections[alias])
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return False
        except (DatabaseError, OSError):
            return False
        _migrated.add(alias)
    return True


def keys_usable() -> bool:
    """Whether the root key and the key store can be read; at the very first start they are made.

    A key agent or a key service that is away takes no process out of service that has opened keys: those are in
    memory.
    """
    store = keystore()
    try:
        store.check()
    except KeyAgentAway:
        return isinstance(store, AgentKeyStore) and store.was_reached
    except KeyServiceAway:
        return store.holds_keys
    except KeyStoreUnavailable:
        return False
    return True


def key_agent_answers() -> bool:
    """Whether the key agent answers; true where there is none."""
    store = keystore()
    try:
        return not isinstance(store, AgentKeyStore) or bool(store.state())
    except KeyStoreUnavailable:
        return False


def key_service_answers() -> bool:
    """Whether the service that holds the root key answers; true where there is none."""
    try:
        keystore().check()
    except KeyServiceAway:
        return False
    except KeyStoreUnavailable:
        pass  # something else is named then
    return True


def key_agent_keeps_up() -> bool:
    """Whether the key agent refused nobody lately for asking too much: a large start, or a thief."""
    store = keystore()
    try:
        return not isinstance(store, AgentKeyStore) or not 0 <= store.state()["limited_ago"] < LIMITED_TOLD_SECONDS
    except KeyStoreUnavailable:
        return True  # `key_agent_answers` is what is named then


def redis_answers() -> bool:
    """Whether Redis answers; true where none is configured."""
    if not settings.REDIS_URL:
        return True
    from messaging.redis_places import FAILURES, place_of

    try:
        client = place_of(settings.REDIS_URL).commands(timeout=2)
        try:
            return bool(client.ping())
        finally:
            client.close()
    except FAILURES:
        return False


def worker_alive() -> bool:
    """Whether a worker's heart beat in the last minute."""
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM procrastinate_workers "
                "WHERE last_heartbeat > now() - make_interval(secs => %s)",
                [WORKER_SILENT_AFTER_SECONDS],
            )
            return bool(cursor.fetchone()[0])
    except (DatabaseError, OSError):
        return False


# Without one of these nothing is served; what only makes it less, or later, is in `cencomm.degraded`.
CHECKS: dict[str, Callable[[], bool]] = {
    "database": lambda: database_answers("default"),
    "migrations": lambda: is_migrated("default"),
    "keys": keys_usable,
}


def missing() -> list[str]:
    """Return what this process lacks to serve, by the names that operators read."""
    return [name for name, check in CHECKS.items() if not check()]


@login_not_required
@require_safe
def live(_request: HttpRequest) -> JsonResponse:
    """Answer that the process runs."""
    return JsonResponse({"status": "live"})


@login_not_required
@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when this process can serve, 503 with what is missing otherwise; beside 200, what is degraded."""
    lacking = missing()
    if lacking:
        return JsonResponse({"status": "not ready", "missing": lacking}, status=503)
    from cencomm.degraded import known

    weak = known.lately()
    return JsonResponse({"status": "ready", "degraded": weak} if weak else {"status": "ready"})


@login_not_required
@require_safe
def worker(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when a worker is alive."""
    alive = worker_alive()
    return JsonResponse({"status": "alive" if alive else "missing"}, status=200 if alive else 503)


urlpatterns = [path("live", live), path("ready", ready), path("worker", worker)]
