/** `/docs`: the description as a page that one can try calls on. Everything comes from this server. */
import type { Context } from "hono";
import type { Asset } from "../console/assets.gen.ts";
import type { App, AppEnv } from "../env.ts";
import { HttpError } from "../http/error.ts";

/** Nothing runs but our own files, and nothing is asked but this server. (Icons in the style sheet are data: URLs.) */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Kept out of the page, where the policy would not let it run. */
const START = `addEventListener("DOMContentLoaded", () => {
  SwaggerUIBundle({
    url: new URL("openapi.json", document.baseURI).href,
    domNode: document.getElementById("console"),
    deepLinking: true,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    validatorUrl: null,
  });
});
`;

/** Half a megabyte of text: loaded when somebody looks. */
const assets = async (): Promise<Readonly<Record<string, Asset>>> => (await import("../console/assets.gen.ts")).ASSETS;

export function consoleRoutes(app: App): void {
  app.get("/docs", async () => {
    return new Response(page(await assets()), {
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": POLICY,
        "cache-control": "no-cache",
      },
    });
  });
  app.get("/docs/", (c) => c.redirect("../docs", 308));
  app.get("/docs/start.js", () => {
    const headers = { "content-type": "text/javascript; charset=utf-8", "cache-control": "no-cache" };
    return new Response(START, { headers });
  });
  app.get("/docs/:hash/:name", async (c) => {
    const { hash, name } = c.req.param();
    const known = await assets();
    const asset = Object.hasOwn(known, name) ? known[name] : undefined;
    if (asset === undefined || asset.hash !== hash) throw new HttpError("not_found", "There is no such file");
    return sendAsset(c, asset);
  });
}

/** The name has the hash of the content in it, so whoever has it never asks again. */
function sendAsset(c: Context<AppEnv>, asset: Asset): Response {
  const gzip = Uint8Array.from(atob(asset.gzip), (char) => char.charCodeAt(0));
  const packed = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(c.req.header("accept-encoding") ?? "");
  const body = packed ? gzip : new Blob([gzip]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(body, {
    headers: {
      "content-type": asset.type,
      "cache-control": "public, max-age=31536000, immutable",
      vary: "accept-encoding",
      "content-length": String(packed ? gzip.length : asset.size),
      ...(packed ? { "content-encoding": "gzip" } : {}),
    },
  });
}

/** Links are relative, so that the page works below a prefix that a proxy takes away. */
function page(known: Readonly<Record<string, Asset>>): string {
  const link = (name: string) => `docs/${known[name]?.hash}/${name}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>artifact-store API</title>
<link rel="icon" href="${link("favicon-32x32.png")}">
<link rel="stylesheet" href="${link("swagger-ui.css")}">
<script src="${link("swagger-ui-bundle.js")}" defer></script>
<script src="docs/start.js" defer></script>
</head>
<body>
<div id="console"></div>
<noscript>This page needs JavaScript. The description itself is <a href="openapi.json">openapi.json</a>.</noscript>
</body>
</html>
`;
}
