import type { Json } from './json.ts';
import type { ResourceSpec } from './resources.ts';
import { StatusError } from './status.ts';

/** One thing that is wrong with a field, as the cause of a Status names it (meta/v1 StatusCause). */
interface FieldProblem {
  readonly reason: string;
  readonly field: string;
  readonly message: string;
}

/** All that is wrong with an object, said at once, in the words of kube-apiserver. */
export class FieldProblems {
  readonly #problems: FieldProblem[] = [];

  invalid(field: string, value: Json | undefined, why: string): void {
    this.#add('FieldValueInvalid', field, `Invalid value: ${JSON.stringify(value ?? null)}: ${why}`);
  }

  required(field: string, why = ''): void {
    this.#add('FieldValueRequired', field, `Required value${why === '' ? '' : `: ${why}`}`);
  }

  unsupported(field: string, value: Json | undefined, supported: readonly string[]): void {
    const values = supported.map((each) => JSON.stringify(each)).join(', ');
    const message = `Unsupported value: ${JSON.stringify(value ?? null)}: supported values: ${values}`;
    this.#add('FieldValueNotSupported', field, message);
  }

  forbidden(field: string, why: string): void {
    this.#add('FieldValueForbidden', field, `Forbidden: ${why}`);
  }

  duplicate(field: string, value: Json): void {
    this.#add('FieldValueDuplicate', field, `Duplicate value: ${JSON.stringify(value)}`);
  }

  /** Refuses the object with 422 when there is anything to say. */
  throwIfAny(resource: Pick<ResourceSpec, 'kind' | 'group'>, name: string): void {
    if (this.#problems.length > 0) throw this.asError(resource, name);
  }

  /** The refusal that says all of it. */
  asError({ kind, group }: Pick<ResourceSpec, 'kind' | 'group'>, name: string): StatusError {
    const sentences = this.#problems.map(({ field, message }) => `${field}: ${message}`);
    const what = `${kind}${group === '' ? '' : `.${group}`} ${JSON.stringify(name)} is invalid`;
    const said = sentences.length === 1 ? sentences[0] : `[${sentences.join(', ')}]`;
    return new StatusError('Invalid', `${what}: ${said}`, { name, group, kind, causes: this.#problems });
  }

  #add(reason: string, field: string, message: string): void {
    this.#problems.push({ reason, field, message });
  }
}
