// What openapi-typescript makes of the document: the bodies that people write have types, and those types refuse mistakes.
import type { components, paths, webhooks } from "./openapi-typescript";

type Schemas = components["schemas"];

/** Fails to compile where a schema became `unknown` or `any`. */
type IsUnknown<T> = unknown extends T ? true : false;
function isTyped<T>(_: IsUnknown<T> extends true ? never : "typed") {}
isTyped<Schemas["NewMessage"]>("typed");
isTyped<Schemas["Reply"]>("typed");
isTyped<Schemas["Simulate"]>("typed");
isTyped<Schemas["NewCustomer"]>("typed");
isTyped<webhooks["com.kobliat.message.received.v1"]>("typed");

const message: Schemas["NewMessage"] = {
  conversation_id: "019a0000-0000-7000-8000-000000000001",
  direction: "outbound",
  body: "Hello",
  metadata: { order: { number: 7 } },
};
const reply: Schemas["Reply"] = { body: "In blue." };
const simulate: Schemas["Simulate"] = { scenario: "curious_shopper", seed: 7 };
// @ts-expect-error a direction that there is not
const wrong: Schemas["NewMessage"] = { conversation_id: "c", direction: "sideways" };
// @ts-expect-error a typo
const typo: Schemas["Reply"] = { boddy: "In blue." };

type Made = paths["/api/v1/messages"]["post"]["responses"][201]["content"]["application/json"];
const seq = (made: Made): number => made.seq;
const kept = (made: Made): unknown => made.metadata["order"];

export { kept, message, reply, seq, simulate, typo, wrong };
