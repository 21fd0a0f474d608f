import { expect, test } from "bun:test";
import { Room, Rooms } from "../../../core/base/room.ts";
import { turn } from "../../../core/base/turn.ts";

test("who finds all places taken waits for one, in the order of coming, and leaving twice frees one place", async () => {
  const room = new Room(2);
  const [first, second] = [await room.enter(undefined), await room.enter(undefined)];
  const inside: string[] = [];
  const come = async (name: string) => {
    const leave = await room.enter(undefined);
    inside.push(name);
    return leave;
  };
  const [third, fourth] = [come("third"), come("fourth")];
  await turn();
  expect(inside).toEqual([]);
  first();
  first();
  await turn();
  expect(inside).toEqual(["third"]);
  second();
  await turn();
  expect(inside).toEqual(["third", "fourth"]);
  for (const leave of await Promise.all([third, fourth])) leave();
  await room.enter(undefined);
});

test("who goes away while waiting takes no place", async () => {
  const room = new Room(1);
  const leave = await room.enter(undefined);
  const aborter = new AbortController();
  const gone = room.enter(aborter.signal).catch((error) => error.code);
  aborter.abort();
  expect(await gone).toBe("cancelled");
  const next = room.enter(undefined);
  leave();
  (await next)();
});

test("of rooms, each owner has one, and what is small needs no place", async () => {
  const rooms = new Rooms(1, 10);
  const [one, two] = [{}, {}];
  const leave = await rooms.enter(one, 11, undefined);
  (await rooms.enter(two, 11, undefined))();
  (await rooms.enter(one, 10, undefined))();
  let inside = false;
  const next = rooms.enter(one, 11, undefined).then((left) => {
    inside = true;
    return left;
  });
  await turn();
  expect(inside).toBe(false);
  leave();
  (await next)();
});
