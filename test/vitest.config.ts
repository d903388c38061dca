import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Tests of the days import the engine by its name, as learners do: take its source, not what was last built.
const conditions = ['annlab-source', 'module', 'node', 'development|production'];

/** Begun last, as on a new machine the smallest file is, they would leave a core idle for minutes. */
const LONGEST = ['/test/notebooks/notebooks.test.ts', '/test/days/days.test.ts', '/test/workers/pool.test.ts'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(name));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: ['annlab-source'] } },
  resolve: { conditions },
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 120_000,
    // Some compile kernels first, which on a busy machine takes longer than ten seconds.
    hookTimeout: 120_000,
    pool: 'forks',
    // Not one fewer, as by default: of two cores that would leave one idle.
    maxWorkers: '100%',
    sequence: { sequencer: LongestFirst },
  },
});
