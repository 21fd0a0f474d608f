/** `Content-Disposition` (RFC 6266): always a download, under a name that cannot break out of the header. */

export function attachment(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  // RFC 6266, appendix D: no percent sign either, some agents decode it.
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/gu, "_");
  if (plain === name) return `attachment; filename="${name}"`;
  return `attachment; filename="${plain}"; filename*=UTF-8''${extValue(name)}`;
}

/** RFC 8187, section 3.2.1. */
function extValue(text: string): string {
  return encodeURIComponent(text).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
