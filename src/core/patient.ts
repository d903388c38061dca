/** Tells a listener how far something is that must not end before its end; what he throws waits until then. */
export function patient(onProgress: ((done: number, total: number) => void) | undefined, total: number) {
  const failures: unknown[] = [];
  return {
    report: (share: number) => {
      try {
        onProgress?.(Math.round(share * total), total);
      } catch (error) {
        failures.push(error);
      }
    },
    throwFirst: () => {
      if (failures.length > 0) throw failures[0];
    },
  };
}
