// Posts a chat with the AI SDK's own transport and prints what its own reader makes of the answer, as JSON lines:
// read_stream.mjs PACKAGE URL TEXT…   (PACKAGE: ai5, ai6 or ai7; one chat per TEXT)
const [, , packageName, api, ...texts] = process.argv;
const { DefaultChatTransport, readUIMessageStream } = await import(packageName);

async function chat(text) {
  const transport = new DefaultChatTransport({ api });
  const question = { id: "m1", role: "user", parts: [{ type: "text", text }] };
  const errors = [];
  let message = null;
  let updates = 0;
  try {
    const stream = await transport.sendMessages({
      chatId: "chat-1",
      trigger: "submit-message",
      messageId: undefined,
      messages: [question],
      abortSignal: undefined,
    });
    const onError = (error) => errors.push(String(error?.message ?? error));
    for await (const snapshot of readUIMessageStream({ stream, onError, terminateOnError: false })) {
      message = structuredClone(snapshot);
      updates += 1;
    }
  } catch (error) {
    errors.push(String(error?.message ?? error));
  }
  return { message, updates, errors };
}

for (const text of texts) {
  console.log(JSON.stringify(await chat(text)));
}
