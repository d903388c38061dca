import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './temporary-folder.ts';

const root = new URL('..', import.meta.url);
const readme = await readFile(new URL('README.md', root), 'utf8');
const packageFile = JSON.parse(await readFile(new URL('package.json', root), 'utf8'));
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code]) => code);

describe('the README', () => {
  /** Runs an example in an empty folder; returns what it prints where it would print the words in `printed`. */
  async function outputOf(example: string, printed: string) {
    const module = example.replace("'annlab'", JSON.stringify(new URL('src/index.ts', root).href));
    const print = `console.log(JSON.stringify({ ids: [...ids], distances: [...distances], ${printed} }));`;
    const argv = ['--input-type=module-typescript', '--eval', module.replace(/console\.log.*\n/, print)];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: temporaryFolder() });
    return JSON.parse(stdout);
  }

  it('has an example that runs and finds what is nearest', async () => {
    const { ids, distances, work } = await outputOf(blocks('ts')[0], 'work');
    expect(ids).toEqual([17, 18]);
    expect(distances[0]).toBeLessThan(distances[1]);
    expect(work.distances).toBeGreaterThan(0);
  });

  it('has one that asks for a recall', async () => {
    const { ids, quick } = await outputOf(blocks('ts')[1], 'quick: [...quick.ids]');
    expect(ids).toHaveLength(10);
    expect(quick.filter((id: number) => ids.includes(id)).length).toBeGreaterThanOrEqual(7);
  });

  it('has one that walks on few bytes', async () => {
    const { ids, distances, bytes } = await outputOf(
      blocks('ts')[2],
      'bytes: [bytes.codeBytes, bits.codeBytes, parts.payloadBytes]',
    );
    expect([ids[0], distances[0]]).toEqual([0, 0]);
    expect(bytes).toEqual([80, 48, 16]);
  });

  it('has one that builds another graph, deletes and adds', async () => {
    const { ids, distances, degree } = await outputOf(blocks('ts')[3], 'degree: index.stats().meanDegree');
    expect(ids).toHaveLength(10);
    expect([ids[0], distances[0]]).toEqual([0, 0]);
    expect(ids).not.toContain(17);
    expect(degree).toBeGreaterThan(5);
  });

  it('has one that adds and searches on all cores', async () => {
    const { ids, distances, found } = await outputOf(blocks('ts')[4], 'found: [...found]');
    expect([ids[0], ids[2]]).toEqual([1, 3]);
    expect(distances[0]).toBeCloseTo(0.01, 5);
    expect(found).toEqual([2, 2]);
  });

  it('has one that saves and opens, and no others', async () => {
    const [, , , , , example, ...others] = blocks('ts');
    expect(others).toEqual([]);
    const { ids, distances, ok, faults } = await outputOf(example, 'ok, faults');
    expect(ids).toEqual([19, 17]);
    expect(distances[0]).toBeLessThan(0.01);
    expect([ok, faults]).toEqual([true, []]);
  });

  it('names only commands that exist', () => {
    const named = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(2);
    for (const name of named) expect(Object.keys(packageFile.scripts)).toContain(name);
  });

  it('shows the help as it is', async () => {
    const script = fileURLToPath(new URL('src/lab/start.ts', root));
    const { stdout } = await promisify(execFile)(process.execPath, [script, '--help']);
    expect(blocks('text')).toContain(stdout);
  });

  it('links only to files that are there', async () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)]
      .map(([, link]) => link)
      .filter((link) => !/^https?:/.test(link));
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) expect(await readFile(new URL(link, root), 'utf8')).not.toBe('');
  });
});
