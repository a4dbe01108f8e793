// A deployed service of the tests, given to `node -e` in a container. It tells who it is, and behaves as VERSION says:
// `sick` never answers well, `pensive` takes 700 ms to say that it is well, `dies` ends a while after the gateway first led
// somebody to it, `shy` hangs up on whomever it leads there; but to the health check `breaks` answers 500, `hangs` nothing at
// all, and `tears` breaks its answers off.
import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";

const { VERSION, BEHAVIOUR = "well", PORT } = process.env;
const name = `${VERSION}/${randomUUID().slice(0, 8)}`;
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const posts = new Map();

const server = createServer((request, response) => {
  const [path, query] = request.url.split("?", 2);
  const answer = (more = {}) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ version: VERSION, name, ...more }));
  };
  if (BEHAVIOUR === "sick") return ((response.statusCode = 503), response.end());
  // The worker asks for its health without the gateway's headers, and proves a route by the same path with them.
  const isLed = request.headers["x-request-id"] !== undefined;
  if (BEHAVIOUR === "dies" && isLed) setTimeout(() => process.exit(7), 200);
  if (BEHAVIOUR === "shy" && isLed) return request.socket.destroy();
  if (path === "/health") return BEHAVIOUR === "pensive" ? setTimeout(answer, 700) : answer();
  if (BEHAVIOUR === "breaks") {
    request.resume();
    return ((response.statusCode = 500), answer());
  }
  if (BEHAVIOUR === "hangs") return undefined;
  if (BEHAVIOUR === "tears") {
    response.setHeader("content-length", 1000);
    response.write("the beginning");
    return setTimeout(() => request.socket.destroy(), 20);
  }
  switch (path) {
    case "/drip": {
      const dripping = setInterval(() => response.write("drip"), 100);
      return response.once("close", () => clearInterval(dripping));
    }
    case "/slow":
      return setTimeout(answer, Number(new URLSearchParams(query).get("ms")));
    // An answer that has begun and takes its time: no proxy can have it anew from another container.
    case "/pieces": {
      const PIECES = 12;
      const everyMs = Number(new URLSearchParams(query).get("ms")) / PIECES;
      response.setHeader("content-type", "application/json");
      response.write(`{"version":${JSON.stringify(VERSION)},"pieces":"`);
      let written = 0;
      const timer = setInterval(() => {
        written += 1;
        if (written < PIECES) return response.write("x".repeat(1000));
        clearInterval(timer);
        response.end('"}');
      }, everyMs);
      return response.on("close", () => clearInterval(timer));
    }
    case "/posts":
      return answer({ posts: Object.fromEntries(posts) });
    case "/post": {
      const id = request.headers["x-post-id"];
      posts.set(id, (posts.get(id) ?? 0) + 1);
      console.log(`POST ${id}`);
      let bytes = 0;
      request.on("data", (chunk) => (bytes += chunk.length));
      return request.on("end", () => setTimeout(() => answer({ bytes }), 5));
    }
    default:
      return answer();
  }
});

// Enough of RFC 6455 to echo short text frames: no library is in the container.
server.on("upgrade", (request, socket) => {
  const accept = createHash("sha1")
    .update(request.headers["sec-websocket-key"] + GUID)
    .digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.on("error", () => socket.destroy());
  socket.on("data", (frame) => {
    if ((frame[0] & 0x0f) === 8) return socket.end(Buffer.from([0x88, 0]));
    const length = frame[1] & 0x7f;
    const mask = frame.subarray(2, 6);
    const text = Buffer.from(frame.subarray(6, 6 + length)).map((byte, index) => byte ^ mask[index % 4]);
    const reply = Buffer.from(`${VERSION}:${text}`);
    socket.write(Buffer.concat([Buffer.from([0x81, reply.length]), reply]));
  });
});
server.keepAliveTimeout = 5_000;
server.listen(Number(PORT), "0.0.0.0");
// As a well-behaved server: what is in progress is answered, then it ends.
process.on("SIGTERM", () => server.close(() => process.exit(0)));
