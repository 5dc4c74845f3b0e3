// The token for unsafe requests, from any form of the page (the officer menu always has one).

export function csrfToken() {
  return document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";
}
