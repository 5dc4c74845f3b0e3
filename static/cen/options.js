// From figures to ECharts options. Pure: no document, no fetch; each row's `href` travels with its bar.

import { labelled } from "../cencomm/text.js";

const SHOWN_GROUPS = 9;

function shortNumber(number) {
  return (value) => (Math.abs(value) >= 10000
    ? new Intl.NumberFormat(globalThis.document?.documentElement.lang, { notation: "compact", maximumFractionDigits: 1 }).format(value)
    : number(value));
}

/** Months across, commodity groups stacked: the most frequent ones by name, the others together. */
export function stackedOption(data, figure, { number, colours, narrow }) {
  const months = [...new Set(data.rows.map((row) => row.month))].sort();
  const groups = new Map();
  for (const row of data.rows) {
    const group = groups.get(row.commodity_group) ?? { label: row.labels[1], sum: 0, months: new Map() };
    group.sum += figure(row);
    group.months.set(row.month, { value: figure(row), href: row.href });
    groups.set(row.commodity_group, group);
  }
  const ranked = [...groups.values()].sort((a, b) => b.sum - a.sum);
  const all = everyMonth(months);
  return {
    grid: { left: 8, right: 20, top: narrow ? 64 : 40, bottom: all.length > 36 ? 56 : 8, containLabel: true },
    legend: { type: "scroll", top: 0, left: 0, itemWidth: 12, itemHeight: 12 },
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, valueFormatter: (value) => (value ? number(value) : "–") },
    xAxis: { type: "category", data: all },
    yAxis: { type: "value", axisLabel: { formatter: shortNumber(number) } },
    dataZoom: all.length > 36 ? [{ type: "slider", bottom: 8, height: 24, start: 100 * (1 - 36 / all.length), end: 100,
      textStyle: { color: colours.muted }, borderColor: colours.line }] : [],
    series: ranked.map((group, index) => ({
      name: group.label,
      type: "bar",
      stack: "all",
      barMaxWidth: 28,
      itemStyle: index >= SHOWN_GROUPS ? { color: colours.muted, opacity: 0.6 } : {},
      emphasis: { focus: "series" },
      data: all.map((month) => group.months.get(month) ?? { value: 0 }),
    })),
  };
}

/** Every month from the first to the last, so that a gap shows as a gap. */
function everyMonth(months) {
  if (!months.length) return [];
  const all = [];
  let [year, month] = months[0].split("-").map(Number);
  for (let at = ""; at < months.at(-1);) {
    at = `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}`;
    all.push(at);
    month += 1;
    if (month > 12) [year, month] = [year + 1, 1];
  }
  return all;
}

/** Rows as bars, the longest on top. */
export function barsOption(data, figure, { number, colours, narrow }) {
  const rows = data.rows
    .map((row) => ({ name: row.labels[0], value: figure(row), href: row.href }))
    .filter((row) => row.value > 0)
    .sort((a, b) => b.value - a.value)
    .reverse();
  const longest = Math.max(...rows.map((row) => row.name.length), 4);
  const width = Math.min(narrow ? 116 : 190, Math.round(longest * 7.2) + 6);
  return {
    grid: { left: width + 10, right: narrow ? 48 : 64, top: 4, bottom: 4 },
    tooltip: { trigger: "item", valueFormatter: number },
    xAxis: { type: "value", axisLabel: { show: false }, splitLine: { show: false } },
    yAxis: { type: "category", data: rows.map((row) => row.name),
      axisLabel: { color: colours.text, width, overflow: "truncate", interval: 0 } },
    series: [{
      type: "bar",
      data: rows,
      barMaxWidth: 16,
      color: colours.series[0],
      cursor: "pointer",
      label: { show: true, position: "right", color: colours.muted, formatter: (item) => shortNumber(number)(item.value) },
    }],
  };
}

/** Departure on the left, destination on the right. A country may stand on both sides, so its node is named by side. */
export function flowOption(data, figure, { number, colours, narrow }) {
  const rows = data.rows.filter((row) => figure(row) > 0).slice(0, narrow ? 16 : 40);
  const names = new Map();
  for (const row of rows) {
    names.set(`from ${row.departure}`, row.labels[0]);
    names.set(`to ${row.destination}`, row.labels[1]);
  }
  return {
    tooltip: {
      trigger: "item",
      formatter: (item) => (item.dataType === "edge"
        ? labelled(`${names.get(item.data.source)} → ${names.get(item.data.target)}`, number(item.data.value))
        : labelled(names.get(item.name), number(item.value))),
    },
    series: [{
      type: "sankey",
      left: narrow ? 76 : 130,
      right: narrow ? 76 : 130,
      top: 8,
      bottom: 8,
      nodeGap: 6,
      nodeWidth: 12,
      draggable: false,
      emphasis: { focus: "adjacency" },
      lineStyle: { color: "source", opacity: 0.35, curveness: 0.5 },
      label: { color: colours.text, formatter: (item) => names.get(item.name), width: narrow ? 70 : 120, overflow: "truncate" },
      data: [...names.keys()].map((name) => ({
        name,
        depth: name.startsWith("from ") ? 0 : 1,
        label: { position: name.startsWith("from ") ? "left" : "right" },
      })),
      links: rows.map((row) => ({
        source: `from ${row.departure}`,
        target: `to ${row.destination}`,
        value: figure(row),
        href: row.href,
      })),
    }],
  };
}

/** January to December, one line per year, the latest one strong. */
export function yearsOption(data, figure, { number, colours }) {
  const years = new Map();
  for (const row of data.rows) {
    const [year, month] = row.month.split("-").map(Number);
    const sums = years.get(year) ?? Array(12).fill(null);
    sums[month - 1] = (sums[month - 1] ?? 0) + figure(row);
    years.set(year, sums);
  }
  const shown = [...years.keys()].sort().slice(-5);
  const language = globalThis.document?.documentElement.lang;
  const names = Array.from({ length: 12 }, (_unused, month) =>
    new Intl.DateTimeFormat(language, { month: "short", timeZone: "UTC" }).format(new Date(Date.UTC(2024, month, 15))));
  return {
    grid: { left: 8, right: 20, top: 36, bottom: 4, containLabel: true },
    legend: { top: 0, left: 0, itemWidth: 16 },
    tooltip: { trigger: "axis", valueFormatter: (value) => (value === null || value === undefined ? "–" : number(value)) },
    xAxis: { type: "category", data: names, boundaryGap: false },
    yAxis: { type: "value", axisLabel: { formatter: shortNumber(number) } },
    series: shown.map((year, index) => ({
      name: String(year),
      type: "line",
      symbolSize: 5,
      color: colours.series[shown.length - 1 - index],
      lineStyle: { width: index === shown.length - 1 ? 3 : 1.5, type: index === shown.length - 1 ? "solid" : "dashed" },
      data: years.get(year).map((value, month) => (value === null ? null : {
        value,
        href: hrefOf(data, year, month + 1),
      })),
    })),
  };
}

/** A point of a year holds all groups of its month: the address of one row, without its group. */
function hrefOf(data, year, month) {
  const key = `${year}-${String(month).padStart(2, "0")}`;
  const rows = data.rows.filter((row) => row.month === key);
  return rows[0]?.month_href;
}
