import { describe, expect, it } from 'vitest';
import { assert } from '../../src/core/assert.ts';
import * as errors from '../../src/core/errors.ts';

const cause = new Error('what was underneath');

/** One of each, with the code that programs tell it by, and what its message must hold: what, where, how to mend. */
const each: { error: errors.AnnError; code: string; says: string[] }[] = [
  {
    error: new errors.DimensionError({ expected: 1024, got: 768, where: 'query' }),
    code: 'DIMENSION',
    says: ['query', '768', '1024'],
  },
  {
    error: new errors.VectorValueError('row 7', 'component 3 is NaN', 'every component must be finite'),
    code: 'VECTOR_VALUE',
    says: ['row 7', 'component 3 is NaN', 'every component must be finite'],
  },
  {
    error: new errors.ParameterError({ parameter: 'k', got: 0, want: 'an integer of at least 1' }),
    code: 'PARAMETER',
    says: ['k = 0', 'an integer of at least 1'],
  },
  {
    error: new errors.CapacityError({ capacity: 10, want: 12 }),
    code: 'CAPACITY',
    says: ['10', '12', 'larger capacity'],
  },
  {
    error: new errors.MemoryLimitError({ needBytes: 5e9, limitBytes: 4294901760, fits: 900_000, shape: '1 × 2-D' }),
    code: 'MEMORY_LIMIT',
    says: ['1 × 2-D', '5000000000', '4294901760', '900000 vectors', 'lower the capacity'],
  },
  {
    error: new errors.AddressSpaceError({ needBytes: 65536, shape: '1 × 2-D' }, { cause }),
    code: 'ADDRESS_SPACE',
    says: ['1 × 2-D', '65536', 'lower the capacity', 'ulimit -v'],
  },
  {
    error: new errors.BusyError('a pool is adding vectors: await it'),
    code: 'BUSY',
    says: ['pool is adding', 'await'],
  },
  { error: new errors.ReadOnlyError('a.ann'), code: 'READ_ONLY', says: ['a.ann', 'searching only', '"open"'] },
  {
    error: new errors.WorkerDiedError({ why: 'exit code 1', added: 3, rows: 10 }, { cause }),
    code: 'WORKER_DIED',
    says: ['exit code 1', 'first 3 of 10 rows', 'add the rest'],
  },
  { error: new errors.PoolClosedError(), code: 'POOL_CLOSED', says: ['closed', 'start another'] },
  {
    error: new errors.BrokenIndexError('node 5 has links that cannot be'),
    code: 'BROKEN_INDEX',
    says: ['node 5', 'damaged', 'build it again'],
  },
  { error: new errors.DuplicateIdError(5), code: 'DUPLICATE_ID', says: ['id 5', 'its own id'] },
  {
    error: new errors.DataFileError('base.fvecs', 'ends after 3 of 4 rows', 'fetch it again', { cause }),
    code: 'DATA_FILE',
    says: ['base.fvecs', 'ends after 3 of 4 rows', 'fetch it again'],
  },
  {
    error: new errors.ChecksumError({ file: 'x.gz', want: '9f3a', got: '02bc' }),
    code: 'CHECKSUM',
    says: ['x.gz', '9f3a', '02bc', 'fetch it again'],
  },
  {
    error: new errors.IndexFileError('a.ann', 'ends in its header', 'restore it', { cause }),
    code: 'INDEX_FILE',
    says: ['a.ann', 'ends in its header', 'restore it'],
  },
  {
    error: new errors.FormatVersionError({ file: 'a.ann', got: 7, reads: 1 }),
    code: 'FORMAT_VERSION',
    says: ['a.ann', 'version 7', 'reads 1', 'npm run annlab -- build'],
  },
  {
    error: new errors.CorruptionError({
      ...{ file: 'a.ann', section: 'records', block: 41, offset: 2_752_512 },
      ...{ want: 0x9f3a0001, got: 0x2bc },
    }),
    code: 'CORRUPTION',
    says: ['a.ann', 'records', 'block 41', 'byte 2752512', 'want 9f3a0001', 'got 000002bc', 'backup', 'build'],
  },
  {
    error: new errors.DownloadError('https://example.org/x', 'status 404', 'look at the address', { cause }),
    code: 'DOWNLOAD',
    says: ['https://example.org/x', 'status 404', 'look at the address'],
  },
  { error: new errors.UsageError('--k wants a number'), code: 'USAGE', says: ['--k wants a number'] },
  {
    error: new errors.OutputError('out/report.html', 'no space left', 'free some', { cause }),
    code: 'OUTPUT',
    says: ['out/report.html', 'no space left', 'free some'],
  },
];

describe('errors', () => {
  it.each(each)('$code says what, where and how to mend, in one line', ({ error, code, says }) => {
    expect(error).toBeInstanceOf(errors.AnnError);
    expect(error).toBeInstanceOf(Error);
    expect(error.code).toBe(code);
    expect(error.name).toBe(error.constructor.name);
    for (const part of says) expect(error.message).toContain(part);
    expect(error.message).not.toContain('\n');
    expect(error.message).not.toMatch(/undefined|\[object/);
  });

  it('every class there is has its own code, and is in this test', () => {
    const classes = Object.entries(errors).filter(([name]) => name !== 'AnnError');
    expect(new Set(each.map(({ error }) => error.name))).toEqual(new Set(classes.map(([name]) => name)));
    expect(new Set(each.map(({ code }) => code)).size).toBe(each.length);
  });

  it('what was underneath is kept', () => {
    const caused = each.filter(({ code }) =>
      ['DATA_FILE', 'INDEX_FILE', 'DOWNLOAD', 'OUTPUT', 'ADDRESS_SPACE'].includes(code),
    );
    expect(caused.map(({ error }) => error.cause)).toEqual(caused.map(() => cause));
  });

  it('carry what a program may want to read', () => {
    expect(new errors.DimensionError({ expected: 3, got: 2, where: 'query' })).toMatchObject({ expected: 3, got: 2 });
    expect(new errors.ParameterError({ parameter: 'k', got: 0, want: '' }).parameter).toBe('k');
    expect(new errors.MemoryLimitError({ needBytes: 2, limitBytes: 1, fits: 7, shape: '' }).fits).toBe(7);
    expect(new errors.DuplicateIdError(4_294_967_295).id).toBe(4_294_967_295);
    expect(new errors.DataFileError('a', 'b', 'c').file).toBe('a');
    expect(new errors.IndexFileError('a', 'b', 'c').file).toBe('a');
    expect(new errors.FormatVersionError({ file: 'a', got: 2, reads: 1 })).toMatchObject({
      file: 'a',
      got: 2,
      reads: 1,
    });
    const broken = { file: 'a', section: 's', block: 3 };
    expect(new errors.CorruptionError({ ...broken, offset: 0, want: 1, got: 2 })).toMatchObject(broken);
  });
});

describe('assert', () => {
  it('is silent where the promise is kept, and says that the bug is ours where it is not', () => {
    expect(() => assert(true, 'unused')).not.toThrow();
    expect(() => assert(false, 'the pool is sorted')).toThrow(
      new Error('internal error: the pool is sorted (please report it)'),
    );
    expect(() => assert(false, 'x')).not.toThrow(errors.AnnError);
  });
});
