/** What a save leaves behind where the power fails: after each of its steps, every disk that there may be then. */
import { type Disk, type Files, SimulatedDisk, type Step } from './disk.ts';

export type Save = (disk: Disk, name: string, image: Uint8Array) => void;

/** What is found under the index's name: the file as it was, as it was to be, nothing, or something that is neither. */
export type Outcome = 'old' | 'new' | 'nothing' | 'neither';

export interface CrashPoint {
  /** The step that was the last; undefined before the first. */
  step: Step | undefined;
  /** Whether the save had returned: its caller may have told somebody. */
  acknowledged: boolean;
  disks: { files: Files; outcome: Outcome }[];
}

export const NAME = 'index.ann';

/** Saves `image` over `old` (undefined: the first save of all) on a disk, and looks at it after every step. */
export function crashPoints(save: Save, old: Uint8Array | undefined, image: Uint8Array): CrashPoint[] {
  const points: CrashPoint[] = [];
  const look = (disk: SimulatedDisk, step: Step | undefined) => {
    const disks = disk.crashes().map((files) => ({ files, outcome: outcomeOf(files.get(NAME), old, image) }));
    points.push({ step, acknowledged: false, disks });
  };
  const disk = new SimulatedDisk(old === undefined ? new Map() : new Map([[NAME, old]]), look);
  look(disk, undefined);
  save(disk, NAME, image);
  points[points.length - 1].acknowledged = true;
  return points;
}

/** How many disks of each kind. */
export function countOutcomes({ disks }: CrashPoint): Record<Outcome, number> {
  const counts = { old: 0, new: 0, nothing: 0, neither: 0 };
  for (const { outcome } of disks) counts[outcome]++;
  return counts;
}

export function outcomeOf(found: Uint8Array | undefined, old: Uint8Array | undefined, image: Uint8Array): Outcome {
  if (found === undefined) return old === undefined ? 'old' : 'nothing';
  if (sameBytes(found, image)) return 'new';
  return old !== undefined && sameBytes(found, old) ? 'old' : 'neither';
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
