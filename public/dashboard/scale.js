// Axes (pure): round steps, and which labels have room.

/** Steps from 0 to at least `most`: 1, 2 or 5 times a power of ten apart, about `wanted` of them. */
export function steps(most, wanted = 4) {
  if (!(most > 0)) return [0, 1];
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((each) => each * power >= rough) * power;
  const ticks = [];
  for (let n = 0; n <= Math.ceil(most / step - 1e-9); n += 1) ticks.push(n * step);
  return ticks;
}

/** Which of `length` places are labelled so that each label has `room` pixels of `width`. */
export function labelled(length, width, room) {
  const every = Math.max(1, Math.ceil((length * room) / Math.max(1, width)));
  const last = length - 1;
  return [...Array(length).keys()].filter((at) => (last - at) % every === 0);
}
