// A part of a view that has data of its own: it says when there is none, and why.
import { h } from "./elements.js";

export class Panel {
  #status = h("p", { class: "state", role: "status" });
  #body;

  /** `title` heads it, for screen readers only where it is `plain`; `body` is shown once there is something to show. */
  constructor(title, { plain = false }, ...body) {
    this.#body = h("div", { hidden: true }, ...body);
    this.say("Loading …");
    this.element = h(
      "section",
      { class: "panel" },
      h("h2", { class: plain && "unseen" }, title),
      this.#status,
      this.#body,
    );
  }

  /** Words in place of the data, or nothing. */
  say(text, kind = "") {
    if (this.#status.textContent !== text) this.#status.textContent = text;
    this.#status.className = `state ${kind}`;
    this.#status.hidden = !text;
  }

  /** Loads and shows. What was shown before stays while the next cannot be had. `show` may say that it is empty. */
  async fill(load, show) {
    try {
      const empty = show(await load());
      this.#body.hidden = Boolean(empty);
      this.say(empty || "");
    } catch (error) {
      if (error.status === undefined) throw error;
      if (error.locked) this.#body.hidden = true;
      this.say(words(error), error.absent ? "" : "bad");
      if (error.locked) throw error;
    }
  }
}

function words(error) {
  if (error.locked) return "This needs the admin token.";
  return error.absent ? "This deployment does not offer this." : error.message;
}

/** Waits for all panels; throws what one of them could not deal with. */
export async function done(panels) {
  const failed = (await Promise.allSettled(panels)).find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
}
