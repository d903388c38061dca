/** Colours of the exercises' commands; node:util leaves them out where NO_COLOR is set or nobody is at a terminal. */
import { styleText } from 'node:util';

export const paint = {
  good: (text: string) => styleText('green', text),
  bad: (text: string) => styleText('red', text),
  open: (text: string) => styleText('yellow', text),
  strong: (text: string) => styleText('bold', text),
  faint: (text: string) => styleText('dim', text),
};

/** Markdown with each paragraph on a line of its own, lists and code left as they are: ready to be wrapped. */
export function reflow(markdown: string): string {
  const lines: string[] = [];
  let fenced = false;
  let open = false;
  for (const line of markdown.split('\n')) {
    const fence = /^\s*(```|~~~)/.test(line);
    const begins =
      fenced || fence || line.trim() === '' || /^\s*([-*|>]|\d+\.|#+)\s/.test(line) || /^( {4}|\|)/.test(line);
    if (open && !begins) lines[lines.length - 1] += ` ${line.trim()}`;
    else lines.push(line);
    if (fence) fenced = !fenced;
    open = !fenced && !fence && line.trim() !== '' && !/^( {4}|\|)/.test(line);
  }
  return lines.join('\n');
}

/** Words in lines of at most so many characters; lines that are there already, and indents, stay. */
export function wrap(text: string, { indent = '', width = Math.min(process.stdout.columns ?? 100, 100) } = {}): string {
  const room = Math.max(30, width - indent.length);
  return text
    .split('\n')
    .flatMap((line) => {
      const lead = /^\s*(?:[-*] |\d+\. )?/.exec(line)![0];
      const rest = ' '.repeat(lead.length);
      const lines: string[] = [];
      let current = lead;
      for (const word of line.slice(lead.length).split(' ')) {
        if (current.trim() !== '' && current.length + 1 + word.length > room) {
          lines.push(current);
          current = rest + word;
        } else {
          current += current === lead || current === rest ? word : ` ${word}`;
        }
      }
      return [...lines, current];
    })
    .map((line) => (indent + line).trimEnd())
    .join('\n');
}
