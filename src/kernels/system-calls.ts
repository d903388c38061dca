/** The system's C library, for the few calls that Node does not offer: huge pages, and files in the address space. */
import { createRequire } from 'node:module';

type Koffi = typeof import('koffi');

/** What calls are declared with, and how to learn where bytes lie. */
export interface SystemLibrary {
  declare: ReturnType<Koffi['load']>['func'];
  addressOf(bytes: Uint8Array): number;
}

let library: SystemLibrary | undefined;

/**
 * Loaded when first asked for, which takes some milliseconds: koffi's binary does not exist for every system, and then this throws what
 * loading it threw.
 */
export function systemLibrary(): SystemLibrary {
  if (!library) {
    const koffi: Koffi = createRequire(import.meta.url)('koffi');
    const system = koffi.load(null);
    library = { declare: system.func.bind(system), addressOf: (bytes) => Number(koffi.address(bytes)) };
  }
  return library;
}
