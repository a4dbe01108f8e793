import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { page } from "./page.js";

const port = Number(process.env.PORT ?? 3000);
let visits = 0;

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/health") return send(response, 200, "text/plain", "ok\n");
  if (pathname === "/style.css") return send(response, 200, "text/css", await style());
  if (pathname === "/api/visits") return send(response, 200, "application/json", JSON.stringify({ visits }));
  if (pathname === "/") return send(response, 200, "text/html", page({ ...about(), visits: ++visits }));
  send(response, 404, "text/plain", "There is no such page.\n");
});

const style = () => readFile(new URL("public/style.css", import.meta.url));

const about = () => ({
  project: process.env.SLIPWAY_PROJECT ?? "My project",
  namespace: process.env.SLIPWAY_NAMESPACE ?? "–",
  environment: process.env.SLIPWAY_ENVIRONMENT ?? "local",
});

function send(response, status, type, body) {
  response.writeHead(status, { "content-type": `${type}; charset=utf-8` });
  response.end(body);
}

server.listen(port, () => console.log(`listening on port ${server.address().port}`));

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
