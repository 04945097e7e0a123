// Plays scenarios with Anthropic's client for Node and prints what it made of each, as JSON lines:
// client.mjs URL KEY SCENARIO…
import Anthropic from "@anthropic-ai/sdk";

const [, , baseURL, apiKey, ...scenarios] = process.argv;
const defaultHeaders = { "x-user-id": "u1", "x-user-tier": "master" };
const client = new Anthropic({ baseURL, apiKey, maxRetries: 0, defaultHeaders });
const common = { model: "claude-sonnet-5-5", max_tokens: 100 };
const messages = [{ role: "user", content: "Hello" }];
const tools = [{ name: "weather", input_schema: { type: "object", properties: { city: { type: "string" } } } }];
const textOf = (message) => message.content.map((block) => block.text ?? "").join("");

async function raised(work) {
  try {
    await work();
    return null;
  } catch (error) {
    return { kind: error.constructor.name, status: error.status ?? null, type: error.type ?? null };
  }
}

async function conversation(ask) {
  const said = [...messages];
  const texts = [];
  const calls = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const answer = await ask({ ...common, messages: said, tools });
    said.push({ role: "assistant", content: answer.content });
    const called = answer.content.filter((block) => block.type === "tool_use");
    calls.push(...called.map((block) => [block.id, block.input]));
    texts.push(textOf(answer));
    const results = called.map((block) => ({ type: "tool_result", tool_use_id: block.id, content: "sunny" }));
    said.push({ role: "user", content: results.length ? results : "And?" });
  }
  return { calls, texts };
}

const played = {
  async json() {
    const answer = await client.messages.create({ ...common, messages });
    return { text: textOf(answer), model: answer.model, reason: answer.stop_reason, id: Boolean(answer._request_id) };
  },
  async stream() {
    let text = "";
    const stream = client.messages.stream({ ...common, messages }).on("text", (piece) => (text += piece));
    const answer = await stream.finalMessage();
    return { text, whole: textOf(answer), reason: answer.stop_reason, output: answer.usage.output_tokens };
  },
  tools: () => conversation((options) => client.messages.create(options)),
  streamedTools: () => conversation((options) => client.messages.stream(options).finalMessage()),
  async image() {
    const source = { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" };
    const content = [{ type: "image", source }, { type: "text", text: "What is it?" }];
    return { text: textOf(await client.messages.create({ ...common, messages: [{ role: "user", content }] })) };
  },
  async errors() {
    const create = (options) => () => client.messages.create({ ...common, messages, ...options });
    const stranger = new Anthropic({ baseURL, apiKey: "wrong", maxRetries: 0 });
    return {
      field: await raised(create({ max_tokens: 0 })),
      model: await raised(create({ model: "nothing-of-ours" })),
      key: await raised(() => stranger.messages.create({ ...common, messages })),
      upstream: await raised(create({})),
    };
  },
  async broken() {
    const stream = client.messages.stream({ ...common, messages });
    let text = "";
    stream.on("text", (piece) => (text += piece));
    return { error: await raised(() => stream.finalMessage()), text };
  },
  async abort() {
    const stream = client.messages.stream({ ...common, messages });
    stream.on("text", () => stream.abort());
    return { error: await raised(() => stream.finalMessage()), aborted: stream.aborted };
  },
};

for (const scenario of scenarios) console.log(JSON.stringify(await played[scenario]()));
