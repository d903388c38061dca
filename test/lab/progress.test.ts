import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { startProgress } from '../../src/lab/progress.ts';

class Screen extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns = 100;
  // What Node's readline asks of a terminal; drawing is not what is tested here.
  readonly cursorTo = () => true;
  readonly clearLine = () => true;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

describe('progress', () => {
  it('is a plain line every few seconds where there is no terminal', () => {
    const screen = new Screen(false);
    let now = 0;
    const progress = startProgress({
      label: 'building',
      total: 1000,
      unit: 'vectors',
      stream: screen,
      everySeconds: 3,
      now: () => now,
    });
    for (let done = 0; done <= 1000; done += 10) {
      now = done * 10;
      progress.update(done);
    }
    progress.stop();
    expect(screen.text.split('\n')).toEqual([
      'building: 300 of 1,000 vectors, 30 %, 100/s, 7.0 s left',
      'building: 600 of 1,000 vectors, 60 %, 100/s, 4.0 s left',
      'building: 900 of 1,000 vectors, 90 %, 100/s, 1.0 s left',
      '',
    ]);
  });

  it('says nothing about what is over before the first line is due', () => {
    const screen = new Screen(false);
    const progress = startProgress({ label: 'quick', total: 2, unit: 'vectors', stream: screen, now: () => 5 });
    progress.update(1);
    progress.update(2);
    progress.stop();
    expect(screen.text).toBe('');
  });

  it('counts where the total is not known, and takes it when it is', () => {
    const screen = new Screen(false);
    let now = 0;
    const progress = startProgress({ label: 'fetching', total: 0, unit: 'bytes', stream: screen, now: () => now });
    now = 4000;
    progress.update(8000);
    now = 8000;
    progress.update(16_000, 400_000);
    expect(screen.text.split('\n')).toEqual([
      'fetching: 8,000 bytes, 2,000/s',
      'fetching: 16,000 of 400,000 bytes, 4 %, 2,000/s, 3 min 12 s left',
      '',
    ]);
  });

  it('is a bar on a terminal, without escape codes for others to clean up', () => {
    const screen = new Screen(true);
    let now = 0;
    const progress = startProgress({ label: 'building', total: 100, unit: 'vectors', stream: screen, now: () => now });
    now = 2000;
    progress.update(50);
    progress.stop();
    expect(screen.text).toContain(
      `building ${'█'.repeat(12)}${'░'.repeat(12)} 50 of 100 vectors, 50 %, 25/s, 2.0 s left`,
    );
    expect(screen.text).not.toContain('\x1b[?25l');
    expect(screen.text).not.toContain('\x1b[?7l');
  });
});
