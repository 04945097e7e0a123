// Plays scenarios with OpenAI's client for Node and prints what it made of each, as JSON lines:
// client.mjs PACKAGE BASE_URL KEY SCENARIO…   (PACKAGE: openai6 or openai7)
const [, , packageName, baseURL, apiKey, ...scenarios] = process.argv;
const { default: OpenAI } = await import(packageName);

const defaultHeaders = { "x-user-id": "u1", "x-user-tier": "master" };
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, defaultHeaders });
const model = "openai/gpt-4o";
const messages = [{ role: "user", content: "Hello" }];
const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object", properties: {} } } }];
const schema = { name: "city", schema: { type: "object", properties: { name: { type: "string" } } } };
const callsOf = (message) => (message.tool_calls ?? []).map((call) => [call.id, call.function.arguments]);

async function raised(work) {
  try {
    await work();
    return null;
  } catch (error) {
    return { kind: error.constructor.name, status: error.status ?? null, code: error.code ?? null, text: error.message };
  }
}

const played = {
  async json() {
    const answer = await client.chat.completions.create({ model: "gpt-4o", messages });
    return { text: answer.choices[0].message.content, model: answer.model, total: answer.usage.total_tokens };
  },
  async stream() {
    const options = { model, messages, stream: true, stream_options: { include_usage: true } };
    let text = "";
    let usage = null;
    let finish = null;
    for await (const chunk of await client.chat.completions.create(options)) {
      text += chunk.choices[0]?.delta.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    return { text, finish, total: usage.total_tokens };
  },
  async tools() {
    const said = [...messages];
    const texts = [];
    const first = (await client.chat.completions.create({ model, messages: said, tools })).choices[0].message;
    said.push(first, { role: "tool", tool_call_id: first.tool_calls[0].id, content: "rain" });
    for (const next of ["An umbrella?", null]) {
      const message = (await client.chat.completions.create({ model, messages: said, tools })).choices[0].message;
      texts.push(message.content);
      said.push(message, { role: "user", content: next });
    }
    return { calls: callsOf(first), texts };
  },
  async parallel() {
    const options = { messages, tools, temperature: 1.1, parallel_tool_calls: true };
    const whole = (await client.chat.completions.create({ model, ...options })).choices[0].message;
    const stream = client.chat.completions.stream({ model, ...options, temperature: 1.2 });
    return { whole: callsOf(whole), streamed: callsOf((await stream.finalChatCompletion()).choices[0].message) };
  },
  async image() {
    const picture = { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } };
    const content = [{ type: "text", text: "What is it?" }, picture];
    const answer = await client.chat.completions.create({ model, messages: [{ role: "user", content }] });
    return { text: answer.choices[0].message.content };
  },
  async structured() {
    const format = { type: "json_schema", json_schema: schema };
    const answer = await client.chat.completions.create({ model, messages, response_format: format });
    return { parsed: JSON.parse(answer.choices[0].message.content) };
  },
  async errors() {
    const ask = (fields, asking = client) => raised(() => asking.chat.completions.create({ model, messages, ...fields }));
    const bringing = client.withOptions({ defaultHeaders: { ...defaultHeaders, "x-provider-key-openai": "sk-own" } });
    return {
      unknown: await ask({ model: "gpt-99" }),
      wrong: await ask({ messages: [] }),
      stranger: await ask({}, client.withOptions({ apiKey: "wrong" })),
      forbidden: await ask({}, bringing),
      upstream: await ask({ enableFallback: false }),
    };
  },
  async limited() {
    await client.chat.completions.create({ model, messages });
    return await raised(() => client.chat.completions.create({ model, messages, seed: 2 }));
  },
  async spent() {
    return await raised(() => client.chat.completions.create({ model, messages }));
  },
  async broken() {
    let text = "";
    const error = await raised(async () => {
      for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
        text += chunk.choices[0]?.delta.content ?? "";
      }
    });
    return { text, error };
  },
  async abort() {
    const stream = await client.chat.completions.create({ model, messages, stream: true });
    let text = "";
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      if (text) stream.controller.abort();
    }
    return { text };
  },
  async embeddings() {
    const asked = { model: "text-embedding-3-small", input: ["one", "two"], dimensions: 8 };
    const usual = await client.embeddings.create(asked);
    const numbers = await client.embeddings.create({ ...asked, encoding_format: "float" });
    return { usual: usual.data.map((item) => [...item.embedding]), numbers: numbers.data.map((item) => item.embedding) };
  },
  async models() {
    const ids = [];
    for await (const found of client.models.list()) ids.push(found.id);
    const one = await client.models.retrieve("openai/gpt-4o");
    return { ids, one: one.id, missing: await raised(() => client.models.retrieve("openai/gpt-99")) };
  },
};

for (const scenario of scenarios) {
  console.log(JSON.stringify(await played[scenario]()));
}
