// Light or dark before the first paint: the officer's choice if there is one, otherwise the system's.
// Classic script in the head on purpose: a module would run after the first paint.
(function () {
  "use strict";
  const KEY = "cencomm-theme";
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return localStorage.getItem(KEY) || "auto";
    } catch {
      return "auto";
    }
  }

  function apply() {
    const choice = chosen();
    const theme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
    document.documentElement.setAttribute("data-bs-theme", theme);
    document.dispatchEvent(new CustomEvent("themechange", { detail: { theme, choice } }));
  }

  window.cencommTheme = {
    chosen,
    choose(choice) {
      try {
        if (choice === "auto") localStorage.removeItem(KEY);
        else localStorage.setItem(KEY, choice);
      } catch {
        // Private window without storage: the choice lasts as long as the page.
      }
      apply();
    },
  };
  system.addEventListener("change", apply);
  apply();
})();
