/** What the records of an index hold, and what that asks for. */
import type { FORM_CODES } from '../kernels/vectors.ts';
import { codesName } from '../quantize/walk-codes.ts';
import type { Codes } from './graph-layout.ts';
import type { WalkSpace } from './walk-space.ts';

/** Floats, 7-bit codes, bytes that are the vectors' components, or codes of a quantizer of this kind. */
export type Form = keyof typeof FORM_CODES;

/** What records may hold under such codes. */
export function formsOf(codes: Codes, { metric, lifted }: Pick<WalkSpace, 'metric' | 'lifted'>): Form[] {
  if (typeof codes === 'object') return [codes.kind];
  if (codes === 'f32') return ['f32'];
  return metric === 'cosine' || lifted ? ['sq7'] : ['sq7', 'u8'];
}

/** Whether the exact vectors lie beside the records, because these hold something else. */
export function keepsOriginals(form: Form, { lifted }: Pick<WalkSpace, 'lifted'>): boolean {
  return lifted || (form !== 'f32' && form !== 'u8');
}

/** f32, sq7, or what a quantizer's codes are called, such as pq64 or rabitq4. */
export function codesTitle(codes: Codes): string {
  return typeof codes === 'object' ? codesName(codes) : codes;
}
