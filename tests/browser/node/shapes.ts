/** Holds values against the published TypeScript types, so that Rust and TypeScript cannot drift. */

import { fileURLToPath } from "node:url";
import ts from "typescript";

export class Shapes {
  readonly #checker: ts.TypeChecker;
  readonly #types = new Map<string, ts.Type>();

  constructor(declarations: URL) {
    const path = fileURLToPath(declarations);
    const program = ts.createProgram([path], {
      strict: true,
      exactOptionalPropertyTypes: true,
      target: ts.ScriptTarget.ES2022,
    });
    this.#checker = program.getTypeChecker();
    const module = this.#checker.getSymbolAtLocation(program.getSourceFile(path)!)!;
    for (const symbol of this.#checker.getExportsOfModule(module)) {
      this.#types.set(symbol.name, this.#checker.getDeclaredTypeOfSymbol(symbol));
    }
  }

  /** Every way in which the value differs from the type; none where it is exactly of it. */
  faults(name: string, value: unknown): string[] {
    return this.#faults(this.#named(name), value, name);
  }

  /** The names of an object type's fields. */
  fields(name: string): string[] {
    return this.#checker.getPropertiesOfType(this.#named(name)).map((field) => field.name);
  }

  /** The words of a union of texts, or of the field `tag` of a union of objects. */
  words(name: string, tag?: string): string[] {
    const type = this.#named(name);
    const members = type.isUnion() ? type.types : [type];
    return members.map((member) => {
      const word = tag === undefined ? member : this.#field(member, tag);
      if (!word?.isStringLiteral()) throw new Error(`${name} is no union of words`);
      return word.value;
    });
  }

  #named(name: string): ts.Type {
    const type = this.#types.get(name);
    if (type === undefined) throw new Error(`no type ${name}`);
    return type;
  }

  #field(type: ts.Type, name: string): ts.Type | undefined {
    const field = this.#checker.getPropertyOfType(type, name);
    return field && this.#checker.getTypeOfSymbol(field);
  }

  #faults(type: ts.Type, value: unknown, path: string): string[] {
    if (type.isUnion()) {
      const each = type.types.map((member) => this.#faults(member, value, path));
      // The nearest member tells most.
      return each.reduce((best, faults) => (faults.length < best.length ? faults : best));
    }
    if (this.#checker.isArrayType(type)) {
      if (!Array.isArray(value)) return [`${path}: ${shown(value)} is no list`];
      const [item] = this.#checker.getTypeArguments(type as ts.TypeReference);
      return value.flatMap((each, place) => this.#faults(item!, each, `${path}[${place}]`));
    }
    if (type.flags & ts.TypeFlags.Object) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        return [`${path}: ${shown(value)} is no object`];
      }
      return this.#objectFaults(type, value, path);
    }
    return this.#isPrimitive(type, value)
      ? []
      : [`${path}: ${shown(value)} is no ${this.#checker.typeToString(type)}`];
  }

  #objectFaults(type: ts.Type, value: object, path: string): string[] {
    const fields = this.#checker.getPropertiesOfType(type);
    const known = new Set(fields.map((field) => field.name));
    const extra = Object.keys(value).filter((name) => !known.has(name));
    const faults = extra.map((name) => `${path}.${name}: not in the type`);
    for (const field of fields) {
      const at = `${path}.${field.name}`;
      if (Object.hasOwn(value, field.name)) {
        const inner = (value as Record<string, unknown>)[field.name];
        faults.push(...this.#faults(this.#checker.getTypeOfSymbol(field), inner, at));
      } else if (!(field.flags & ts.SymbolFlags.Optional)) {
        faults.push(`${at}: missing`);
      }
    }
    return faults;
  }

  #isPrimitive(type: ts.Type, value: unknown): boolean {
    if (type.isStringLiteral() || type.isNumberLiteral()) return value === type.value;
    if (type.flags & ts.TypeFlags.BooleanLiteral) {
      return String(value) === this.#checker.typeToString(type) && typeof value === "boolean";
    }
    const { String: text, Number: number, BigInt: big, Null: nothing } = ts.TypeFlags;
    if (type.flags & text) return typeof value === "string";
    if (type.flags & number) return typeof value === "number" && Number.isFinite(value);
    if (type.flags & big) return typeof value === "bigint";
    return (type.flags & nothing) !== 0 && value === null;
  }
}

function shown(value: unknown): string {
  return typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? String(value));
}
