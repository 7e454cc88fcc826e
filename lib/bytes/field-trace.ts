/**
 * What a decoder read, field by field: the cursors tell it while {@link traceFields} runs one. Off otherwise.
 *
 * Ambient, not a parameter: the decoders that records are opened with are then also the ones that name a file's fields, without
 * knowing of it. docs/decisions/field-trace.md.
 */
import { BlobFormatError, type BlobFormatFault } from '../errors.ts';
import { settleFields, type FieldKind, type PlacedField, type TracedField } from './field-order.ts';

export type { FieldKind, PlacedField } from './field-order.ts';

/** What came of a traced run. */
export interface FieldTrace<T> {
  /** What the run answered, unless it failed. */
  readonly result?: T;
  /** What it threw. */
  readonly error?: unknown;
  /** The field that was refused, where a cursor refused one; `offset` from the start of the input. */
  readonly fault?: BlobFormatFault;
  /** In the order of their offsets; up to the fault, if there is one. */
  readonly fields: readonly PlacedField[];
  /** False where there were more fields than are kept, 16,384. */
  readonly complete: boolean;
}

/**
 * Runs a decoder and tells every field that it read of `input`.
 *
 * Offsets count from the start of `input` also where a decoder reads a part through a cursor of its own. What it reads of other
 * memory is left out, unless {@link copyBytes} made it of the input. Fields that were read twice are told once.
 *
 * @param input - What the decoder is given. Nothing of it is kept.
 * @param run - Synchronous: what it does after an `await` is not traced.
 * @example
 * ```ts
 * const { fields, fault } = traceFields(bytes, () => decodeSimpleBlob(bytes));
 * ```
 */
export function traceFields<T>(input: Uint8Array, run: () => T): FieldTrace<T> {
  const trace = new RunningTrace(input);
  const outer = fieldTrace;
  fieldTrace = trace;
  let outcome: { result: T } | { error: unknown };
  try {
    outcome = { result: run() };
  } catch (error) {
    outcome = { error };
  } finally {
    fieldTrace = outer;
  }
  const fault = 'error' in outcome ? trace.faultOf(outcome.error) : undefined;
  const { fields, complete } = trace;
  return { ...outcome, ...(fault && { fault }), fields: settleFields(fields), complete };
}

/** What cursors tell a trace: where in `memory`, their whole input, something lies. */
interface FieldRead {
  readonly memory: Uint8Array;
  readonly at: number;
  readonly length: number;
  readonly format: string;
  readonly field: string;
  readonly kind: FieldKind;
  readonly value?: number;
  /** Of `der`: bytes of its tag and length. */
  readonly header?: number;
}

class RunningTrace {
  readonly fields: TracedField[] = [];
  complete = true;
  readonly #input: Uint8Array;
  /** By the memory of a copy: where in the input that memory would begin. */
  readonly #copies = new Map<ArrayBufferLike, number>();
  #isLastKept = false;
  #fault: (BlobFormatFault & { readonly from: number }) | undefined;

  constructor(input: Uint8Array) {
    this.#input = input;
  }

  read({ memory, at, length, format, field, kind, value, header }: FieldRead): void {
    const offset = this.#offsetOf(memory, at);
    const isOurs = offset !== undefined && offset + length <= this.#input.length;
    this.#isLastKept = isOurs && this.fields.length < MAX_FIELDS;
    if (!isOurs) return;
    if (!this.#isLastKept) {
      this.complete = false;
      return;
    }
    this.fields.push({
      format,
      field,
      offset,
      length,
      kind,
      ...(value !== undefined && { value }),
      ...(header !== undefined && { contents: offset + header }),
    });
  }

  /** Decoders copy what must not change while they read it: the copy lies where the original does. */
  copied(from: Uint8Array, copy: Uint8Array): void {
    const offset = this.#offsetOf(from, 0);
    if (offset !== undefined && this.#copies.size < MAX_COPIES)
      this.#copies.set(copy.buffer, offset - copy.byteOffset);
  }

  /** The number that the value just told turned out to be. */
  number(value: number): void {
    const last = this.#isLastKept ? this.fields.pop() : undefined;
    if (last) this.fields.push({ ...last, value });
  }

  /** A cursor refuses a field; `told` is the offset that its error has. */
  refuse(memory: Uint8Array, at: number, fault: BlobFormatFault): void {
    const offset = this.#offsetOf(memory, at) ?? fault.offset;
    this.#fault = { ...fault, offset, from: fault.offset };
  }

  faultOf(error: unknown): BlobFormatFault | undefined {
    if (!(error instanceof BlobFormatError)) return undefined;
    const { format, field, offset, problem } = error;
    const refused = this.#fault;
    const isThis = refused?.problem === problem && refused.from === offset;
    return { format, field, offset: isThis ? refused.offset : offset, problem };
  }

  /** Cursors over parts count from where these begin; memory knows better. */
  #offsetOf(memory: Uint8Array, at: number): number | undefined {
    const start =
      memory.buffer === this.#input.buffer
        ? -this.#input.byteOffset
        : this.#copies.get(memory.buffer);
    if (start === undefined) return undefined;
    const offset = start + memory.byteOffset + at;
    return offset >= 0 && offset <= this.#input.length ? offset : undefined;
  }
}

/** The trace of the run that is under way. Cursors look at it once for every read: that is all that tracing costs when it is off. */
export let fieldTrace: RunningTrace | undefined;

/** Far above any format's fields; a hostile file must not grow a list without end. */
const MAX_FIELDS = 16_384;
const MAX_COPIES = 4096;
