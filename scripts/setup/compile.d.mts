/** `root` and `file` are absolute; the path of the JavaScript to import. Rejects with what is wrong with a source. */
export function compile(root: string, file: string): Promise<string>;
