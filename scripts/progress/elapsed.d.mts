/** Milliseconds as people read them: `0.4 s`, `12 s`, `2 min 05 s`. */
export function elapsed(ms: number): string;
