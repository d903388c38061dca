import type { Mutant } from 'annlab/exercises';

const SHORT = "  if (block.length < BLOCK_BYTES) throw new FileFault('short');\n";
const VIEW = 'new DataView(block.buffer, block.byteOffset, block.byteLength)';
const MAGIC = "  if (header.magic !== MAGIC) throw new FileFault('magic');\n";
const VERSION = "  if (header.version !== VERSION) throw new FileFault('version');\n";
const CRC = `  const crc = crc32c(block.subarray(0, HEADER_CRC_AT));
  if (view.getUint32(HEADER_CRC_AT, true) !== crc) throw new FileFault('checksum', { block: 0 });
`;
const SIZES = "  if (layoutOf(header).fileBytes !== fileBytes) throw new FileFault('sizes');\n";
const OWN = 'records + id * recordBytes + 4 * this.header.dimension';
const GUARD = '    if (level > top) return new Uint32Array(0);\n';
const LIST = 'level === 0 ? behindVector + 8 : upper + (row + level - 1) * listBytes';
const LINKS = 'return this.file.u32(list + 4, count);';
const SYNC = '  disk.sync(temporary);\n';
const RENAME = '  disk.rename(temporary, name);\n';
const SYNC_DIRECTORY = '  disk.syncDirectory();\n';
const SAVE = `  const temporary = \`\${name}.tmp\`;
  disk.write(temporary, image);
${SYNC}${RENAME}${SYNC_DIRECTORY}`;

