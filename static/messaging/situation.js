// The charts of the situation page: cases by day, flows on the map.
import { createChart, loadWorld } from "../cencomm/chart.js";
import { format, gettext, labelled } from "../cencomm/text.js";

const data = JSON.parse(document.getElementById("situation-data").textContent);
const days = document.getElementById("chart-days");
const flows = document.getElementById("chart-flows");

if (days) {
  createChart(days, () => ({
    tooltip: { trigger: "axis" },
    legend: { bottom: 0, itemWidth: 12, itemHeight: 12 },
    grid: { left: 8, right: 8, top: 12, bottom: 64, containLabel: true },
    xAxis: { type: "category", data: data.days },
    yAxis: { type: "value", minInterval: 1 },
    series: data.groups.map(({ name, cases }) => ({ name, type: "bar", stack: "cases", barMaxWidth: 36, data: cases })),
  }));
}

async function drawFlows() {
  await loadWorld(data.atlas, data.centres);
  const centres = await (await fetch(data.centres)).json();
  const known = data.flows.filter((flow) => centres[flow.from] && centres[flow.to]);
  const most = Math.max(1, ...known.map((flow) => flow.cases));
  const place = (code) => centres[code].centre;
  const name = (code) => data.countries[code] ?? code;
  const totals = {};
  for (const flow of known) for (const code of [flow.from, flow.to]) totals[code] = (totals[code] ?? 0) + flow.cases;
  createChart(flows, (colours) => ({
    tooltip: { formatter: ({ data: entry }) => (entry?.text ?? "") },
    geo: {
      map: "world",
      roam: true,
      scaleLimit: { min: 1, max: 12 },
      ...view(known.flatMap((flow) => [place(flow.from), place(flow.to)])),
      itemStyle: { areaColor: colours.sunken, borderColor: colours.line },
      emphasis: { disabled: true },
      tooltip: { show: false },
    },
    series: [
      {
        type: "lines",
        coordinateSystem: "geo",
        symbol: ["none", "arrow"],
        symbolSize: 8,
        data: known.map((flow) => ({
          coords: [place(flow.from), place(flow.to)],
          text: format(gettext("%(from)s → %(to)s: %(n)s"), { from: name(flow.from), to: name(flow.to), n: flow.cases }),
          lineStyle: { width: 1 + (4 * flow.cases) / most },
        })),
        lineStyle: { color: colours.series[0], opacity: 0.75, curveness: 0.25 },
      },
      {
        type: "scatter",
        coordinateSystem: "geo",
        symbolSize: 7,
        itemStyle: { color: colours.series[0] },
        label: { show: true, position: "right", color: colours.text, formatter: ({ name: code }) => code },
        labelLayout: { hideOverlap: true },
        data: Object.entries(totals).map(([code, count]) => ({ name: code, value: [...place(code), count], text: labelled(name(code), count) })),
      },
    ],
  }));
}

/** The part of the map that the places fill, with room around them. */
function view(places) {
  if (!places.length) return {};
  const xs = places.map(([x]) => x);
  const ys = places.map(([, y]) => y);
  const west = Math.max(-180, Math.min(...xs) - 15);
  const east = Math.min(190, Math.max(...xs) + 15);
  const south = Math.max(-58, Math.min(...ys) - 10);
  const north = Math.min(84, Math.max(...ys) + 10);
  return { boundingCoords: [[west, north], [east, south]], left: 0, right: 0, top: 0, bottom: 0, preserveAspect: "contain" };
}

if (flows) drawFlows();
