import { type Json, type JsonObject, valueAt } from './json.ts';
import type { ResourceSpec } from './resources.ts';
import { StatusError } from './status.ts';

/** Reads a field selector: `a.b=c`, `a.b!=c`, joined by commas; only fields that the resource offers. */
export function parseFieldSelector(text: string, { kind, fields }: ResourceSpec): (object: JsonObject) => boolean {
  const terms = text.split(',').filter((term) => term.trim() !== '');
  const requirements = terms.map((term) => {
    const [, field = '', operator, value = ''] = /^\s*([^=!\s]+)\s*(==|=|!=)\s*(.*?)\s*$/.exec(term) ?? [];
    if (operator === undefined) {
      throw new StatusError('BadRequest', `invalid selector: '${text}'; can't understand '${term}'`);
    }
    if (field !== 'metadata.name' && field !== 'metadata.namespace' && !fields.includes(field)) {
      throw new StatusError('BadRequest', `field label not supported: ${field} (of ${kind})`);
    }
    const path = field === 'source' ? ['source', 'component'] : field.split('.');
    return (object: JsonObject) => (textOf(valueAt(object, path)) === value) === (operator !== '!=');
  });
  return (object) => requirements.every((meets) => meets(object));
}

/** A field that is not there is the empty string; for a boolean that is `false`. */
function textOf(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
