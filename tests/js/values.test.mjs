// Values of forms: defaults, what fits, numbers as people type them, errors by path.
import assert from "node:assert/strict";
import test from "node:test";
import { assignProblems, fittingOptions, fittingUnits, isShown, matchOptions, readNumber, showNumber, startingValues,
  valuesFromWarning } from "../../static/simplified_forms/values.js";

test("defaults: today, my country, the last place; given values win", () => {
  const fields = [
    { name: "date", type: "date", default: "today" },
    { name: "country", type: "country", default: "my_country" },
    { name: "place", type: "place", default: "last" },
    { name: "cases", type: "integer", default: 1 },
  ];
  const context = { today: "2026-11-21", country: "NG", last: { place: "NGAPP" } };
  assert.deepEqual(startingValues(fields, { cases: 3 }, context), { date: "2026-11-21", country: "NG", place: "NGAPP", cases: 3 });
});

test("only concealments that fit the conveyance are offered", () => {
  const field = { fits_field: "conveyance", options: [{ code: "COR", fits: ["SEA"] }, { code: "VTY", fits: ["ROA"] }, { code: "NON" }] };
  assert.deepEqual(fittingOptions(field, { conveyance: "SEA" }).map((one) => one.code), ["COR", "NON"]);
  assert.equal(fittingOptions(field, {}).length, 3);
  assert.deepEqual(fittingOptions(field, {}, { conveyance: "ROA" }).map((one) => one.code), ["VTY", "NON"]);
});

test("only units that the item allows are offered, the usual first", () => {
  const field = { units_field: "commodity", units: [{ code: "GRM" }, { code: "KGM" }, { code: "LTR" }] };
  const fields = [{ name: "commodity", options: [{ code: "DRG.cocaine", units: ["KGM", "GRM"] }] }];
  assert.deepEqual(fittingUnits(field, { commodity: "DRG.cocaine" }, fields).map((one) => one.code), ["KGM", "GRM"]);
  assert.equal(fittingUnits(field, {}, fields).length, 3);
});

test("a field is asked only while its condition holds", () => {
  const field = { show_when: { field: "conveyance", codes: ["SEA"] } };
  assert.ok(isShown(field, { conveyance: "SEA" }));
  assert.ok(!isShown(field, { conveyance: "AIR" }));
  assert.ok(!isShown(field, {}));
});

test("numbers as people type them", () => {
  for (const [text, language, expected] of [
    ["1 240 000", "fr", "1240000"], ["1,240,000", "en", "1240000"], ["12,5", "fr", "12.5"], ["12,500", "en", "12500"],
    ["12,500", "fr", "12.500"], ["1.240.000,50", "es", "1240000.50"], ["1\u202f240,5", "fr", "1240.5"], ["", "en", null],
    ["lots", "en", "lots"],
  ]) assert.equal(readNumber(text, language), expected, text);
});

test("what is shown is read back as the same number", () => {
  for (const language of ["en", "fr"]) {
    for (const value of ["1240000", "12.5", "0.25", "999", "1234.50"]) assert.equal(readNumber(showNumber(value, language), language), value);
  }
});

test("options are found by any word, without accents", () => {
  const options = [{ code: "CI", label: "Côte d’Ivoire" }, { code: "BE", label: "Belgium" }];
  assert.equal(matchOptions(options, "cote d'iv")[0].code, "CI");
  assert.equal(matchOptions(options, "be")[0].code, "BE");
  assert.equal(matchOptions(options, "xyz").length, 0);
});

test("a seizure takes over what its form shares with the warning", () => {
  const fields = ["conveyance", "destination_country", "place", "warning"].map((name) => ({ name }));
  const warning = { id: "w", body: { conveyance: "SEA", destination_country: "NG", destination_place: "NGAPP", container: "X" } };
  assert.deepEqual(valuesFromWarning(fields, warning), { conveyance: "SEA", destination_country: "NG", place: "NGAPP", warning: "w" });
  assert.equal(valuesFromWarning(fields, warning, "NG").place, "NGAPP");
  assert.equal("place" in valuesFromWarning(fields, warning, "CI"), false);
});

test("problems go to the control with the longest path", () => {
  const assigned = assignProblems(
    [{ field: "body.goods.2.quantity.unit", message: "Unit" }, { field: "subject", message: "Long" }],
    ["goods", "goods.2.quantity", "date"],
  );
  assert.equal(assigned["goods.2.quantity"], "Unit");
  assert.match(assigned[""], /Long/);
});
