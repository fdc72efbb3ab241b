// A guest in JavaScript: the last part of the path says what it is to do.

import { Store } from "fermyon:spin/key-value@2.0.0";
import * as Variables from "fermyon:spin/variables@2.0.0";

const routes = {
  hello: () => new Response("hello from JavaScript"),
  headers: ({ headers }) => Response.json({ path: headers.get("spin-path-info"), mine: headers.get("x-mine") }),
  echo: ({ body }) => new Response(body),
  json: async (request) => Response.json({ method: request.method, got: await request.json() }, { status: 201 }),
  drip: (_, query) => new Response(drip(Number(query.get("chunks")))),
  fetch: (_, query) => asked(query.get("url"), { headers: { "x-mine": "1" } }),
  send: (_, query) => asked(query.get("url"), { method: "POST", body: "from JavaScript" }),
  store,
  forbidden: () => new Response(failure(() => Store.open("other"))),
  variable: (_, query) => new Response(Variables.get(query.get("name"))),
  say: () => (console.log("said"), console.error("complained"), new Response()),
  throw: () => { throw new Error("as I was told"); },
  loop: () => { for (;;); },
  hoard: () => { for (const all = []; ;) all.push(new Uint8Array(1 << 20).fill(1)); },
};

addEventListener("fetch", (event) => event.respondWith(serve(event.request)));

async function serve(request) {
  const url = new URL(request.url);
  const route = routes[url.pathname.split("/").pop()];
  return route ? route(request, url.searchParams) : new Response("no such path", { status: 404 });
}

/** A body in chunks, each made when it is asked for and after a timer. */
function drip(chunks) {
  const encoder = new TextEncoder();
  let made = 0;
  return new ReadableStream({
    async pull(controller) {
      if (made === chunks) return controller.close();
      await new Promise((done) => setTimeout(done, 1));
      controller.enqueue(encoder.encode(`chunk ${++made}\n`));
    },
  });
}

/** Status and body of what another server answers. */
async function asked(url, options) {
  try {
    const response = await fetch(url, options);
    return new Response(`${response.status} ${await response.text()}`);
  } catch (error) {
    return new Response(String(error), { status: 502 });
  }
}

function store() {
  const it = Store.open("default");
  it.set("greeting", new TextEncoder().encode("hello"));
  const value = new TextDecoder().decode(it.get("greeting"));
  const keys = it.getKeys();
  it.delete("greeting");
  return Response.json({ value, keys, after: it.exists("greeting") });
}

/** The error variant that a call of the host ends with. */
function failure(call) {
  try {
    call();
  } catch (error) {
    return error.payload.tag;
  }
  return "none";
}
