import { defineConfig } from 'vitest/config';

// Tests of the days import the engine by its name, as learners do: take its source, not what was last built.
const conditions = ['annlab-source', 'module', 'node', 'development|production'];

export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: ['annlab-source'] } },
  resolve: { conditions },
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 120_000,
    pool: 'forks',
  },
});
