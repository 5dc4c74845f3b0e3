// Universal time first, the officer's local time beside it.

/** "07:42 UTC · 08:42 Lagos" for an instant and an IANA time zone. */
export function clockText(now, timeZone, language) {
  const utc = formatTime(now, "UTC", language);
  if (!timeZone || timeZone === "UTC" || timeZone === "Etc/UTC") return `${utc} UTC`;
  const city = timeZone.split("/").pop().replaceAll("_", " ");
  return `${utc} UTC · ${formatTime(now, timeZone, language)} ${city}`;
}

export function formatTime(instant, timeZone, language) {
  try {
    return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone }).format(instant);
  } catch {
    return instant.toISOString().slice(11, 16);
  }
}

export function startClocks(root = document) {
  const clocks = [...root.querySelectorAll("[data-clock]")];
  if (!clocks.length) return;
  const language = document.documentElement.lang || "en";
  const tick = () => {
    const now = new Date();
    for (const clock of clocks) clock.textContent = clockText(now, clock.dataset.timeZone, language);
    setTimeout(tick, 60000 - (Date.now() % 60000) + 20);
  };
  tick();
}
