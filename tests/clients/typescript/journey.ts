// A client that @hey-api/openapi-ts made, at work: a customer, a conversation, a message, and what the lists show of them.
// Needs KOBLIAT_URL and KOBLIAT_API_KEY.
import assert from "node:assert/strict";
import { client } from "./hey-api/client.gen";
import {
  createConversation, createMessage, getCustomer, listConversations, listMessages, upsertCustomer,
} from "./hey-api/sdk.gen";

const { KOBLIAT_URL: baseUrl, KOBLIAT_API_KEY: key } = process.env;
assert.ok(baseUrl && key, "set KOBLIAT_URL and KOBLIAT_API_KEY");
client.setConfig({ baseUrl, headers: { "X-API-Key": key } });

/** What was answered, or the problem as an error. */
function done<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

async function journey() {
  const customer = done(await upsertCustomer({ body: { external_type: "web", external_id: "generated-client", name: "Ada Lovelace" } }));
  assert.ok("name" in customer && customer.name === "Ada Lovelace");
  const conversation = done(await createConversation({ body: { participants: [customer.id], type: "channel" } }));
  const message = done(
    await createMessage({
      body: { conversation_id: conversation.id, direction: "inbound", sender_customer_id: customer.id, body: "Do you have it in blue?" },
    }),
  );
  assert.equal(message.seq, 1);

  const messages = done(await listMessages({ path: { id: conversation.id } }));
  assert.deepEqual(messages.data.map((one) => one.body), ["Do you have it in blue?"]);
  const conversations = done(await listConversations({ query: { customer_id: customer.id, limit: 10 } }));
  assert.equal(conversations.data[0]?.last_message_preview, "Do you have it in blue?");

  const missing = await getCustomer({ path: { id: "019a0000-0000-7000-8000-0000000000ff" } });
  assert.equal(missing.error?.code, "not_found");
  console.log("journey done");
}

journey().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
