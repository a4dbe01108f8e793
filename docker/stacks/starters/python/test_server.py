import json
import os
import re
import signal
import subprocess
import sys
import unittest
from urllib.error import HTTPError
from urllib.request import urlopen


class ServerTest(unittest.TestCase):
    def setUp(self):
        env = {**os.environ, "PORT": "0", "SLIPWAY_PROJECT": "<shop>", "SLIPWAY_ENVIRONMENT": "test"}
        self.server = subprocess.Popen(
            [sys.executable, "server.py"], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        line = self.server.stdout.readline()
        self.base = f"http://127.0.0.1:{re.search(r'port ([0-9]+)', line)[1]}"

    def tearDown(self):
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()

    def get(self, path):
        with urlopen(self.base + path, timeout=5) as response:
            return response.read().decode()

    def test_the_page_shows_the_project_escaped_with_relative_urls_only(self):
        html = self.get("/")
        self.assertIn("<h1>&lt;shop&gt;</h1>", html)
        self.assertNotRegex(html, r'(href|src)="/')

    def test_visits_are_counted(self):
        self.get("/")
        self.get("/")
        self.assertEqual(json.loads(self.get("/api/visits")), {"visits": 2})

    def test_health_answers_and_unknown_pages_are_404(self):
        self.assertEqual(self.get("/health"), "ok\n")
        with self.assertRaises(HTTPError) as refused:
            self.get("/nowhere")
        self.assertEqual(refused.exception.code, 404)
        refused.exception.close()

    def test_sigterm_ends_the_server(self):
        self.server.send_signal(signal.SIGTERM)
        self.assertEqual(self.server.wait(timeout=5), 0)


if __name__ == "__main__":
    unittest.main()
