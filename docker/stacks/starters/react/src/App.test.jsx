import assert from "node:assert/strict";
import { test } from "node:test";
import { renderToString } from "react-dom/server";
import { App, times } from "./App.jsx";

test("the page shows the project and its environment, escaped", () => {
  const html = renderToString(<App project="<shop>" namespace="project_1_a" environment="test" />);
  assert.match(html, /<h1>&lt;shop&gt;<\/h1>/);
  assert.match(html, /class="badge">test</);
  assert.match(html, /project_1_a/);
});

test("the button says how often it was pressed", () => {
  assert.deepEqual([0, 1, 2].map(times), ["Press me", "Pressed once", "Pressed 2 times"]);
});
