import { createRoot } from "react-dom/client";
import { App } from "./App.jsx";
import "./style.css";

const about = {
  project: process.env.SLIPWAY_PROJECT || "My project",
  namespace: process.env.SLIPWAY_NAMESPACE || "–",
  environment: process.env.SLIPWAY_ENVIRONMENT || "local",
};

document.title = `${about.project} · ${about.environment}`;
createRoot(document.getElementById("root")).render(<App {...about} />);
