/** Makes the checkout at `root` ready: Node, packages, WebAssembly. Throws a SetupError that says how to mend it. */
export function setup(root: string, options?: { say?: (text: string) => void }): Promise<void>;
export class SetupError extends Error {}
/** What the checkout lacks, in the order of mending. */
export function missing(root: string): ('node' | 'packages' | 'wasm')[];
/** Whether version `a` comes before version `b`. */
export function isOlder(a: string, b: string): boolean;
/** The npm package (`name@version`) that carries Node for a platform. */
export function nodePackage(
  manifest: { engines: { node: string }; annlab: { node: Record<string, string> } },
  platform?: string,
  arch?: string,
): string;
/** Whether node_modules holds what package-lock.json says. */
export function hasPackages(root: string, platform?: string, arch?: string): boolean;

interface Package {
  version?: string;
  integrity?: string;
  optional?: boolean;
  os?: string | string[];
  cpu?: string | string[];
}
/** Compares the lock file's packages with npm's record of the installed ones. */
export function sameAsLocked(
  locked: Record<string, Package>,
  installed: Record<string, Package>,
  platform: string,
  arch: string,
): boolean;
/** What to do about a failed npm, by what it printed. */
export function mendNpm(output: string): string;
