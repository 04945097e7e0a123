// The dashboard: which view is shown, who is signed in, and when it is refreshed.
import { hasToken, keepToken, read, takeTokenFromLink } from "./api.js";
import { Budgets } from "./budgets.js";
import { ApiKeys } from "./keys.js";
import { Models } from "./models.js";
import { Overview } from "./overview.js";
import { Playground } from "./playground.js";
import { Requests } from "./requests.js";
import { Rollout } from "./rollout.js";

const REFRESH_MS = 15_000;
const VIEWS = {
  overview: Overview,
  models: Models,
  requests: Requests,
  budgets: Budgets,
  rollout: Rollout,
  keys: ApiKeys,
  playground: Playground,
};
const OPEN_TO_ALL = new Set(["models", "playground"]);
const at = (id) => document.getElementById(id);

const made = new Map();
let live = true;
let busy = false;

const chosen = () => {
  const name = location.hash.slice(1);
  return Object.hasOwn(VIEWS, name) ? name : "overview";
};

function view(name) {
  if (!made.has(name)) made.set(name, new VIEWS[name]());
  return made.get(name);
}

async function showOverall() {
  try {
    const { status } = await read("/api/ai/health", {}, { anyway: true });
    at("overall").textContent = `Service ${String(status)}`;
    at("overall").className = `badge ${{ healthy: "good", degraded: "warn" }[status] ?? "bad"}`;
  } catch (error) {
    at("overall").textContent = error.message;
    at("overall").className = "badge bad";
  }
}

/** Loads the shown view's data. A token that nobody knows is forgotten. */
async function refresh() {
  if (busy) return;
  busy = true;
  const name = chosen();
  try {
    const wanted = OPEN_TO_ALL.has(name) || hasToken() ? view(name).refresh() : null;
    await Promise.all([showOverall(), wanted]);
    at("updated").textContent = `Updated ${new Date().toISOString().slice(11, 19)} UTC`;
  } catch (error) {
    if (!error.locked) throw error;
    keepToken("");
    at("access-state").textContent = "That token is not known here.";
    show();
  } finally {
    busy = false;
    if (name !== chosen()) refresh();
  }
}

function show() {
  const name = chosen();
  const locked = !OPEN_TO_ALL.has(name) && !hasToken();
  at("access").hidden = !locked;
  at("sign-out").hidden = !hasToken();
  at("view").hidden = locked;
  if (!locked) at("view").replaceChildren(view(name).element);
  for (const link of at("views").querySelectorAll("a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const current = at("views").querySelector("[aria-current]");
  current.scrollIntoView({ block: "nearest", inline: "nearest" });
  const title = current.textContent;
  at("title").textContent = title;
  document.title = `${title} · AI Orchestrator`;
}

function go() {
  show();
  refresh();
}

takeTokenFromLink();
addEventListener("hashchange", () => {
  go();
  at("title").focus();
});
at("access").addEventListener("submit", (event) => {
  event.preventDefault();
  keepToken(at("token").value.trim());
  at("token").value = "";
  at("access-state").textContent = "";
  go();
});
at("sign-out").addEventListener("click", () => {
  keepToken("");
  made.clear();
  go();
});
at("live").addEventListener("click", () => {
  live = !live;
  at("live").setAttribute("aria-pressed", String(live));
  if (live) refresh();
});
document.addEventListener("visibilitychange", () => {
  if (live && !document.hidden) refresh();
});
setInterval(() => {
  if (live && !document.hidden) refresh();
}, REFRESH_MS);
go();
