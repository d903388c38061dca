/** True when `compiled/` belongs to the sources of the checkout at `root`. */
export function isCompiled(root: string): boolean;
/** Says that `compiled/` now belongs to sources with this stamp: write it last, after every output. */
export function writeStamp(root: string, stamp: string): void;
/** The stamp of the sources as they are: sha256 over their sorted names and contents and the compiler's version. */
export function sourceStamp(root: string): string;
