"""Figures as the text that Prometheus reads; prometheus_client knows how it is written.

A figure that the catalogue does not name, or that another version of the program shared in another shape, is left
out: one odd process must not cost the figures of all.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from cencomm.metrics.catalogue import CATALOGUE, Figure
from cencomm.metrics.slots import Snapshot
from messaging.measures import Sample

Row = tuple[list[str], Any]


class _Taken(Collector):
    """Figures that were taken already."""

    def __init__(self, rows: Mapping[str, list[Row]]) -> None:
        self._rows = rows

    def collect(self) -> Iterable[Metric]:
        for figure in CATALOGUE.values():
            if figure.name in self._rows:
                yield _family(figure, self._rows[figure.name])


def exposition(processes: Iterable[Snapshot], installation: Iterable[Sample], *, accept: str) -> tuple[bytes, str]:
    """Return all figures as text, and its content type, in the format that is asked for."""
    rows: dict[str, list[Row]] = {}
    for snapshot in processes:
        age = Sample("cencomm_process_snapshot_age_seconds", {}, max(0.0, time.time() - snapshot.at))
        for name, row in _rows([*snapshot.samples, age], process=snapshot.process):
            rows.setdefault(name, []).append(row)
    for name, row in _rows(installation, process=None):
        rows.setdefault(name, []).append(row)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Taken(rows))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def label_names(figure: Figure) -> tuple[str, ...]:
    """Return the labels of a figure as they are exported."""
    return (*figure.labels, "process") if figure.of_process else figure.labels


def _rows(samples: Iterable[Sample], *, process: str | None) -> Iterator[tuple[str, Row]]:
    for sample in samples:
        figure = CATALOGUE.get(sample.name)
        if figure is None or figure.of_process != (process is not None) or set(sample.labels) != set(figure.labels):
            continue
        values = [str(sample.labels[name]) for name in figure.labels]
        if isinstance(sample.value, Mapping) == (figure.kind == "histogram"):
            yield sample.name, ([*values, process] if process is not None else values, sample.value)


def _family(figure: Figure, rows: Iterable[Row]) -> Metric:
    names = label_names(figure)
    if figure.kind == "histogram":
        histogram = HistogramMetricFamily(figure.name, figure.help, labels=names)
        for values, state in rows:
            histogram.add_metric(values, _buckets(state), state["sum"])
        return histogram
    kind = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
    family = kind(figure.name, figure.help, labels=names)
    for values, value in rows:
        family.add_metric(values, value)
    return family


def _buckets(state: Mapping[str, Any]) -> list[tuple[str, float]]:
    found, sum_so_far = [], 0
    for bound, count in zip([*map(str, state["bounds"]), "+Inf"], state["counts"], strict=True):
        sum_so_far += count
        found.append((bound, float(sum_so_far)))
    return found
