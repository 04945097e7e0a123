// The product's own description (OpenAPI 3.1) as a page: text only, nothing from elsewhere.
const MOST_LEVELS = 4;
const page = document.getElementById("reference");
const state = document.getElementById("state");

function element(tag, content = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = content;
  if (className) made.className = className;
  return made;
}

function nameOf(schema) {
  return (schema.$ref ?? "").split("/").pop();
}

function kindOf(schema) {
  if (schema.$ref) return nameOf(schema);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map(kindOf))].join(" | ");
  if (schema.type === "array") return `list of ${kindOf(schema.items ?? {})}`;
  return schema.format ?? schema.type ?? "anything";
}

function boundsOf(schema) {
  const words = { minimum: "≥", maximum: "≤", exclusiveMinimum: ">", exclusiveMaximum: "<", pattern: "matches" };
  return Object.entries(words)
    .filter(([name]) => schema[name] !== undefined)
    .map(([name, word]) => `${word} ${schema[name]}`)
    .join(", ");
}

function objectsIn(schema, schemas) {
  if (schema.$ref) return objectsIn(schemas[nameOf(schema)] ?? {}, schemas);
  if (schema.properties) return [schema];
  return [...(schema.anyOf ?? schema.oneOf ?? []), ...(schema.items ? [schema.items] : [])].flatMap((each) =>
    objectsIn(each, schemas),
  );
}

function fieldsOf(schema, schemas, level = 0) {
  const list = element("ul", "", "fields");
  for (const object of objectsIn(schema, schemas)) {
    for (const [name, field] of Object.entries(object.properties)) {
      const item = element("li");
      item.append(element("code", name), ` ${kindOf(field)}`);
      const notes = [object.required?.includes(name) ? "required" : "", boundsOf(field), field.description ?? ""];
      const told = notes.filter(Boolean).join("; ");
      if (told) item.append(element("span", ` (${told})`, "quiet"));
      if (level < MOST_LEVELS && objectsIn(field, schemas).length) item.append(within(field, schemas, level + 1));
      list.append(item);
    }
  }
  return list;
}

// Filled when it is opened: schemas refer to each other, and most are never looked at.
function within(schema, schemas, level) {
  const details = element("details");
  details.append(element("summary", "fields"));
  details.addEventListener("toggle", () => details.append(fieldsOf(schema, schemas, level)), { once: true });
  return details;
}

function bodies(title, content, schemas) {
  const shown = Object.entries(content ?? {}).map(([type, { schema = {} }]) => {
    const line = element("div");
    line.append(`${title} `, element("code", type), ` ${kindOf(schema)}`);
    if (objectsIn(schema, schemas).length) line.append(within(schema, schemas, 1));
    return line;
  });
  return shown;
}

function operationOf(path, method, operation, schemas) {
  const details = element("details", "", "operation");
  const summary = element("summary");
  summary.append(element("code", method.toUpperCase(), "method"), element("code", path), ` ${operation.summary}`);
  details.append(summary);
  const schemes = operation.security.map((each) => Object.keys(each).join(" and ") || "nobody in particular");
  details.append(element("p", `Who: ${schemes.join(", or ") || "anyone"}`, "quiet"));
  for (const parameter of operation.parameters ?? []) {
    const line = element("div");
    line.append(`${parameter.in} `, element("code", parameter.name), ` ${parameter.description}`);
    details.append(line);
  }
  details.append(...bodies("Body", operation.requestBody?.content, schemas));
  for (const [status, response] of Object.entries(operation.responses)) {
    details.append(element("p", `${status}: ${response.description}`), ...bodies("as", response.content, schemas));
  }
  return details;
}

function show(description) {
  const { schemas } = description.components;
  const sections = new Map(description.tags.map(({ name }) => [name, element("section")]));
  for (const [name, section] of sections) section.append(element("h2", name));
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      sections.get(operation.tags[0]).append(operationOf(path, method, operation, schemas));
    }
  }
  page.append(...sections.values());
  state.textContent = `Version ${description.info.version}. Errors are described with each route.`;
}

try {
  const response = await fetch("/api/ai/openapi.json");
  if (!response.ok) throw new Error(response.status === 404 ? "it is switched off" : `status ${response.status}`);
  show(await response.json());
} catch (error) {
  state.textContent = `The description cannot be shown: ${error.message}.`;
}
