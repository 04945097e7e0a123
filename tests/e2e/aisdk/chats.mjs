// Drives the AI SDK's chat (what useChat wraps) of one major version against two instances, one scenario per line of
// stdin, and prints what became of each as a line of JSON: chats.mjs PACKAGE API OTHER_API TOKEN
import { createInterface } from "node:readline";

const [, , packageName, api, otherApi, token] = process.argv;
const { AbstractChat, DefaultChatTransport, lastAssistantMessageIsCompleteWithToolCalls } = await import(packageName);

const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

class State {
  status = "ready";
  error = undefined;
  constructor(messages = []) {
    this.messages = messages;
  }
  pushMessage(message) {
    this.messages = [...this.messages, message];
  }
  popMessage() {
    this.messages = this.messages.slice(0, -1);
  }
  replaceMessage(index, message) {
    this.messages = this.messages.with(index, structuredClone(message));
  }
  snapshot(value) {
    return structuredClone(value);
  }
}

class Chat extends AbstractChat {}

let chats = 0;
let playing = "";

// A new one in each scenario: whatever is still under way of another's is no duplicate.
const question = () => ({ text: `What is a lease, ${packageName} ${playing}?` });
const say = (fields) => console.log(JSON.stringify(fields));

// A connection that breaks off, as networks do, when `cut` is called.
function cuttable() {
  const connection = new AbortController();
  let cut;
  const broken = new Promise((resolve) => (cut = resolve));
  const cuttableFetch = async (url, init) => {
    const response = await fetch(url, { ...init, signal: connection.signal });
    const reader = response.body.getReader();
    const body = new ReadableStream({
      async pull(controller) {
        const piece = await Promise.race([reader.read(), broken]);
        if (piece === undefined) {
          connection.abort();
          controller.error(new TypeError("network error"));
        } else if (piece.done) {
          controller.close();
        } else {
          controller.enqueue(piece.value);
        }
      },
    });
    return new Response(body, { status: response.status, headers: response.headers });
  };
  return { fetch: cuttableFetch, cut: () => cut(undefined) };
}

function newChat({ id, messages, body = {}, fetch, ...more } = {}) {
  const transport = new DefaultChatTransport({
    api,
    fetch,
    headers: { authorization: `Bearer ${token}`, "x-user-id": packageName, "x-user-tier": "master" },
    body: { model: "gpt-4o", enableCache: false, ...body },
    prepareReconnectToStreamRequest: ({ id }) => ({ api: `${otherApi}/${encodeURIComponent(id)}/stream` }),
  });
  const ends = [];
  const chat = new Chat({
    id: id ?? `${packageName}-${++chats}`,
    state: new State(messages),
    transport,
    onFinish: ({ finishReason, isAbort, isError, isDisconnect }) =>
      ends.push({ finishReason, isAbort, isError, isDisconnect }),
    ...more,
  });
  return { chat, ends };
}

const told = ({ chat, ends }) => ({
  status: chat.status,
  error: chat.error?.message ?? null,
  messages: chat.messages,
  ends,
});

async function until(seen) {
  while (!seen()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const textOf = (message) => message?.parts.filter((part) => part.type === "text").map((part) => part.text).join("") ?? "";
const showing = (chat) => until(() => chat.lastMessage?.role === "assistant" && textOf(chat.lastMessage) !== "");

async function ask(options, message = question()) {
  const asked = newChat(options);
  await asked.chat.sendMessage(message);
  return asked;
}

async function askAndLose() {
  const line = cuttable();
  const asked = newChat({ fetch: line.fetch });
  const sending = asked.chat.sendMessage(question());
  await showing(asked.chat);
  line.cut();
  await sending;
  asked.chat.transport.fetch = undefined;
  return asked;
}

// As useChat's `resume` does; until the server has seen that the connection is gone, there is nothing to come back to.
async function comeBack({ chat, ends }) {
  while (!ends.some((end) => end.finishReason)) await chat.resumeStream();
}

const SCENARIOS = {
  text: async () => told(await ask()),
  reasoning: async () => told(await ask()),
  image: async () => {
    const files = [{ type: "file", mediaType: "image/png", filename: "pixel.png", url: PIXEL }];
    return told(await ask({}, { text: "What is this?", files }));
  },
  tool: async () => {
    const asked = newChat({
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
      onToolCall: ({ toolCall }) => {
        const output = { tool: toolCall.toolName, toolCallId: toolCall.toolCallId, output: { celsius: 9 } };
        void (asked.chat.addToolOutput ?? asked.chat.addToolResult)(output);
      },
    });
    await asked.chat.sendMessage({ text: "How warm is it in Bonn?" });
    await until(() => asked.ends.length === 2);
    return told(asked);
  },
  conversation: async () => {
    const asked = await ask({}, { text: "one" });
    await asked.chat.sendMessage({ text: "two" });
    await asked.chat.sendMessage({ text: "three" });
    return told(asked);
  },
  regenerate: async () => {
    const asked = await ask({ body: { enableCache: true } });
    await asked.chat.regenerate();
    return told(asked);
  },
  refused: async () => told(await ask({ body: { enableFallback: false } })),
  broken: async () => told(await ask({ body: { enableFallback: false } })),
  restarted: async () => {
    const data = [];
    const asked = await ask({ body: { gateway: { restart: "data" } }, onData: (part) => data.push(part) });
    return { ...told(asked), data };
  },
  stop: async () => {
    const asked = newChat({ body: { resume: false } });
    const sending = asked.chat.sendMessage(question());
    await showing(asked.chat);
    await asked.chat.stop();
    await sending;
    return told(asked);
  },
  stopByName: async () => {
    const asked = newChat();
    const sending = asked.chat.sendMessage(question());
    await showing(asked.chat);
    await asked.chat.stop();
    await sending;
    const headers = { authorization: `Bearer ${token}`, "x-user-id": packageName };
    const response = await fetch(`${otherApi}/${asked.chat.id}/stream`, { method: "DELETE", headers });
    return { ...told(asked), deleted: response.status };
  },
  resume: async () => {
    const asked = await askAndLose();
    const lost = { status: asked.chat.status, text: textOf(asked.chat.lastMessage) };
    say({ at: "resuming" });
    await comeBack(asked);
    return { ...told(asked), lost };
  },
  reload: async () => {
    const before = await askAndLose();
    const messages = before.chat.messages.filter((message) => message.role === "user");
    const after = newChat({ id: before.chat.id, messages });
    const resuming = comeBack(after);
    await showing(after.chat);
    say({ at: "showing" });
    await resuming;
    return told(after);
  },
  nothing: async () => {
    const asked = newChat();
    await asked.chat.resumeStream();
    return told(asked);
  },
};

for await (const name of createInterface({ input: process.stdin })) {
  playing = name;
  say({ scenario: name, ...(await SCENARIOS[name]()) });
}