export const mutants: Mutant[] = [
  {
    name: 'big-endian',
    hole: 'read-header',
    mistake: 'getUint32 without its second argument: the bytes of each number are read from the other end.',
    find: '[field, view.getUint32(4 * i, true)]',
    replace: '[field, view.getUint32(4 * i)]',
  },
  {
    name: 'aligned-only',
    hole: 'read-header',
    mistake: 'A Uint32Array on the block: it can begin at multiples of 4 only, and has the machine’s byte order.',
    find: '[field, view.getUint32(4 * i, true)]',
    replace: '[field, new Uint32Array(block.buffer, block.byteOffset, FIELDS.length)[i]]',
  },
  {
    name: 'minus-one',
    hole: 'read-header',
    mistake: 'The empty graph’s 2³² − 1 is made −1 here already: the header is not the one that was written.',
    find: '  return header;\n',
    replace: '  return { ...header, entryPoint: header.entryPoint | 0, topLevel: header.topLevel | 0 };\n',
  },
  {
    name: 'from-the-buffers-start',
    hole: 'read-header',
    mistake: 'The view begins where the buffer does, not where the block does.',
    find: VIEW,
    replace: 'new DataView(block.buffer)',
  },
  {
    name: 'length-ignored',
    hole: 'read-header',
    mistake: 'Nobody looks whether there is a whole block: a short file ends in a RangeError.',
    find: SHORT,
    replace: '',
  },
  {
    name: 'length-of-the-file',
    hole: 'read-header',
    mistake: 'The length of the file is asked, not that of the block: what was not read is not there.',
    find: SHORT,
    replace: "  if (fileBytes < BLOCK_BYTES) throw new FileFault('short');\n",
  },
  {
    name: 'magic-ignored',
    hole: 'read-header',
    mistake: 'Any file is taken for one of ours, until something else does not fit.',
    find: MAGIC,
    replace: '',
  },
  {
    name: 'version-ignored',
    hole: 'read-header',
    mistake: 'A file of another version is read as if it were of this one.',
    find: VERSION,
    replace: '',
  },
  {
    name: 'older-accepted',
    hole: 'read-header',
    mistake: 'Only newer versions are refused, though nothing here knows how an older one is read.',
    find: 'header.version !== VERSION',
    replace: 'header.version > VERSION',
  },
  {
    name: 'checksum-before-version',
    hole: 'read-header',
    mistake: 'The checksum is compared first: a file of the next version, which keeps it elsewhere, is called damaged.',
    find: `${VERSION}${CRC}`,
    replace: `${CRC}${VERSION}`,
  },
  {
    name: 'checksum-ignored',
    hole: 'read-header',
    mistake: 'The fields are believed as they stand.',
    find: CRC,
    replace: '',
  },
  {
    name: 'checksum-of-itself',
    hole: 'read-header',
    mistake: 'The crc is taken over the whole block, the place where it stands included.',
    find: 'crc32c(block.subarray(0, HEADER_CRC_AT))',
    replace: 'crc32c(block)',
  },
  {
    name: 'checksum-of-the-fields',
    hole: 'read-header',
    mistake:
      'The crc covers the fields only, with zeros put in the place of what is behind them: padding may say anything.',
    find: 'const crc = crc32c(block.subarray(0, HEADER_CRC_AT));',
    replace: 'const crc = crc32c(block.slice(0, HEADER_CRC_AT).fill(0, 4 * FIELDS.length));',
  },
  {
    name: 'block-not-named',
    hole: 'read-header',
    mistake: 'The fault does not say which block is damaged.',
    find: "throw new FileFault('checksum', { block: 0 })",
    replace: "throw new FileFault('checksum')",
  },
  {
    name: 'sizes-ignored',
    hole: 'read-header',
    mistake: 'Nobody compares the sizes with the file: a cut one is opened, and reading beyond its end comes later.',
    find: SIZES,
    replace: '',
  },
  {
    name: 'at-least-so-long',
    hole: 'read-header',
    mistake: 'A file that is too long is taken: whatever was appended to it, or is left of a longer one.',
    find: 'layoutOf(header).fileBytes !== fileBytes',
    replace: 'layoutOf(header).fileBytes > fileBytes',
  },
  {
    name: 'allocates-first',
    hole: 'read-header',
    mistake: 'Room for the vectors is made before the count is compared with the file.',
    find: SIZES,
    replace: `  const vectors = new Float32Array(header.count * header.dimension);
  if (layoutOf(header).fileBytes !== fileBytes || vectors.length > fileBytes) throw new FileFault('sizes');
`,
  },
  {
    name: 'links-copied',
    hole: 'neighbors',
    mistake: 'The list is copied out of the file: right, and an allocation for every hop.',
    find: LINKS,
    replace: 'return this.file.u32(list + 4, count).slice();',
  },
  {
    name: 'count-among-links',
    hole: 'neighbors',
    mistake: 'Off by one: the count is returned as the first link, and the last one is missing.',
    find: LINKS,
    replace: 'return this.file.u32(list, count);',
  },
  {
    name: 'all-the-room',
    hole: 'neighbors',
    mistake: 'The count is not asked: all the room of the list is returned, links to node 0 where nothing was written.',
    find: LINKS,
    replace: 'return this.file.u32(list + 4, count === 0 ? 0 : level === 0 ? this.header.M0 : this.header.M);',
  },
  {
    name: 'vector-in-components',
    hole: 'neighbors',
    mistake: 'The vector is taken to be `dimension` bytes long; it is as many floats.',
    find: OWN,
    replace: 'records + id * recordBytes + this.header.dimension',
  },
  {
    name: 'no-level-asked',
    hole: 'neighbors',
    mistake: 'Above its level a node is given the list of whoever comes next.',
    find: GUARD,
    replace: '',
  },
  {
    name: 'own-level-left-out',
    hole: 'neighbors',
    mistake: 'A node is refused the list of its own level: whoever lives on the ground only has no links at all.',
    find: GUARD,
    replace: '    if (level >= top) return new Uint32Array(0);\n',
  },
  {
    name: 'rows-from-level-0',
    hole: 'neighbors',
    mistake: 'Row `upper` is taken for level 0: everybody is one row too far.',
    find: LIST,
    replace: 'level === 0 ? behindVector + 8 : upper + (row + level) * listBytes',
  },
  {
    name: 'rows-of-records',
    hole: 'neighbors',
    mistake: 'The upper lists are taken to be as far apart as the records.',
    find: LIST,
    replace: 'level === 0 ? behindVector + 8 : upper + (row + level - 1) * recordBytes',
  },
  {
    name: 'padding-forgotten',
    hole: 'neighbors',
    mistake: 'The upper lists are looked for right behind the last record, not where the next block begins.',
    find: LIST,
    replace:
      'level === 0 ? behindVector + 8 : records + this.header.count * recordBytes + (row + level - 1) * listBytes',
  },
  {
    name: 'parses-its-way',
    hole: 'neighbors',
    mistake: 'Right links, too much work: the rows of all nodes in front are counted, which reads every record.',
    find: 'const [top, row] = this.file.u32(behindVector, 2);',
    replace: `const [top] = this.file.u32(behindVector, 1);
    let row = 0;
    for (let at = behindVector - id * recordBytes; at < behindVector; at += recordBytes) row += this.file.u32(at, 1)[0];`,
  },
  {
    name: 'looks-unchecked',
    hole: 'neighbors',
    mistake: 'A view of its own on the bytes: right links, and damage that nobody notices.',
    find: LINKS,
    replace: 'return new Uint32Array(this.file.bytes.buffer, this.file.bytes.byteOffset + list + 4, count);',
  },
  {
    name: 'in-place',
    hole: 'save',
    mistake: 'The file is overwritten where it is: from the first byte on the old index is gone.',
    find: SAVE,
    replace: '  disk.write(name, image);\n  disk.sync(name);\n  disk.syncDirectory();\n',
  },
  {
    name: 'sync-forgotten',
    hole: 'save',
    mistake: 'The name is on the disk before the bytes are: an empty file, or one with holes.',
    find: SYNC,
    replace: '',
  },
  {
    name: 'rename-before-sync',
    hole: 'save',
    mistake: 'Both are done, in the wrong order: between them the name leads to bytes that are not there yet.',
    find: `${SYNC}${RENAME}`,
    replace: `${RENAME}  disk.sync(name);\n`,
  },
  {
    name: 'directory-not-synced',
    hole: 'save',
    mistake: 'The rename waits in memory: the caller has been told, and the power brings the old index back.',
    find: SYNC_DIRECTORY,
    replace: '',
  },
  {
    name: 'directory-synced-too-early',
    hole: 'save',
    mistake: 'The directory is synced before the rename, which is what it should have made safe.',
    find: `${RENAME}${SYNC_DIRECTORY}`,
    replace: `${SYNC_DIRECTORY}${RENAME}`,
  },
  {
    name: 'removes-the-old-first',
    hole: 'save',
    mistake: 'The old file is removed to make room for the new name: for a moment there is neither.',
    find: RENAME,
    replace: `  if (disk.read(name)) disk.remove(name);\n${RENAME}`,
  },
  {
    name: 'syncs-the-wrong-file',
    hole: 'save',
    mistake: 'The file is synced that is already safe: the old one.',
    find: SYNC,
    replace: '  if (disk.read(name)) disk.sync(name);\n',
  },
  {
    name: 'copies-instead-of-renaming',
    hole: 'save',
    mistake: 'The temporary file is safe, and then the index is written in place all the same.',
    find: `${RENAME}${SYNC_DIRECTORY}`,
    replace: '  disk.write(name, image);\n  disk.sync(name);\n  disk.remove(temporary);\n  disk.syncDirectory();\n',
  },
  {
    name: 'refuses-leftovers',
    hole: 'save',
    mistake: 'A temporary file of a save that was cut short stops every save after it.',
    find: '  disk.write(temporary, image);\n',
    replace: `  if (disk.read(temporary)) throw new Error('another save is under way');
  disk.write(temporary, image);
`,
  },
  {
    name: 'a-name-for-each-save',
    hole: 'save',
    mistake: 'Every save has a temporary name of its own: what a cut one leaves is never overwritten, nor removed.',
    find: `\`\${name}.tmp\``,
    replace: `\`\${name}.\${Math.random()}\``,
  },
  {
    name: 'syncs-once-more',
    hole: 'save',
    mistake: 'To be on the safe side: safe it was, and the third sync makes every save wait again.',
    find: SYNC_DIRECTORY,
    replace: `${SYNC_DIRECTORY}  disk.sync(name);\n`,
  },
];
