// On a phone the panes are screens, one at a time. On a wide screen this does nothing.

export function startScreens(console) {
  const narrow = matchMedia("(max-width: 62rem)");
  const buttons = [...console.querySelectorAll("[data-screen-button]")];

  function show(name) {
    console.dataset.screen = name;
    for (const button of buttons) {
      const current = button.dataset.screenButton === (name === "record" ? "stream" : name);
      if (current) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }

  for (const button of buttons) button.addEventListener("click", () => show(button.dataset.screenButton));
  return { show, narrow: () => narrow.matches };
}
