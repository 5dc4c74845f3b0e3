// Making elements, without innerHTML.

/** attributes: name to value; `text` is the text inside; null, undefined and false leave an attribute out. */
export function make(tag, className, attributes = {}) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value);
  }
  return element;
}
