import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from page import page

HERE = Path(__file__).parent
visits = 0
counting = threading.Lock()


def about():
    return {
        "project": os.environ.get("SLIPWAY_PROJECT", "My project"),
        "namespace": os.environ.get("SLIPWAY_NAMESPACE", "–"),
        "environment": os.environ.get("SLIPWAY_ENVIRONMENT", "local"),
    }


def count_visit():
    global visits
    with counting:
        visits += 1
        return visits


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 75

    def do_GET(self):
        path = urlsplit(self.path).path
        if path == "/health":
            self.answer(200, "text/plain", "ok\n")
        elif path == "/style.css":
            self.answer(200, "text/css", (HERE / "style.css").read_text())
        elif path == "/api/visits":
            self.answer(200, "application/json", json.dumps({"visits": visits}))
        elif path == "/":
            self.answer(200, "text/html", page(**about(), visits=count_visit()))
        else:
            self.answer(404, "text/plain", "There is no such page.\n")

    def answer(self, status, kind, body):
        data = body.encode()
        self.send_response(status)
        self.send_header("content-type", f"{kind}; charset=utf-8")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *args):
        if urlsplit(self.path).path != "/health":
            super().log_message(format, *args)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    server = Server(("", int(os.environ.get("PORT", "8000"))), Handler)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on port {server.server_port}", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    main()
