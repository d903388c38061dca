/** Why a file is refused, by what was looked at first and did not hold. */
export type Fault =
  /** Fewer bytes than a header. */
  | 'short'
  /** The first four bytes are not ours. */
  | 'magic'
  /** Ours, of a version that this code does not know. */
  | 'version'
  /** A block is not what it was when its checksum was written. */
  | 'checksum'
  /** The file is not as long as its header says. */
  | 'sizes'
  /** A list or a vector that would lie outside of its region. */
  | 'place';

/** A file that is not what it should be: never a crash, never a wrong answer. */
export class FileFault extends Error {
  readonly fault: Fault;
  /** The block that is damaged, where `fault` is `checksum`. */
  readonly block: number | undefined;

  constructor(fault: Fault, { block }: { block?: number } = {}) {
    super(block === undefined ? WORDS[fault] : `block ${block}: ${WORDS[fault]}`);
    this.name = 'FileFault';
    this.fault = fault;
    this.block = block;
  }
}

/** What, and how to mend it. */
const WORDS: Record<Fault, string> = {
  short: 'the file ends within its header: restore it, or save the index again',
  magic: 'this is no index of day 06: look for the right file',
  version: 'the index was written by another version: open it with that one, or build it again',
  checksum: 'the bytes are not those that were written: restore the file, or build the index again',
  sizes: 'the file is longer or shorter than its header says: restore it, or save the index again',
  place: 'a place outside of the regions: the file was made by something that is broken; build the index again',
};
