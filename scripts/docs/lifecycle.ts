/** `npm run docs:lifecycle`: writes docs/lifecycle.md from the table of core/lifecycle.ts. */
import { writeFile } from "node:fs/promises";
import { lifecyclePage } from "../../core/lifecycleText.ts";

await writeFile(new URL("../../docs/lifecycle.md", import.meta.url), lifecyclePage());
