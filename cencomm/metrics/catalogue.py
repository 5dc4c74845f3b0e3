"""Every figure by its name: what it counts, of which kind it is, which labels it carries. Nothing else is exported.

Names follow Prometheus: the unit at the end, `_total` for what only grows. The figures of one process carry the
label `process`; those of the whole installation do not.
"""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """One figure: `kind` is counter, gauge or histogram."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()
    of_process: bool = True


def _installation(name: str, kind: str, text: str, *labels: str) -> Figure:
    return Figure(name, kind, text, labels, of_process=False)


DELIVERY = (
    Figure("cencomm_deliveries_total", "counter", "Events given to sockets: each event once for each socket."),
    Figure("cencomm_delivered_bytes_total", "counter", "Bytes of live events given to sockets."),
    Figure("cencomm_delivery_batches_total", "counter", "Runs of events that the hub gave out, by where it took "
           "them: memory (this process, or another of its machine, had committed them) or database.", ("source",)),
    Figure("cencomm_commit_to_socket_seconds", "histogram", "From the commit of the oldest event of a run until it "
           "was written to every socket that keeps up."),
    Figure("cencomm_epoch_restarts_total", "counter", "Groups whose followers were told to restart: their history "
           "was restored from a backup."),
    Figure("cencomm_heartbeat_seconds", "histogram", "How long a heartbeat of the hub took."),
    Figure("cencomm_heartbeat_failures_total", "counter", "Heartbeats that failed, mostly for want of a database."),
    Figure("cencomm_wakeups_published_total", "counter", "Wake-ups that this process sent after its commits."),
    Figure("cencomm_wakeups_unpublished_total", "counter", "Wake-ups that reached no other process, because Redis "
           "did not answer."),
    Figure("cencomm_wakeups_heard_total", "counter", "Wake-ups of groups that this process heard."),
    Figure("cencomm_wakeups_healed_total", "counter", "Wake-ups that were lost and that a heartbeat made good."),
    Figure("cencomm_resyncs_total", "counter", "Times that all heads were compared, as wake-ups may be missing."),
    Figure("cencomm_relayed_total", "counter", "Batches of new events that were handed to other processes of this "
           "machine, by whether they could take them.", ("outcome",)),
    Figure("cencomm_relay_heard_total", "counter", "Batches of new events that other processes of this machine "
           "handed over."),
)  # fmt: skip

SOCKETS = (
    Figure("cencomm_sockets", "gauge", "Sockets that are open, by how they signed in.", ("kind",)),
    Figure("cencomm_sockets_opened_total", "counter", "Sockets that signed in.", ("kind",)),
    Figure("cencomm_sockets_closed_total", "counter", "Sockets that ended, by close code; 4408 read too slowly, "
           "4401 and 4403 never began or lost their sign-in.", ("code",)),
    Figure("cencomm_followed_groups", "gauge", "Groups that somebody follows here."),
    Figure("cencomm_followers", "gauge", "Sockets in groups: each socket once for each group that it follows."),
    Figure("cencomm_outbox_bytes", "gauge", "What waits for readers, of all sockets together."),
    Figure("cencomm_outbox_largest_bytes", "gauge", "What waits for the reader who is furthest behind."),
    Figure("cencomm_first_follows_total", "counter", "Groups followed without a position."),
    Figure("cencomm_reconnects_total", "counter", "Groups followed from a position: lossless (everything since was "
           "sent), restart (the position cannot be served), failed (by a fault), refused (reads no more).",
           ("outcome",)),
    Figure("cencomm_catch_up_pages_total", "counter", "Pages sent to those who catch up, by where they came from.",
           ("source",)),
    Figure("cencomm_socket_refusals_total", "counter", "What was refused over sockets, by code.", ("code",)),
    Figure("cencomm_delivery_reads_waiting", "gauge", "Reads for sockets that wait for a thread."),
)  # fmt: skip

POSTS = (
    Figure("cencomm_posts_total", "counter", "Posts that were answered: created, replayed, refused, failed.",
           ("outcome",)),
    Figure("cencomm_posts_refused_total", "counter", "Posts that the post office refused, by code.", ("code",)),
    Figure("cencomm_posts_waiting", "gauge", "Posts that have no answer yet."),
    Figure("cencomm_receipts_waiting", "gauge", "Receipts that have no answer yet."),
    Figure("cencomm_post_batch_size", "histogram", "Posts that went together into one transaction."),
    Figure("cencomm_post_transaction_seconds", "histogram", "How long the transaction of such a batch took."),
)  # fmt: skip

PROCESS = (
    Figure("cencomm_process_resident_memory_bytes", "gauge", "Memory that the process holds."),
    Figure("cencomm_process_open_fds", "gauge", "Open files and sockets."),
    Figure("cencomm_process_threads", "gauge", "Threads."),
    Figure("cencomm_process_tasks", "gauge", "asyncio tasks of the loops that serve sockets."),
    Figure("cencomm_process_cpu_seconds_total", "counter", "Processor time, user and system."),
    Figure("cencomm_process_start_time_seconds", "gauge", "When the process started, in seconds since 1970."),
    Figure("cencomm_process_snapshot_age_seconds", "gauge", "How old the figures of this process are."),
    Figure("cencomm_loop_lag_seconds", "histogram", "How long the loop let a callback wait, every two seconds."),
    Figure("cencomm_database_pool_connections", "gauge", "Connections of the pool: idle or busy.",
           ("database", "state")),
    Figure("cencomm_database_pool_limit", "gauge", "How many connections the pool may have.", ("database",)),
    Figure("cencomm_database_pool_waiting", "gauge", "Threads that wait for a connection.", ("database",)),
    Figure("cencomm_database_pool_wait_seconds_total", "counter", "Time that was spent waiting for a connection.",
           ("database",)),
    Figure("cencomm_database_pool_errors_total", "counter", "Requests for a connection that ended without one.",
           ("database",)),
)  # fmt: skip

INSTALLATION = (
    _installation("cencomm_build_info", "gauge", "Always 1; the version is the label.", "version"),
    _installation("cencomm_ready", "gauge", "1 when the answering process can serve."),
    _installation("cencomm_missing", "gauge", "1 for each part without which nothing is served.", "part"),
    _installation("cencomm_degraded", "gauge", "1 for each part that is not well while all is served.", "part"),
    _installation("cencomm_jobs", "gauge", "Background jobs: due (waiting for a worker), doing, failed.", "state"),
    _installation("cencomm_job_oldest_seconds", "gauge", "How long the oldest due job has waited."),
    _installation("cencomm_transfers_waiting", "gauge", "Records that were confirmed and are not in CEN yet."),
    _installation("cencomm_transfer_oldest_seconds", "gauge", "How long the oldest of them has waited."),
    _installation("cencomm_attachments", "gauge", "Files by state: uploading, checking, ready, refused.", "state"),
    _installation("cencomm_attachments_refused", "gauge", "Files that did not pass their check, by why.", "reason"),
    _installation("cencomm_attachment_check_oldest_seconds", "gauge", "How long a file has waited for its check."),
    _installation("cencomm_database_size_bytes", "gauge", "What a database takes on its disk.", "database"),
    _installation("cencomm_clock_skew_seconds", "gauge", "How far the clock here is ahead of the database's."),
    _installation("cencomm_disk_free_bytes", "gauge", "Free space, by place.", "place"),
    _installation("cencomm_disk_size_bytes", "gauge", "Size of the disk, by place.", "place"),
    _installation("cencomm_canary_up", "gauge", "1 when the last canary arrived whole and lately."),
    _installation("cencomm_canary_runs_total", "counter", "Canaries by what became of them.", "outcome"),
    _installation("cencomm_canary_round_trip_seconds", "gauge", "How long the last canary took that arrived."),
    _installation("cencomm_canary_last_arrival_timestamp_seconds", "gauge", "When a canary arrived last."),
)  # fmt: skip

CATALOGUE = {one.name: one for one in (*DELIVERY, *SOCKETS, *POSTS, *PROCESS, *INSTALLATION)}
