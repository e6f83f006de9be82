import { parseAllDocuments, stringify } from 'yaml';
import { redact } from './value.ts';
import { redactText } from './text.ts';

/**
 * A manifest, one or several objects in YAML or JSON, without what must not be written down. Of a Secret only its name
 * stays. A text that is no YAML, a Corefile say, is read as a text.
 */
export function redactManifest(text: string): string {
  if (!/^\s*["']?kind["']?\s*:/m.test(text)) return redactText(text);
  const documents = parseAllDocuments(text);
  if (documents.length === 0 || documents.some(({ errors }) => errors.length > 0)) return redactText(text);
  const objects = documents.map((document) => document.toJS() as unknown);
  const clean = objects.map((object) => redact(object));
  if (clean.every((object, index) => object === objects[index])) return redactText(text);
  return clean.map((object) => stringify(object)).join('---\n');
}
