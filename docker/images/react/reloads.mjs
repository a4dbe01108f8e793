const KEEP_ALIVE_MS = 20_000;

/** The open pages, which are told over server-sent events that the sources changed. */
export function reloads() {
  const open = new Set();
  const timer = setInterval(() => {
    for (const response of open) response.write(": still here\n\n");
  }, KEEP_ALIVE_MS);
  timer.unref();
  return {
    add(response) {
      response.writeHead(200, {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      });
      response.write("retry: 1000\n\n");
      open.add(response);
      response.on("close", () => open.delete(response));
    },
    tell() {
      for (const response of open) response.write("data: changed\n\n");
    },
    close() {
      clearInterval(timer);
      for (const response of open) response.end();
    },
  };
}

/** Put into the page in dev: its URL is relative, because the page is served below a path of its own. */
export const reloadScript = `<script type="module">
new EventSource("__changes").addEventListener("message", () => location.reload());
</script>`;
