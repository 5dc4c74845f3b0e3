// Every text colour of both themes against every ground it stands on: WCAG AA, 4.5 to 1.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const css = readFileSync(new URL("../../static/cencomm/cencomm.css", import.meta.url), "utf8");
const tokens = new Map([...css.matchAll(/--cc-([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map((m) => [m[1], [m[2], m[3]]]));

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

function luminance(rgb) {
  const [r, g, b] = rgb.map((value) => value / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const mix = (front, back, share) => front.map((value, i) => value * share + back[i] * (1 - share));
const grounds = ["page", "surface", "raised", "sunken", "selected", "hover"];
const texts = ["text", "strong", "muted", "accent-text", "good", "alert", "caution", "idle"];
const kinds = [...tokens.keys()].filter((name) => name.startsWith("kind-"));

for (const [theme, index] of [["light", 0], ["dark", 1]]) {
  test(`${theme}: text on every ground`, () => {
    for (const text of texts) {
      for (const ground of grounds) {
        const ratio = contrast(channels(tokens.get(text)[index]), channels(tokens.get(ground)[index]));
        assert.ok(ratio >= 4.5, `${text} on ${ground}: ${ratio.toFixed(2)}`);
      }
    }
  });

  test(`${theme}: kinds on their own tint`, () => {
    assert.equal(kinds.length, 11);
    for (const kind of kinds) {
      for (const ground of grounds) {
        const colour = channels(tokens.get(kind)[index]);
        const ratio = contrast(colour, mix(colour, channels(tokens.get(ground)[index]), 0.07));
        assert.ok(ratio >= 4.5, `${kind} on ${ground}: ${ratio.toFixed(2)}`);
      }
    }
  });

  test(`${theme}: white on the accent, borders of controls`, () => {
    assert.ok(contrast([255, 255, 255], channels(tokens.get("accent")[index])) >= 4.5);
    const line = contrast(channels(tokens.get("line-strong")[index]), channels(tokens.get("surface")[index]));
    assert.ok(line >= 3, `line-strong: ${line.toFixed(2)}`);
  });
}
