// The charts page of CEN: reads each chart's figures as JSON, draws it, writes it as a table too.
// A click on a bar, a segment or a flow opens the seizures behind it.
import { createChart } from "../cencomm/chart.js";
import { format, gettext } from "../cencomm/text.js";
import { barsOption, flowOption, stackedOption, yearsOption } from "./options.js";

const OPTIONS = { stacked: stackedOption, bars: barsOption, flow: flowOption, years: yearsOption };
const root = document.querySelector("[data-cen-charts]");
const measure = document.getElementById("cen-measure");

/** What is counted: cases, seizures, or the quantity in one normalised unit. */
function figure(row, by) {
  return by.startsWith("unit:") ? Number(row.quantities[by.slice(5)] ?? 0) : row[by];
}

function number(value) {
  return new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2 }).format(value);
}

function offerUnits(units) {
  const known = new Set([...measure.options].map((option) => option.value));
  for (const unit of units) {
    if (known.has(`unit:${unit.code}`)) continue;
    const option = document.createElement("option");
    option.value = `unit:${unit.code}`;
    option.textContent = format(gettext("Quantity, %(unit)s"), { unit: unit.label });
    measure.append(option);
  }
}

function cell(kind, text, className = "") {
  const element = document.createElement(kind);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

function writeTable(place, data) {
  const table = document.createElement("table");
  table.className = "table table-sm";
  const units = data.units.filter((unit) => data.rows.some((row) => row.quantities[unit.code]));
  const head = table.createTHead().insertRow();
  const titles = ["", gettext("Cases"), gettext("Seizures"), ...units.map((unit) => unit.label)];
  head.append(...titles.map((title, index) => cell("th", title, index ? "number" : "")));
  const body = table.createTBody();
  for (const row of data.rows) {
    const line = body.insertRow();
    const link = document.createElement("a");
    link.href = row.href;
    link.textContent = row.labels.join(data.by === "route" ? " → " : " · ");
    line.insertCell().append(link);
    line.append(cell("td", number(row.cases), "number"), cell("td", number(row.seizures), "number"));
    for (const unit of units) {
      const quantity = row.quantities[unit.code];
      line.append(cell("td", quantity ? number(Number(quantity)) : "", "number"));
    }
  }
  place.replaceChildren(table);
}

async function load(section) {
  const address = new URL(root.dataset.source, location.href);
  address.search = root.dataset.query;
  address.searchParams.set("by", section.dataset.by);
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.detail);
  return content;
}

async function show(section) {
  const state = section.querySelector(".cen-chart-state");
  const place = section.querySelector(".chart");
  try {
    const data = await load(section);
    section.removeAttribute("aria-busy");
    offerUnits(data.units);
    if (!data.rows.length) {
      place.hidden = true;
      state.textContent = gettext("No seizure states this.");
      return;
    }
    state.textContent = "";
    section.querySelector(".cen-chart-note").textContent = data.truncated
      ? format(gettext("first %(count)s"), { count: data.rows.length })
      : "";
    writeTable(section.querySelector(".cen-chart-rows"), data);
    const option = OPTIONS[section.dataset.shape];
    const narrow = () => place.clientWidth < 520;
    const chart = createChart(place, (colours) =>
      option(data, (row) => figure(row, measure.value), { colours, number, narrow: narrow() }));
    chart.on("click", (event) => {
      if (event.data?.href) location.assign(event.data.href);
    });
    measure.addEventListener("change", () => chart.redraw());
  } catch (error) {
    section.removeAttribute("aria-busy");
    place.hidden = true;
    state.textContent = error.message || gettext("This chart could not be counted. Try again.");
  }
}

if (root) {
  // One after the other as they come into view: the page does not ask eight questions at once.
  const waiting = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      waiting.unobserve(entry.target);
      show(entry.target);
    }
  }, { rootMargin: "300px" });
  for (const section of root.querySelectorAll(".cen-chart")) waiting.observe(section);
}
