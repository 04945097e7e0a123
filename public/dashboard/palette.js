// Which colour a name has: the first come keep theirs while the page is open; the rest share the last one.

export const COLOURS = 6;
export const REST = "others";

export class Palette {
  #known = new Map();

  /** The class of a name's colour. */
  of(name) {
    if (name === REST) return "s0";
    if (!this.#known.has(name) && this.#known.size < COLOURS) this.#known.set(name, `s${this.#known.size + 1}`);
    return this.#known.get(name) ?? "s0";
  }

  /** Whether a name has a colour of its own, or may still get one. */
  has(name) {
    return this.of(name) !== "s0";
  }
}
