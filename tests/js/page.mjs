// As much of a page as modules ask for that draw nothing: it is online, and `fetch` stands for the server.

export function asPage(t, fetch) {
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  t.after(() => (before ? Object.defineProperty(globalThis, "navigator", before) : delete globalThis.navigator));
  t.after(() => delete globalThis.document);
  Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });
  globalThis.document = { querySelector: () => null, documentElement: { lang: "en" } };
  t.mock.method(globalThis, "fetch", fetch);
}
