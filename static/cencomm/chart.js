// Charts in the colours of the page, under the page's content policy.
//
// createChart(element, build) -> ECharts instance. `build(colours)` returns the option and is called again when the
// theme changes. ECharts itself is a classic script of the page: vendor/echarts/echarts.min.js, before this module.
// Tooltips are drawn on the canvas (richText): the HTML ones write style attributes, which the policy refuses.

const KINDS = ["accent-text", "kind-warning", "kind-seizure", "kind-request", "kind-feedback", "kind-bulletin",
  "kind-sitrep", "kind-movement", "kind-administrative", "muted"];

/** The tokens of the current theme as plain colours: text, muted, line, surface, accent, good, alert, caution, series. */
export function readColours() {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const colour = (name) => {
    probe.style.setProperty("color", `var(--cc-${name})`);
    return getComputedStyle(probe).color;
  };
  const names = ["text", "strong", "muted", "line", "surface", "raised", "sunken", "accent", "good", "alert", "caution"];
  const colours = Object.fromEntries(names.map((name) => [name, colour(name)]));
  colours.series = KINDS.map(colour);
  probe.remove();
  return colours;
}

function dress(option, colours) {
  const axis = (given) => {
    if (!given) return given;
    if (Array.isArray(given)) return given.map(axis);
    return {
      ...given,
      axisLine: { lineStyle: { color: colours.line }, ...given.axisLine },
      axisTick: { show: false, ...given.axisTick },
      axisLabel: { color: colours.muted, ...given.axisLabel },
      splitLine: { lineStyle: { color: colours.line }, ...given.splitLine },
      nameTextStyle: { color: colours.muted, ...given.nameTextStyle },
    };
  };
  return {
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    animationDuration: 250,
    color: colours.series,
    textStyle: { color: colours.text, fontFamily: getComputedStyle(document.body).fontFamily },
    aria: { enabled: true },
    ...option,
    ...(option.xAxis ? { xAxis: axis(option.xAxis) } : {}),
    ...(option.yAxis ? { yAxis: axis(option.yAxis) } : {}),
    ...(option.legend ? { legend: { textStyle: { color: colours.text }, inactiveColor: colours.muted, ...option.legend } } : {}),
    tooltip: {
      ...option.tooltip,
      renderMode: "richText",
      confine: true,
      backgroundColor: colours.raised,
      borderColor: colours.line,
      textStyle: { color: colours.text },
    },
  };
}

export function createChart(element, build) {
  const chart = globalThis.echarts.init(element, null, { renderer: "canvas" });
  const draw = () => {
    const colours = readColours();
    chart.setOption(dress(build(colours), colours), { notMerge: true });
  };
  draw();
  document.addEventListener("themechange", draw);
  // A map of no size has no way back from pixels to places: wait until there is room again.
  new ResizeObserver(() => element.clientWidth && element.clientHeight && chart.resize()).observe(element);
  return Object.assign(chart, { redraw: draw });
}

/** Makes the map "world" known to ECharts; the name of a region is its ISO 3166-1 alpha-2 code. Needs the two addresses. */
export async function loadWorld(atlasUrl, countriesUrl) {
  if (globalThis.echarts.getMap("world")) return;
  const [atlas, countries] = await Promise.all([atlasUrl, countriesUrl].map(async (url) => (await fetch(url)).json()));
  const alpha2 = Object.fromEntries(Object.entries(countries).map(([code, country]) => [country.numeric, code]));
  globalThis.echarts.registerMap("world", { geoJSON: toGeoJson(atlas, atlas.objects.countries, alpha2) });
}

// ISO 3166-1 numeric. Left out: it takes a quarter of the map, and nobody seizes anything there.
const ANTARCTICA = "010";

/** A ring that crosses the date line goes on beyond 180 degrees instead of drawing a line across the whole map. */
function unwrap(points) {
  let shift = 0;
  return points.map(([x, y], place) => {
    if (place) {
      const step = x - points[place - 1][0];
      if (step > 180) shift -= 360;
      else if (step < -180) shift += 360;
    }
    return [x + shift, y];
  });
}

/** TopoJSON (quantised, delta-encoded arcs) to GeoJSON, polygons only. Format: the TopoJSON specification, version 1. */
export function toGeoJson(topology, object, names) {
  const { scale, translate } = topology.transform;
  const arcs = topology.arcs.map((arc) => {
    let x = 0;
    let y = 0;
    return arc.map(([dx, dy]) => [(x += dx) * scale[0] + translate[0], (y += dy) * scale[1] + translate[1]]);
  });
  const line = (index) => (index < 0 ? [...arcs[~index]].reverse() : arcs[index]);
  const ring = (indexes) => unwrap(indexes.flatMap((index, place) => (place ? line(index).slice(1) : line(index))));
  const features = object.geometries
    .filter((shape) => shape.type === "Polygon" || shape.type === "MultiPolygon")
    .filter((shape) => shape.id !== ANTARCTICA)
    .map((shape) => ({
      type: "Feature",
      properties: { name: names[shape.id] ?? shape.properties.name },
      geometry: {
        type: shape.type,
        coordinates: shape.type === "Polygon" ? shape.arcs.map(ring) : shape.arcs.map((polygon) => polygon.map(ring)),
      },
    }));
  return { type: "FeatureCollection", features };
}
