/** HTTP actions: exact paths, prefixes, methods, bodies, headers. */
import { httpRouter } from "convex/server";
import { api, internal } from "./_generated/api";
import { httpAction } from "./_generated/server";

const http = httpRouter();

http.route({
  path: "/echo",
  method: "POST",
  handler: httpAction(async (_ctx, request) => {
    const headers = { "content-type": request.headers.get("content-type") ?? "none", "x-custom": "yes" };
    return new Response(await request.text(), { status: 201, headers });
  }),
});

http.route({
  path: "/labels",
  method: "GET",
  handler: httpAction(async (ctx) => Response.json(await ctx.runQuery(internal.nested.labels, {}))),
});

http.route({
  path: "/labels",
  method: "POST",
  handler: httpAction(async (ctx, request) => {
    await ctx.runMutation(internal.nested.add, { label: await request.text() });
    return new Response(null, { status: 204 });
  }),
});

http.route({
  pathPrefix: "/files/",
  method: "GET",
  handler: httpAction((_ctx, request) => {
    const { pathname, searchParams } = new URL(request.url);
    return Promise.resolve(Response.json({ pathname, q: searchParams.get("q") }));
  }),
});

http.route({
  path: "/files/exact",
  method: "GET",
  handler: httpAction(() => Promise.resolve(new Response("the exact one"))),
});

http.route({
  path: "/whoami",
  method: "GET",
  handler: httpAction(async (ctx) => {
    const own = (await ctx.auth.getUserIdentity())?.tokenIdentifier ?? null;
    const inQuery = (await ctx.runQuery(api.identity.whoami, {}))?.tokenIdentifier ?? null;
    return Response.json([own, inQuery]);
  }),
});

http.route({
  path: "/fails",
  method: "GET",
  handler: httpAction(() => Promise.reject(new Error("the action failed"))),
});

http.route({
  path: "/bytes",
  method: "GET",
  handler: httpAction(() =>
    Promise.resolve(
      new Response(new Uint8Array([0, 1, 254, 255]), {
        headers: { "content-type": "application/octet-stream" },
      }),
    ),
  ),
});

http.route({
  path: "/stream",
  method: "GET",
  handler: httpAction(() => {
    const parts = ["one ", "two ", "three"];
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const part = parts.shift();
        if (part === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(part));
      },
    });
    return Promise.resolve(new Response(body));
  }),
});

export default http;
