type Given<T> = { [P in keyof T]: Exclude<T[P], undefined> };

/** Without what was not given: core tells "absent" from "undefined". */
export function given<T extends object>(values: T): Partial<Given<T>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<Given<T>>;
}
