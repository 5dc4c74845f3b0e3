// What may become markup on this page, said before any other script runs (Trusted Types, the content policy's
// `require-trusted-types-for`): no text becomes an element of the page, code, or the address of a script.
// Classic script in the head on purpose: what comes before it would not be held.
(function () {
  "use strict";
  // htmx reads what our server answered into a document of its own, in which nothing runs or loads.
  const APART = new Set(["Document parseHTMLUnsafe", "DOMParser parseFromString"]);

  // "": ECharts empties its place so. null: the browser refuses, and says in the console where.
  const createHTML = (text, type, place) => (text === "" || APART.has(place) ? text : null);
  window.trustedTypes?.createPolicy("default", { createHTML });
})();
