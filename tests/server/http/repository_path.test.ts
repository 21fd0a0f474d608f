/** Names with slashes in paths: sent encoded they are always themselves, sent plain they are read from the right. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { withNameEncoded } from "../../../server/http/repository_path.ts";

const word = fc.constantFrom("a", "tags", "history", "restore", "retention", "holds", "v1", "repositories");
const name = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join("/"));
const tag = fc.constantFrom("v1", "tags", "history", "restore");
const part = fc.constantFrom("history", "restore");
const at = (rest: string) => withNameEncoded(`/v1/repositories/${rest}`);

test("an encoded name is a name, whatever it says, and stays as it is", () => {
  fc.assert(
    fc.property(name, tag, part, (name, tag, part) => {
      const encoded = encodeURIComponent(name);
      expect(at(encoded)).toBe(`/v1/repositories/${encoded}`);
      expect(at(`${encoded}/tags/${tag}/${part}`)).toBe(`/v1/repositories/${encoded}/tags/${tag}/${part}`);
    }),
  );
});

test("a plain name before a part of it is the whole name; alone it is, unless it ends like a part", () => {
  fc.assert(
    fc.property(name, tag, part, (name, tag, part) => {
      const encoded = encodeURIComponent(name);
      expect(at(`${name}/tags/${tag}/${part}`)).toBe(`/v1/repositories/${encoded}/tags/${tag}/${part}`);
      const [noun, , last] = name.split("/").slice(-3);
      const likePart = name.split("/").length > 3 && noun === "tags" && ["history", "restore"].includes(last ?? "");
      if (!likePart) expect(at(name)).toBe(`/v1/repositories/${encoded}`);
    }),
  );
});

test("every other path passes", () => {
  for (const path of ["/", "/v1/repositories", "/v1/tag-rules", "/v2/a/b/tags/list", "/v1/repositoriesx/a/b"]) {
    expect(withNameEncoded(path)).toBe(path);
  }
});
