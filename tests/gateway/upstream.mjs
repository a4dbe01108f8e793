// A container's server that shows what it was asked, for the gateway's tests. Plain JavaScript: it runs inside a container.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const name = process.env.SERVICE_NAME ?? "upstream";
/** The first one has WebSockets too. */
const [port = 3000, ...others] = (process.env.SERVICE_PORTS ?? "3000").split(",").map(Number);
const events = { posts: 0 };

const server = createServer(handle);

function handle(request, response) {
  // Not new URL(): a request may have any target, and this server must not end at one.
  const [pathname, query] = request.url.split("?", 2);
  const url = { pathname, searchParams: new URLSearchParams(query) };
  const answer = (body) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(body));
  };
  switch (url.pathname) {
    case "/redirect":
      response.statusCode = 302;
      response.setHeader("location", url.searchParams.get("to"));
      return response.end();
    case "/cookies":
      response.setHeader("set-cookie", url.searchParams.getAll("set"));
      return answer({ name });
    case "/headers":
      for (const [key, value] of url.searchParams) response.setHeader(key, value);
      return answer({ name });
    case "/status":
      response.statusCode = Number(url.searchParams.get("code"));
      return answer({ name });
    case "/events": {
      response.setHeader("content-type", "text/event-stream");
      response.write("data: first\n\n");
      // The second event comes once somebody asks for it: the test sees the first one before.
      return server.once("release", () => response.end("data: second\n\n"));
    }
    case "/release":
      server.emit("release");
      return answer({ name });
    case "/slow":
      return setTimeout(() => answer({ name }), Number(url.searchParams.get("ms")));
    case "/hang":
      return undefined;
    case "/break":
      request.resume();
      events.posts += request.method === "POST" ? 1 : 0;
      return request.socket.destroy();
    case "/posts":
      return answer({ name, posts: events.posts });
    case "/upload": {
      const hash = createHash("sha256");
      let bytes = 0;
      request.on("data", (chunk) => {
        hash.update(chunk);
        bytes += chunk.length;
      });
      return request.on("end", () => answer({ name, bytes, sha256: hash.digest("hex") }));
    }
    default:
      return answer({
        ...{ name, port: request.socket.localPort },
        ...{ method: request.method, url: request.url, headers: request.headers },
      });
  }
}

new WebSocketServer({ server }).on("connection", (socket, request) => {
  socket.send(JSON.stringify({ name, url: request.url }));
  socket.on("message", (message) => socket.send(String(message).toUpperCase()));
});
// As many as the gateway lets one client have: the engine of a busy machine takes them only one by one.
server.listen({ port, host: "0.0.0.0", backlog: 4096 });
for (const other of others) createServer(handle).listen({ port: other, host: "0.0.0.0" });
process.on("SIGTERM", () => process.exit(0));
