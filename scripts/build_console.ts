/**
 * Embeds the API console, so that every runtime and the single-file program serve it without a file or a CDN.
 * Run it when swagger-ui-dist changes: `bun scripts/build_console.ts`. It writes server/console/assets.gen.ts.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const ROOT = join(import.meta.dirname, "..");
const SOURCE = join(ROOT, "node_modules/swagger-ui-dist");
const TYPES: Readonly<Record<string, string>> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "favicon-32x32.png": "image/png",
  // Apache-2.0, section 4: whoever passes the work on passes these on.
  LICENSE: "text/plain; charset=utf-8",
  NOTICE: "text/plain; charset=utf-8",
  "swagger-ui-bundle.js.LICENSE.txt": "text/plain; charset=utf-8",
};

const { version } = JSON.parse(readFileSync(join(SOURCE, "package.json"), "utf8")) as { version: string };
const lines = Object.entries(TYPES).map(([name, type]) => {
  // A source map is a megabyte that nobody here reads; without the line no browser asks for it.
  const bytes = name.endsWith(".js") || name.endsWith(".css") ? withoutMap(name) : readFileSync(join(SOURCE, name));
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  const gzip = gzipSync(bytes, { level: 9 }).toString("base64");
  return `  ${JSON.stringify(name)}: { type: ${JSON.stringify(type)}, hash: "${hash}", size: ${bytes.length}, gzip: "${gzip}" },`;
});
writeFileSync(
  join(ROOT, "server/console/assets.gen.ts"),
  `/** Made by scripts/build_console.ts from swagger-ui-dist ${version} (Apache-2.0). Not to be edited. */
export interface Asset {
  readonly type: string;
  /** First 16 hex digits of the SHA-256 of the bytes. */
  readonly hash: string;
  /** Bytes. */
  readonly size: number;
  /** Base64 of the bytes under gzip. */
  readonly gzip: string;
}

export const ASSETS: Readonly<Record<string, Asset>> = {
${lines.join("\n")}
};
`,
);

function withoutMap(name: string): Buffer {
  const text = readFileSync(join(SOURCE, name), "utf8");
  return Buffer.from(text.replace(/\n?(?:\/\/|\/\*)# sourceMappingURL=\S+(?:\s*\*\/)?\s*$/, "\n"));
}
