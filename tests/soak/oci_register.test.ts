/** What the model of tests/soak/oci holds possible, and what not. */
import { expect, test } from "bun:test";
import { Model } from "./oci_model.ts";
import { Register } from "./oci_register.ts";

const content = { sha256: "sha256:c", sha512: "sha512:c", size: 0, bytes: () => new Uint8Array() };
const model = () => new Model(["a", "b"], ["latest", "v1"]);
const tagOf = (of: Model, tag = "latest") => [...of.in("a").tag(tag).values].sort();

test("what was answered is all there is, until somebody asks for something else", () => {
  const register = new Register();
  const first = register.begin("x");
  expect(register.values).toEqual(new Set([null, "x"]));
  first.done();
  expect(register.values).toEqual(new Set(["x"]));
  const second = register.begin("y");
  expect(register.values).toEqual(new Set(["x", "y"]));
  second.refused();
  expect(register.values).toEqual(new Set(["x"]));
});

test("of two at once either may be the last, also once both were answered; a third ends both", () => {
  const register = new Register();
  const [one, two] = [register.begin("x"), register.begin("y")];
  one.done();
  two.done();
  expect(register.values).toEqual(new Set(["x", "y"]));
  register.begin("z").done();
  expect(register.values).toEqual(new Set(["z"]));
});

test("a change that nobody answered may have been, and ends nothing", () => {
  const register = new Register();
  register.begin("x").done();
  register.begin("y").unknown();
  expect(register.values).toEqual(new Set(["x", "y"]));
  register.begin("z").done();
  expect(register.values).toEqual(new Set(["z"]));
});

test("who looks may see what was before, and what came while they looked", () => {
  const register = new Register();
  register.begin("x").done();
  const seen = register.observe();
  register.begin("y").done();
  register.begin("z").done();
  expect(seen.end()).toEqual(new Set(["x", "y", "z"]));
  register.begin("later");
  expect(seen.end()).toEqual(new Set(["x", "y", "z"]));
  expect(seen.before).toEqual(new Set(["x"]));
});

test("a deleted manifest takes the tags along that point at it, and no others", () => {
  const registry = model();
  registry.pushManifest("a", "m", ["latest"]).done();
  registry.pushManifest("a", "other", ["v1"]).done();
  registry.deleteManifest("a", "m").done();
  expect(tagOf(registry)).toEqual([null]);
  expect(tagOf(registry, "v1")).toEqual(["other"]);
});

test("a push that meets the deletion of its manifest leaves either the tag or nothing", () => {
  const registry = model();
  const deletion = registry.deleteManifest("a", "m");
  const push = registry.pushManifest("a", "m", ["latest"]);
  push.done();
  deletion.done();
  expect(tagOf(registry)).toEqual(["m", null]);
  expect([...registry.in("a").manifest("m").values].sort()).toEqual(["here", null]);
  registry.pushManifest("a", "m", ["latest"]).done();
  expect(tagOf(registry)).toEqual(["m"]);
});

test("a refused deletion leaves everything as it was", () => {
  const registry = model();
  registry.pushManifest("a", "m", ["latest"]).done();
  registry.deleteManifest("a", "m").refused();
  expect(tagOf(registry)).toEqual(["m"]);
});

test("a mount brings the digest that it named, and perhaps another; a deletion takes all", () => {
  const registry = model();
  registry.mountBlob("b", content, content.sha256).done();
  expect([...registry.in("b").blob(content.sha256).values]).toEqual(["here"]);
  expect([...registry.in("b").blob(content.sha512).values].sort()).toEqual(["here", null]);
  expect([...registry.in("b").begun.values]).toEqual(["here"]);
  registry.deleteBlob("b", content).done();
  expect([...registry.in("b").blob(content.sha256).values]).toEqual([null]);
  expect([...registry.in("b").blob(content.sha512).values]).toEqual([null]);
});
