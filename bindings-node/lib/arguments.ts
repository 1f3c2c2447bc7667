/** What commands take: text, bytes and numbers; other things the way ioredis makes them text. */

const ALLOWED = "allowed is a string, Buffer, Uint8Array, number, bigint, boolean or null";

/** Whether the native part can take these as they are. */
export function isPlain(args: readonly unknown[]): boolean {
  for (const argument of args) {
    if (typeof argument === "string") continue;
    if (typeof argument === "number" ? Number.isNaN(argument) : !isPlainOther(argument))
      return false;
  }
  return true;
}

function isPlainOther(argument: unknown): boolean {
  if (argument === null || argument instanceof Uint8Array) return true;
  return typeof argument === "boolean" || typeof argument === "bigint";
}

/**
 * The error for arguments that would be stored as `undefined` or `[object Object]`. Some commands
 * take objects of fields, and lists are flattened.
 */
export function argumentFault(
  name: string | undefined,
  args: readonly unknown[],
  takesFields: boolean,
): TypeError | undefined {
  const [first, ...rest] = name === undefined ? args : [name, ...args];
  if (typeof first !== "string") {
    return fault(`the name of a command is ${typeName(first)}: allowed is a string`);
  }
  const last = rest.at(-1);
  const given = (typeof last === "function" ? rest.slice(0, -1) : rest).flat();
  for (const [place, argument] of given.entries()) {
    if (takesFields && isFields(argument)) {
      const wrong = fieldsOf(argument).find((value) => !isAllowed(value));
      if (wrong !== undefined || fieldsOf(argument).includes(undefined)) {
        return fault(`a field of ${first.toUpperCase()} is ${typeName(wrong)}: ${ALLOWED}`);
      }
    } else if (!isAllowed(argument)) {
      const shown = first.slice(0, 32).toUpperCase();
      return fault(`argument ${place + 1} of ${shown} is ${typeName(argument)}: ${ALLOWED}`);
    }
  }
  return undefined;
}

function isAllowed(value: unknown): boolean {
  if (value === undefined || typeof value === "symbol" || typeof value === "function") return false;
  if (typeof value === "number") return !Number.isNaN(value);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return true;
  if (ArrayBuffer.isView(value)) return false;
  // Those that say what they are as text, such as dates and URLs.
  return value.toString !== Object.prototype.toString;
}

function isFields(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const isBytes = value instanceof Uint8Array;
  return value instanceof Map || (!isBytes && value.toString === Object.prototype.toString);
}

function fieldsOf(value: object): unknown[] {
  return value instanceof Map ? [...value].flat() : Object.values(value);
}

function typeName(value: unknown): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === undefined) return "undefined";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function fault(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: "invalid_argument" });
}
