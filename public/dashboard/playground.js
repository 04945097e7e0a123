// A question to the gateway, its answer as it comes, and how it came about.
import { events } from "../sse.js";
import { ApiError, chat, failure, read } from "./api.js";
import { badge, field, h, offer } from "./elements.js";
import { dollars, milliseconds, percent, plain } from "./format.js";
import { worstFirst } from "./models.js";
import { Table } from "./table.js";

const pair = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

export class Playground {
  #model = h("select", {}, h("option", { value: "auto" }, "auto (the router chooses)"));
  #message = h("textarea", { required: true, maxlength: 20_000, rows: 5 }, "What is a circuit breaker?");
  #fresh = h("input", { type: "checkbox" });
  #send = h("button", { class: "primary" }, "Send");
  #stop = h("button", { type: "button", hidden: true }, "Stop");
  #state = h("p", { class: "state", role: "status" });
  #answer = h("div", { class: "answer", role: "log", "aria-label": "Answer", tabindex: 0, hidden: true });
  #facts = h("dl", { class: "facts", hidden: true });
  #tries = new Table("Tries", [
    { name: "Try", cell: (each) => plain(each.model) },
    { name: "Outcome", cell: (each) => badge(plain(each.outcome), each.outcome === "ok" ? "good" : "bad") },
    { name: "Status", figure: true, cell: (each) => plain(each.status) },
    { name: "Time", figure: true, cell: (each) => milliseconds(each.milliseconds) },
    { name: "Cost", figure: true, cell: (each) => dollars(each.cost) },
  ]);
  #why = h("details", { hidden: true });
  #form = h(
    "form",
    { class: "ask" },
    field("Message", this.#message),
    h(
      "div",
      { class: "controls" },
      field("Model", this.#model),
      field("Skip the cache", this.#fresh, "check"),
      this.#send,
      this.#stop,
    ),
  );
  #hangUp = null;

  title = "Playground";
  element = h(
    "section",
    { class: "panel" },
    h("h2", { class: "unseen" }, "Ask"),
    this.#form,
    this.#state,
    this.#answer,
    this.#facts,
    this.#why,
  );

  constructor() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
    this.#stop.addEventListener("click", () => this.#hangUp?.abort());
    this.#message.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#form.requestSubmit();
    });
  }

  async refresh() {
    const health = await read("/api/ai/health", {}, { anyway: true }).catch(() => ({}));
    offer(
      this.#model,
      worstFirst(health.models)
        .map(({ name }) => name)
        .sort(),
    );
  }

  #say(text, kind = "") {
    this.#state.textContent = text;
    this.#state.className = `state ${kind}`;
  }

  async #ask() {
    if (this.#hangUp) return;
    this.#hangUp = new AbortController();
    this.#busy(true);
    this.#say("Waiting …");
    this.#answer.textContent = "";
    try {
      await this.#stream(this.#hangUp.signal);
    } catch (error) {
      if (error.name === "AbortError" || this.#hangUp.signal.aborted) this.#say("Stopped.");
      else if (error instanceof ApiError || error instanceof SyntaxError || error instanceof TypeError) {
        this.#say(error instanceof ApiError ? error.message : "The answer was cut off.", "bad");
      } else throw error;
    } finally {
      this.#hangUp = null;
      this.#busy(false);
    }
  }

  #busy(busy) {
    this.#send.disabled = busy;
    this.#stop.hidden = !busy;
    if (busy) {
      this.#facts.hidden = true;
      this.#why.hidden = true;
      this.#answer.hidden = true;
    }
    this.#answer.setAttribute("aria-busy", String(busy));
  }

  async #stream(signal) {
    const started = performance.now();
    const body = { model: this.#model.value, messages: [{ role: "user", content: this.#message.value }], stream: true };
    if (this.#fresh.checked) Object.assign(body, { enableCache: false, enableDedup: false });
    const response = await chat(body, signal);
    if (!response.ok) throw await failure(response);
    let first = null;
    let ended = false;
    let told = {};
    for await (const data of events(response)) {
      if (data === "[DONE]") {
        ended = true;
        break;
      }
      const chunk = JSON.parse(data);
      if (chunk.error) throw new ApiError(String(chunk.error.message ?? "The answer failed."));
      if (chunk.gateway?.restart) this.#answer.textContent = "";
      const text = chunk.choices?.[0]?.delta?.content ?? "";
      if (text) {
        first ??= performance.now() - started;
        this.#answer.hidden = false;
        this.#answer.append(String(text));
        this.#say("Answering …");
      }
      told = chunk.gateway?.metadata ? chunk.gateway : told;
    }
    if (!ended) throw new ApiError("The answer was cut off.");
    this.#say("");
    this.#explain(told, first, performance.now() - started);
  }

  #explain({ modelUsed, modelRequested, provider, cached, cost, metadata = {} }, first, whole) {
    const { cache = {}, routing = {} } = metadata;
    this.#facts.replaceChildren(
      pair("Model", plain(modelUsed)),
      pair("Provider", plain(provider)),
      pair("Cache", cached ? badge(`hit (${cached})`, "good") : plain(cache.status)),
      pair("Cost", dollars(cost)),
      pair("Saved", dollars(cache.savedUsd)),
      pair("First token", milliseconds(first)),
      pair("Whole answer", milliseconds(whole)),
    );
    this.#facts.hidden = false;
    const tries = Array.isArray(metadata.attempts) ? metadata.attempts : [];
    this.#tries.show(tries);
    const chain = Array.isArray(routing?.fallbackChain) ? routing.fallbackChain : [];
    this.#why.replaceChildren(
      h("summary", {}, "How it came about"),
      h("p", {}, routing?.reasoning ? String(routing.reasoning) : `${plain(modelRequested)} was asked for.`),
      routing?.task &&
        h(
          "p",
          { class: "quiet" },
          `Task ${routing.task}, ${percent(routing.taskConfidence)} sure; complexity ${plain(routing.complexity)}.`,
        ),
      chain.length > 0 && h("p", { class: "quiet" }, `Would be tried next: ${chain.join(", ")}.`),
      tries.length > 0 && this.#tries.element,
      h("p", { class: "quiet" }, "Request ", h("code", {}, plain(metadata.requestId))),
    );
    this.#why.hidden = false;
  }
}
