// Fields that repeat: goods lines, legs of a route, counts of persons, documents. Each row is a small form of its own.
import { gettext } from "../cencomm/text.js";
import { make } from "./elements.js";
import { isEmpty } from "./values.js";

/** createFields(container, fields, values, outer) -> {values(), paths(), setErrors(assigned), refresh()} comes from form.js. */
export function createRows(field, form, createFields) {
  const element = make("div", "rows");
  const list = make("ol", "rows-list");
  const add = make("button", "btn btn-sm", { type: "button", text: `+ ${gettext("Add a line")}` });
  let rows = [];

  function addRow(values) {
    const item = make("li", "rows-row");
    const row = { item, fields: createFields(item, field.fields, values ?? {}, () => form.values()) };
    const remove = make("button", "btn btn-sm rows-remove", { type: "button", text: gettext("Remove line") });
    remove.addEventListener("click", () => {
      rows = rows.filter((other) => other !== row);
      item.remove();
      show();
      form.changed();
    });
    item.append(remove);
    list.append(item);
    rows.push(row);
    show();
    return row;
  }

  function show() {
    add.disabled = rows.length >= (field.max_items ?? 100);
  }

  add.addEventListener("click", () => {
    addRow();
    list.lastElementChild.querySelector("input, select, textarea")?.focus();
  });
  element.append(list, add);
  return {
    element,
    grouped: true,
    get() {
      const values = rows.map((row) => row.fields.values()).filter((value) => !isEmpty(value));
      return values.length ? values : null;
    },
    set(values) {
      rows = [];
      list.replaceChildren();
      for (const value of values ?? []) addRow(value);
    },
    refresh: () => rows.forEach((row) => row.fields.refresh()),
    paths: () => rows.flatMap((row, index) => row.fields.paths().map((path) => `${index}.${path}`)),
    setErrors(assigned) {
      rows.forEach((row, index) => {
        const prefix = `${index}.`;
        const own = Object.entries(assigned).filter(([path]) => path.startsWith(prefix));
        row.fields.setErrors(Object.fromEntries(own.map(([path, text]) => [path.slice(prefix.length), text])));
      });
    },
  };
}
