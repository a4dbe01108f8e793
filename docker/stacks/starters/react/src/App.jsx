import { useState, version } from "react";

export function App({ project, namespace, environment }) {
  const [count, setCount] = useState(0);
  return (
    <main>
      <span className="badge">{environment}</span>
      <h1>{project}</h1>
      <p>
        Running in a container of its own. Edit <code>src/App.jsx</code>, and this page is new at once.
      </p>
      <dl>
        <dt>Stack</dt>
        <dd>React {version}</dd>
        <dt>Namespace</dt>
        <dd>
          <code>{namespace}</code>
        </dd>
      </dl>
      <button onClick={() => setCount(count + 1)}>{times(count)}</button>
    </main>
  );
}

export const times = (count) => (count === 0 ? "Press me" : `Pressed ${count === 1 ? "once" : `${count} times`}`);
