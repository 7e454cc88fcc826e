/** Checks of fields: each takes a decoded value and gives it a type, or refuses the message. */
import { PROTOCOL_LIMITS } from './limits.ts';
import { protocolError } from './protocol-error.ts';

/** @throws KeyStoreError AGENT_PROTOCOL. */
export type Field<Value> = (value: unknown, name: string) => Value;

/** The fields of one map, by name. */
export type Shape = Readonly<Record<string, Field<unknown>>>;

/** What a map of that shape holds. A field that may be absent is undefined then. */
export type Shaped<Fields extends Shape> = {
  readonly [
    Name in keyof Fields as MayBeAbsent<Fields[Name]> extends true ? never : Name
  ]: ReturnType<Fields[Name]>;
} & {
  readonly [
    Name in keyof Fields as MayBeAbsent<Fields[Name]> extends true ? Name : never
  ]?: ReturnType<Fields[Name]>;
};

type MayBeAbsent<F extends Field<unknown>> = undefined extends ReturnType<F> ? true : false;

/** Text of at most `max` characters. */
export function text(max: number = PROTOCOL_LIMITS.text): Field<string> {
  return (value, name) => {
    if (typeof value === 'string' && value.length <= max) return value;
    throw protocolError(`${name}: want a text of at most ${max} characters`);
  };
}

/** A byte string: a view of the message that it came in. */
export function bytes(max: number = PROTOCOL_LIMITS.body, min = 0): Field<Uint8Array> {
  return (value, name) => {
    if (value instanceof Uint8Array && value.length >= min && value.length <= max) return value;
    throw protocolError(`${name}: want ${min} to ${max} bytes`);
  };
}

/** An integer from 0. */
export function integer(max = 0xffffffff): Field<number> {
  return (value, name) => {
    if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max)
      return value as number;
    throw protocolError(`${name}: want 0 to ${max}`);
  };
}

export function flag(): Field<boolean> {
  return (value, name) => {
    if (typeof value === 'boolean') return value;
    throw protocolError(`${name}: want true or false`);
  };
}

export function oneOf<const Value extends string>(values: readonly Value[]): Field<Value> {
  return (value, name) => {
    const found = values.find((known) => known === value);
    if (found !== undefined) return found;
    throw protocolError(`${name}: want one of ${values.join(', ')}`);
  };
}

/** May be absent. */
export function optional<Value>(field: Field<Value>): Field<Value | undefined> {
  return (value, name) => (value === undefined ? undefined : field(value, name));
}

export function nullable<Value>(field: Field<Value>): Field<Value | null> {
  return (value, name) => (value === null ? null : field(value, name));
}

export function list<Value>(
  field: Field<Value>,
  max: number = PROTOCOL_LIMITS.elements,
): Field<readonly Value[]> {
  return (value, name) => {
    if (!Array.isArray(value) || value.length > max)
      throw protocolError(`${name}: want a list of at most ${max}`);
    return value.map((element) => field(element, name));
  };
}

/** A map with these fields and no others. */
export function map<Fields extends Shape>(shape: Fields): Field<Shaped<Fields>> {
  const names = Object.keys(shape);
  return (value, name) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw protocolError(`${name}: want a map`);
    const given = value as Record<string, unknown>;
    let known = 0;
    const read: Record<string, unknown> = {};
    for (const field of names) {
      const one = given[field];
      if (one !== undefined) known++;
      read[field] = shape[field]!(one, field);
    }
    if (Object.keys(given).length !== known) {
      const unknown = Object.keys(given).find((field) => !names.includes(field)) ?? '';
      throw protocolError(`${name} has no field ${JSON.stringify(unknown.slice(0, 32))}`);
    }
    return read as Shaped<Fields>;
  };
}

/** What a property may hold: any value of the protocol. The provider judges it. */
export function anyValue(): Field<unknown> {
  return (value) => value;
}
