// The dashboard. Everything from the network is shown as text; the token stays in this tab.
import { events } from "/sse.js";

const TOKEN = "admin-token";
const REFRESH_MS = 15_000;
const at = (id) => document.getElementById(id);
const percent = (share) => `${(100 * (share ?? 0)).toFixed(1)} %`;
const dollars = (usd) => `$${(usd ?? 0).toFixed(4)}`;
const milliseconds = (ms) => (ms == null ? "–" : `${ms} ms`);

function say(id, text, kind = "quiet") {
  at(id).textContent = text;
  at(id).className = kind;
}

function row(cells) {
  const line = document.createElement("tr");
  for (const [text, kind] of cells.map((cell) => [cell].flat())) {
    const cell = document.createElement("td");
    cell.textContent = text;
    if (kind) cell.className = kind;
    line.append(cell);
  }
  return line;
}

function credentials() {
  const token = sessionStorage.getItem(TOKEN);
  return token ? { authorization: `Bearer ${token}` } : {};
}

async function fetchJson(path, headers = {}) {
  const response = await fetch(path, { headers, cache: "no-store" });
  const body = await response.json().catch(() => null);
  if (body?.error) throw new Error(body.error.message);
  if (!body) throw new Error(`${path} answered ${response.status}`);
  return body;
}

async function showHealth() {
  try {
    const health = await fetchJson("/api/ai/health");
    const models = Object.entries(health.models ?? {});
    say("overall", health.status + (health.kv?.available === false ? ", the store does not answer" : ""), health.status);
    at("models").replaceChildren(
      ...models.map(([name, model]) => row([name, [model.status, model.status], model.circuit ?? "", model.reason ?? ""])),
    );
    const known = new Set([...at("model").options].map((option) => option.value));
    at("model").append(...models.filter(([name]) => !known.has(name)).map(([name]) => new Option(name, name)));
  } catch (error) {
    say("overall", error.message, "error");
  }
}

function figure(name, value) {
  const group = document.createElement("div");
  group.className = "card";
  const term = document.createElement("dt");
  const description = document.createElement("dd");
  term.textContent = name;
  description.textContent = value;
  group.append(term, description);
  return group;
}

async function showStats() {
  if (!sessionStorage.getItem(TOKEN)) return;
  try {
    const stats = await fetchJson("/api/ai/stats", credentials());
    at("figures").replaceChildren(
      figure("Requests", stats.totalRequests),
      figure("Cost", dollars(stats.totalCost)),
      figure("Saved", dollars(stats.savedCost)),
      figure("Cache hit rate", percent(stats.cacheHitRate)),
      figure("Error rate", percent(stats.errorRate)),
      figure("Latency p95", milliseconds(stats.latency?.p95Ms)),
    );
    const used = Object.entries(stats.byModel ?? {});
    at("by-model").tBodies[0].replaceChildren(
      ...used.map(([name, model]) =>
        row([
          name,
          model.totalRequests,
          dollars(model.totalCost),
          percent(model.cacheHitRate),
          model.errors,
          milliseconds(model.latency?.p95Ms),
        ]),
      ),
    );
    at("figures").hidden = false;
    at("by-model").hidden = used.length === 0;
    say("stats-state", `Since midnight UTC, read at ${new Date().toLocaleTimeString()}.`);
  } catch (error) {
    at("figures").hidden = at("by-model").hidden = true;
    say("stats-state", error.message, "error");
  }
}

async function showAnswer(response) {
  for await (const data of events(response)) {
    if (data === "[DONE]") return true;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Error(chunk.error.message);
    at("answer").append(chunk.choices?.[0]?.delta?.content ?? "");
  }
  return false;
}

async function ask(event) {
  event.preventDefault();
  at("send").disabled = true;
  at("answer").textContent = "";
  say("answer-state", "Waiting …");
  const started = performance.now();
  try {
    const response = await fetch("/api/ai/v2/chat", {
      method: "POST",
      headers: { "content-type": "application/json", ...credentials() },
      body: JSON.stringify({
        model: at("model").value,
        messages: [{ role: "user", content: at("message").value }],
        stream: true,
      }),
    });
    if (!response.ok) throw new Error((await response.json()).error.message);
    const served = `${response.headers.get("x-ai-model") ?? ""} · cache ${response.headers.get("x-cache") ?? "–"}`;
    say("answer-state", served);
    if (!(await showAnswer(response))) throw new Error("The answer was cut off.");
    say("answer-state", `${served} · ${milliseconds(Math.round(performance.now() - started))}`);
  } catch (error) {
    say("answer-state", error.message, "error");
  } finally {
    at("send").disabled = false;
    showStats();
  }
}

// A link may carry the token behind the #, which browsers never send to a server.
function takeTokenFromLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  sessionStorage.setItem(TOKEN, token);
  history.replaceState(null, "", location.pathname);
}

function refresh() {
  if (document.hidden) return;
  showHealth();
  showStats();
}

takeTokenFromLink();
at("ask").addEventListener("submit", ask);
at("access").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, at("token").value);
  at("token").value = "";
  showStats();
});
refresh();
setInterval(refresh, REFRESH_MS);
