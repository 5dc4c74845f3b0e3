// Passkeys: a form marked data-passkey asks the browser before it is sent. Without scripts or WebAuthn the form says so.
//
// data-passkey="create" or "get"; the options stand in #passkey-options, or are asked for at data-fresh when the button
// is pressed (they live for a minute). What the passkey says goes into the fields named by data-answer and data-state.

const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));

const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const decodeEach = (list) => (list ?? []).map((one) => ({ ...one, id: decode(one.id) }));

export function creationOptions(told) {
  return {
    ...told,
    challenge: decode(told.challenge),
    user: { ...told.user, id: decode(told.user.id) },
    excludeCredentials: decodeEach(told.excludeCredentials),
  };
}

export function requestOptions(told) {
  return { ...told, challenge: decode(told.challenge), allowCredentials: decodeEach(told.allowCredentials) };
}

export function answerOf(credential) {
  const { response } = credential;
  const answer = {
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: { clientDataJSON: encode(response.clientDataJSON) },
  };
  if (credential.authenticatorAttachment) answer.authenticatorAttachment = credential.authenticatorAttachment;
  if (response.attestationObject) {
    answer.response.attestationObject = encode(response.attestationObject);
    answer.response.transports = response.getTransports?.() ?? [];
  } else {
    answer.response.authenticatorData = encode(response.authenticatorData);
    answer.response.signature = encode(response.signature);
    if (response.userHandle) answer.response.userHandle = encode(response.userHandle);
  }
  return answer;
}

const field = (form, name) => form.elements.namedItem(form.dataset[name] ?? name);

async function fresh(form) {
  const body = new URLSearchParams({ csrfmiddlewaretoken: field(form, "csrfmiddlewaretoken").value });
  const state = field(form, "state");
  if (state?.value) body.set("state", state.value);
  const response = await fetch(form.dataset.fresh, { method: "POST", body, headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`challenge ${response.status}`);
  const told = await response.json();
  state.value = told.state;
  return told.options;
}

function fixed() {
  return JSON.parse(document.getElementById("passkey-options").textContent);
}

function tell(form, why) {
  const place = form.querySelector("[data-passkey-problem]");
  place.textContent = form.dataset[why] ?? form.dataset.failed;
  place.hidden = false;
}

async function ask(form) {
  if (form.dataset.passkey === "create") {
    return navigator.credentials.create({ publicKey: creationOptions(fixed()) });
  }
  const options = form.dataset.fresh ? await fresh(form) : fixed();
  return navigator.credentials.get({ publicKey: requestOptions(options) });
}

function send(form, credential) {
  field(form, "answer").value = JSON.stringify(answerOf(credential));
  form.submit();
}

let waiting = null;

async function submitted(event) {
  const form = event.currentTarget;
  event.preventDefault();
  const button = form.querySelector("button");
  form.querySelector("[data-passkey-problem]").hidden = true;
  waiting?.abort();
  button.disabled = true;
  try {
    send(form, await ask(form));
  } catch (problem) {
    button.disabled = false;
    tell(form, { NotAllowedError: "cancelled", InvalidStateError: "known", SecurityError: "elsewhere" }[problem.name]);
  }
}

// The browser offers passkeys in the field of the e-mail address, where it can. Challenges live for five minutes.
async function offerWhileTyping(form) {
  if (!(await window.PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  for (;;) {
    waiting = new AbortController();
    const renewal = setTimeout(() => waiting.abort("renewed"), 240_000);
    try {
      const publicKey = requestOptions(await fresh(form));
      send(form, await navigator.credentials.get({ publicKey, mediation: "conditional", signal: waiting.signal }));
      return;
    } catch {
      if (waiting.signal.reason !== "renewed") return;
    } finally {
      clearTimeout(renewal);
    }
  }
}

// A code, too, is sent with a fresh challenge: its minute begins when it is sent.
async function renewed(event) {
  const form = event.currentTarget;
  event.preventDefault();
  try {
    await fresh(form);
  } catch {
    // The old challenge is sent then, and the server says what it thinks of it.
  }
  form.submit();
}

const able = window.isSecureContext && window.PublicKeyCredential !== undefined;
for (const form of document.querySelectorAll("form[data-passkey]")) {
  for (const place of form.querySelectorAll("[data-without-passkeys]")) place.hidden = able;
  for (const place of form.querySelectorAll("[data-with-passkeys]")) place.hidden = !able;
  if (able) form.addEventListener("submit", submitted);
  if (able && form.hasAttribute("data-while-typing")) offerWhileTyping(form);
}
for (const form of document.querySelectorAll("form[data-renewed]")) form.addEventListener("submit", renewed);
