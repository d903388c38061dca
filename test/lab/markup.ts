/** A strict reader of markup: every tag is closed in order, every attribute quoted, every ampersand an entity. */
export interface Element {
  name: string;
  attributes: Record<string, string>;
  /** The text directly within, entities decoded. */
  text: string;
}

/** All elements in the order of their start tags; throws where an XML parser would. */
export function readElements(markup: string, { voids = [] as string[] } = {}): Element[] {
  const elements: Element[] = [];
  const open: Element[] = [];
  const token = /<!doctype html>|<(\/?)([A-Za-z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  while (token.lastIndex < markup.length) {
    const at = token.lastIndex;
    const match = token.exec(markup);
    if (!match) throw new Error(`not markup at ${at}: ${markup.slice(at, at + 60)}`);
    const [, closing, name, attributes, selfClosing, text] = match;
    if (text !== undefined) {
      const inside = open.at(-1);
      if (inside) inside.text += inside.name === 'style' ? text : decode(text);
      else if (text.trim()) throw new Error(`text outside of the root: ${text}`);
    } else if (name === undefined) {
      // The doctype.
    } else if (closing) {
      const last = open.pop();
      if (last?.name !== name) throw new Error(`</${name}> closes <${last?.name}> at ${at}`);
    } else {
      const pairs = [...attributes.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [key, decode(value)]);
      if (new Set(pairs.map(([key]) => key)).size < pairs.length) throw new Error(`an attribute twice in <${name}>`);
      const element = { name, attributes: Object.fromEntries(pairs), text: '' };
      elements.push(element);
      if (!selfClosing && !voids.includes(name)) open.push(element);
    }
  }
  if (open.length > 0) throw new Error(`never closed: ${open.map(({ name }) => name).join(' > ')}`);
  return elements;
}

function decode(text: string): string {
  return text.replace(/&(#x[\da-f]+|#\d+|\w+)?;?/gi, (entity, name: string | undefined) => {
    const known: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
    if (name?.startsWith('#') && entity.endsWith(';')) {
      return String.fromCodePoint(name[1] === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1)));
    }
    if (!name || !entity.endsWith(';') || known[name] === undefined) throw new Error(`a bare ampersand: ${text}`);
    return known[name];
  });
}
