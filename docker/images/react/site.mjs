import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { reloadScript } from "./reloads.mjs";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".webp": "image/webp",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

/**
 * Serves the bundle's files, the files in public/, and index.html for every other path without an extension.
 * With `clients` (dev) nothing is cached, an error in the sources is shown, and pages reload.
 */
export function createSite({ bundle, clients, folder = process.cwd() }) {
  return createServer((request, response) => {
    answer(request, response).catch((error) => {
      console.error(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });

  async function answer(request, response) {
    const name = wantedName(request.url);
    if (name === undefined) return send(request, response, 400, ".txt", "That is no path.\n");
    if (name === "health") return send(request, response, 200, ".txt", "ok\n");
    if (clients && name === "__changes") return clients.add(response);
    const { files, error } = await bundle.current();
    if (error && (name === "" || name === "app.js")) return showError(request, response, name, error);
    const bundled = files.get(name);
    if (bundled) return send(request, response, 200, path.extname(name), bundled);
    const file = await readIfThere(path.join(folder, "public", name));
    if (name !== "" && file) return send(request, response, 200, path.extname(name), file);
    if (path.extname(name) !== "") return send(request, response, 404, ".txt", "There is no such file.\n");
    return send(request, response, 200, ".html", await page(files, baseOf(request)));
  }

  async function page(files, base) {
    const html = await readFile(path.join(folder, "index.html"), "utf8");
    const head = [
      files.has("app.css") ? '<link rel="stylesheet" href="app.css" />' : "",
      clients ? reloadScript : "",
    ];
    const script = html.includes("app.js") ? "" : '<script type="module" src="app.js"></script>';
    return html
      .replace("<head>", () => `<head>${base}`)
      .replace("</head>", () => `${head.join("")}</head>`)
      .replace("</body>", () => `${script}</body>`);
  }

  function showError(request, response, name, error) {
    console.error(error);
    if (name === "app.js")
      return send(request, response, 500, ".js", `console.error(${JSON.stringify(error)})`);
    const text = error.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
    const html = `<!doctype html><title>The sources do not build</title>${clients ? reloadScript : ""}<pre>${text}</pre>`;
    send(request, response, 500, ".html", html);
  }

  function send(request, response, status, extension, content) {
    const body = Buffer.from(content);
    const etag = `"${createHash("sha1").update(body).digest("base64url")}"`;
    const headers = {
      "content-type": TYPES[extension] ?? "application/octet-stream",
      "cache-control": clients ? "no-store" : "no-cache",
      etag,
    };
    if (status === 200 && !clients && request.headers["if-none-match"] === etag) {
      response.writeHead(304, headers).end();
      return;
    }
    response.writeHead(status, { ...headers, "content-length": body.length });
    response.end(request.method === "HEAD" ? undefined : body);
  }
}

/** Where the gateway serves this below, so that relative URLs also work on a page with slashes in its path. */
function baseOf(request) {
  const prefix = request.headers["x-forwarded-prefix"] ?? "";
  return /^(\/[\w.-]+)+\/?$/.test(prefix) ? `<base href="${prefix.replace(/\/$/, "")}/" />` : "";
}

/** The path without its first slash, or undefined for one that is damaged or leads outside. */
function wantedName(url) {
  try {
    const name = decodeURIComponent(new URL(url, "http://localhost").pathname).slice(1);
    return name.includes("\0") || name.split("/").includes("..") ? undefined : name;
  } catch {
    return undefined;
  }
}

async function readIfThere(file) {
  try {
    return await readFile(file);
  } catch (error) {
    if (["ENOENT", "EISDIR", "ENOTDIR"].includes(error.code)) return undefined;
    throw error;
  }
}
