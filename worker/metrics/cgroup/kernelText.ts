/** What the kernel's files say, taken apart. Pure; what is not understood counts as nothing. */

/** `usage_usec 5310` → 5310: files of a word and a number a line. */
export function flatValue(text: string, key: string): number | null {
  // Found without taking the file apart: `memory.stat` has dozens of lines, and one is wanted.
  const at = `\n${text}`.indexOf(`\n${key} `);
  return at === -1 ? null : oneValue(text.slice(at + key.length));
}

/** A file that is one number. */
export function oneValue(text: string): number | null {
  const value = Number.parseInt(text, 10);
  return Number.isNaN(value) ? null : value;
}

export type Bytes = { readBytes: number; writeBytes: number };

/** v1's `blkio.throttle.io_service_bytes_recursive`: lines like `8:0 Read 4096`, of all devices together. */
export function blkioBytes(text: string): Bytes {
  const bytes = { readBytes: 0, writeBytes: 0 };
  for (const [, operation, value] of text.matchAll(/^\d+:\d+ (Read|Write) (\d+)$/gm)) {
    bytes[operation === "Read" ? "readBytes" : "writeBytes"] += Number(value);
  }
  return bytes;
}

/** v2's `io.stat`: lines like `8:0 rbytes=4096 wbytes=0 rios=1 …`, of all devices together. */
export function ioStatBytes(text: string): Bytes {
  const bytes = { readBytes: 0, writeBytes: 0 };
  for (const [, key, value] of text.matchAll(/\b([rw])bytes=(\d+)/g)) {
    bytes[key === "r" ? "readBytes" : "writeBytes"] += Number(value);
  }
  return bytes;
}

/** `/proc/<pid>/net/dev`: all interfaces but the loopback. */
export function netBytes(text: string): { rxBytes: number; txBytes: number } {
  const bytes = { rxBytes: 0, txBytes: 0 };
  for (const line of text.split("\n")) {
    const [, name, rest] = /^\s*([^\s:]+):\s*(.+)$/.exec(line) ?? [];
    if (name === undefined || name === "lo") continue;
    const columns = rest!.trim().split(/\s+/).map(Number);
    bytes.rxBytes += columns[0] || 0;
    bytes.txBytes += columns[8] || 0;
  }
  return bytes;
}

/** `cgroup.procs`: a process id a line. */
export function processIds(text: string): number[] {
  return text.split("\n").flatMap((line) => (/^\d+$/.test(line) ? [Number(line)] : []));
}
