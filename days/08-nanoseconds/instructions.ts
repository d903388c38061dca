/** What a compiled function consists of: Binaryen's text of it, read for the instructions that do something. */

/** The instructions of the exported function, and of those that it calls, in order; constants and variables are left out. */
export async function instructionsOf(binary: Uint8Array, exported: string): Promise<string[]> {
  const { default: binaryen } = await import('assemblyscript/binaryen');
  const module = binaryen.readBinary(binary);
  try {
    module.setFeatures(binaryen.Features.All);
    const text = module.emitText();
    const [, name] = new RegExp(`\\(export "${exported}" \\(func (\\$\\S+?)\\)\\)`).exec(text) ?? [];
    return name === undefined ? [] : within(text, name, []);
  } finally {
    module.dispose();
  }
}

function within(text: string, name: string, callers: readonly string[]): string[] {
  const body = functionText(text, name);
  return [...body.matchAll(/\(([\w.]+)(?: (\$\S+?))?(?=[\s()])/g)].flatMap(([, word, operand]) => {
    if (word === 'call' && !callers.includes(operand)) return ['call', ...within(text, operand, [...callers, name])];
    return /^(loop|[vif]\d+(x\d+)?\.(?!const$).*)$/.test(word) ? [word] : [];
  });
}

/** From `(func $name` to the bracket that closes it. */
function functionText(text: string, name: string): string {
  const from = text.indexOf(`(func ${name} `);
  if (from === -1) return '';
  let open = 0;
  for (let i = from; i < text.length; i++) {
    if (text[i] === '(') open++;
    if (text[i] === ')' && --open === 0) return text.slice(from + 1, i);
  }
  return '';
}
